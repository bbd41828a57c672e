#include "nn/translator_kernels.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace ganvas {

namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// Pixels whose sums are taken in fp32 before they go into doubles: few enough to be exact, and to stay in cache.
constexpr std::int64_t kChunk = 128;

Tensor in_channels_last(const Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

/// Calls `work` with a null pointer of x's type.
template <typename Work>
void with_type(const Tensor& x, Work work) {
  if (x.scalar_type() == torch::kBFloat16) work(static_cast<at::BFloat16*>(nullptr));
  else work(static_cast<float*>(nullptr));
}

/// The pixels of one picture in chunks.
struct Chunks {
  std::int64_t pixels, channels;
  std::int64_t count() const { return (pixels + kChunk - 1) / kChunk; }
  std::int64_t begin(std::int64_t chunk) const { return chunk * kChunk; }
  std::int64_t size(std::int64_t chunk) const { return std::min(kChunk, pixels - chunk * kChunk); }
};

/// Calls `work(chunk)` for all chunks on all threads.
template <typename Work>
void for_chunks(const Chunks& chunks, Work work) {
  at::parallel_for(0, chunks.count(), 8, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t chunk = first; chunk < last; ++chunk) work(chunk);
  });
}

/// Mean and 1 / deviation of each channel of one picture. Sums about each chunk's own mean, merged as Chan et al. 1983
/// (eq. 2.1) have it: nothing cancels.
template <typename T>
void moments(const T* x, const Chunks& chunks, double eps, float* mean, float* rate) {
  const auto channels = static_cast<std::size_t>(chunks.channels);
  std::vector<float> means(static_cast<std::size_t>(chunks.count()) * channels), squares(means.size());
  for_chunks(chunks, [&](std::int64_t chunk) {
    float* m = means.data() + static_cast<std::size_t>(chunk) * channels;
    float* s = squares.data() + static_cast<std::size_t>(chunk) * channels;
    const T* first = x + chunks.begin(chunk) * chunks.channels;
    const std::int64_t size = chunks.size(chunk);
    for (std::int64_t i = 0; i < size; ++i)
      for (std::size_t c = 0; c < channels; ++c)
        m[c] += static_cast<float>(first[i * chunks.channels + static_cast<std::int64_t>(c)]);
    for (std::size_t c = 0; c < channels; ++c) m[c] /= static_cast<float>(size);
    for (std::int64_t i = 0; i < size; ++i)
      for (std::size_t c = 0; c < channels; ++c) {
        const float d = static_cast<float>(first[i * chunks.channels + static_cast<std::int64_t>(c)]) - m[c];
        s[c] += d * d;
      }
  });
  for (std::size_t c = 0; c < channels; ++c) {
    double total_mean = 0, total_square = 0, count = 0;
    for (std::int64_t chunk = 0; chunk < chunks.count(); ++chunk) {
      const std::size_t at = static_cast<std::size_t>(chunk) * channels + c;
      const auto size = static_cast<double>(chunks.size(chunk));
      const double difference = means[at] - total_mean;
      total_square += squares[at] + difference * difference * count * size / (count + size);
      total_mean += difference * size / (count + size);
      count += size;
    }
    mean[c] = static_cast<float>(total_mean);
    rate[c] = static_cast<float>(1 / std::sqrt(total_square / count + eps));
  }
}

template <typename T>
void normalise(const T* x, const Chunks& chunks, const float* mean, const float* rate, T* result) {
  for_chunks(chunks, [&](std::int64_t chunk) {
    for (std::int64_t i = chunks.begin(chunk); i < chunks.begin(chunk) + chunks.size(chunk); ++i)
      for (std::int64_t c = 0; c < chunks.channels; ++c)
        result[i * chunks.channels + c] =
            static_cast<T>((static_cast<float>(x[i * chunks.channels + c]) - mean[c]) * rate[c]);
  });
}

/// With y = (x - mean) * rate: dx = rate * (dy - mean(dy) - y * mean(dy * y)).
template <typename T>
void normalise_backward(const T* x, const T* slope, const Chunks& chunks, const float* mean, const float* rate,
                        T* result) {
  const auto channels = static_cast<std::size_t>(chunks.channels);
  std::vector<float> slopes(static_cast<std::size_t>(chunks.count()) * channels), products(slopes.size());
  for_chunks(chunks, [&](std::int64_t chunk) {
    float* s = slopes.data() + static_cast<std::size_t>(chunk) * channels;
    float* p = products.data() + static_cast<std::size_t>(chunk) * channels;
    for (std::int64_t i = chunks.begin(chunk); i < chunks.begin(chunk) + chunks.size(chunk); ++i)
      for (std::int64_t c = 0; c < chunks.channels; ++c) {
        const auto dy = static_cast<float>(slope[i * chunks.channels + c]);
        s[c] += dy;
        p[c] += dy * (static_cast<float>(x[i * chunks.channels + c]) - mean[c]) * rate[c];
      }
  });
  std::vector<float> mean_slope(channels), mean_product(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    double slope_sum = 0, product_sum = 0;
    for (std::size_t at = c; at < slopes.size(); at += channels) {
      slope_sum += slopes[at];
      product_sum += products[at];
    }
    mean_slope[c] = static_cast<float>(slope_sum / static_cast<double>(chunks.pixels));
    mean_product[c] = static_cast<float>(product_sum / static_cast<double>(chunks.pixels));
  }
  for_chunks(chunks, [&](std::int64_t chunk) {
    for (std::int64_t i = chunks.begin(chunk); i < chunks.begin(chunk) + chunks.size(chunk); ++i)
      for (std::int64_t c = 0; c < chunks.channels; ++c) {
        const float y = (static_cast<float>(x[i * chunks.channels + c]) - mean[c]) * rate[c];
        const auto dy = static_cast<float>(slope[i * chunks.channels + c]);
        const auto k = static_cast<std::size_t>(c);
        result[i * chunks.channels + c] = static_cast<T>(rate[c] * (dy - mean_slope[k] - y * mean_product[k]));
      }
  });
}

class InstanceNormFunction : public torch::autograd::Function<InstanceNormFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& given, double eps) {
    const Tensor x = in_channels_last(given);
    const Chunks chunks{x.size(2) * x.size(3), x.size(1)};
    const Tensor mean = torch::empty({x.size(0), x.size(1)}, torch::kFloat), rate = torch::empty_like(mean);
    Tensor result = torch::empty_like(x);
    with_type(x, [&](auto* null) {
      using T = std::remove_pointer_t<decltype(null)>;
      for (std::int64_t n = 0; n < x.size(0); ++n) {
        const std::int64_t at = n * chunks.pixels * chunks.channels;
        float* m = mean.data_ptr<float>() + n * chunks.channels;
        float* r = rate.data_ptr<float>() + n * chunks.channels;
        moments(x.data_ptr<T>() + at, chunks, eps, m, r);
        normalise(x.data_ptr<T>() + at, chunks, m, r, result.data_ptr<T>() + at);
      }
    });
    context->save_for_backward({x, mean, rate});
    return result;
  }
  static tensor_list backward(AutogradContext* context, tensor_list slopes) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &mean = saved[1], &rate = saved[2];
    const Tensor slope = in_channels_last(slopes[0].to(x.scalar_type()));
    const Chunks chunks{x.size(2) * x.size(3), x.size(1)};
    Tensor result = torch::empty_like(x);
    with_type(x, [&](auto* null) {
      using T = std::remove_pointer_t<decltype(null)>;
      for (std::int64_t n = 0; n < x.size(0); ++n) {
        const std::int64_t at = n * chunks.pixels * chunks.channels;
        normalise_backward(x.data_ptr<T>() + at, slope.data_ptr<T>() + at, chunks,
                           mean.data_ptr<float>() + n * chunks.channels, rate.data_ptr<float>() + n * chunks.channels,
                           result.data_ptr<T>() + at);
      }
    });
    return {result, Tensor()};
  }
};

/// The inner coordinate that lies at padded coordinate `i`.
std::int64_t reflected(std::int64_t i, std::int64_t border, std::int64_t size) {
  const std::int64_t at = std::abs(i - border);
  return at < size ? at : 2 * (size - 1) - at;
}

class ReflectPadFunction : public torch::autograd::Function<ReflectPadFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& given, std::int64_t border) {
    const Tensor x = in_channels_last(given);
    const std::int64_t height = x.size(2), width = x.size(3), channels = x.size(1), wide = width + 2 * border;
    Tensor result = torch::empty({x.size(0), channels, height + 2 * border, wide},
                                 x.options().memory_format(at::MemoryFormat::ChannelsLast));
    const auto pixel = static_cast<std::size_t>(channels) * x.element_size();
    const char* from = static_cast<const char*>(x.data_ptr());
    char* to = static_cast<char*>(result.data_ptr());
    const std::int64_t rows = height + 2 * border;
    at::parallel_for(0, x.size(0) * rows, 16, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t row = first; row < last; ++row) {
        const char* line =
            from +
            static_cast<std::size_t>((row / rows * height + reflected(row % rows, border, height)) * width) * pixel;
        char* out = to + static_cast<std::size_t>(row * wide) * pixel;
        std::memcpy(out + static_cast<std::size_t>(border) * pixel, line, static_cast<std::size_t>(width) * pixel);
        for (std::int64_t i = 0; i < border; ++i)
          for (const std::int64_t at : {i, wide - 1 - i})
            std::memcpy(out + static_cast<std::size_t>(at) * pixel,
                        line + static_cast<std::size_t>(reflected(at, border, width)) * pixel, pixel);
      }
    });
    context->saved_data["border"] = border;
    return result;
  }
  static tensor_list backward(AutogradContext* context, tensor_list slopes) {
    const std::int64_t border = context->saved_data["border"].toInt();
    const Tensor slope = in_channels_last(slopes[0]);
    const std::int64_t channels = slope.size(1), rows = slope.size(2), wide = slope.size(3);
    const std::int64_t height = rows - 2 * border, width = wide - 2 * border;
    Tensor result = torch::empty({slope.size(0), channels, height, width},
                                 slope.options().memory_format(at::MemoryFormat::ChannelsLast));
    // Which padded rows show each row.
    std::vector<std::vector<std::int64_t>> shown(static_cast<std::size_t>(height));
    for (std::int64_t row = 0; row < rows; ++row)
      shown[static_cast<std::size_t>(reflected(row, border, height))].push_back(row);
    with_type(slope, [&](auto* null) {
      using T = std::remove_pointer_t<decltype(null)>;
      const T* from = slope.data_ptr<T>();
      T* to = result.data_ptr<T>();
      at::parallel_for(0, slope.size(0) * height, 16, [&](std::int64_t first, std::int64_t last) {
        std::vector<float> sums(static_cast<std::size_t>(width * channels));
        const auto add = [&](std::int64_t pixel, const T* values) {
          float* at = sums.data() + pixel * channels;
          for (std::int64_t c = 0; c < channels; ++c) at[c] += static_cast<float>(values[c]);
        };
        for (std::int64_t y = first; y < last; ++y) {
          std::fill(sums.begin(), sums.end(), 0.0F);
          for (const std::int64_t row : shown[static_cast<std::size_t>(y % height)]) {
            const T* line = from + (y / height * rows + row) * wide * channels;
            for (std::int64_t x = 0; x < wide; ++x) add(reflected(x, border, width), line + x * channels);
          }
          T* out = to + y * width * channels;
          for (std::size_t i = 0; i < sums.size(); ++i) out[i] = static_cast<T>(sums[i]);
        }
      });
    });
    return {result, Tensor()};
  }
};

}  // namespace

bool has_translator_kernels(const Tensor& x) {
  const bool known = x.scalar_type() == torch::kFloat || x.scalar_type() == torch::kBFloat16;
  return known && x.device().is_cpu() && x.dim() == 4 && !torch::jit::tracer::isTracing();
}

Tensor instance_norm_channels_last(const Tensor& x, double eps) { return InstanceNormFunction::apply(x, eps); }

Tensor reflect_pad_channels_last(const Tensor& x, std::int64_t border) { return ReflectPadFunction::apply(x, border); }

}  // namespace ganvas
