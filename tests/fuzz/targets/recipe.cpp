// Recipes: parsed, read as every type, overridden, written out; what is written out must be the same recipe.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "fuzz/fuzz.hpp"
#include "ganvas/core/recipe.hpp"

using namespace ganvas;

namespace {

void read_as_every_type(Recipe& recipe, const std::string& key) {
  fuzz::try_reading([&] { recipe.integer(key, 1, -1000, 1'000'000); });
  fuzz::try_reading([&] { recipe.number(key, 1, -1e30, 1e30); });
  fuzz::try_reading([&] { recipe.flag(key, true); });
  fuzz::try_reading([&] { recipe.integers(key, {}); });
  fuzz::try_reading([&] { recipe.numbers(key, {}, -1e30, 1e30); });
  fuzz::try_reading([&] { recipe.texts(key, {}); });
  fuzz::try_reading([&] { recipe.choice(key, "a", {"a", "b"}); });
}

/// All that the file gives, the last reading as text, which every single value is.
void read_all(Recipe& recipe, const std::vector<std::string>& keys) {
  constexpr std::size_t as_every_type = 5;  // refusals are what takes the time
  for (std::size_t i = 0; i < std::min(keys.size(), as_every_type); ++i) read_as_every_type(recipe, keys[i]);
  for (const std::string& key : keys) fuzz::try_reading([&] { recipe.text(key, ""); });
  fuzz::try_reading([&] { recipe.table("generator", {"type"}); });
  fuzz::try_reading([&] { recipe.check_all_read(); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  fuzz::try_reading([&] {
    Recipe recipe = Recipe::parse(text, "x");
    const std::vector<std::string> keys = recipe.given();  // an override brings names that nobody would read
    constexpr std::size_t most_keys = 40;
    if (keys.size() > most_keys) return;
    fuzz::try_reading([&] { recipe.set(text.substr(0, text.find('\n'))); });
    read_all(recipe, keys);
    const std::string resolved = recipe.resolved();
    try {
      Recipe again = Recipe::parse(resolved, "resolved");
      read_all(again, again.given());
      if (again.resolved() != resolved)
        fuzz::finding("a recipe changes when it is written", resolved + again.resolved());
    } catch (const Error& error) {
      fuzz::finding("our own recipe can't be read", error.what());
    }
  });
  return 0;
}
