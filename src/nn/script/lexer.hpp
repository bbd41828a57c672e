#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ganvas::script {

struct Token {
  enum class Kind : std::uint8_t { name, integer, real, text, sign, newline, indent, dedent, end };
  Kind kind = Kind::end;
  std::string text;  ///< of names, numbers and signs as written; of texts without quotes and escapes
};

/// Cuts a source into tokens, with newlines and changes of indentation as Python counts them: not within brackets.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  /// Throws Foreign.
  Token next();
  int line() const { return line_; }

 private:
  Token start_of_line();
  Token quoted();
  Token number();
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  int brackets_ = 0;
  std::size_t indents_ = 0;  ///< depth of blocks, two blanks each
  std::size_t wanted_ = 0;   ///< depth at the start of this line
  bool fresh_ = true;        ///< at the start of a line
};

}  // namespace ganvas::script
