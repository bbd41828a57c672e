#pragma once

#include <cstdint>
#include <opencv2/core/types.hpp>
#include <string>

namespace ganvas {

/// Refuses a result of this size where its making takes more bytes than there are. The system hands out memory that it
/// doesn't have and kills whoever uses it: asked for beforehand, a picture that is too large is one line and not the
/// end of the batch.
void require_memory(cv::Size result, double bytes);

/// Refuses a picture whose header claims more pixels than `limit`: a bomb is known before its size is used for
/// anything.
void require_pixels_within(std::uint64_t limit, std::int64_t width, std::int64_t height, const std::string& name);

}  // namespace ganvas
