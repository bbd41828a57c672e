#include "ganvas/core/registry.hpp"

#include <functional>

#include "support/support.hpp"

using namespace ganvas;

namespace {

struct Animal {
  std::string name;
  int order = 100;
  std::function<std::optional<int>(const std::string& text)> detect{};
};

std::string message_of(ErrorKind kind, const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("registry: plug-ins come in order, are found by name, and an unknown name is answered with the known ones") {
  const Registry<Animal> animals("animal", {{"hen"}, {"cat", 20}, {"cow"}, {"ant", 10}});
  CHECK(animals.names() == std::vector<std::string>{"ant", "cat", "hen", "cow"});
  CHECK(animals.size() == 4);
  CHECK(animals.at("hen").order == 100);
  CHECK(animals.find("dog") == nullptr);
  CHECK(message_of(ErrorKind::recipe, [&] { animals.at("dog"); }) == "unknown animal 'dog'; known: ant, cat, hen, cow");
}

TEST_CASE("registry: the first that recognises something wins, one without a detection is passed over") {
  const auto of_length = [](std::size_t length) {
    return [length](const std::string& text) { return text.size() == length ? std::optional(7) : std::nullopt; };
  };
  const auto broken = [](const std::string& text) -> std::optional<int> {
    if (text == "broken") throw Error(ErrorKind::file, "it lacks a tail");
    return std::nullopt;
  };
  const Registry<Animal> animals(
      "animal", {{"late", 100, of_length(3)}, {"mute"}, {"early", 1, of_length(3)}, {"strict", 50, broken}});
  const auto found = animals.recognise(std::string("abc"), "file");
  REQUIRE(found);
  CHECK(found->first->name == "early");
  CHECK(found->second == 7);
  CHECK_FALSE(animals.recognise(std::string("abcd"), "file"));
  CHECK(message_of(ErrorKind::model, [&] { animals.recognise(std::string("broken"), "x.pth"); }) ==
        "x.pth: looks like strict, but it lacks a tail");
}
