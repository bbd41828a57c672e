#include "nn/script/lexer.hpp"

#include <fmt/format.h>

#include <cctype>

#include "nn/script/syntax.hpp"

namespace ganvas::script {

namespace {

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)); }

}  // namespace

/// Blocks are indented by two blanks each; empty lines and comments don't count.
Token Lexer::start_of_line() {
  constexpr std::size_t deepest = 100;
  std::size_t blanks = 0;
  for (;;) {
    blanks = 0;
    while (peek() == ' ') ++at_, ++blanks;
    if (peek() == '#')
      while (at_ < text_.size() && peek() != '\n') ++at_;
    if (at_ >= text_.size() || peek() != '\n') break;
    ++at_, ++line_;
  }
  if (at_ >= text_.size()) blanks = 0;
  if (blanks % 2 != 0 || blanks / 2 > deepest) throw Foreign{fmt::format("an indentation in line {}", line_)};
  wanted_ = blanks / 2;
  fresh_ = false;
  return {};
}

Token Lexer::next() {
  if (fresh_ && brackets_ == 0) start_of_line();
  if (brackets_ == 0 && wanted_ != indents_) {
    const bool deeper = wanted_ > indents_;
    indents_ += deeper ? 1 : -1;
    return {deeper ? Token::Kind::indent : Token::Kind::dedent, {}};
  }
  while (peek() == ' ' || (brackets_ > 0 && peek() == '\n')) {
    line_ += peek() == '\n';
    ++at_;
  }
  if (at_ >= text_.size()) {
    if (brackets_ > 0) throw Foreign{"an open bracket"};
    return {};
  }
  const char c = peek();
  if (c == '\n') {
    ++at_, ++line_;
    fresh_ = true;
    return {Token::Kind::newline, {}};
  }
  if (is_letter(c)) {
    const std::size_t start = at_;
    while (is_letter(peek()) || is_digit(peek())) ++at_;
    return {Token::Kind::name, std::string(text_.substr(start, at_ - start))};
  }
  if (is_digit(c)) return number();
  if (c == '"' || c == '\'') return quoted();
  if (c == '-' && peek(1) == '>') {
    at_ += 2;
    return {Token::Kind::sign, "->"};
  }
  constexpr std::string_view signs = "()[],.:=-";
  if (signs.find(c) == signs.npos)
    throw Foreign{std::isprint(static_cast<unsigned char>(c)) ? fmt::format("'{}' in line {}", c, line_)
                                                              : fmt::format("a byte in line {}", line_)};
  if (c == '(' || c == '[') ++brackets_;
  if ((c == ')' || c == ']') && --brackets_ < 0) throw Foreign{fmt::format("a closing bracket in line {}", line_)};
  ++at_;
  return {Token::Kind::sign, std::string(1, c)};
}

Token Lexer::number() {
  const std::size_t start = at_;
  Token token{Token::Kind::integer, {}};
  while (is_digit(peek())) ++at_;
  if (peek() == '.') {
    token.kind = Token::Kind::real;
    ++at_;
    while (is_digit(peek())) ++at_;
  }
  const std::size_t sign = peek(1) == '-' || peek(1) == '+' ? 2 : 1;
  if ((peek() == 'e' || peek() == 'E') && is_digit(peek(sign))) {
    token.kind = Token::Kind::real;
    at_ += sign;
    while (is_digit(peek())) ++at_;
  }
  token.text = text_.substr(start, at_ - start);
  return token;
}

Token Lexer::quoted() {
  const char quote = peek();
  Token token{Token::Kind::text, {}};
  for (++at_; peek() != quote; ++at_) {
    if (at_ >= text_.size() || peek() == '\n') throw Foreign{fmt::format("an open text in line {}", line_)};
    if (peek() != '\\') {
      token.text += peek();
      continue;
    }
    // What an escape means matters to messages only.
    ++at_;
    token.text += peek() == 'n' ? '\n' : peek() == 't' ? '\t' : peek();
  }
  ++at_;
  return token;
}

}  // namespace ganvas::script
