// Man pages and completion, as the build writes them; what the command answers to slips.
#include <set>

#include "cli/program.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& path) {
  const Bytes bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

Finished run_shell(const std::string& script) {
  return run_ganvas({"-c", script}, {}, {.binary = "/bin/bash", .environment = {}});
}

/// Names in front of the columns of a --help, e.g. "--scale".
std::vector<std::string> options_in(const std::string& help) {
  std::vector<std::string> names;
  std::istringstream stream(help);
  for (std::string word; stream >> word;)
    for (std::size_t begin = 0, end; begin < word.size(); begin = end + 1) {
      end = std::min(word.find(',', begin), word.size());
      const std::string part = word.substr(begin, end - begin);
      if (part.starts_with("--") && part.find_first_not_of("-abcdefghijklmnopqrstuvwxyz") == std::string::npos)
        names.push_back(part);
    }
  return names;
}

std::string without_backslashes(std::string text) {
  std::erase(text, '\\');
  return text;
}

}  // namespace

TEST_CASE("docs: every command has a man page with all its options, which groff takes without a warning") {
  const TemporaryFolder folder;
  const Setting writer{.binary = GANVAS_WRITE_DOCS, .environment = {}};
  REQUIRE(run_ganvas({folder.path().string()}, {}, writer).code == 0);
  const bool groff = run_shell("command -v groff").code == 0;
  if (!groff) MESSAGE("[skipped in part] no groff");
  int pages = 0;
  for (const auto& entry : fs::directory_iterator(folder / "man")) {
    const std::string name = entry.path().stem().string();
    CAPTURE(name);
    const std::string page = without_backslashes(text_of(entry.path()));
    std::vector<std::string> words;
    std::istringstream stream(name);
    for (std::string word; std::getline(stream, word, '-');)
      if (word != "ganvas") words.push_back(word);
    words.push_back("--help");
    const Finished help = run_ganvas(words);
    CHECK(help.code == 0);
    for (const auto& option : options_in(help.out)) {
      CAPTURE(option);
      CHECK(contains(page, option));
    }
    if (groff) CHECK(run_shell("groff -man -ww -Tutf8 " + entry.path().string() + " >/dev/null").err.empty());
    ++pages;
  }
  CHECK(pages > 15);
  CHECK(fs::exists(folder / "man/ganvas-upscale.1"));
  CHECK(fs::exists(folder / "man/ganvas-model-info.1"));
}

TEST_CASE("docs: bash completes commands, options, values and shipped models") {
  const TemporaryFolder folder;
  const Setting writer{.binary = GANVAS_WRITE_DOCS, .environment = {}};
  REQUIRE(run_ganvas({folder.path().string()}, {}, writer).code == 0);
  const auto complete = [&](const std::string& words) {
    const std::string script = "source " + (folder / "ganvas.bash").string() + "; COMP_WORDS=(" GANVAS_BINARY " " +
                               words + "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _ganvas; echo \"${COMPREPLY[*]}\"";
    const Finished result = run_shell(script);
    CHECK(result.err.empty());
    return result.out;
  };
  CHECK(complete("ups") == "upscale\n");
  CHECK(complete("model inf") == "info\n");
  CHECK(complete("upscale x --prec") == "--precision\n");
  CHECK(complete("upscale x --precision b") == "bf16\n");
  CHECK(complete("upscale x --precision = i") == "int8\n");
  CHECK(complete("data edges --method l") == "log\n");
  CHECK(complete("upscale x -m photo-x4-r") == "photo-x4-real\n");
  CHECK(complete("upscale x -o ") == "\n");  // bash's own file names
}

namespace {

/// First words of the lines behind `title`, up to an empty line.
std::set<std::string> listed(const std::string& text, const std::string& title) {
  std::set<std::string> names;
  const std::size_t begin = text.find(title);
  REQUIRE(begin != std::string::npos);
  std::istringstream lines(text.substr(text.find('\n', begin) + 1));
  for (std::string line; std::getline(lines, line) && !line.empty();) names.insert(line.substr(0, line.find(' ')));
  return names;
}

/// What stands `so` in a text.
std::set<std::string> in_backticks(const std::string& text) {
  std::set<std::string> names;
  for (std::size_t begin = 0; (begin = text.find('`', begin)) != std::string::npos;) {
    const std::size_t end = text.find('`', begin + 1);
    if (end == std::string::npos) break;
    names.insert(text.substr(begin + 1, end - begin - 1));
    begin = end + 1;
  }
  return names;
}

}  // namespace

TEST_CASE("docs: README names the networks that load, and its table no others") {
  const std::set<std::string> known =
      listed(run_ganvas({"model", "list"}).out, "Architectures that a model file may hold:");
  REQUIRE(known.size() > 20);
  const std::string readme = text_of(fs::path(GANVAS_SOURCE_DIR) / "README.md");
  const std::string begin = "| network | |\n";
  REQUIRE(contains(readme, begin));
  const std::size_t table = readme.find(begin);
  for (const auto& name : in_backticks(readme.substr(table, readme.find("\n\n", table) - table)))
    if (!name.starts_with('.')) CHECK_MESSAGE(known.contains(name), name);  // suffixes
  for (const auto& name : known) CHECK_MESSAGE(contains(readme, "`" + name + "`"), name);
}

TEST_CASE(
    "slips: what can't be understood is answered in one line, unknown options and commands with the nearest ones") {
  const auto answer = [](const std::vector<std::string>& arguments) {
    const Finished result = run_ganvas(arguments);
    CAPTURE(result.err);
    CHECK(result.code == 2);
    CHECK(result.out.empty());
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    return result.err;
  };
  const std::string none = answer({});
  for (const char* command :
       {"upscale", "translate", "train", "sweep", "eval", "model", "data", "report", "compare", "--help"})
    CHECK(contains(none, command));
  CHECK(contains(answer({"model"}), "convert"));
  CHECK(contains(answer({"upscal", "x.png"}), "nearest: upscale"));
  CHECK(contains(answer({"model", "inof", "x.png"}), "nearest: info"));

  using Slip = std::pair<std::vector<std::string>, const char*>;
  for (const auto& [more, part] : {Slip{{"--overwrite"}, "--force"},
                                   {{"-y"}, "--force"},
                                   {{"--suffix", "_x4"}, "--name '{stem}SUFFIX'"},
                                   {{"--suffix=_x4"}, "--suffix: "},
                                   {{"-n", "photo-x4"}, "-m"},
                                   {{"--scle", "2"}, "nearest: --scale"},
                                   {{"--recurse"}, "nearest: --recursive"},
                                   {{"--quite"}, "nearest: --quiet"},
                                   {{"--scale", "0"}, "--scale: expected a number from 0.0001 to 10000, not 0;"},
                                   {{"--scale", "two"}, ", not two;"},
                                   {{"--scale", "nan"}, "--scale: nan is no finite number;"},
                                   {{"--threads", "1e9"}, "expected a whole number from 1 to 1024, not 1e9;"},
                                   {{"--limit", "-1"}, "expected a whole number above 0, not -1;"},
                                   {{"--zzzzzz"}, "see ganvas upscale --help"}}) {
    std::vector<std::string> arguments{"upscale", "x.png", "-o", "y"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    CHECK(contains(answer(arguments), part));
  }
  // Named before what is missing because of it.
  CHECK(contains(answer({"upscale", "x.png", "--outptu", "y"}), "nearest: --output"));
  CHECK(contains(answer({"data", "edges", "x", "-o", "y", "--low", "inf"}), "expected a number, 0 or more, not inf;"));
  CHECK(contains(answer({"model", "blend", "a"}), "b is required: File or shipped name of the same architecture;"));
}
