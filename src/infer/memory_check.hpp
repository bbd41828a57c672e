#pragma once

#include <opencv2/core/types.hpp>

namespace ganvas {

/// Refuses a result of this size where its making takes more bytes than there are. The system hands out memory that it
/// doesn't have and kills whoever uses it: asked for beforehand, a picture that is too large is one line and not the
/// end of the batch.
void require_memory(cv::Size result, double bytes);

}  // namespace ganvas
