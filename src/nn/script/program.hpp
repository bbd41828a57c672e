#pragma once

#include <ATen/core/ivalue.h>
#include <torch/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ganvas/format/torchscript.hpp"
#include "nn/script/syntax.hpp"

namespace ganvas::script {

/// All classes and functions of an archive by their full names ("__torch__.torch.nn.modules.conv.Conv2d").
struct Program {
  std::map<std::string, Class> classes;
  std::map<std::string, Function> functions;
};

/// Parses all sources and looks at every call in them, also in what would never run: known operators, functions and
/// methods of the program. Throws Foreign, which names the first that is something else.
Program compile(const std::map<std::string, std::string>& sources);

struct Object;

/// A value of a running program: LibTorch's data, an object with methods, or a function.
struct Value {
  c10::IValue data;
  std::shared_ptr<Object> object;
  const Function* function = nullptr;
};

struct Object {
  const Class* type = nullptr;
  std::map<std::string, Value> attributes;
};

/// The objects of an archive, with `training` off. Throws Foreign for classes that the program doesn't have.
std::shared_ptr<Object> instantiate(const Program& program, const ScriptObject& object);
Value instantiate(const Program& program, const ScriptValue& value);

/// With tensors of its own.
std::shared_ptr<Object> deep_copy(const Object& object);

/// Whether what forward() gives back comes from a call of `path`, by itself or in the module that it calls last.
bool ends_in(const Object& object, const std::string& path);

/// All tensors below an object, each once.
std::vector<torch::Tensor> tensors_of(const Object& object);

}  // namespace ganvas::script
