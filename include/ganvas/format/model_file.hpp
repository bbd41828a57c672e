#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "ganvas/format/state_dict.hpp"

namespace ganvas {

/// The content of a model file, free of its container.
struct ModelFile {
  StateDict weights;
  /// Free text pairs: safetensors' `__metadata__`. Empty for .pth files.
  std::map<std::string, std::string> metadata;
  /// A pair's text; empty where there is none.
  std::string text(const std::string& key) const {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  }
  /// Where in a .pth the weights were found, e.g. "params_ema", or "model/params" for a dict in a dict; empty when at
  /// the top.
  std::string wrapper;
  /// "safetensors", "pth (zip)" or "pth (legacy)".
  std::string container;
};

/// Reads .safetensors, .pth/.pt (zip or legacy pickle); the container is recognised by content.
/// Wrappers are removed: `params_ema`, `state_dict`, `generator`, `netG` and their kin, averaged weights first, else
/// the only dict that holds tensors. Of generator and discriminator the generator is taken. Prefixes common to all keys
/// go (`module.`, `_orig_mod.`, `model.`, `net_g.`, `netG.`, `generator.`; as often as they occur, in any order;
/// `model.` stays where it is the network's own name), and so do counters (`n_averaged`, `total_ops`, `total_params`).
/// What stands beside the tensors is passed over, objects of unknown Python classes included. Tensors that share memory
/// in a .pth share it here too. Nothing in a file is ever executed. Throws Error(file) when unreadable and Error(model)
/// when damaged, hostile or not a state dict, naming the reason.
ModelFile read_model_file(const std::filesystem::path& path);

/// Writes by extension: .safetensors, or .pth/.pt (torch.save's zip layout, an OrderedDict that torch.load reads,
/// also with weights_only=True). `wrapper`, when not empty, becomes the one top-level key of a .pth.
/// Atomic. Throws Error(usage) for another extension.
void write_model_file(const std::filesystem::path& path, const ModelFile& model);

}  // namespace ganvas
