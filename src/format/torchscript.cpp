#include "ganvas/format/torchscript.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "format/pickle_reader.hpp"
#include "format/pth_reader.hpp"
#include "format/torchscript_source.hpp"
#include "format/zip_content.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

using format::ByteSource;
using format::ZipEntry;
using PickledKind = format::Value::Kind;
using Entries = std::map<std::string, ZipEntry>;

constexpr std::string_view kClasses = "__torch__.";
constexpr std::string_view kForeignClasses = "__torch__.torch.classes";

/// From the pickle's values to ours. Objects that several hold stay one object.
class ScriptReader {
 public:
  ScriptReader(const ByteSource& source, format::Storages& storages, std::string& foreign)
      : source_(source), storages_(storages), foreign_(foreign) {}

  ScriptValue read(const format::Value& value, int depth = 0) {
    // Values may be shared and hold themselves.
    constexpr std::size_t most = 2'000'000;
    if (depth > deepest || ++count_ > most) too_deep();
    reached_ = std::max(reached_, depth);
    switch (value.kind) {
      case PickledKind::none:
        return {};
      case PickledKind::boolean:
        return {value.integer != 0};
      case PickledKind::integer:
        return {value.integer};
      case PickledKind::real:
        return {value.real};
      case PickledKind::text:
        return {value.text};
      case PickledKind::tuple:
      case PickledKind::list:
        return list(value, depth);
      case PickledKind::tensor:
        return {storages_.load(*value.tensor)};
      case PickledKind::opaque:
        return object(value, depth);
      case PickledKind::dict:
        return {ScriptUnknown{"a dict"}};
      case PickledKind::global:
      case PickledKind::storage:
        break;
    }
    return {ScriptUnknown{"a class"}};
  }

 private:
  static constexpr int deepest = 200;

  struct Known {
    std::shared_ptr<ScriptObject> object;
    int height = -1;  ///< how many values it holds, one inside the other; unknown while it is read
  };

  [[noreturn]] void too_deep() const {
    fail(ErrorKind::model, "{}: refused: its objects are nested too deeply or too many", source_.name());
  }

  ScriptValue list(const format::Value& value, int depth) {
    auto result = std::make_shared<ScriptList>();
    result->is_tuple = value.kind == PickledKind::tuple;
    for (const format::Value* item : value.items) result->items.push_back(read(*item, depth + 1));
    return {std::move(result)};
  }

  ScriptValue object(const format::Value& value, int depth) {
    if (!value.text.starts_with(kClasses)) return {ScriptUnknown{value.text}};
    if (const auto known = objects_.find(&value); known != objects_.end()) {
      // Whoever goes from object to object comes no deeper than this reader, however they share their parts.
      if (known->second.height < 0 || depth + known->second.height > deepest) too_deep();
      reached_ = std::max(reached_, depth + known->second.height);
      return {known->second.object};
    }
    auto result = std::make_shared<ScriptObject>();
    objects_[&value].object = result;
    result->type = value.text;
    const format::Value* state = value.items.empty() ? nullptr : value.items.back();
    if (!state || state->kind != PickledKind::dict) {
      foreign_ = fmt::format("a '__setstate__' in {}", format::in_quotes(value.text));
      return {ScriptUnknown{value.text}};
    }
    const int outside = std::exchange(reached_, depth);
    for (std::size_t i = 0; i + 1 < state->items.size(); i += 2) {
      if (state->items[i]->kind == PickledKind::text && state->items[i]->text.size() <= 1024)
        result->attributes[state->items[i]->text] = read(*state->items[i + 1], depth + 1);
    }
    objects_[&value].height = reached_ - depth;
    reached_ = std::max(reached_, outside);
    return {std::move(result)};
  }

  const ByteSource& source_;
  format::Storages& storages_;
  std::string& foreign_;
  std::unordered_map<const format::Value*, Known> objects_;
  std::size_t count_ = 0;
  int reached_ = 0;  ///< the depth of the deepest value since the object that is being read
};

/// A pickle of the archive with the storages in `folder`.
ScriptValue read_script_pickle(const ByteSource& source, const Entries& entries, const std::string& name,
                               const std::string& folder, std::string& foreign) {
  constexpr std::uint64_t longest = 256 << 20;
  const auto entry = entries.find(name);
  if (entry == entries.end()) return {};
  const std::string text = format::read_entry(source, name, entry->second, longest);
  const format::MemorySource bytes({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, source.name());
  format::Cursor cursor(bytes, 0, bytes.size());
  const format::Pickle pickle = format::read_pickle(cursor);
  // In whatever corner: nothing that C++ would unpack.
  for (const format::Value& value : pickle.values) {
    if (value.kind == PickledKind::global && value.text.starts_with(kForeignClasses)) {
      foreign = fmt::format("an object of the C++ class {}", format::in_quotes(value.text));
      return {};
    }
  }
  format::Storages storages(source);
  format::add_storages(pickle, entries, folder, storages);
  return ScriptReader(source, storages, foreign).read(*pickle.root);
}

/// "model/code/__torch__/torch/nn.py" -> "__torch__.torch.nn".
std::string module_of(std::string_view path) {
  std::string result(path.substr(0, path.size() - 3));
  std::ranges::replace(result, '/', '.');
  return result;
}

void read_sources(const ByteSource& source, const Entries& entries, const std::string& folder, ScriptArchive& archive) {
  // Programs have kilobytes; what grows beyond this while it is unpacked is an attack.
  std::uint64_t left = 64 << 20;
  const std::string code = folder + "code/";
  for (const auto& [name, entry] : entries) {
    if (!name.starts_with(code) || !name.ends_with(".py")) continue;
    std::string text = format::read_entry(source, name, entry, left);
    left -= text.size();
    archive.sources[module_of(std::string_view(name).substr(code.size()))] = std::move(text);
  }
}

}  // namespace

bool is_torchscript(const std::filesystem::path& path) {
  try {
    const format::FileSource source(path);
    if (!format::is_zip(source)) return false;
    const auto entries = format::read_zip_directory(source);
    return format::holds_torchscript(entries);
  } catch (const Error&) {
    return false;
  }
}

ScriptArchive read_torchscript(const std::filesystem::path& path) {
  return format::read_torchscript(format::FileSource(path));
}

ScriptArchive format::read_torchscript(const ByteSource& source) {
  if (source.name().ends_with(".safetensors"))
    fail(ErrorKind::model,
         "{}: refused: named .safetensors, but its content is a TorchScript program; rename it if you "
         "know what it is",
         source.name());
  const Entries entries = format::read_zip_directory(source);
  const std::string folder = format::find_folder(source, entries);
  ScriptArchive archive;
  read_sources(source, entries, folder, archive);
  ScriptValue root = read_script_pickle(source, entries, folder + "data.pkl", folder + "data/", archive.foreign);
  if (const auto* object = std::get_if<std::shared_ptr<ScriptObject>>(&root.value)) archive.root = *object;
  else if (archive.foreign.empty())
    fail(ErrorKind::model, "{}: refused: a TorchScript archive without a module", source.name());
  const ScriptValue constants =
      read_script_pickle(source, entries, folder + "constants.pkl", folder + "constants/", archive.foreign);
  if (const auto* list = std::get_if<std::shared_ptr<ScriptList>>(&constants.value)) archive.constants = (*list)->items;
  constexpr std::uint64_t longest_description = 16 << 20;
  if (const auto entry = entries.find(folder + "extra/ganvas.json"); entry != entries.end())
    archive.description = format::read_entry(source, entry->first, entry->second, longest_description);
  return archive;
}

}  // namespace ganvas
