#include "ganvas/core/recipe.hpp"

#include <nlohmann/json.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using test::says;

namespace {

template <typename Work>
std::string refusal(Work work, ErrorKind kind = ErrorKind::recipe) {
  return test::refusal(kind, work);
}

const char* const example = R"(# a comment
task = "super-resolution"   # behind a value

[train]
steps = 1000
rate = 2e-4
negative = -3
flag = true
off = false

[optimiser.generator]
milestones = [100, 200, 300]
names = ["a", "b c"]
path = "folder with spaces/x #1 = y.pth"
)";

}  // namespace

TEST_CASE("recipe: values of all kinds, defaults, and the resolved text") {
  Recipe recipe = Recipe::parse(example, "x.toml");
  CHECK(recipe.text("task", "?") == "super-resolution");
  CHECK(recipe.integer("train.steps", 1) == 1000);
  CHECK(recipe.number("train.rate", 1) == 2e-4);
  CHECK(recipe.integer("train.negative", 1) == -3);
  CHECK(recipe.flag("train.flag", false));
  CHECK_FALSE(recipe.flag("train.off", true));
  CHECK(recipe.integers("optimiser.generator.milestones", {}) == std::vector<std::int64_t>{100, 200, 300});
  CHECK(recipe.texts("optimiser.generator.names", {}) == std::vector<std::string>{"a", "b c"});
  CHECK(recipe.text("optimiser.generator.path", "") == "folder with spaces/x #1 = y.pth");
  CHECK(recipe.has("train.steps"));
  CHECK_FALSE(recipe.has("train.batch"));
  // Defaults.
  CHECK(recipe.integer("train.batch", 16) == 16);
  CHECK(recipe.number("train.tiny", 1e-300) == 1e-300);
  CHECK(recipe.number("train.third", 1.0 / 3) == 1.0 / 3);
  CHECK(recipe.flag("train.more", true));
  CHECK(recipe.text("data.folder", "a \"quoted\" name") == "a \"quoted\" name");
  CHECK(recipe.choice("data.kind", "b", {"a", "b"}) == "b");
  CHECK(recipe.integers("data.list", {1, -2}) == std::vector<std::int64_t>{1, -2});
  CHECK_NOTHROW(recipe.check_all_read());

  // The resolved text reads as the same values with no default needed, and resolves to itself.
  Recipe again = Recipe::parse(recipe.resolved(), "resolved");
  CHECK(again.text("task", "") == "super-resolution");
  CHECK(again.integer("train.steps", 1) == 1000);
  CHECK(again.number("train.rate", 1) == 2e-4);
  CHECK(again.integer("train.negative", 1) == -3);
  CHECK(again.flag("train.flag", false));
  CHECK_FALSE(again.flag("train.off", true));
  CHECK(again.integers("optimiser.generator.milestones", {}) == std::vector<std::int64_t>{100, 200, 300});
  CHECK(again.texts("optimiser.generator.names", {}) == std::vector<std::string>{"a", "b c"});
  CHECK(again.text("optimiser.generator.path", "") == "folder with spaces/x #1 = y.pth");
  CHECK(again.integer("train.batch", 1) == 16);
  CHECK(again.number("train.tiny", 1) == 1e-300);
  CHECK(again.number("train.third", 1) == 1.0 / 3);
  CHECK(again.flag("train.more", false));
  CHECK(again.text("data.folder", "") == "a \"quoted\" name");
  CHECK(again.choice("data.kind", "a", {"a", "b"}) == "b");
  CHECK(again.integers("data.list", {}) == std::vector<std::int64_t>{1, -2});
  CHECK(again.resolved() == recipe.resolved());
}

TEST_CASE("recipe: texts of any content survive the resolved text") {
  for (const std::string text :
       {"", "plain", "with space", "a=b", "#no comment", "[x]", "a,b", "it's", "say \"hi\"", "C:\\dir\\file",
        "写真/ü.pth", "{}", "true", "12", "two\nlines\t", "ends with \\", "\"", "''", "\x01\x1b"}) {
    CAPTURE(text);
    Recipe recipe;
    recipe.text("a.b", text);
    CAPTURE(recipe.resolved());
    Recipe again = Recipe::parse(recipe.resolved(), "again");
    CHECK(again.text("a.b", "missing") == text);
    CHECK(again.resolved() == recipe.resolved());
  }
  Recipe recipe;
  recipe.integers("a.none", {});
  recipe.texts("a.nothing", {});
  Recipe again = Recipe::parse(recipe.resolved(), "again");
  CHECK(again.integers("a.none", {1}).empty());
  CHECK(again.texts("a.nothing", {"x"}).empty());
}

TEST_CASE("recipe: wrong values are refused with recipe, key, value and range") {
  const auto with = [](const char* text) { return Recipe::parse(text, "my.toml"); };
  says(refusal([&] { with("[t]\na = 1.5").integer("t.a", 0); }), {"my.toml", "t.a", "'1.5'", "whole number"});
  says(refusal([&] { with("[t]\na = \"x\"").integer("t.a", 0); }), {"t.a", "'x'"});
  says(refusal([&] { with("[t]\na = 99999999999999999999").integer("t.a", 0); }), {"t.a"});
  says(refusal([&] { with("[t]\na = 7").integer("t.a", 0, 1, 5); }), {"t.a", "7", "1 .. 5"});
  says(refusal([&] { with("[t]\na = 0x").number("t.a", 0); }), {"t.a"});
  says(refusal([&] { with("[t]\na = nan").number("t.a", 0, 0, 1); }), {"t.a"});
  says(refusal([&] { with("[t]\na = inf").number("t.a", 0, 0, 1); }), {"t.a"});
  says(refusal([&] { with("[t]\na = -0.5").number("t.a", 0, 0, 1); }), {"t.a", "-0.5"});
  for (const char* value : {"nan", "inf", "-inf"}) {
    Recipe recipe = with("[t]\nb = 1");
    recipe.set(std::string("t.a=") + value);
    says(refusal([&] { recipe.table("t", {}); }), {"t.a", value});
  }
  says(refusal([&] { with("[t]\na = 1").flag("t.a", false); }), {"t.a", "true"});
  says(refusal([&] { with("[t]\na = \"z\"").choice("t.a", "x", {"x", "y"}); }), {"t.a", "'z'", "x, y"});
  says(refusal([&] { with("[t]\na = [1, 2]").integer("t.a", 0); }), {"t.a", "one value"});
  says(refusal([&] { with("[t]\na = [1, b]").integers("t.a", {}); }), {"t.a", "'b'"});
  says(refusal([&] { with("[t]\na = 1\na = 2"); }), {"my.toml", "t.a", "twice"});
  CHECK(refusal([] { Recipe::load("/no/such.toml"); }, ErrorKind::file).find("/no/such.toml") != std::string::npos);
}

TEST_CASE("recipe: what TOML allows and what not, with the line") {
  Recipe recipe = Recipe::parse(
      "\xef\xbb\xbf# mark, then CRLF\r\n[ a . b-c ]  # table\r\nx.y = 'C:\\dir # \"q\"'\r\n"
      "list = [ # over lines\n  1,\n  -2, # comment ] \n  +3,\n]\nlast=1.5e-3",
      "x");
  CHECK(recipe.text("a.b-c.x.y", "") == "C:\\dir # \"q\"");
  CHECK(recipe.integers("a.b-c.list", {}) == std::vector<std::int64_t>{1, -2, 3});
  CHECK(recipe.number("a.b-c.last", 0) == 1.5e-3);
  CHECK(Recipe::parse("", "x").resolved().empty());
  CHECK(Recipe::parse("a = \"\\u00e9\\U0001f408\\u20ac\\u0041\"", "x").text("a", "") == "é🐈€A");
  for (const char* wrong : {"a",
                            "a =",
                            "a = \n",
                            "= 1",
                            "a = 1 2",
                            "a = \"x",
                            "a = 'x",
                            "a = \"x\\q\"",
                            "a = \"\\u12\"",
                            "a = \"\\ud800\"",
                            "a = \"\\U00110000\"",
                            "a = \"\\u-001\"",
                            "a = \"\\",
                            "a = [1",
                            "a = [1 2]",
                            "a = [[1], [2]]",
                            "a = {b = 1}",
                            "[t",
                            "[t] a = 1",
                            "[]",
                            "[[t]]\na = 1",
                            "a b = 1",
                            "\"a\" = 1",
                            "a = \"\"\"x\"\"\"",
                            "a. = 1",
                            "a = 1, 2",
                            "]",
                            "\x01"}) {
    CAPTURE(wrong);
    says(refusal([&] { Recipe::parse(std::string("ok = 1\n\n") + wrong, "my.toml"); }), {"my.toml: line "});
  }
  says(refusal([] { Recipe::parse("ok = 1\n\n[t]\nbad = ?\n", "my.toml"); }), {"line 4"});
}

TEST_CASE("recipe: a key that nobody reads is named with the nearest known one") {
  Recipe recipe = Recipe::parse("[train]\nstep = 5\nbatch = 2", "my.toml");
  recipe.integer("train.steps", 1);
  recipe.integer("train.batch", 1);
  says(refusal([&] { recipe.check_all_read(); }), {"my.toml", "train.step:", "train.steps?"});
  Recipe strange = Recipe::parse("[nothing.like.it]\nzzzzzzzzzzzzzzzz = 5", "my.toml");
  strange.integer("a", 1);
  const std::string message = refusal([&] { strange.check_all_read(); });
  says(message, {"unknown key"});
  CHECK(message.find("did you mean") == std::string::npos);

  CHECK(nearest_name("stpes", {"batch", "steps", "seed"}) == "steps");
  CHECK(nearest_name("steps", {"batch", "steps", "seed"}) == "steps");
  CHECK(nearest_name("xyz", {"batch", "steps", "seed"}).empty());
  CHECK(nearest_name("", {"a"}).empty());
  CHECK(nearest_name("abc", {}).empty());
}

TEST_CASE("recipe: overrides") {
  Recipe recipe = Recipe::parse(example, "x.toml");
  recipe.set("train.steps=5");
  recipe.set(" train.batch = 8 ");
  recipe.set("optimiser.generator.milestones=1,2");
  recipe.set("optimiser.generator.names=[\"x\", y]");
  recipe.set("new.text=a=b");
  recipe.set("new.empty=[]");
  CHECK(recipe.integer("train.steps", 1) == 5);
  CHECK(recipe.integer("train.batch", 1) == 8);
  CHECK(recipe.integers("optimiser.generator.milestones", {}) == std::vector<std::int64_t>{1, 2});
  CHECK(recipe.texts("optimiser.generator.names", {}) == std::vector<std::string>{"x", "y"});
  CHECK(recipe.text("new.text", "") == "a=b");
  CHECK(recipe.integers("new.empty", {3}).empty());
  says(refusal([&] { recipe.set("no-equals"); }, ErrorKind::usage), {"no-equals"});
  says(refusal([&] { recipe.set("=5"); }, ErrorKind::usage), {"=5"});
  for (const char* odd : {"train. steps=5", "train..steps=5", ".steps=5", "train.=5", "train.\"steps\"=5", "a\tb=5"})
    says(refusal([&] { recipe.set(odd); }, ErrorKind::usage), {"with a dot between two"});
}

TEST_CASE("recipe: a table for someone else counts as read, with types") {
  Recipe recipe = Recipe::parse(
      "[generator]\narchitecture = \"compact\"\nscale = 2\nslope = 0.5\nplus = true\nlist = [1, 2]\n"
      "[generators]\nother = 1",
      "x");
  const nlohmann::json table = recipe.table("generator", {"architecture"});
  CHECK(table == nlohmann::json{{"scale", 2}, {"slope", 0.5}, {"plus", true}, {"list", {1, 2}}});
  CHECK(table.at("scale").is_number_integer());
  recipe.record("generator", {{"scale", 2}, {"channels", 64}});
  CHECK(recipe.resolved().find("channels = 64") != std::string::npos);
  // What the table left out, and what only looks like it, still counts as unread.
  CHECK(refusal([&] { recipe.check_all_read(); }).find("generator.architecture") != std::string::npos);
  recipe.text("generator.architecture", "");
  CHECK(refusal([&] { recipe.check_all_read(); }).find("generators.other") != std::string::npos);
}

TEST_CASE("recipe: texts for someone else must be UTF-8, since they become JSON") {
  for (const char* bad : {"M-\xca", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"}) {
    const std::string text = std::string("[generator]\nextra = [1, \"") + bad + "\"]";
    says(refusal([&] { Recipe::parse(text, "bad.toml"); }), {"bad.toml", "generator.extra", "UTF-8"});
    Recipe recipe = Recipe::parse("", "good.toml");
    says(refusal([&] { recipe.set(std::string("generator.extra=") + bad); }, ErrorKind::usage),
         {"--set generator.extra", "UTF-8"});
  }
  Recipe recipe = Recipe::parse("[generator]\nextra = \"\xc3\xa9\xf0\x9f\x90\x88\"", "good.toml");
  CHECK(recipe.table("generator", {}).at("extra") == "\xc3\xa9\xf0\x9f\x90\x88");
  // JSON writes control characters by their numbers; a run reads its own recipe when it is resumed.
  Recipe odd = Recipe::parse("[generator]\nextra = \"\x01\"", "odd.toml");
  odd.table("generator", {});
  CHECK(Recipe::parse(odd.resolved(), "again").table("generator", {}).at("extra") == "\x01");
}

TEST_CASE("recipe: what is at its default, and what sets it apart from a run's") {
  const auto read = [](Recipe recipe) {
    recipe.integer("train.steps", 1000);
    recipe.number("train.rate", 1e-3);
    recipe.flag("train.flag", false);
    recipe.texts("train.names", {"a"});
    recipe.record("generator", recipe.table("generator"));
    recipe.record("generator", {{"width", 64}});
    return recipe;
  };
  const Recipe given = read(Recipe::parse("[train]\nsteps = 1000\nrate = 0.5\n[generator]\nscale = 2\n", "x"));
  CHECK(given.given() == std::vector<std::string>{"generator.scale", "train.rate", "train.steps"});
  CHECK(given.at_default("train.steps"));  // the same as not given
  CHECK_FALSE(given.at_default("train.rate"));
  CHECK(given.at_default("train.names"));
  CHECK(given.at_default("generator.width"));
  CHECK_FALSE(given.at_default("generator.scale"));  // whose default only the generator knows
  CHECK_FALSE(given.at_default("train.unknown"));

  const auto only_difference = [&](const std::string& resolved) {
    const auto differences = given.differences_from(resolved);
    REQUIRE(differences.size() == 1);
    return differences[0].text();
  };
  CHECK(given.differences_from(given.resolved()).empty());
  const Recipe other = read(Recipe::parse("[train]\nrate = 0.25\n[generator]\nscale = 2\n", "x"));
  CHECK(only_difference(other.resolved()) == "train.rate: 0.25 there, 0.5 here");
  // A run of an earlier version, which didn't know some of the keys.
  const auto without = [](std::string text, const std::string& line) {
    const auto at = text.find(line);
    REQUIRE(at != std::string::npos);
    return text.erase(at, line.size());
  };
  CHECK(given.differences_from(without(given.resolved(), "flag = false\n")).empty());
  CHECK(given.differences_from(without(given.resolved(), "width = 64\n")).empty());
  CHECK(only_difference(without(given.resolved(), "rate = 0.5\n")) == "train.rate: nothing there, 0.5 here");
  CHECK(only_difference(given.resolved() + "more = 1\n") == "train.more: 1 there, nothing here");
}

TEST_CASE("recipe: an override without a value unsets, and a table follows a changed type") {
  Recipe recipe = Recipe::parse("[train]\nsteps = 5\n[optimiser.g]\ntype = \"adam\"\nbeta1 = 0.5\nlr = 1\n", "x");
  recipe.set("train.steps=");
  CHECK(recipe.integer("train.steps", 7) == 7);
  recipe.set("train.text=\"\"");
  CHECK(recipe.text("train.text", "other").empty());
  recipe.set("never.given=");
  const auto read = [](Recipe& given) {
    given.text("optimiser.g.type", "adam");
    given.number("optimiser.g.lr", 2);
  };
  Recipe same = recipe;
  same.set("optimiser.g.type=adam");
  read(same);
  says(refusal([&] { same.check_all_read(); }), {"optimiser.g.beta1"});
  recipe.set("optimiser.g.type=rmsprop");
  read(recipe);
  recipe.check_all_read();  // beta1 was the file's, for adam
  CHECK(recipe.resolved().find("beta1") == std::string::npos);
  recipe.set("optimiser.g.beta2=1");
  says(refusal([&] { recipe.check_all_read(); }), {"optimiser.g.beta2"});
  // The file may leave its type to the default; then the default, named, replaces nothing.
  for (const char* type : {"rmsprop", "adam"}) {
    Recipe silent = Recipe::parse("[optimiser.g]\nbeta1 = 0.5\n", "x");
    silent.set(std::string("optimiser.g.type=") + type);
    read(silent);
    if (std::string(type) == "rmsprop") silent.check_all_read();
    else says(refusal([&] { silent.check_all_read(); }), {"optimiser.g.beta1"});
  }
}
