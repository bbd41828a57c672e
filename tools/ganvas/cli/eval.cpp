#include <memory>

#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "cli/lpips_options.hpp"
#include "cli/run_options.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

namespace {

void check_sets(const EvalRequest& request) {
  if (request.sr.empty()) fail(ErrorKind::usage, "eval --fid: give a folder of results beside that of real pictures");
  if (!request.model.empty() || request.bicubic || !request.lr.empty() || request.lpips.on || request.lattice > 0)
    fail(ErrorKind::usage,
         "eval --fid compares two folders as wholes: --model, --bicubic, --lr, --lpips and --lattice go picture by "
         "picture");
}

void check_styles(const EvalRequest& request) {
  if (request.model.empty()) fail(ErrorKind::usage, "eval --style: give the style network with --model");
  if (!request.sr.empty() || request.bicubic || !request.lr.empty() || request.lpips.on || request.fid ||
      request.lattice > 0)
    fail(ErrorKind::usage,
         "eval --style makes its results itself: no folder of results, --bicubic, --lr, --lpips, --lattice, --fid");
}

void check_eval(const EvalRequest& request) {
  if (!request.styles.empty()) return check_styles(request);
  if (request.fid) return check_sets(request);
  if (request.sr.empty() + request.model.empty() + !request.bicubic != 2)
    fail(ErrorKind::usage, "eval: give one of a folder of results, --model M or --bicubic");
  if (!request.model.empty()) find_model(request.model);  // a wrong name shows at once
}

}  // namespace

void add_eval(CLI::App& app, Action& action) {
  auto request = std::make_shared<EvalRequest>();
  CLI::App* command = app.add_subcommand(
      "eval",
      "PSNR, SSIM and LPIPS against ground truth, FID of folders, or styles' distances, by the papers' protocols");
  command->add_option("hr", request->hr, "Folder (or file) of ground truth")->required();
  command->add_option("sr", request->sr, "Folder (or file) of results with the same names");
  command->add_option("-m,--model", request->model, "Make the results with this model");
  add_trust(*command, request->trust);
  command->add_flag("--bicubic", request->bicubic, "Make the results by bicubic enlargement");
  command->add_option("--lr", request->lr,
                      "Folder of low-resolution pictures (default: MATLAB bicubic of the ground truth)");
  command->add_option("-s,--scale", request->scale, "Scale (default: the model's, else 4)")->check(CLI::Range(1, 16));
  command->add_option("--border", request->border, "Pixels left out on each side (default: the scale)")
      ->check(CLI::Range(0, 1000));
  add_lpips_options(*command, request->lpips);
  command
      ->add_option(
          "--lattice", request->lattice,
          "Measure how far a lattice of so many pixels lies over the results, as strides of networks leave it, "
          "relative to the ground truth (1: no further)")
      ->type_name("PERIOD")
      ->check(CLI::Range(2, 32));
  CLI::Option* style =
      command
          ->add_option("--style", request->styles,
                       "A painting or a folder of them: give each picture each of these styles with --model, a style "
                       "network, and say how near style and content come in the eyes of a VGG-19 (--feature-network)")
          ->type_name("PICTURE")
          ->allow_extra_args(false);
  command->add_option("--strength", request->strength, "Of --style, from 0 (the picture itself) to 1")
      ->capture_default_str()
      ->needs(style)
      ->check(CLI::Range(0.0, 1.0));
  command->add_flag("--fid", request->fid,
                    "Compare the folders as wholes, whatever the names: FID, KID, precision and recall");
  command->add_option(
      "--feature-network", request->feature_network,
      "Their network: file or name (default: the shipped features, whose figures are named fid_features "
      "...; inception: the published metrics', once fetched; for --style vgg19)");
  command->add_flag("--json", request->json, "One JSON line a file, and a last one with the mean");
  add_run_options(*command, request->upscale.run);
  command->add_flag("--tta", request->upscale.tta, "Mean over 8 flips and turns");
  command->callback([request, &action] {
    if (!request->feature_network.empty() && request->styles.empty()) request->fid = true;
    action = [request] {
      check_eval(*request);
      return run_in_library(*request);
    };
  });
}

}  // namespace ganvas::cli
