// Separable resampling, row by row: an output row needs a handful of input rows, which are weighted and summed to one
// float row, which is then resampled across. No float picture ever exists.
#include "ganvas/imaging/resize.hpp"

#include <opencv2/core/hal/intrin.hpp>
#include <opencv2/core/utility.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include "ganvas/core/error.hpp"
#include "imaging/planes.hpp"

namespace ganvas {
namespace {

/// Keys' cubic convolution with a = -0.5 (IEEE ASSP 29, 1981, eq. 4), as MATLAB's imresize has it.
double cubic(double x) {
  x = std::abs(x);
  if (x <= 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x <= 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

double sinc(double x) { return x == 0 ? 1 : std::sin(M_PI * x) / (M_PI * x); }
double lanczos3(double x) { return std::abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0; }
double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

/// Share of the pixel around `x` that a box of `width` around 0 covers.
double box(double x, double width) {
  return std::clamp(std::min(x + 0.5, width / 2) - std::max(x - 0.5, -width / 2), 0.0, 1.0);
}

/// Weight of the input sample at distance `x` (input pixels), and how far weights reach.
struct Kernel {
  Interpolation interpolation;
  double scale;  ///< output / input

  double shrink() const { return std::min(scale, 1.0); }
  double reach() const {
    if (interpolation == Interpolation::area) return scale < 1 ? 0.5 / scale + 0.5 : 1;
    return (interpolation == Interpolation::lanczos ? 3 : 2) / shrink();
  }
  double operator()(double x) const {
    switch (interpolation) {
      case Interpolation::bicubic:
      case Interpolation::pillow:
        return cubic(x * shrink());
      case Interpolation::lanczos:
        return lanczos3(x * shrink());
      case Interpolation::area:
        return scale < 1 ? box(x, 1 / scale) : triangle(x);
    }
    fail(ErrorKind::internal, "unknown interpolation");
  }
};

/// For every output sample `count` weights, for the input samples from first[i] on (which may lie outside).
struct Taps {
  int count = 0;
  std::vector<int> first;
  std::vector<float> weights;
  const float* of(int i) const { return weights.data() + static_cast<std::size_t>(i) * count; }
};

Taps make_taps(int input, int output, Interpolation interpolation) {
  const double scale = static_cast<double>(output) / input;
  const Kernel kernel{interpolation, scale};
  Taps taps;
  taps.count = static_cast<int>(std::ceil(2 * kernel.reach())) + 1;
  taps.first.resize(output);
  taps.weights.resize(static_cast<std::size_t>(output) * taps.count);
  std::vector<double> weights(taps.count);
  for (int i = 0; i < output; ++i) {
    const double center = (i + 0.5) / scale - 0.5;
    taps.first[i] = static_cast<int>(std::floor(center - kernel.reach())) + 1;
    double sum = 0;
    for (int k = 0; k < taps.count; ++k) {
      const int place = taps.first[i] + k;
      const bool counts = interpolation != Interpolation::pillow || (place >= 0 && place < input);
      sum += weights[k] = counts ? kernel(center - place) : 0;
    }
    float* out = taps.weights.data() + static_cast<std::size_t>(i) * taps.count;
    for (int k = 0; k < taps.count; ++k) out[k] = static_cast<float>(weights[k] / sum);
  }
  return taps;
}

/// MATLAB rounds halves up. Values are clamped first: the cast of an overshooting float is undefined.
template <typename T>
T rounded(float value) {
  if constexpr (std::is_floating_point_v<T>) return value;
  else return static_cast<T>(std::clamp(value, 0.0f, static_cast<float>(std::numeric_limits<T>::max())) + 0.5f);
}

template <typename T>
class Resizer {
 public:
  Resizer(const cv::Mat& input, cv::Mat& output, Interpolation interpolation)
      : input_(input),
        output_(output),
        channels_(input.channels()),
        lanes_(channels_ == 1 ? 1 : 4),
        // MATLAB keeps the picture's integer type between its two passes; so must we to give its very values.
        rounds_between_(interpolation == Interpolation::bicubic && !std::is_floating_point_v<T>),
        down_(make_taps(input.rows, output.rows, interpolation)),
        across_(make_taps(input.cols, output.cols, interpolation)) {
    const auto [low, high] = std::minmax_element(across_.first.begin(), across_.first.end());
    before_ = std::max(0, -*low);
    after_ = std::max(0, *high + across_.count - input.cols);
  }

  void run_rows(int begin, int end) const {
    std::vector<float> sum(static_cast<std::size_t>(input_.cols) * channels_);
    std::vector<float> padded((static_cast<std::size_t>(before_) + input_.cols + after_) * lanes_);
    for (int y = begin; y < end; ++y) {
      sum_rows(y, sum);
      pad(sum, padded);
      T* out = output_.ptr<T>(y);
      if (lanes_ == 1) resample_gray(padded.data() + before_, out);
      else resample_lanes(padded.data() + std::size_t{4} * before_, out);
    }
  }

 private:
  void sum_rows(int y, std::vector<float>& sum) const {
    std::fill(sum.begin(), sum.end(), 0.0f);
    const float* weights = down_.of(y);
    for (int k = 0; k < down_.count; ++k) {
      const float weight = weights[k];
      if (weight == 0) continue;
      const T* row = input_.ptr<T>(std::clamp(down_.first[y] + k, 0, input_.rows - 1));
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weight * row[i];
    }
    if (rounds_between_)
      for (float& value : sum) value = static_cast<float>(static_cast<int>(rounded<T>(value)));
  }

  /// Spreads pixels to lanes of 4 (gray: 1) and repeats both ends.
  void pad(const std::vector<float>& sum, std::vector<float>& padded) const {
    float* inside = padded.data() + static_cast<std::size_t>(before_) * lanes_;
    if (lanes_ == channels_) std::copy(sum.begin(), sum.end(), inside);
    else
      for (int x = 0; x < input_.cols; ++x)
        for (int c = 0; c < channels_; ++c) inside[x * std::ptrdiff_t{4} + c] = sum[x * std::size_t(channels_) + c];
    const float* last = inside + (input_.cols - std::ptrdiff_t{1}) * lanes_;
    for (int x = 0; x < before_; ++x) std::copy_n(inside, lanes_, padded.data() + std::ptrdiff_t{x} * lanes_);
    for (int x = 0; x < after_; ++x)
      std::copy_n(last, lanes_, padded.data() + (std::ptrdiff_t{before_} + input_.cols + x) * lanes_);
  }

  void resample_gray(const float* row, T* out) const {
    for (int x = 0; x < output_.cols; ++x) {
      const float *weights = across_.of(x), *in = row + across_.first[x];
      float sum = 0;
      for (int k = 0; k < across_.count; ++k) sum += weights[k] * in[k];
      out[x] = rounded<T>(sum);
    }
  }

  void resample_lanes(const float* row, T* out) const {
    for (int x = 0; x < output_.cols; ++x, out += channels_) {
      const float *weights = across_.of(x), *in = row + across_.first[x] * std::ptrdiff_t{4};
      cv::v_float32x4 sum = cv::v_setzero_f32();
      for (int k = 0; k < across_.count; ++k, in += 4) sum = sum + cv::v_setall_f32(weights[k]) * cv::v_load(in);
      float values[4];
      cv::v_store(values, sum);
      for (int c = 0; c < channels_; ++c) out[c] = rounded<T>(values[c]);
    }
  }

  const cv::Mat& input_;
  cv::Mat& output_;
  int channels_, lanes_;
  bool rounds_between_;
  Taps down_, across_;
  int before_ = 0, after_ = 0;
};

template <typename T>
void run(const cv::Mat& input, cv::Mat& output, Interpolation interpolation) {
  const Resizer<T> resizer(input, output, interpolation);
  cv::parallel_for_(cv::Range(0, output.rows), [&](const cv::Range& rows) { resizer.run_rows(rows.start, rows.end); });
}

}  // namespace

Image resize(const Image& image, int width, int height, Interpolation interpolation) {
  if (image.empty() || width < 1 || height < 1)
    fail(ErrorKind::usage, "can't resize {} x {} pixels to {} x {}", image.width(), image.height(), width, height);
  if (width == image.width() && height == image.height()) return image;
  if (image.channels() > 4)
    return Image(each_plane(image.pixels, [&](const cv::Mat& band, int) {
      return resize(Image(band), width, height, interpolation).pixels;
    }));
  Image result(width, height, image.channels(), image.depth());
  switch (image.depth()) {
    case Depth::u8:
      run<std::uint8_t>(image.pixels, result.pixels, interpolation);
      break;
    case Depth::u16:
      run<std::uint16_t>(image.pixels, result.pixels, interpolation);
      break;
    case Depth::f32:
      run<float>(image.pixels, result.pixels, interpolation);
      break;
  }
  return result;
}

Image shrink_bicubic(const Image& image, int factor) {
  if (factor < 1 || image.width() < factor || image.height() < factor)
    fail(ErrorKind::usage, "can't shrink {} x {} pixels by {}", image.width(), image.height(), factor);
  const int width = image.width() / factor, height = image.height() / factor;
  const Image cropped(image.pixels(cv::Rect(0, 0, width * factor, height * factor)));
  return resize(cropped, width, height, Interpolation::bicubic);
}

}  // namespace ganvas
