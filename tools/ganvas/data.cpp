#include <cstdio>

#include "commands.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/data/pair_source.hpp"

namespace ganvas::cli {

namespace {

struct Options {
  std::vector<std::string> places;
  std::string lr;
  int scale = 4, crop = 32;
};

int run_check(const Options& options) {
  PairSourceOptions source;
  source.hr.assign(options.places.begin(), options.places.end());
  source.lr = options.lr;
  source.scale = options.scale;
  source.crop = options.crop;
  const auto pictures = list_pictures(source.hr);
  const auto defects = check_pairs(source);
  for (const auto& defect : defects) fmt::print("{}\n", defect);
  log(LogLevel::info, "{} pictures, {} defects", pictures.size(), defects.size());
  return defects.empty() ? 0 : 1;
}

}  // namespace

void add_data(CLI::App& app, Action& action) {
  CLI::App* data = app.add_subcommand("data", "Look after training data");
  data->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* check = data->add_subcommand("check", "List broken, too small and mismatched pictures; exit 1 if any");
  check->add_option("places", options->places, "Folders or files of high-resolution pictures")->required();
  check->add_option("--lr-data", options->lr, "Folder of low-resolution partners");
  check->add_option("--scale", options->scale, "Scale between them")->capture_default_str()->check(CLI::Range(1, 16));
  check->add_option("--crop", options->crop, "Side of a training crop, low-resolution pixels")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  check->callback([options, &action] { action = [options] { return run_check(*options); }; });
  add_data_degrade(*data, action);
}

}  // namespace ganvas::cli
