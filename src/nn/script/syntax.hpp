#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The language in which torch.jit.save writes programs down: a small part of Python, one operator a call.
namespace ganvas::script {

struct NamedExpression;

struct Expression {
  enum class Kind : std::uint8_t {
    none,
    boolean,  ///< integer: 0 or 1
    integer,
    real,
    text,
    name,       ///< text
    attribute,  ///< items[0].text
    element,    ///< items[0][items[1]]
    call,       ///< items[0](items[1], ..., named...)
    list,
    tuple,
    negative,  ///< -items[0]
  };
  Kind kind = Kind::none;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<Expression> items;
  std::vector<NamedExpression> named;

  /// "a.b.c" of names and attributes; empty for all else.
  std::string path() const;
};

/// Not a pair, which would have to know all of Expression within Expression.
struct NamedExpression {
  std::string name;
  Expression value;
};

struct Statement {
  enum class Kind : std::uint8_t {
    nothing,
    assign,     ///< targets = value; several targets take the value apart
    own,        ///< an attribute of the module = value
    evaluate,   ///< value, for what it does
    give_back,  ///< return value
    branch,     ///< if value: body, else: otherwise
    repeat,     ///< for targets[0] in range(value): body
  };
  Kind kind = Kind::nothing;
  std::vector<std::string> targets;
  Expression value;
  std::vector<Statement> body, otherwise;
};

struct Parameter {
  std::string name;
  std::optional<Expression> otherwise;  ///< what is taken when it isn't given
};

struct Function {
  std::string name;
  std::vector<Parameter> parameters;
  std::vector<Statement> body;
};

struct Class {
  std::string name, base;
  std::vector<std::pair<std::string, Expression>> constants;
  std::vector<Function> methods;
};

struct Source {
  std::vector<Class> classes;
  std::vector<Function> functions;
};

/// What is not in the language or beyond its limits: size of the source, depth of nesting. `what` names it.
struct Foreign {
  std::string what;
};

/// Throws Foreign.
Source parse(std::string_view text);

}  // namespace ganvas::script
