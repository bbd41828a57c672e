#include "nn/styled_kernels.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/types.h>

#include <vector>

#include "ganvas/core/vector_clones.hpp"

namespace ganvas {

namespace {

using torch::Tensor;

Tensor in_channels_last(const Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

/// Per channel and per pixel, what is done to a row of pixels.
struct RowEnd {
  const float* factor;  ///< C; null: 1
  const float* noise;   ///< a number a pixel; null: 0
  const float* bias;    ///< C
};

GANVAS_VECTOR_CLONES
void finish_row(float* __restrict x, std::int64_t pixels, std::int64_t channels, const RowEnd& end) {
  const float* __restrict factor = end.factor;
  const float* __restrict bias = end.bias;
  for (std::int64_t i = 0; i < pixels; ++i, x += channels) {
    const float noise = end.noise ? end.noise[i] : 0.0F;
    for (std::int64_t c = 0; c < channels; ++c) {
      const float v = (factor ? x[c] * factor[c] : x[c]) + noise + bias[c];
      // Both are computed, or the compiler would branch at every value.
      const float low = 0.2F * v;
      x[c] = v > low ? v : low;
    }
  }
}

/// sum = (a + 3 b + 3 c + d) / 4.
GANVAS_VECTOR_CLONES
void mix_rows(const float* a, const float* b, const float* c, const float* d, float* __restrict sum,
              std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) sum[i] = 0.25F * (a[i] + d[i]) + 0.75F * (b[i] + c[i]);
}

/// The same, where a pixel of another row lies between two of the sum.
GANVAS_VECTOR_CLONES
void mix_apart(const float* a, const float* b, const float* c, const float* d, float* __restrict sum,
               std::int64_t pixels, std::int64_t channels) {
  for (std::int64_t i = 0; i < pixels; ++i, a += channels, b += channels, c += channels, d += channels)
    for (std::int64_t k = 0; k < channels; ++k)
      sum[2 * i * channels + k] = 0.25F * (a[k] + d[k]) + 0.75F * (b[k] + c[k]);
}

class Ends {
 public:
  Ends(const Tensor& factor, const Tensor& noise, const Tensor& bias, std::int64_t width)
      : factor_(factor.defined() ? factor.contiguous() : factor),
        noise_(noise.defined() ? noise.contiguous() : noise),
        bias_(bias.contiguous()),
        width_(width) {}
  RowEnd of(std::int64_t picture, std::int64_t row) const {
    return {factor_.defined() ? factor_.data_ptr<float>() + picture * bias_.numel() : nullptr,
            noise_.defined() ? noise_.data_ptr<float>() + row * width_ : nullptr, bias_.data_ptr<float>()};
  }

 private:
  Tensor factor_, noise_, bias_;
  std::int64_t width_;
};

}  // namespace

bool has_styled_kernels(const Tensor& x) {
  return x.is_cpu() && x.scalar_type() == torch::kFloat && !at::GradMode::is_enabled() &&
         !torch::jit::tracer::isTracing();
}

Tensor finish_styled(const Tensor& x, const Tensor& factor, const Tensor& noise, const Tensor& bias) {
  const Tensor y = in_channels_last(x);
  const std::int64_t channels = y.size(1), height = y.size(2), width = y.size(3);
  const Ends ends(factor, noise, bias, width);
  float* values = y.data_ptr<float>();
  at::parallel_for(0, y.size(0) * height, 8, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
      float* at = values + row * width * channels;
      finish_row(at, width, channels, ends.of(row / height, row % height));
    }
  });
  return y;
}

Tensor blur_and_finish(const std::array<Tensor, 4>& parts, const Tensor& factor, const Tensor& noise,
                       const Tensor& bias) {
  std::array<Tensor, 4> from;
  std::array<const float*, 4> in{};
  for (std::size_t part = 0; part < 4; ++part) {
    from[part] = in_channels_last(parts[part]);
    in[part] = from[part].data_ptr<float>();
  }
  const std::int64_t pictures = from[3].size(0), channels = from[3].size(1);
  const std::int64_t half_height = from[3].size(2), half_width = from[3].size(3);
  const std::int64_t height = 2 * half_height, width = 2 * half_width;
  Tensor y = torch::empty({pictures, channels, height, width}, from[3].options(), at::MemoryFormat::ChannelsLast);
  const Ends ends(factor, noise, bias, width);
  float* out = y.data_ptr<float>();
  at::parallel_for(0, pictures * height, 8, [&](std::int64_t first, std::int64_t last) {
    // A pixel of zeros on either side of the mixed row; rows outside the picture are zeros too.
    std::vector<float> mixed(static_cast<std::size_t>((width + 3) * channels));
    const std::vector<float> nothing(static_cast<std::size_t>((half_width + 1) * channels));
    for (std::int64_t at = first; at < last; ++at) {
      const std::int64_t picture = at / height, row = at % height;
      for (std::int64_t odd = 0; odd < 2; ++odd) {
        const std::int64_t columns = half_width + 1 - odd;
        const auto row_of = [&](std::int64_t i) {
          if (i < 0 || i > height) return nothing.data();
          const std::int64_t rows = half_height + 1 - i % 2;
          return in[static_cast<std::size_t>(2 * (i % 2) + odd)] + (picture * rows + i / 2) * columns * channels;
        };
        mix_apart(row_of(row - 1), row_of(row), row_of(row + 1), row_of(row + 2), mixed.data() + (1 + odd) * channels,
                  columns, channels);
      }
      float* result = out + at * width * channels;
      const float* left = mixed.data();
      mix_rows(left, left + channels, left + 2 * channels, left + 3 * channels, result, width * channels);
      finish_row(result, width, channels, ends.of(picture, row));
    }
  });
  return y;
}

Tensor plus_enlarged(const Tensor& x, const Tensor& smaller) {
  const Tensor y = in_channels_last(x), from = in_channels_last(smaller);
  const std::int64_t channels = x.size(1), height = smaller.size(2), width = smaller.size(3), line = width * channels;
  const float* in = from.data_ptr<float>();
  float* out = y.data_ptr<float>();
  at::parallel_for(0, x.size(0) * 2 * height, 16, [&](std::int64_t first, std::int64_t last) {
    // The filter's other half meets the zeros between the pixels. Outside the picture are zeros, too.
    std::vector<float> mixed(static_cast<std::size_t>(line + 2 * channels)), nothing(static_cast<std::size_t>(line));
    for (std::int64_t at = first; at < last; ++at) {
      const std::int64_t picture = at / (2 * height), row = at % (2 * height) / 2;
      const std::int64_t other = at % 2 == 0 ? row - 1 : row + 1;
      const float* near = in + (picture * height + row) * line;
      const float* far = other < 0 || other == height ? nothing.data() : in + (picture * height + other) * line;
      float* middle = mixed.data() + channels;
      for (std::int64_t i = 0; i < line; ++i) middle[i] = 0.75F * near[i] + 0.25F * far[i];
      float* result = out + at * 2 * line;
      for (std::int64_t i = 0; i < width; ++i, middle += channels, result += 2 * channels)
        for (std::int64_t c = 0; c < channels; ++c) {
          result[c] += 0.75F * middle[c] + 0.25F * middle[c - channels];
          result[c + channels] += 0.75F * middle[c] + 0.25F * middle[c + channels];
        }
    }
  });
  return y;
}

}  // namespace ganvas
