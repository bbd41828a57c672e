#include "engine/operators/operators.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas::engine {

std::vector<Traced> Input::traced() { return {}; }
std::vector<Example> Input::examples() { return {}; }

at::Tensor Input::evaluate(Evaluation&) const { fail(ErrorKind::internal, "the picture isn't computed"); }

std::string Input::onnx(OnnxWriter&, const Names&) const { return "input"; }
std::string Input::script(ScriptWriter&, const Names&) const { return "input"; }

}  // namespace ganvas::engine
