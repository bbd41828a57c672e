#include <cstdio>

#include "commands/hints.hpp"
#include "commands/run.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/data/pair_source.hpp"
#include "ganvas/data/translation_source.hpp"

namespace ganvas::cli {

namespace {

DataCheck check(const DataCheckRequest& request) {
  if (request.pairs || request.unpaired) {
    TranslationSourceOptions source;
    source.places.assign(request.places.begin(), request.places.end());
    source.paired = request.pairs;
    return hinted({{"places", "name A's folder, then B's"}}, [&] { return check_translation(source); });
  }
  PairSourceOptions source;
  source.hr.assign(request.places.begin(), request.places.end());
  source.lr = request.lr;
  source.scale = request.scale;
  source.crop = request.crop;
  source.channels = 0;  // any
  return check_pairs(source);
}

}  // namespace

int run(const DataCheckRequest& request) {
  const auto [pictures, defects] = check(request);
  for (const auto& defect : defects) fmt::print("{}\n", defect);
  log(LogLevel::info, "{} pictures, {} defects", pictures, defects.size());
  return defects.empty() ? 0 : 1;
}

}  // namespace ganvas::cli
