#include <fmt/format.h>

#include <set>

#include "nn/script/operators.hpp"
#include "nn/script/program.hpp"

namespace ganvas::script {

namespace {

using Kind = Expression::Kind;

/// Looks at every call of a program.
class CallCheck {
 public:
  explicit CallCheck(const Program& program) : program_(program) {
    for (const auto& [name, type] : program.classes)
      for (const Function& method : type.methods) methods_.insert(method.name);
  }

  void check() {
    for (const auto& [name, type] : program_.classes)
      for (const Function& method : type.methods) check(method);
    for (const auto& [name, function] : program_.functions) check(function);
  }

 private:
  void check(const Function& function) {
    if (function.name == "__setstate__" || function.name == "__getstate__")
      throw Foreign{fmt::format("'{}'", function.name)};
    names_.clear();
    for (const Parameter& parameter : function.parameters)
      if (parameter.otherwise) check(*parameter.otherwise);
    check(function.body);
  }

  void check(const std::vector<Statement>& body) {
    for (const Statement& statement : body) {
      check(statement.value);
      if (statement.kind == Statement::Kind::assign && statement.value.path().starts_with("__torch__."))
        names_.insert(statement.targets.begin(), statement.targets.end());
      check(statement.body);
      check(statement.otherwise);
    }
  }

  void check(const Expression& expression) {
    if (expression.kind == Kind::call) check_callee(expression);
    for (const Expression& item : expression.items) check(item);
    for (const auto& [name, value] : expression.named) check(value);
  }

  void check_callee(const Expression& call) {
    const Expression& callee = call.items.front();
    const std::string path = callee.path();
    if (callee.kind == Kind::name) {
      if (!names_.contains(path) && !is_builtin(path)) throw Foreign{fmt::format("'{}'", path)};
    } else if (const std::string name = operator_name(path); !name.empty()) {
      if (!is_operator(name)) throw Foreign{fmt::format("'{}'", name)};
    } else if (path.starts_with("__torch__.")) {
      if (!program_.functions.contains(path)) throw Foreign{fmt::format("'{}'", path)};
    } else if (callee.kind != Kind::attribute || !methods_.contains(callee.text)) {
      throw Foreign{fmt::format("'.{}()'", callee.text)};
    }
  }

  const Program& program_;
  std::set<std::string> methods_, names_;
};

}  // namespace

Program compile(const std::map<std::string, std::string>& sources) {
  Program program;
  for (const auto& [module, text] : sources) {
    Source source;
    try {
      source = parse(text);
    } catch (const Foreign& foreign) {
      throw Foreign{fmt::format("{} of {}", foreign.what, module.substr(0, 120))};
    }
    for (Class& type : source.classes) {
      if (type.base != "Module") throw Foreign{fmt::format("'{}', a {}", type.name, type.base)};
      program.classes[module + "." + type.name] = std::move(type);
    }
    for (Function& function : source.functions) program.functions[module + "." + function.name] = std::move(function);
  }
  CallCheck(program).check();
  return program;
}

}  // namespace ganvas::script
