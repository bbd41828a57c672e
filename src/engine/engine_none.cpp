// The engine of a build without oneDNN: there is none, and LibTorch runs the networks.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/engine/engine.hpp"
#include "ganvas/engine/tuning.hpp"

namespace ganvas {

class EngineMemory {};
std::shared_ptr<EngineMemory> make_engine_memory() { return std::make_shared<EngineMemory>(); }

struct Engine::State {};

bool engine_has_bf16() { return false; }
bool engine_has_int8() { return false; }

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;
bool Engine::bf16() const { return false; }
bool Engine::int8() const { return false; }
std::string Engine::layouts() const { return {}; }

std::unique_ptr<Engine> Engine::compile(Generator&, const EngineOptions&, std::string& why) {
  why = "built without oneDNN";
  return nullptr;
}

torch::Tensor Engine::run(const torch::Tensor& picture) { return picture; }

Tuning tune_engine(Generator&, const std::string&, int, int) {
  fail(ErrorKind::usage, "built without oneDNN: there is no engine to tune");
}

}  // namespace ganvas
