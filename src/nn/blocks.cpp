#include "nn/blocks.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/traced_operators.hpp"

namespace ganvas {

namespace {

thread_local WeightBudget* current_budget = nullptr;

}  // namespace

WeightBudget::WeightBudget(std::int64_t weights) : left_(weights), outer_(current_budget) { current_budget = this; }

WeightBudget::~WeightBudget() { current_budget = outer_; }

void WeightBudget::spend(std::int64_t weights) {
  if (!current_budget) return;
  current_budget->left_ -= weights;
  if (current_budget->left_ < 0) fail(ErrorKind::model, "the network that it describes is far larger than its weights");
}

torch::nn::Conv2d make_conv(const torch::nn::Conv2dOptions& options) {
  const auto& kernel = *options.kernel_size();
  // A layer costs memory of its own beside its weights: hence the constant.
  WeightBudget::spend(options.in_channels() / options.groups() * options.out_channels() * kernel[0] * kernel[1] +
                      options.out_channels() + 16);
  return torch::nn::Conv2d(options);
}

torch::nn::Conv2d make_conv(int in, int out, int kernel, bool bias) {
  return make_conv(torch::nn::Conv2dOptions(in, out, kernel).padding(kernel / 2).bias(bias));
}

void init_he(torch::nn::Conv2d& conv, double gain) {
  const torch::NoGradGuard no_grad;
  const auto fan_in = static_cast<double>(conv->weight.numel()) / static_cast<double>(conv->weight.size(0));
  conv->weight.normal_(0.0, gain * std::sqrt(2.0 / fan_in));
  if (conv->bias.defined()) conv->bias.zero_();
}

torch::Tensor relu_of(torch::Tensor x) { return torch::relu_(x); }

torch::Tensor leaky_relu_of(torch::Tensor x, double slope) { return torch::leaky_relu_(x, slope); }

torch::Tensor mish_of(const torch::Tensor& x) {
  if (x.scalar_type() != torch::kBFloat16 || !x.is_cpu()) return torch::mish(x);
  return torch::mish(x.to(torch::kFloat)).to(torch::kBFloat16);
}

ResidualBlockImpl::ResidualBlockImpl(int channels, double res_scale)
    : conv1(make_conv(channels, channels)), conv2(make_conv(channels, channels)), res_scale_(res_scale) {
  register_module("conv1", conv1);
  register_module("conv2", conv2);
}

torch::Tensor ResidualBlockImpl::forward(const torch::Tensor& x) {
  return torch::add(x, conv2->forward(relu_of(conv1->forward(x))), res_scale_);
}

torch::Tensor pad_around(const torch::Tensor& x, std::int64_t before, std::int64_t multiple, Border border) {
  const bool reflected = border == Border::reflected;
  if (before == 0 && x.size(2) % multiple == 0 && x.size(3) % multiple == 0) return x;
  // The plain ones where they do: all that reads a trace knows them.
  if (multiple == 1 && x.scalar_type() == torch::kFloat && before < std::min(x.size(2), x.size(3))) {
    const std::vector<std::int64_t> sides(4, before);
    return reflected ? torch::reflection_pad2d(x, sides) : torch::replication_pad2d(x, sides);
  }
  return surround(x, before, multiple, 1, reflected ? "reflect" : "replicate");
}

torch::Tensor cut_to(const torch::Tensor& result, const torch::Tensor& input, int scale) {
  return result.narrow(2, 0, input.size(2) * scale).narrow(3, 0, input.size(3) * scale);
}

torch::Tensor pad_to_multiple(const torch::Tensor& x, std::int64_t multiple) {
  return pad_around(x, 0, multiple, Border::reflected);
}

torch::Tensor pad_up_to(const torch::Tensor& x, std::int64_t smallest) {
  return x.size(2) >= smallest && x.size(3) >= smallest ? x : surround(x, 0, 1, smallest, "reflect");
}

torch::Tensor enlarge_nearest(const torch::Tensor& x, std::int64_t factor) {
  return torch::upsample_nearest2d(x, {x.size(2) * factor, x.size(3) * factor});
}

std::vector<int> upsampler_steps(int scale) {
  if (scale == 3) return {3};
  std::vector<int> steps;
  for (int left = scale; left > 1; left /= 2) {
    if (left % 2 != 0) fail(ErrorKind::recipe, "scale: {} is neither 3 nor a power of two", scale);
    steps.push_back(2);
  }
  return steps;
}

torch::nn::Sequential make_upsampler(int channels, int scale) {
  torch::nn::Sequential chain;
  for (const int step : upsampler_steps(scale)) {
    chain->push_back(make_conv(channels, channels * step * step));
    chain->push_back(torch::nn::PixelShuffle(step));
  }
  return chain;
}

int upsampler_halo(const std::vector<int>& steps, int radius) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) radius = (radius + *step - 1) / *step + 1;
  return radius;
}

int upsampler_scale(const StateDict& weights, const std::string& prefix, std::int64_t channels) {
  std::vector<int> steps;
  int scale = 1;
  for (int i = 0; weights.contains(fmt::format("{}{}.weight", prefix, i)) && scale < 1024; i += 2) {
    const std::int64_t planes = conv_weight(weights, fmt::format("{}{}", prefix, i)).size(0);
    const int step = planes == 4 * channels ? 2 : planes == 9 * channels ? 3 : 0;
    if (step == 0)
      fail(ErrorKind::model, "{}{} gives {} planes, which is no enlargement of {} channels", prefix, i, planes,
           channels);
    steps.push_back(step);
    scale *= step;
  }
  if (scale != 3 && std::count(steps.begin(), steps.end(), 3) != 0)
    fail(ErrorKind::model, "its upsampler has a scale of {}", scale);
  return scale;
}

const torch::Tensor& conv_weight(const StateDict& weights, const std::string& stem) {
  const torch::Tensor* weight = weights.find(stem + ".weight");
  if (!weight) fail(ErrorKind::model, "weight '{}.weight' is missing", stem);
  if (weight->dim() != 4)
    fail(ErrorKind::model, "weight '{}.weight' has shape [{}], not a convolution's", stem,
         fmt::join(weight->sizes().vec(), ","));
  return *weight;
}

int count_layers(const StateDict& weights, const std::string& prefix, const std::string& suffix, int first) {
  int count = 0;
  while (weights.contains(fmt::format("{}{}{}", prefix, first + count, suffix))) ++count;
  return count;
}

bool only_prefixes(const StateDict& weights, std::initializer_list<const char*> prefixes) {
  return std::all_of(weights.begin(), weights.end(), [&](const StateDict::Entry& entry) {
    return std::any_of(prefixes.begin(), prefixes.end(), [&](const char* p) { return entry.first.starts_with(p); });
  });
}

StateDict renamed(const StateDict& weights, const std::function<std::string(const std::string&)>& name) {
  StateDict result;
  for (const auto& [key, tensor] : weights) {
    const std::string own = name(key);
    if (result.contains(own)) fail(ErrorKind::model, "'{}' stands for '{}', which is there already", key, own);
    result.set(own, tensor);
  }
  return result;
}

std::vector<std::string> key_parts(const std::string& key) {
  std::vector<std::string> parts;
  for (std::size_t from = 0;;) {
    const std::size_t dot = key.find('.', from);
    parts.push_back(key.substr(from, dot - from));
    if (dot == std::string::npos) return parts;
    from = dot + 1;
  }
}

}  // namespace ganvas
