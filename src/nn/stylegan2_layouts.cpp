#include "nn/stylegan2_layouts.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/core/parse_number.hpp"
#include "nn/blocks.hpp"

namespace ganvas {

namespace {

using torch::Tensor;

int number_in(const std::string& text) {
  const auto value = parse_number<int>(text);
  if (!value || *value < 0 || *value > 64) fail(ErrorKind::model, "'{}' in a key is no index", text);
  return *value;
}

/// The tail of a styled convolution's key in rosinality's and BasicSR's names -> ours; empty: to be left out.
std::string styled_tail(const std::string& tail) {
  static const std::map<std::string, std::string> names{{"conv.weight", "weight"},
                                                        {"modulated_conv.weight", "weight"},
                                                        {"conv.modulation.weight", "affine.weight"},
                                                        {"conv.modulation.bias", "affine.bias"},
                                                        {"modulated_conv.modulation.weight", "affine.weight"},
                                                        {"modulated_conv.modulation.bias", "affine.bias"},
                                                        {"noise.weight", "noise_strength"},
                                                        {"weight", "noise_strength"},
                                                        {"activate.bias", "bias"},
                                                        {"bias", "bias"}};
  const auto found = names.find(tail);
  return found == names.end() ? std::string() : found->second;
}

bool is_filter(const std::string& key) { return key.ends_with(".kernel") || key.ends_with("resample_filter"); }

/// Name of the layer that comes k-th behind the first: two a level.
std::string layer_of(int k) { return fmt::format("synthesis.b{}.conv{}", 8 << (k / 2), k % 2); }

std::string generator_key(const std::string& key) {
  const std::vector<std::string> parts = key_parts(key);
  const auto rest = [&](std::size_t from) {
    std::string text;
    for (std::size_t i = from; i < parts.size(); ++i) text += (i > from ? "." : "") + parts[i];
    return text;
  };
  const std::string& head = parts[0];
  if ((head == "style" || head == "style_mlp") && parts.size() == 3)
    return fmt::format("mapping.fc{}.{}", number_in(parts[1]) - 1, parts[2]);
  if (head == "input" || head == "constant_input") return "synthesis.b4.const";
  if (head == "latent_avg") return "mapping.w_avg";
  if (head == "noises" && parts.size() == 2) {
    const std::size_t digits = parts[1].find_first_of("0123456789");
    const int i = digits == std::string::npos ? -1 : number_in(parts[1].substr(digits));
    return i == 0 ? "synthesis.b4.conv1.noise_const" : layer_of(i - 1) + ".noise_const";
  }
  std::string place, tail;
  if (head == "conv1" || head == "style_conv1") place = "synthesis.b4.conv1", tail = rest(1);
  else if (head == "to_rgb1") place = "synthesis.b4.torgb", tail = rest(1);
  else if ((head == "convs" || head == "style_convs") && parts.size() > 2)
    place = layer_of(number_in(parts[1])), tail = rest(2);
  else if (head == "to_rgbs" && parts.size() > 2)
    place = fmt::format("synthesis.b{}.torgb", 8 << number_in(parts[1])), tail = rest(2);
  const std::string name = place.empty() ? std::string() : styled_tail(tail);
  return name.empty() ? key : place + "." + name;
}

/// Shapes as stylegan2-ada-pytorch has them.
Tensor reshaped(const std::string& key, const Tensor& value) {
  if (key.ends_with(".noise_strength") && value.numel() == 1) return value.reshape({});
  if (key.ends_with(".noise_const") && value.dim() == 4) return value[0][0];
  if (key.ends_with(".const") && value.dim() == 4) return value[0];
  if (key == "mapping.w_avg") return value.flatten();
  if (key.ends_with(".torgb.bias")) return value.flatten();
  if (key.ends_with(".weight") && value.dim() == 5) return value[0];
  return value;
}

std::string discriminator_key(const std::string& key, int blocks) {
  const std::vector<std::string> parts = key_parts(key);
  const std::string& head = parts[0];
  const std::string& last = parts.back();
  if ((head == "convs" || head == "conv_body") && parts.size() >= 4) {
    const int block = number_in(parts[1]);
    if (block == 0) return fmt::format("b{}.fromrgb.{}", 4 << blocks, last);
    const std::string place = fmt::format("b{}", (4 << blocks) >> (block - 1));
    if (parts[2] == "conv1") return place + ".conv0." + last;
    if (parts[2] == "conv2") return place + ".conv1." + last;
    if (parts[2] == "skip") return place + ".skip." + last;
  }
  if (head == "final_conv") return "b4.conv." + last;
  if (head == "final_linear" && parts.size() == 3) return (parts[1] == "0" ? "b4.fc." : "b4.out.") + last;
  return key;
}

}  // namespace

std::optional<Detected> stylegan2_generator_layout(const StateDict& file) {
  const bool ada = file.contains("synthesis.b4.const") && file.contains("mapping.fc0.weight");
  const bool rosinality = file.contains("input.input") && file.contains("style.1.weight");
  const bool basicsr = file.contains("constant_input.weight") && file.contains("style_mlp.1.weight");
  if (!ada && !rosinality && !basicsr) return std::nullopt;
  Detected found;
  found.layout = ada ? "stylegan2-ada-pytorch" : rosinality ? "rosinality" : "BasicSR";
  for (const auto& [key, value] : file) {
    if (is_filter(key)) continue;
    const std::string name = ada ? key : generator_key(key);
    found.weights.set(name, reshaped(name, value));
  }
  return found;
}

std::optional<Detected> stylegan2_discriminator_layout(const StateDict& file) {
  const bool ada = file.contains("b4.conv.weight") && file.contains("b4.out.weight");
  const bool rosinality = file.contains("convs.0.0.weight") && file.contains("final_linear.1.weight");
  const bool basicsr = file.contains("conv_body.0.0.weight") && file.contains("final_linear.1.weight");
  if (!ada && !rosinality && !basicsr) return std::nullopt;
  Detected found;
  found.layout = ada ? "stylegan2-ada-pytorch" : rosinality ? "rosinality" : "BasicSR";
  const int blocks = ada ? 0 : count_layers(file, rosinality ? "convs." : "conv_body.", ".skip.1.weight", 1);
  for (const auto& [key, value] : file) {
    if (is_filter(key)) continue;
    found.weights.set(ada ? key : discriminator_key(key, blocks), value);
  }
  return found;
}

}  // namespace ganvas
