#include "cli/literal_words.hpp"

#include <algorithm>

namespace ganvas::cli {

namespace {

/// Before what stands in brackets it keeps CLI11 from seeing them; options get their values without it.
constexpr char mark = '\x1f';

/// Where a word's value begins: behind "--option=", behind "-o", or at its front.
std::size_t value_begin(const std::string& word) {
  if (word.starts_with("--")) {
    const auto equals = word.find('=');
    return equals == std::string::npos ? word.size() : equals + 1;
  }
  return word.starts_with('-') ? std::min<std::size_t>(word.size(), 2) : 0;
}

std::string marked(std::string word) {
  const std::size_t begin = value_begin(word);
  if (begin < word.size() && word[begin] == '[' && word.back() == ']') word.insert(begin, 1, mark);
  return word;
}

void unmark_values(CLI::App& app) {
  const CLI::Validator unmark(
      [](std::string& value) {
        if (value.starts_with(mark)) value.erase(0, 1);
        return std::string();
      },
      "");
  for (CLI::Option* option : app.get_options())
    if (option->get_items_expected_max() > 0) option->transform(unmark);
  for (CLI::App* command : app.get_subcommands({})) unmark_values(*command);
}

}  // namespace

void parse_literally(CLI::App& app, int argc, char** argv) {
  unmark_values(app);
  std::vector<std::string> words;
  for (int i = argc; i-- > 1;) words.push_back(marked(argv[i]));  // CLI11 wants the last one first
  app.parse(std::move(words));
}

}  // namespace ganvas::cli
