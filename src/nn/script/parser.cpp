#include <fmt/format.h>

#include "ganvas/core/parse_number.hpp"
#include "nn/script/lexer.hpp"
#include "nn/script/syntax.hpp"

namespace ganvas::script {

namespace {

using Kind = Expression::Kind;

// What real programs don't come near, and the stack of this parser, whose depth is that of the source, bears.
constexpr std::size_t longest_source = std::size_t{16} << 20;
constexpr int deepest_expression = 100;

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) { advance(); }

  Source source() {
    Source result;
    while (token_.kind != Token::Kind::end) {
      if (accept_name("class")) result.classes.push_back(class_definition());
      else if (accept_name("def")) result.functions.push_back(function());
      else if (token_.kind == Token::Kind::newline) advance();
      else foreign();
    }
    return result;
  }

 private:
  void advance() { token_ = lexer_.next(); }
  [[noreturn]] void foreign() const {
    const std::string text = token_.text.substr(0, 40);
    throw Foreign{fmt::format("'{}' in line {}", text.empty() ? "the end" : text, lexer_.line())};
  }
  bool is_sign(std::string_view text) const { return token_.kind == Token::Kind::sign && token_.text == text; }
  bool accept(std::string_view text) {
    if (!is_sign(text)) return false;
    advance();
    return true;
  }
  bool accept_name(std::string_view text) {
    if (token_.kind != Token::Kind::name || token_.text != text) return false;
    advance();
    return true;
  }
  void expect(std::string_view text) {
    if (!accept(text)) foreign();
  }
  void expect(Token::Kind kind) {
    if (token_.kind != kind) foreign();
    advance();
  }
  std::string name() {
    if (token_.kind != Token::Kind::name) foreign();
    std::string text = token_.text;
    advance();
    return text;
  }

  Class class_definition() {
    Class result;
    result.name = name();
    expect("(");
    result.base = name();
    expect(")");
    expect(":");
    expect(Token::Kind::newline);
    expect(Token::Kind::indent);
    while (token_.kind != Token::Kind::dedent) {
      if (accept_name("def")) result.methods.push_back(function());
      else if (!accept_name("pass")) member(result);
      else expect(Token::Kind::newline);
    }
    advance();
    return result;
  }

  /// `weight : Tensor`, `scale : Final[int] = 2`, `__parameters__ = [...]` or `__annotations__["0"] = TYPE`.
  void member(Class& result) {
    const std::string key = name();
    if (accept(":")) {
      type();
      if (accept("=")) result.constants.emplace_back(key, expression(0));
    } else {
      if (accept("[")) {
        expect(Token::Kind::text);
        expect("]");
      }
      expect("=");
      expression(0);
    }
    expect(Token::Kind::newline);
  }

  /// Values say their types themselves.
  void type() { expression(0); }

  Function function() {
    Function result;
    result.name = name();
    expect("(");
    while (!accept(")")) {
      Parameter parameter{name(), {}};
      if (accept(":")) type();
      if (accept("=")) parameter.otherwise = expression(0);
      result.parameters.push_back(std::move(parameter));
      if (!is_sign(")")) expect(",");
    }
    if (accept("->")) type();
    result.body = block();
    return result;
  }

  std::vector<Statement> block() {
    expect(":");
    expect(Token::Kind::newline);
    expect(Token::Kind::indent);
    std::vector<Statement> result;
    while (token_.kind != Token::Kind::dedent) result.push_back(statement());
    advance();
    return result;
  }

  Statement statement() {
    Statement result;
    if (accept_name("if")) return branch();
    if (accept_name("for")) return repeat();
    for (const char* word : {"while", "def", "with", "class"})
      if (token_.kind == Token::Kind::name && token_.text == word) foreign();
    if (accept_name("pass")) {
    } else if (accept_name("return")) {
      result.kind = Statement::Kind::give_back;
      if (token_.kind != Token::Kind::newline) result.value = list_or_one();
    } else {
      result = assignment();
    }
    if (token_.kind != Token::Kind::end) expect(Token::Kind::newline);
    return result;
  }

  Statement branch() {
    Statement result;
    result.kind = Statement::Kind::branch;
    result.value = expression(0);
    result.body = block();
    if (accept_name("else")) result.otherwise = block();
    return result;
  }

  Statement repeat() {
    Statement result;
    result.kind = Statement::Kind::repeat;
    result.targets.push_back(name());
    if (!accept_name("in") || !accept_name("range")) foreign();
    expect("(");
    result.value = expression(0);
    accept(",");
    expect(")");
    result.body = block();
    return result;
  }

  Statement assignment() {
    Statement result;
    result.value = list_or_one();
    if (accept(":")) type();
    if (!accept("=")) {
      result.kind = Statement::Kind::evaluate;
      return result;
    }
    const Expression target = std::move(result.value);
    result.kind = target.kind == Kind::attribute ? Statement::Kind::own : Statement::Kind::assign;
    if (target.kind == Kind::name) result.targets.push_back(target.text);
    else if (target.kind == Kind::tuple)
      for (const Expression& item : target.items) {
        if (item.kind != Kind::name) foreign();
        result.targets.push_back(item.text);
      }
    else if (target.kind != Kind::attribute) foreign();
    result.value = list_or_one();
    return result;
  }

  /// `a` or `a, b, c`.
  Expression list_or_one() {
    Expression first = expression(0);
    if (!is_sign(",")) return first;
    Expression tuple;
    tuple.kind = Kind::tuple;
    tuple.items.push_back(std::move(first));
    while (accept(",")) {
      if (is_sign("=") || token_.kind == Token::Kind::newline) break;
      tuple.items.push_back(expression(0));
    }
    return tuple;
  }

  Expression expression(int depth) {
    if (depth > deepest_expression)
      throw Foreign{fmt::format("an expression nested too deeply in line {}", lexer_.line())};
    if (accept("-")) {
      Expression result;
      result.kind = Kind::negative;
      result.items.push_back(expression(depth + 1));
      return result;
    }
    Expression result = primary(depth);
    // Each link of a chain holds what stands before it, so that it counts as deep as it is long.
    for (int links = depth;; ++links) {
      if (links > deepest_expression) throw Foreign{fmt::format("an expression too long in line {}", lexer_.line())};
      Expression next;
      if (accept(".")) {
        next.kind = Kind::attribute;
        next.text = name();
        next.items.push_back(std::move(result));
      } else if (accept("[")) {
        next.kind = Kind::element;
        next.items.push_back(std::move(result));
        do {
          next.items.push_back(expression(links + 1));
        } while (accept(",") && !is_sign("]"));
        expect("]");
      } else if (accept("(")) {
        next.kind = Kind::call;
        next.items.push_back(std::move(result));
        arguments(next, links);
      } else {
        return result;
      }
      result = std::move(next);
    }
  }

  void arguments(Expression& call, int depth) {
    while (!accept(")")) {
      Expression argument = expression(depth + 1);
      if (accept("=")) {
        if (argument.kind != Kind::name) foreign();
        call.named.push_back({argument.text, expression(depth + 1)});
      } else {
        call.items.push_back(std::move(argument));
      }
      if (!is_sign(")")) expect(",");
    }
  }

  Expression primary(int depth) {
    Expression result;
    result.text = token_.text;
    switch (token_.kind) {
      case Token::Kind::integer:
        result.kind = Kind::integer;
        number(result.integer);
        break;
      case Token::Kind::real:
        result.kind = Kind::real;
        number(result.real);
        break;
      case Token::Kind::text:
        result.kind = Kind::text;
        break;
      case Token::Kind::name:
        named(result);
        break;
      case Token::Kind::sign:
        return bracketed(depth);
      case Token::Kind::newline:
      case Token::Kind::indent:
      case Token::Kind::dedent:
      case Token::Kind::end:
        foreign();
    }
    advance();
    return result;
  }

  template <typename Number>
  void number(Number& value) const {
    const auto number = parse_number<Number>(token_.text);
    if (!number) foreign();
    value = *number;
  }

  void named(Expression& result) const {
    for (const char* word : {"lambda", "if", "else", "for", "not", "and", "or", "is", "in", "await", "yield"})
      if (result.text == word) foreign();
    result.kind = Kind::name;
    if (result.text == "None") result.kind = Kind::none;
    if (result.text == "True" || result.text == "False") {
      result.kind = Kind::boolean;
      result.integer = result.text == "True";
    }
  }

  /// `(a)`, a tuple or a list.
  Expression bracketed(int depth) {
    Expression result;
    const bool round = is_sign("(");
    if (!round && !is_sign("[")) foreign();
    advance();
    const char* end = round ? ")" : "]";
    result.kind = round ? Kind::tuple : Kind::list;
    bool comma = false;
    while (!accept(end)) {
      result.items.push_back(expression(depth + 1));
      if (!is_sign(end)) {
        expect(",");
        comma = true;
      }
    }
    if (!round || comma || result.items.size() != 1) return result;
    Expression inner = std::move(result.items.front());
    return inner;
  }

  Lexer lexer_;
  Token token_;
};

}  // namespace

std::string Expression::path() const {
  if (kind == Kind::name) return text;
  if (kind != Kind::attribute) return {};
  const std::string before = items.front().path();
  return before.empty() ? before : before + "." + text;
}

Source parse(std::string_view text) {
  if (text.size() > longest_source) throw Foreign{"a source of more than 16 MiB"};
  return Parser(text).source();
}

}  // namespace ganvas::script
