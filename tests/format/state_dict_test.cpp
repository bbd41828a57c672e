#include "ganvas/format/state_dict.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "support/support.hpp"

using namespace ganvas;

TEST_CASE("state dict: keeps order, replaces in place, erases") {
  StateDict weights;
  CHECK(weights.empty());
  for (const char* key : {"c", "a.weight", "b"}) weights.set(key, torch::ones({2, 3}));
  weights.set("a.weight", torch::zeros({5}));
  std::string keys;
  for (const auto& [key, tensor] : weights) keys += key + " ";
  CHECK(keys == "c a.weight b ");
  CHECK(weights.element_count() == 6 + 5 + 6);
  CHECK(weights.at("a.weight").numel() == 5);

  weights.erase("c");
  weights.erase("absent");
  CHECK(weights.size() == 2);
  CHECK_FALSE(weights.contains("c"));
  CHECK(weights.at("a.weight").numel() == 5);
  CHECK(weights.at("b").numel() == 6);
  CHECK(weights.find("absent") == nullptr);
  CHECK_THROWS_WITH_AS(weights.at("absent"), doctest::Contains("'absent'"), Error);
}

TEST_CASE("state dict: prefixes") {
  StateDict weights;
  weights.set("body.0.weight", torch::ones({1}));
  weights.set("tail", torch::ones({1}));
  CHECK(weights.has_prefix(""));
  CHECK(weights.has_prefix("body."));
  CHECK(weights.has_prefix("body.0.weight"));
  CHECK_FALSE(weights.has_prefix("body.1"));
  CHECK_FALSE(weights.has_prefix("body.0.weight.x"));
  CHECK_FALSE(weights.has_prefix("z"));
  CHECK_FALSE(StateDict().has_prefix(""));
}
