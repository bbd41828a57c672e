#include "commands/batch_options.hpp"

#include "commands/hints.hpp"
#include "ganvas/core/log.hpp"

namespace ganvas::cli {

BatchOptions batch_options(const BatchRequest& request) {
  BatchOptions options;
  options.inputs = request.inputs;
  options.output = request.output;
  options.recursive = request.recursive;
  options.include = request.include;
  options.exclude = request.exclude;
  options.skip_existing = request.skip_existing;
  options.force = request.force;
  options.name = request.name;
  if (!request.format.empty()) options.format = format_from_name(request.format);
  options.encode.quality = request.quality;
  options.encode.png_level = request.png_level;
  options.strip_metadata = request.strip_metadata;
  options.max_pixels = request.max_pixels;
  options.shard_index = request.shard_index;
  options.shard_count = request.shard_count;
  options.limit = request.limit;
  options.dry_run = request.dry_run;
  options.json = request.json;
  options.stop_on_error = request.stop_on_error;
  options.explain = [](const Error& error) {
    return with_hint(error, {{"max_pixels", "raise it (--max-pixels) if that is true"},
                             {"format", "choose another by --format or by the output's name"}});
  };
  options.quiet = log_level() > LogLevel::info;
  return options;
}

}  // namespace ganvas::cli
