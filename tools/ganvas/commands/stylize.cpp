#include <iostream>
#include <opencv2/core/utility.hpp>
#include <set>

#include "commands/explain.hpp"
#include "commands/hints.hpp"
#include "commands/load_stylizer.hpp"
#include "commands/model_name.hpp"
#include "commands/other_file.hpp"
#include "commands/run.hpp"
#include "commands/style_eye.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/picture_files.hpp"
#include "ganvas/infer/batch.hpp"
#include "ganvas/infer/stylizer.hpp"
#include "ganvas/loss/optimise_style.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

template <typename Work>
auto stylize_hinted(const Work& work) {
  return hinted({{"styles", "give it by --style PICTURE"},
                 {"own_style", "leave --style out"},
                 {"weights", "give them as --style PICTURE:WEIGHT"},
                 {"masks", "give as many --mask as --style, in their order"},
                 {"keep_colour", "take --preserve-colour luma"},
                 {"steady", "leave --steady out"}},
                work);
}

std::string model_of(const StylizeRequest& request) {
  return request.models.empty() ? fmt::format("optimised-{}", request.optimise) : model_name(request.models.front());
}

/// The slow way, for print and for comparison: through a feature network that is there.
Stylizer search_stylizer(const StylizeRequest& request) {
  const FeatureNetworkPtr network = load_style_eye(request.feature_network);
  const OptimisedStyleOptions options{.steps = request.optimise};
  return Stylizer(
      [network, options](const torch::Tensor& content, const std::vector<std::pair<torch::Tensor, double>>& styles,
                         const std::function<void(double)>& progress) {
        return optimise_style(*network, content, styles, options, [&](double share, double) {
          throw_if_interrupted();
          progress(share);
        });
      },
      request.options);
}

/// The styles of one run: all that were named together, or one of a folder.
struct StyleSet {
  std::vector<StyleChoice> choices;
  std::string name;  ///< {style} of the name pattern
};

std::vector<StyleSet> style_sets(const std::vector<StyleChoice>& styles) {
  const bool folder =
      std::any_of(styles.begin(), styles.end(), [](const StyleChoice& style) { return fs::is_directory(style.path); });
  if (!folder) {
    StyleSet all{styles, ""};
    for (const auto& style : styles) all.name += (all.name.empty() ? "" : "+") + model_name(style.path);
    return {all};
  }
  if (styles.size() > 1)
    fail(ErrorKind::usage,
         "--style: a folder stands for each of its pictures by itself and can't be mixed with others");
  std::vector<StyleSet> sets;
  std::set<std::string> names;
  for (const auto& picture : readable_pictures(list_pictures(styles.front().path, {.recursive = false}))) {
    StyleSet set{{{picture.path.string()}}, split_name(picture.path.filename()).stem};
    if (!names.insert(set.name).second)
      fail(ErrorKind::usage, "--style {}: two pictures are called {}", styles.front().path, set.name);
    sets.push_back(std::move(set));
  }
  if (sets.empty()) fail(ErrorKind::usage, "--style {}: no pictures in this folder", styles.front().path);
  return sets;
}

Image read_mask(const std::string& path) {
  Image mask = read_image(path).image;
  if (mask.channels() > 4) fail(ErrorKind::data, "--mask {}: has {} bands", path, mask.channels());
  return mask;
}

/// Styles with their masks; one mask may serve all styles, which then are mixed in it.
std::vector<Style> read_styles(const Stylizer& stylizer, const StyleSet& set, const std::vector<std::string>& masks) {
  std::vector<Style> styles;
  for (const auto& choice : set.choices) {
    styles.push_back(stylizer.read_style(choice.path));
    styles.back().weight = choice.weight;
  }
  if (styles.empty() && !masks.empty()) styles.emplace_back();  // of a network of one style, where it goes
  if (masks.size() > styles.size())
    fail_setting(ErrorKind::usage, "masks", "{} masks for {} styles", masks.size(), styles.size());
  for (std::size_t i = 0; i < masks.size(); ++i) styles[i].mask = read_mask(masks[i]);
  if (masks.size() == 1)
    for (Style& style : styles) style.mask = styles.front().mask;
  return styles;
}

std::map<std::string, std::string> facts_of(const StylizeRequest& request, const StyleSet& set) {
  const StylizeOptions& options = request.options;
  std::map<std::string, std::string> facts{{"model", model_of(request)},
                                           {"strength", fmt::format("{}", options.strength)},
                                           {"work_size", fmt::format("{}", options.work_size)}};
  std::string styles;
  for (const auto& choice : set.choices)
    styles +=
        fmt::format("{}{}:{}", styles.empty() ? "" : " ", fs::path(choice.path).filename().string(), choice.weight);
  if (!styles.empty()) facts["style"] = styles;
  if (options.keep_colour == KeepColour::luma) facts["preserve_colour"] = "luma";
  if (options.keep_colour == KeepColour::match) facts["preserve_colour"] = "match";
  return facts;
}

/// All inputs in one style.
BatchSummary run_set(const StylizeRequest& request, const BatchOptions& batch, Stylizer& stylizer,
                     const StyleSet& set) {
  BatchWork work;
  work.verb = "stylize";
  work.facts = facts_of(request, set);
  work.output_size = [](int width, int height) { return cv::Size(width, height); };
  work.process = [&](const DecodedImage& picture, cv::Size, const std::function<void(double)>& progress) {
    return stylizer.stylize(picture.image, progress);
  };
  work.explain = explain;
  return run_batch(batch, work, std::cout);
}

}  // namespace

int run(const StylizeRequest& request) {
  if (request.options.run.threads > 0) cv::setNumThreads(request.options.run.threads);
  if (!request.save_style.empty()) require_free(request.save_style, request.batch.force || request.batch.skip_existing);
  const std::vector<StyleSet> sets = style_sets(request.styles);
  BatchOptions batch = request.batch;
  if (sets.size() > 1) {
    if (batch.name == BatchOptions{}.name) batch.name = "{stem}_{style}";
    if (batch.name.find("{style}") == std::string::npos)
      fail(ErrorKind::usage, "--name {}: {} styles would give one output; let it hold {{style}}", batch.name,
           sets.size());
    if (batch.watch) fail(ErrorKind::usage, "--watch: one style at a time, not a folder of them");
    if (!request.save_style.empty()) fail(ErrorKind::usage, "--save-style: one style at a time, not a folder of them");
    if (!fs::is_directory(batch.output) &&
        (batch.output == "-" || format_from_name(fs::path(batch.output).extension().string())))
      fail(ErrorKind::usage, "-o {}: one file for {} styles; give a folder", batch.output, sets.size());
  }
  batch.quiet = log_level() > LogLevel::info;
  batch.name_fields["model"] = model_of(request);
  batch.name_fields["scale"] = "1";
  Stylizer stylizer = stylize_hinted([&] {
    return request.optimise > 0 ? search_stylizer(request)
                                : load_stylizer(request.models, request.options, request.trust);
  });
  int code = 0;
  for (const StyleSet& set : sets) {
    stylize_hinted([&] {
      stylizer.set_styles(read_styles(stylizer, set, request.masks));
      if (!request.save_style.empty() && !batch.dry_run) stylizer.save_style(request.save_style);
    });
    if (batch.inputs.empty()) {
      if (!batch.dry_run) std::cout << request.save_style << std::endl;
      continue;
    }
    batch.name_fields["style"] = set.name;
    const BatchSummary done = run_set(request, batch, stylizer, set);
    code = std::max(code, done.exit_code());
    if (done.interrupted || (batch.stop_on_error && done.failed > 0)) break;
  }
  return code;
}

}  // namespace ganvas::cli
