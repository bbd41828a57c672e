#include <torch/torch.h>

#include <cmath>
#include <cstdio>
#include <opencv2/core.hpp>

#include "commands/other_file.hpp"
#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/engine/int8.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/picture_files.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/metric/quality.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/threads.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"

namespace ganvas::cli {

namespace {

/// What the network is fed with, and for networks that enlarge, what it should give.
struct CalibrationSet {
  torch::Tensor inputs;        ///< N x C x side x side, in the network's value range
  std::vector<Image> targets;  ///< empty where the network doesn't enlarge
};

std::vector<PictureFile> large_enough(std::vector<PictureFile> files, int side) {
  std::erase_if(files, [&](const PictureFile& file) {
    throw_if_interrupted();
    try {
      if (!file.problem.empty()) fail(ErrorKind::data, "{}: {}", file.path.string(), file.problem);
      const ImageHeader header = read_header(read_file(file.path), file.path.string());
      return header.width < side || header.height < side;
    } catch (const Error& error) {
      log(LogLevel::warning, "passed over: {}", error.what());
      return true;
    }
  });
  return files;
}

/// Empty where it can't be read.
Image readable(const std::filesystem::path& file) {
  try {
    return to_depth(colour_part(read_image(file).image), Depth::u8);
  } catch (const Error& error) {
    log(LogLevel::warning, "passed over: {}", error.what());
    return {};
  }
}

/// Crops from the middle of the pictures, evenly chosen from all that are large enough.
CalibrationSet calibration_set(const ModelQuantizeRequest& request, const GeneratorInfo& info) {
  const int side = std::max(1, request.side / info.multiple) * info.multiple, large = side * info.scale;
  const auto files = large_enough(list_pictures(request.data), large);
  CalibrationSet set;
  std::vector<Image> small;
  const double stride = std::max(1.0, static_cast<double>(files.size()) / request.pictures);
  for (double at = 0; at < static_cast<double>(files.size()) && std::ssize(small) < request.pictures; at += stride) {
    throw_if_interrupted();
    const Image picture = readable(files[static_cast<std::size_t>(at)].path);
    if (picture.empty()) continue;
    const cv::Rect middle((picture.width() - large) / 2, (picture.height() - large) / 2, large, large);
    const Image crop(picture.pixels(middle).clone());
    const Image fitting = info.in_channels == 1 ? to_gray(crop) : to_rgb(crop);
    if (info.scale > 1) set.targets.push_back(fitting);
    small.push_back(info.scale > 1 ? shrink_bicubic(fitting, info.scale) : fitting);
  }
  constexpr std::ptrdiff_t fewest = 4;
  if (std::ssize(small) < fewest)
    fail(ErrorKind::data, "{}: {} pictures of at least {}x{} pixels; calibration needs {} or more", request.data,
         small.size(), large, large, fewest);
  set.inputs = to_range(tensor_from_images(small), info);
  return set;
}

/// Mean PSNR-Y of results against what they should be, dB.
double quality(const torch::Tensor& results, const std::vector<Image>& targets, const GeneratorInfo& info) {
  double sum = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const Image picture =
        image_from_tensor(results[static_cast<std::int64_t>(i)], Depth::u8, info.value_range, info.value_low);
    sum += compare_pictures(picture, targets[i], info.scale).psnr_y;
  }
  return sum / static_cast<double>(targets.size());
}

}  // namespace

int run(const ModelQuantizeRequest& request) {
  use_cpu_threads(request.threads);
  const std::filesystem::path path = find_model(request.model);
  require_free(request.out, request.force);
  LoadedGenerator model = load_generator(path);
  const GeneratorInfo info = model.network->info();
  if (info.in_channels != 1 && info.in_channels != 3)
    fail(ErrorKind::model, "{}: takes {} channels; calibration has pictures of 1 and 3", path.string(),
         info.in_channels);
  if (model.layout == "torchscript")
    fail(ErrorKind::model, "{}: a TorchScript program can't be stored with a calibration; quantize its state dict",
         path.string());
  const CalibrationSet set = calibration_set(request, info);
  log(LogLevel::info, "calibrating on {} crops of {}x{} pixels", set.inputs.size(0), set.inputs.size(3),
      set.inputs.size(2));
  const Int8Calibration calibration = calibrate_int8(*model.network, set.inputs);

  auto record = nlohmann::json::parse(calibration.record);
  const double range = info.value_range - info.value_low;
  const double error = (calibration.exact - calibration.int8).div(range).square().mean().item<double>();
  record["psnr"] = -10 * std::log10(std::max(error, 1e-12));
  std::string result = fmt::format("{}\n{} convolutions in int8; to fp32: {:.2f} dB", request.out, calibration.layers,
                                   record["psnr"].get<double>());
  if (!set.targets.empty()) {
    const double before = quality(calibration.exact, set.targets, info),
                 after = quality(calibration.int8, set.targets, info);
    record["loss"] = before - after;
    result += fmt::format("; PSNR-Y {:.3f} -> {:.3f} dB", before, after);
  }
  model.file.metadata[int8_metadata] = record.dump();
  save_generator(request.out, *model.network, model.file.metadata);
  fmt::print("{}\n", result);
  return 0;
}

}  // namespace ganvas::cli
