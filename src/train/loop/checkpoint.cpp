#include "train/loop/checkpoint.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/core/parse_number.hpp"
#include "ganvas/format/safetensors.hpp"

namespace ganvas {

void Checkpoint::add(const std::string& prefix, const StateDict& weights) {
  for (const auto& [key, tensor] : weights) tensors.set(prefix + key, tensor);
}

StateDict Checkpoint::below(const std::string& prefix) const {
  StateDict found;
  for (const auto& [key, tensor] : tensors)
    if (key.starts_with(prefix)) found.set(key.substr(prefix.size()), tensor);
  return found;
}

const std::string& Checkpoint::fact(const std::string& key, const std::string& name) const {
  const auto found = facts.find(key);
  if (found == facts.end()) fail(ErrorKind::model, "{}: is no checkpoint of a training run", name);
  return found->second;
}

std::int64_t Checkpoint::count(const std::string& key, const std::string& name) const {
  const std::string& text = fact(key, name);
  const auto value = parse_number<std::int64_t>(text);
  if (!value || *value < 0) fail(ErrorKind::model, "{}: its {} '{}' is not a whole number", name, key, text);
  return *value;
}

torch::Tensor Checkpoint::random_state() { return at::detail::getDefaultCPUGenerator().get_state(); }

void Checkpoint::add_random_state(const torch::Tensor& states) {
  // The first process's by itself, as runs of one process have always had it.
  tensors.set("random/cpu", states[0].clone());
  if (states.size(0) > 1) tensors.set("random/all", states);
  if (torch::cuda::is_available())
    tensors.set("random/cuda", at::globalContext().defaultGenerator(at::Device(at::kCUDA)).get_state());
}

bool Checkpoint::restore_random_state(int rank, int size) const {
  const torch::Tensor* all = tensors.find("random/all");
  if ((all ? all->size(0) : 1) != size) return false;
  // A handle on the one default generator, whose state it is.
  at::Generator cpu = at::detail::getDefaultCPUGenerator();
  cpu.set_state(all ? (*all)[rank].clone() : tensors.at("random/cpu"));
  if (const torch::Tensor* state = tensors.find("random/cuda"); state && torch::cuda::is_available()) {
    at::Generator cuda = at::globalContext().defaultGenerator(at::Device(at::kCUDA));
    cuda.set_state(*state);
  }
  return true;
}

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  write_safetensors(path, checkpoint.tensors, checkpoint.facts);
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  try {
    Safetensors file = read_safetensors(path);
    return {std::move(file.tensors), std::move(file.metadata)};
  } catch (const Error& error) {
    std::string text = error.what();
    constexpr std::string_view for_models = "; download it again";
    if (!text.ends_with(for_models)) throw;
    text.resize(text.size() - for_models.size());
    fail(error.kind(), "{}; put an earlier one in its place (train.keep_every) or begin another run", text);
  }
}

}  // namespace ganvas
