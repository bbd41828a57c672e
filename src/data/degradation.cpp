#include "ganvas/data/degradation.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <span>

#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

/// Reads keys of one table into options whose values are the defaults.
class Reader {
 public:
  Reader(Recipe& recipe, std::string prefix) : recipe_(recipe), prefix_(std::move(prefix) + ".") {}

  void probability(const std::string& key, double& value) { value = recipe_.number(prefix_ + key, value, 0, 1); }

  void interval(const std::string& key, Interval& value, double low, double high) {
    std::vector<double> ends{value.low, value.high};
    list(key, ends, low, high);
    if (ends[0] > ends[1]) wrong(key, "the second number is below the first");
    value = {ends[0], ends[1]};
  }

  void sizes(const std::string& key, OddSizes& value) {
    const auto ends = recipe_.integers(prefix_ + key, {value.low, value.high});
    if (ends.size() != 2) wrong(key, "expects 2 numbers");
    if (!(1 <= ends[0] && ends[0] <= ends[1] && ends[1] <= 99 && ends[0] % 2 == 1 && ends[1] % 2 == 1))
      wrong(key, "expects two odd numbers from 1 to 99, the smaller one first");
    value = {static_cast<int>(ends[0]), static_cast<int>(ends[1])};
  }

  void weights(const std::string& key, std::span<double> value) {
    std::vector<double> given(value.begin(), value.end());
    list(key, given, 0, 1e6);
    if (std::accumulate(given.begin(), given.end(), 0.0) <= 0) wrong(key, "one of them must be above 0");
    std::copy(given.begin(), given.end(), value.begin());
  }

  void modes(const std::string& key, std::vector<ResizeMode>& value) {
    static const std::map<std::string, ResizeMode> names{
        {"area", ResizeMode::area}, {"bilinear", ResizeMode::bilinear}, {"bicubic", ResizeMode::bicubic}};
    std::vector<std::string> texts;
    for (const ResizeMode mode : value)
      for (const auto& [name, named] : names)
        if (named == mode) texts.push_back(name);
    texts = recipe_.texts(prefix_ + key, texts);
    if (texts.empty()) wrong(key, "expects at least one of area, bilinear, bicubic");
    value.clear();
    for (const auto& text : texts) {
      const auto found = names.find(text);
      if (found == names.end()) wrong(key, fmt::format("'{}' is none of area, bilinear, bicubic", text));
      value.push_back(found->second);
    }
  }

 private:
  [[noreturn]] void wrong(const std::string& key, const std::string& why) const {
    fail(ErrorKind::recipe, "{}: {}{}: {}", recipe_.name(), prefix_, key, why);
  }
  void list(const std::string& key, std::vector<double>& values, double low, double high) {
    const std::size_t count = values.size();
    values = recipe_.numbers(prefix_ + key, values, low, high);
    if (values.size() != count) wrong(key, fmt::format("expects {} numbers", count));
  }
  Recipe& recipe_;
  std::string prefix_;
};

void read_stage(Reader reader, DegradeStage& stage) {
  reader.probability("blur_probability", stage.blur_probability);
  reader.sizes("kernel_sizes", stage.kernel_sizes);
  reader.probability("sinc_probability", stage.sinc_probability);
  reader.interval("sinc_cutoff", stage.sinc_cutoff, 0.01, 1);
  reader.interval("sinc_cutoff_small", stage.sinc_cutoff_small, 0.01, 1);
  reader.weights("kernel_weights", stage.kernel_weights);
  reader.interval("sigma", stage.sigma, 0.01, 100);
  reader.interval("rotation", stage.rotation, -360, 360);
  reader.interval("beta_generalised", stage.beta_generalised, 0.01, 100);
  reader.interval("beta_plateau", stage.beta_plateau, 0.01, 100);
  reader.weights("resize_weights", stage.resize_weights);
  reader.interval("resize_range", stage.resize_range, 0.01, 8);
  reader.modes("resize_modes", stage.resize_modes);
  reader.probability("gaussian_probability", stage.gaussian_probability);
  reader.interval("gaussian_sigma", stage.gaussian_sigma, 0, 255);
  reader.interval("poisson_scale", stage.poisson_scale, 0, 100);
  reader.probability("gray_probability", stage.gray_probability);
}

void read_real_esrgan(Recipe& recipe, const std::string& prefix, DegradeOptions& options) {
  read_stage(Reader(recipe, prefix + ".first"), options.first);
  Reader(recipe, prefix).interval("jpeg_quality", options.jpeg_quality, 1, 100);
  read_stage(Reader(recipe, prefix + ".second"), options.second);
  Reader last(recipe, prefix + ".final");
  last.probability("jpeg_last_probability", options.jpeg_last_probability);
  last.interval("jpeg_quality", options.final_jpeg_quality, 1, 100);
  last.probability("sinc_probability", options.final_sinc_probability);
  last.sizes("kernel_sizes", options.final_kernel_sizes);
  last.interval("sinc_cutoff", options.final_sinc_cutoff, 0.01, 1);
  last.modes("resize_modes", options.final_resize_modes);
}

void read_bsrgan(Reader reader, BsrganOptions& options) {
  reader.probability("halve_probability", options.halve_probability);
  reader.sizes("kernel_sizes", options.kernel_sizes);
  reader.probability("anisotropic_probability", options.anisotropic_probability);
  reader.probability("free_shrink_probability", options.free_shrink_probability);
  reader.interval("noise_sigma", options.noise_sigma, 0, 255);
  reader.weights("noise_weights", options.noise_weights);
  reader.probability("jpeg_probability", options.jpeg_probability);
  reader.interval("jpeg_quality", options.jpeg_quality, 1, 100);
}

}  // namespace

Image Degradation::apply(const Image& hr, int scale, Rng& rng) const {
  return kind == Kind::bsrgan ? degrade(hr, bsrgan, scale, rng) : degrade(hr, real_esrgan, scale, rng);
}

Image Degradation::apply(const Image& hr, int scale, std::uint64_t seed, std::uint64_t index) const {
  Rng rng = Rng::for_item(seed, index);
  return apply(hr, scale, rng);
}

std::optional<Degradation> read_degradation(Recipe& recipe, const std::string& prefix) {
  const std::string kind = recipe.choice(prefix + ".kind", "none", {"none", "real-esrgan", "bsrgan"});
  if (kind == "none") return std::nullopt;
  Degradation degradation;
  degradation.margin = static_cast<int>(recipe.integer(prefix + ".margin", degradation.margin, 0, 256));
  if (kind == "bsrgan") {
    degradation.kind = Degradation::Kind::bsrgan;
    read_bsrgan(Reader(recipe, prefix), degradation.bsrgan);
  } else {
    read_real_esrgan(recipe, prefix, degradation.real_esrgan);
  }
  return degradation;
}

}  // namespace ganvas
