#pragma once

#include <filesystem>
#include <string>

#include "ganvas/format/state_dict.hpp"

namespace ganvas::format {

/// Writes torch.save's zip format: an OrderedDict of tensors, under the key `wrapper` of a dict unless that is empty.
void write_pth(const std::filesystem::path& path, const StateDict& weights, const std::string& wrapper);

}  // namespace ganvas::format
