#include "infer/tile_runner.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/memory.hpp"
#include "ganvas/engine/int8.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/threads.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"

namespace ganvas {

namespace {

/// The eight flips and turns of a square's symmetry group.
torch::Tensor turned(torch::Tensor x, int orientation) {
  if (orientation & 1) x = x.flip(3);
  if (orientation & 2) x = x.flip(2);
  return orientation & 4 ? x.transpose(2, 3) : x;
}

torch::Tensor turned_back(torch::Tensor x, int orientation) {
  if (orientation & 4) x = x.transpose(2, 3);
  if (orientation & 2) x = x.flip(2);
  return orientation & 1 ? x.flip(3) : x;
}

/// Any NaN or infinity makes the sum one; a finite picture's sum can't overflow in fp32.
bool all_finite(const torch::Tensor& x) { return std::isfinite(x.sum().item<float>()); }

/// How much quality `auto` may give for speed, dB of PSNR-Y: hard to see, and the step from bf16 to int8 saves 40 %.
constexpr double affordable_loss = 0.05;

/// `auto`: where the machine has the instructions and the model's own record says that it costs little, unless the
/// user asked for the best that the network can do.
bool use_int8(const RunOptions& options, bool tta, torch::Device device, const std::string& record) {
  if (options.precision == "auto")
    return options.engine != "libtorch" && device.is_cpu() && engine_has_int8() && !tta &&
           int8_loss(record) <= affordable_loss;
  if (options.precision != "int8") return false;
  if (options.engine == "libtorch")
    fail(ErrorKind::usage, "precision int8 is the compiled engine's; LibTorch has none");
  if (record.empty())
    fail(ErrorKind::usage, "precision int8: this model isn't calibrated for it; do so with: ganvas model quantize");
  if (!device.is_cpu()) fail(ErrorKind::usage, "precision int8 is for CPUs; use bf16 here");
  if (!engine_has_int8())
    log(LogLevel::info, "this machine has no int8 instructions (AVX-512 VNNI): int8 is less exact here, and no faster");
  return true;
}

}  // namespace

TileRunner::TileRunner(GeneratorPtr network, const RunOptions& options, bool tta, const std::string& int8_record)
    : network_(std::move(network)), info_(network_->info()), device_(parse_device(options.device)), tta_(tta) {
  use_cpu_threads(options.threads);
  const bool int8 = use_int8(options, tta, device_, int8_record);
  bf16_ = use_bf16(options.precision == "int8" ? "auto" : options.precision, device_);
  use_channels_last(*network_);
  network_->to(device_);
  network_->eval();
  // An engine that has no bf16 here is no help to whoever asks for it.
  if (options.engine != "libtorch" && device_.is_cpu() && (!bf16_ || engine_has_bf16())) {
    std::string why;
    EngineOptions wanted{.bf16 = bf16_,
                         .unless_slower = options.precision == "auto" || options.precision == "int8",
                         .int8_record = int8 ? int8_record : std::string()};
    engine_ = Engine::compile(*network_, wanted, why);
    if (!engine_ && options.precision == "int8") fail(ErrorKind::model, "precision int8: {}", why);
    if (!engine_ && int8) {
      log(LogLevel::debug, "no int8: {}", why);
      wanted.int8_record.clear();
      engine_ = Engine::compile(*network_, wanted, why);
    }
    if (engine_) bf16_ = engine_->bf16();
    else log(LogLevel::debug, "LibTorch runs this network: {}", why);
  }
  if (!engine_ && info_.fp32_only) bf16_ = false;
  if (bf16_ && !engine_) {
    half_ = replicate(*network_);
    half_->to(device_, torch::kBFloat16);
    use_channels_last(*half_);
  }
}

torch::Tensor TileRunner::once(const torch::Tensor& input) {
  if (plain_) return network_->forward(input);
  return engine_ ? engine_->run(input) : (half_ ? *half_ : *network_).forward(input);
}

torch::Tensor TileRunner::forward(const torch::Tensor& input) {
  if (!tta_) return once(input);
  torch::Tensor sum;
  for (int orientation = 0; orientation < 8; ++orientation) {
    const torch::Tensor view = turned(input, orientation).contiguous(at::MemoryFormat::ChannelsLast);
    const torch::Tensor result = turned_back(once(view), orientation);
    sum = sum.defined() ? sum + result : result;
  }
  return sum / 8;
}

cv::Mat TileRunner::run(const cv::Mat& tile) {
  // oneDNN's kernels and OpenBLAS's buffers take no failed allocation well.
  constexpr std::uint64_t least = UINT64_C(64) << 20;
  if (available_memory() < least) fail(ErrorKind::memory, "out of memory");
  const torch::InferenceMode inference;
  const torch::Tensor input = tensor_from_image(tile, info_.value_range, info_.value_low).to(device_);
  torch::Tensor output = forward(input);
  if (!all_finite(output)) {
    if (bf16_) {
      if (!warned_)
        log(LogLevel::warning, "bf16 gave values that are no numbers; such tiles are computed again in fp32");
      warned_ = true;
      plain_ = true;
      output = forward(input);
      plain_ = false;
    }
    if (!all_finite(output)) fail(ErrorKind::model, "the network gives values that are no numbers (NaN or infinite)");
  }
  return matrix_from_tensor(output, info_.value_range, info_.value_low);
}

int TileRunner::best_tile() const {
  // Bytes of features alive at once. What looks at the whole picture should see as much of it as can be.
  const double budget = std::min(info_.global ? 768e6 : 192e6, static_cast<double>(available_memory()) / 4);
  const double values = info_.live_values > 0 ? info_.live_values : 192.0 * info_.scale * info_.scale;
  const double side = std::sqrt(budget / (values * (bf16_ ? 2 : 4)));
  return std::clamp(static_cast<int>(side) / 32 * 32, 64, device_.is_cuda() ? 1024 : 768);
}

}  // namespace ganvas
