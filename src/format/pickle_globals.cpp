#include "format/pickle_globals.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "ganvas/core/error.hpp"

namespace ganvas::format {
namespace {

using Kind = Value::Kind;

struct NamedGlobal {
  std::string_view name;
  Global meaning;
};

constexpr std::array kGlobals{
    NamedGlobal{"collections.OrderedDict", Global::ordered_dict},
    NamedGlobal{"torch._utils._rebuild_tensor_v2", Global::tensor_v2},
    NamedGlobal{"torch._utils._rebuild_tensor", Global::tensor_v1},
    NamedGlobal{"torch._tensor._rebuild_from_type_v2", Global::tensor_from_type},
    NamedGlobal{"torch._utils._rebuild_parameter", Global::parameter},
    NamedGlobal{"torch._utils._rebuild_parameter_with_state", Global::parameter},
    NamedGlobal{"torch.nn.parameter.Parameter", Global::parameter},
    NamedGlobal{"torch.Size", Global::size},
    NamedGlobal{"torch.jit._pickle.build_intlist", Global::typed_list},
    NamedGlobal{"torch.jit._pickle.build_doublelist", Global::typed_list},
    NamedGlobal{"torch.jit._pickle.build_boollist", Global::typed_list},
    NamedGlobal{"torch.jit._pickle.build_tensorlist", Global::typed_list},
    NamedGlobal{"torch.jit._pickle.restore_type_tag", Global::typed},
    NamedGlobal{"collections.defaultdict", Global::empty_dict},
    NamedGlobal{"builtins.dict", Global::empty_dict},
    NamedGlobal{"__builtin__.dict", Global::empty_dict},
};

/// What attacks call and no checkpoint needs. Nothing of any module is imported or called here, these as little as the
/// others; but whoever has a file that tries should hear of it.
constexpr std::array<std::string_view, 23> kHostileModules{
    "os",  "posix", "nt",  "subprocess", "_posixsubprocess", "multiprocessing", "sys",        "shutil",
    "pty", "runpy", "imp", "importlib",  "ctypes",           "socket",          "webbrowser", "code",
    "pdb", "bdb",   "pip", "commands",   "timeit",           "cProfile",        "pydoc",
};
constexpr std::array<std::string_view, 8> kHostileBuiltins{"eval", "exec",       "execfile",   "compile",
                                                           "open", "__import__", "breakpoint", "input"};

bool is_hostile(std::string_view name) {
  const std::string_view package = name.substr(0, name.find('.'));
  if (std::ranges::find(kHostileModules, package) != kHostileModules.end()) return true;
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return (package == "builtins" || package == "__builtin__") &&
         std::ranges::find(kHostileBuiltins, last) != kHostileBuiltins.end();
}

/// The element type of "torch.FloatStorage" or, in old files from a GPU, "torch.cuda.FloatStorage".
const ElementType* storage_class(std::string_view name) {
  if (!name.starts_with("torch.")) return nullptr;
  name.remove_prefix(6);
  if (name.starts_with("cuda.")) name.remove_prefix(5);
  const auto types = element_types();
  const auto type = std::ranges::find(types, name, &ElementType::storage);
  return type == types.end() ? nullptr : &*type;
}

const Value& argument(const PickleContext& context, const Value& list, std::size_t index, Kind kind) {
  if (index >= list.items.size() || list.items[index]->kind != kind)
    context.damaged("a tensor or storage is described by arguments of the wrong number or type");
  return *list.items[index];
}

std::vector<std::int64_t> integers(const PickleContext& context, const Value& list) {
  std::vector<std::int64_t> result;
  if (list.items.size() > kMostDimensions) context.damaged("a tensor has too many dimensions");
  for (const Value* item : list.items) {
    if (item->kind != Kind::integer || item->integer < 0) context.damaged("a tensor's layout holds no natural number");
    result.push_back(item->integer);
  }
  return result;
}

/// Whether the last element lies within the storage; no intermediate result overflows.
bool is_within(const TensorReference& tensor, std::int64_t element_count) {
  const std::int64_t limit = tensor.storage->view_count;
  if (tensor.offset > limit) return false;
  if (element_count == 0) return true;
  std::int64_t last = tensor.offset;
  for (std::size_t i = 0; i < tensor.sizes.size(); ++i) {
    std::int64_t reach = 0;
    if (__builtin_mul_overflow(tensor.sizes[i] - 1, tensor.strides[i], &reach)) return false;
    if (__builtin_add_overflow(last, reach, &last)) return false;
  }
  return last < limit;
}

/// _rebuild_tensor(storage, offset, sizes, strides), to which v2 adds arguments that matter to autograd only.
void rebuild_tensor(const PickleContext& context, const Value& arguments, Value& result) {
  auto tensor = std::make_unique<TensorReference>();
  tensor->storage = argument(context, arguments, 0, Kind::storage).storage.get();
  tensor->offset = argument(context, arguments, 1, Kind::integer).integer;
  tensor->sizes = integers(context, argument(context, arguments, 2, Kind::tuple));
  tensor->strides = integers(context, argument(context, arguments, 3, Kind::tuple));
  const auto count = checked_element_count(tensor->sizes);
  if (!count || tensor->offset < 0 || tensor->strides.size() != tensor->sizes.size())
    context.damaged("a tensor has an impossible shape");
  if (!is_within(*tensor, *count)) context.damaged("a tensor reaches outside its storage");
  // Expanded tensors repeat elements (stride 0). A small file must not become an endless tensor by that.
  constexpr std::int64_t most_repeated = std::int64_t{1} << 24;
  if (*count > std::max(tensor->storage->view_count, most_repeated))
    context.damaged("a tensor has far more elements than its storage");
  tensor->offset += tensor->storage->view_offset;
  result.kind = Kind::tensor;
  result.tensor = std::move(tensor);
}

void copy_tensor(const PickleContext& context, const Value& arguments, Value& result) {
  result.tensor = std::make_unique<TensorReference>(*argument(context, arguments, 0, Kind::tensor).tensor);
  result.kind = Kind::tensor;
}

/// OrderedDict(), or OrderedDict([[key, value], ...]) from Python 2.
void build_dict(const PickleContext& context, const Value& arguments, Value& result) {
  result.kind = Kind::dict;
  if (arguments.items.empty()) return;
  for (const Value* pair : argument(context, arguments, 0, Kind::list).items) {
    if ((pair->kind != Kind::list && pair->kind != Kind::tuple) || pair->items.size() != 2)
      context.damaged("an OrderedDict is made of something else than pairs");
    result.items.insert(result.items.end(), pair->items.begin(), pair->items.end());
  }
}

/// A view of 2017: (key of the view, offset, count) in elements of the block.
void apply_view(const PickleContext& context, const Value& view, StorageReference& storage) {
  const std::int64_t offset = argument(context, view, 1, Kind::integer).integer;
  const std::int64_t count = argument(context, view, 2, Kind::integer).integer;
  if (offset < 0 || count < 0 || offset > storage.count || count > storage.count - offset)
    context.damaged("a view reaches outside its storage");
  storage.view_offset = offset;
  storage.view_count = count;
}

}  // namespace

void PickleContext::damaged(std::string_view what) const {
  fail(ErrorKind::model, "{}: damaged: {} (at byte {} of its pickle data); download it again", file, what, position);
}

void refuse_global(const std::string& file, std::string_view global) {
  // StyleGAN2-ADA's, StyleGAN3's and R3GAN's files bring their Python source along.
  if (global.starts_with("torch_utils.persistence."))
    fail(ErrorKind::model,
         "{}: refused: a pickle of live Python modules ({}), which runs their code when it is loaded; nothing was run. "
         "In Python, once, with its repository in the path: torch.save(pickle.load(open({}, \"rb\"))"
         "[\"G_ema\"].state_dict(), \"g.pth\")",
         file, global, in_quotes(file));
  const std::string_view name = global.substr(global.rfind('.') + 1);
  if (find_global(global) == Global::opaque && !name.empty() && name[0] >= 'A' && name[0] <= 'Z')
    fail(ErrorKind::model,
         "{}: refused: the pickle asks for {}: a whole Python module, whose code runs when it is loaded, and no state "
         "dict; nothing was run. In Python, once, where that class is known: torch.save(torch.load({}).state_dict(), "
         "\"g.pth\")",
         file, in_quotes(global), in_quotes(file));
  fail(ErrorKind::model,
       "{}: refused: the pickle asks for {}, which is not part of a state dict; nothing was run. Export one in Python "
       "with torch.save(model.state_dict(), ...)",
       file, in_quotes(global));
}

Global find_global(std::string_view name) {
  const auto found = std::ranges::find(kGlobals, name, &NamedGlobal::name);
  if (found != kGlobals.end()) return found->meaning;
  if (storage_class(name)) return Global::storage_class;
  return is_hostile(name) ? Global::hostile : Global::opaque;
}

void apply_global(const PickleContext& context, const Value& global, const Value& arguments, Value& result) {
  const bool callable = global.kind == Kind::global || global.kind == Kind::opaque;
  if (!callable || arguments.kind != Kind::tuple) context.damaged("a call of something uncallable");
  const auto make_opaque = [&](const std::string& name) {
    result.kind = Kind::opaque;
    result.text = name;
  };
  if (global.kind == Kind::opaque) return make_opaque(global.text);
  switch (find_global(global.text)) {
    case Global::ordered_dict:
      return build_dict(context, arguments, result);
    case Global::empty_dict:
      result.kind = Kind::dict;
      return;
    case Global::tensor_v1:
    case Global::tensor_v2:
      return rebuild_tensor(context, arguments, result);
    case Global::parameter:
      return copy_tensor(context, arguments, result);
    case Global::tensor_from_type: {
      // (function, type, arguments, state): a tensor with Python attributes.
      const Value& function = argument(context, arguments, 0, Kind::global);
      if (find_global(function.text) != Global::tensor_v2) return make_opaque(function.text);
      return rebuild_tensor(context, argument(context, arguments, 2, Kind::tuple), result);
    }
    case Global::size:
      result.items = argument(context, arguments, 0, Kind::tuple).items;
      result.kind = Kind::tuple;
      return;
    case Global::typed_list:
      result.items = argument(context, arguments, 0, Kind::list).items;
      result.kind = Kind::list;
      return;
    case Global::typed:
      // Of the values that have a type, lists are what programs need.
      if (arguments.items.empty() || arguments.items[0]->kind != Kind::list) return make_opaque(global.text);
      result.items = arguments.items[0]->items;
      result.kind = Kind::list;
      return;
    case Global::opaque:
      return make_opaque(global.text);
    case Global::storage_class:
    case Global::hostile:
      context.refused(global.text);
  }
}

void read_storage_id(const PickleContext& context, const Value& id, Value& result) {
  if (id.kind == Kind::tuple && id.items.size() > 1 && id.items[0]->kind == Kind::text &&
      id.items[0]->text == "module") {
    result.text = argument(context, id, 1, Kind::global).text;
    result.kind = Kind::global;
    return;
  }
  if (id.kind != Kind::tuple || id.items.empty() || id.items[0]->kind != Kind::text || id.items[0]->text != "storage")
    context.damaged("something outside the pickle that is not a storage");
  auto storage = std::make_unique<StorageReference>();
  const Value& type = argument(context, id, 1, Kind::global);
  storage->type = storage_class(type.text);
  if (!storage->type) context.refused(type.text);
  const std::string& key = argument(context, id, 2, Kind::text).text;
  constexpr std::size_t longest_key = 256;
  if (key.size() > longest_key) context.damaged("a storage has an endless name");
  storage->key = key;
  storage->count = argument(context, id, 4, Kind::integer).integer;
  if (!checked_element_count({&storage->count, 1})) context.damaged("a storage has an impossible size");
  storage->view_count = storage->count;
  if (id.items.size() > 5 && id.items[5]->kind != Kind::none)
    apply_view(context, argument(context, id, 5, Kind::tuple), *storage);
  result.kind = Kind::storage;
  result.storage = std::move(storage);
}

}  // namespace ganvas::format
