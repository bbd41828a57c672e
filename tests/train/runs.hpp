#pragma once

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ganvas/core/files.hpp"
#include "ganvas/core/recipe.hpp"
#include "ganvas/core/rng.hpp"
#include "ganvas/format/safetensors.hpp"
#include "ganvas/train/trainer.hpp"
#include "imaging/pictures.hpp"

namespace ganvas::test {

/// Smooth pictures, which a small network soon enlarges better than repetition does.
inline void write_pictures(const std::filesystem::path& folder, int count, int width = 40, int height = 36) {
  std::filesystem::create_directories(folder);
  for (int i = 0; i < count; ++i) {
    Image image(width, height, 3, Depth::u8);
    Rng rng(static_cast<std::uint64_t>(i) + 1);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        for (int c = 0; c < 3; ++c) {
          const double waves = std::sin(0.5 * x + c + i) + std::sin(0.4 * y + 0.2 * x * (i % 3) + 2 * c);
          image.pixels.at<cv::Vec3b>(y, x)[c] =
              static_cast<std::uint8_t>(124 + 60 * waves + static_cast<double>(rng.below(4)));
        }
    write_image(folder / fmt::format("{:02}.png", i), image);
  }
}

/// A recipe's text with overrides as after --set.
inline Recipe recipe_of(const std::string& text, const std::vector<std::string>& overrides) {
  Recipe recipe = Recipe::parse(text, "tiny.toml");
  for (const auto& assignment : overrides) recipe.set(assignment);
  return recipe;
}

/// A run of a fraction of a second.
inline Recipe tiny_recipe(const std::vector<std::string>& overrides = {}) {
  return recipe_of(R"(
[generator]
scale = 2
channels = 8
convs = 1
[data]
crop = 8
hold_out = 2
[train]
steps = 12
batch = 2
precision = "fp32"
ema = 0.9
log_every = 3
validate_every = 5
checkpoint_every = 4
[optimiser.generator]
lr = 1e-3
)",
                   overrides);
}

inline TrainOptions run_in(const std::filesystem::path& out, const std::filesystem::path& pictures) {
  TrainOptions options;
  options.out = out;
  options.data.places = {pictures};
  options.device = "cpu";
  return options;
}

inline std::filesystem::path checkpoint_of(const std::filesystem::path& out) {
  return out / "checkpoints" / "latest.safetensors";
}

/// The lines of a run's log of one kind.
inline std::vector<nlohmann::json> log_lines(const std::filesystem::path& out, const std::string& kind) {
  std::vector<nlohmann::json> lines;
  std::ifstream stream(out / "log.jsonl");
  for (std::string line; std::getline(stream, line);)
    if (auto entry = nlohmann::json::parse(line); entry.at("kind") == kind) lines.push_back(std::move(entry));
  return lines;
}

}  // namespace ganvas::test
