#include <cstdio>

#include "commands/run.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/data/pair_source.hpp"
#include "ganvas/data/translation_source.hpp"

namespace ganvas::cli {

namespace {

int check_translation_data(const DataCheckRequest& request) {
  TranslationSourceOptions source;
  source.places.assign(request.places.begin(), request.places.end());
  source.paired = request.pairs;
  const auto defects = check_translation(source);
  for (const auto& defect : defects) fmt::print("{}\n", defect);
  log(LogLevel::info, "{} defects", defects.size());
  return defects.empty() ? 0 : 1;
}

}  // namespace

int run(const DataCheckRequest& request) {
  if (request.pairs || request.unpaired) return check_translation_data(request);
  PairSourceOptions source;
  source.hr.assign(request.places.begin(), request.places.end());
  source.lr = request.lr;
  source.scale = request.scale;
  source.crop = request.crop;
  const auto pictures = list_pictures(source.hr);
  const auto defects = check_pairs(source);
  for (const auto& defect : defects) fmt::print("{}\n", defect);
  log(LogLevel::info, "{} pictures, {} defects", pictures.size(), defects.size());
  return defects.empty() ? 0 : 1;
}

}  // namespace ganvas::cli
