#pragma once

#include <map>
#include <optional>
#include <string>

#include "ganvas/core/error.hpp"
#include "ganvas/format/model_file.hpp"
#include "ganvas/nn/detected.hpp"
#include "ganvas/nn/weights.hpp"
#include "nn/blocks.hpp"

namespace ganvas {

struct Described {
  std::string architecture;
  Detected network;
};

/// The network of a file that says itself what it is (the metadata of save_generator() and its kin); empty for others.
/// Its config is whatever JSON stands there.
std::optional<Described> described(const ModelFile& file);

/// Builds it by `make`(architecture, config). A description may lie about the size: twice the `stored` values of the
/// file and some leave room for a few missing layers, which are then named. Throws Error(model) with the file's `name`.
template <typename Make>
auto build_described(const Described& said, std::int64_t stored, const std::string& name, Make make) {
  try {
    const WeightBudget budget(2 * stored + 1'000'000);
    return make(said.architecture, said.network.config);
  } catch (const nlohmann::json::exception&) {
    fail(ErrorKind::model, "{}: its description of the network can't be read: {}", name, said.network.config.dump());
  } catch (const Error& error) {
    fail(ErrorKind::model, "{}: {}", name, error.what());
  }
}

/// Lets a file say what described() reads.
void describe(ModelFile& file, const std::string& architecture, const nlohmann::json& config);

/// On the CPU, floating-point ones in fp16 where `half`.
StateDict stored_weights(const torch::nn::Module& network, bool half);

/// A network's weights (fp16 where `half`) with `extra` metadata and what described() reads.
template <typename Network>
ModelFile described_file(const Network& network, const std::map<std::string, std::string>& extra, bool half = false) {
  ModelFile file;
  file.weights = stored_weights(network, half);
  file.metadata = extra;
  describe(file, network.architecture(), network.config());
  return file;
}

}  // namespace ganvas
