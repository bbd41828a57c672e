#pragma once

namespace ganvas {

/// What a result leaves out of its input's metadata: nothing, where a photograph was taken (EXIF's and XMP's GPS), all,
/// or all but what the colours mean (ICC profile, PNG's colour chunks).
enum class Strip { nothing, gps, all, all_but_colours };

}  // namespace ganvas
