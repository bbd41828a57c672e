#include "docs/man_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "cli/option_facts.hpp"

namespace ganvas::cli {

namespace {

/// Text in which roff sees no commands.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool line_begins = result.empty() || result.back() == '\n';
    if (line_begins && (c == '.' || c == '\'')) result += "\\&";
    if (c == '\\') result += "\\e";
    else if (c == '-') result += "\\-";
    else if (c == '\'') result += "\\(aq";
    else result += c;
  }
  return result;
}

std::string bold(const std::string& text) { return "\\fB" + escaped(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + escaped(text) + "\\fR"; }

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// Behind an option's name: its placeholder, or the values to choose from.
std::string value_of(const OptionFacts& option) {
  if (option.choices.empty()) return italic(option.value);
  std::string text;
  for (const auto& choice : option.choices) text += (text.empty() ? "" : "|") + bold(choice);
  return text;
}

std::string short_form(const OptionFacts& option) {
  if (option.positional) return italic(upper(option.name())) + (option.repeated ? " ..." : "");
  return bold(option.names.front()) + (option.value.empty() ? "" : " " + value_of(option));
}

std::string synopsis(const CLI::App& command, const std::vector<OptionFacts>& options) {
  std::string text = bold(full_name(command));
  if (!subcommands_of(command).empty()) return text + " [" + italic("OPTION") + "] ... " + italic("COMMAND") + " ...";
  if (std::ranges::any_of(options, [](const auto& one) { return !one.positional && !one.required; }))
    text += " [" + italic("OPTION") + "] ...";
  for (const bool positional : {false, true})
    for (const auto& option : options) {
      if (option.positional != positional) continue;
      if (option.required) text += " " + short_form(option);
      else if (positional) text += " [" + short_form(option) + "]";
    }
  return text;
}

/// The help as sentences, with default and range.
std::string description(const OptionFacts& option) {
  std::string text = option.text;
  if (!text.empty() && !text.ends_with('.')) text += '.';
  if (option.required && !option.positional) text += " Required.";
  if (!option.fallback.empty() && !option.value.empty()) text += " Default: " + option.fallback + ".";
  if (!option.range.empty()) text += " Range: " + option.range + ".";
  return escaped(text);
}

std::string entry(const OptionFacts& option) {
  if (option.positional) return fmt::format(".TP\n{}\n{}\n", short_form(option), description(option));
  std::string names;
  for (const auto& name : option.names) names += (names.empty() ? "" : ", ") + bold(name);
  return fmt::format(".TP\n{}{}\n{}\n", names, option.value.empty() ? "" : " " + value_of(option), description(option));
}

std::string entries(const std::string& title, const std::vector<OptionFacts>& options, bool positional) {
  std::string text;
  for (const auto& option : options)
    if (option.positional == positional) text += entry(option);
  return text.empty() ? text : ".SH " + title + "\n" + text;
}

std::string commands_section(const CLI::App& command) {
  std::string text;
  for (const CLI::App* one : subcommands_of(command))
    text +=
        fmt::format(".TP\n\\fB{}\\fR(1)\n{}\n", escaped(full_name(*one, "-")), escaped(one->get_description() + "."));
  return text.empty() ? text : ".SH COMMANDS\n" + text;
}

constexpr const char* exit_status = R"(.SH "EXIT STATUS"
.TP
.B 0
All done.
.TP
.B 1
Some files failed; each is named on standard error, the others are done.
.TP
.B 2
Wrong options or recipe.
.TP
.B 130
Interrupted (Ctrl\-C); finished files are whole.
)";

constexpr const char* environment = R"(.SH ENVIRONMENT
.TP
.B GANVAS_MODELS
A folder of models and recipes that is looked into before those that ship.
.TP
.B GANVAS_MODEL_URL
A mirror for \fBganvas\-model\-fetch\fR(1) that holds the files under the same names.
.TP
.B XDG_CACHE_HOME
Downloaded models are in its folder ganvas/models (default: ~/.cache).
.TP
.B https_proxy, http_proxy, all_proxy, no_proxy
Proxies for downloads.
.TP
.B OMP_NUM_THREADS
CPU threads where \fB\-\-threads\fR doesn\(aqt say.
)";

std::string see_also(const CLI::App& command) {
  std::vector<std::string> pages;
  if (const CLI::App* parent = command.get_parent()) {
    pages.push_back(full_name(*parent, "-"));
    for (const CLI::App* sibling : subcommands_of(*parent))
      if (sibling != &command) pages.push_back(full_name(*sibling, "-"));
  }
  if (pages.empty()) return {};
  std::string text;
  for (const auto& page : pages) text += fmt::format("{}\\fB{}\\fR(1)", text.empty() ? "" : ",\n", escaped(page));
  return ".SH \"SEE ALSO\"\n" + text + "\n";
}

}  // namespace

std::string man_page(const CLI::App& command, const std::string& version) {
  const std::string page = full_name(command, "-");
  const std::vector<OptionFacts> options = options_of(command);
  std::string text = fmt::format(".TH \"{}\" 1 \"\" \"ganvas {}\" \"User Commands\"\n", escaped(upper(page)), version);
  text += fmt::format(".SH NAME\n{} \\- {}\n", escaped(page), escaped(command.get_description()));
  text += fmt::format(".SH SYNOPSIS\n{}\n", synopsis(command, options));
  text += entries("ARGUMENTS", options, /*positional=*/true);
  text += commands_section(command);
  text += entries("OPTIONS", options, /*positional=*/false);
  if (const std::string footer = command.get_footer(); !footer.empty()) text += ".SH NOTES\n" + escaped(footer) + "\n";
  text += exit_status;
  if (!command.get_parent()) text += environment;
  return text + see_also(command);
}

}  // namespace ganvas::cli
