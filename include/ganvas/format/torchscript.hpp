#pragma once

#include <torch/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

/// TorchScript archives: programs with weights, as torch.jit.save writes them. Here they are read as data: texts of
/// sources, and objects that hold tensors, numbers, texts, lists and tuples. Nothing is compiled or run.
namespace ganvas {

struct ScriptObject;
struct ScriptValue;

struct ScriptList {
  std::vector<ScriptValue> items;
  bool is_tuple = false;
};

/// Something that the reader doesn't take: an object of C++, a quantised tensor. `what` names it.
struct ScriptUnknown {
  std::string what;
};

struct ScriptValue {
  std::variant<std::monostate, bool, std::int64_t, double, std::string, torch::Tensor, std::shared_ptr<ScriptList>,
               std::shared_ptr<ScriptObject>, ScriptUnknown>
      value;
};

/// An instance of a class of the program.
struct ScriptObject {
  std::string type;  ///< "__torch__.torch.nn.modules.conv.Conv2d"
  std::map<std::string, ScriptValue> attributes;
};

struct ScriptArchive {
  std::map<std::string, std::string> sources;  ///< by module: "__torch__.torch.nn.modules.conv"
  std::shared_ptr<ScriptObject> root;          ///< nullptr only where `foreign` says why
  std::vector<ScriptValue> constants;
  std::string description;  ///< "ganvas.json" of our own exports
  /// What is more than data, and so not read: an object of a C++ class (`torch.classes`), one that unpacks itself
  /// (`__setstate__`). Empty for tame archives.
  std::string foreign;
};

/// Whether a file is one, by its content; false for all else, missing and broken files included.
bool is_torchscript(const std::filesystem::path& path);

/// One reading by our own zip and pickle readers. Throws Error(model) for damaged and hostile archives and for sources
/// that are too long.
ScriptArchive read_torchscript(const std::filesystem::path& path);

}  // namespace ganvas
