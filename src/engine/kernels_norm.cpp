#include <algorithm>
#include <cmath>

#include "engine/kernels.hpp"
#include "engine/rows.hpp"

namespace ganvas::engine {

namespace {

/// Sums of each channel and of its squares around the first pixel's value, in double.
void moments(const View& in, std::vector<double>& mean, std::vector<double>& variance) {
  const auto count = static_cast<std::size_t>(in.blocks() * in.block);
  mean.assign(count, 0);
  variance.assign(count, 0);
  const double pixels = static_cast<double>(in.height) * in.width;
#pragma omp parallel for
  for (int block = 0; block < in.blocks(); ++block) {
    std::vector<float> buffer;
    std::vector<double> sum(static_cast<std::size_t>(in.block), 0), square(sum);
    std::vector<float> around(static_cast<std::size_t>(in.block));
    for (int y = 0; y < in.height; ++y) {
      const float* row = load(in, block, y, buffer);
      if (y == 0) std::copy_n(row, in.block, around.begin());
      std::vector<float> line(static_cast<std::size_t>(in.block), 0), squares(line);
      for (int x = 0; x < in.width; ++x)
        for (std::size_t c = 0; c < line.size(); ++c) {
          const float value = row[static_cast<std::size_t>(x) * line.size() + c] - around[c];
          line[c] += value;
          squares[c] += value * value;
        }
      for (std::size_t c = 0; c < line.size(); ++c) {
        sum[c] += line[c];
        square[c] += squares[c];
      }
    }
    for (std::size_t c = 0; c < sum.size(); ++c) {
      const std::size_t place = static_cast<std::size_t>(block) * sum.size() + c;
      const double shifted = sum[c] / pixels;
      mean[place] = shifted + around[c];
      variance[place] = std::max(0.0, square[c] / pixels - shifted * shifted);
    }
  }
}

}  // namespace

void instance_norm(const View& in, double eps, const std::vector<float>& scale, const std::vector<float>& shift,
                   const View& out) {
  std::vector<double> mean, variance;
  moments(in, mean, variance);
  std::vector<float> factors(static_cast<std::size_t>(in.channels)), terms(factors);
  for (std::size_t c = 0; c < factors.size(); ++c) {
    const double factor = (scale.empty() ? 1.0 : scale[c]) / std::sqrt(variance[c] + eps);
    factors[c] = static_cast<float>(factor);
    terms[c] = static_cast<float>((shift.empty() ? 0.0 : shift[c]) - mean[c] * factor);
  }
  affine(in, factors, terms, out);
}

void mean(const View& in, const View& out) {
  std::vector<double> means, variance;
  moments(in, means, variance);
  for (int block = 0; block < out.blocks(); ++block) {
    std::vector<float> pixel(static_cast<std::size_t>(out.block), 0.0F);
    for (int c = 0; c < out.block && block * out.block + c < out.channels; ++c)
      pixel[static_cast<std::size_t>(c)] = static_cast<float>(means[static_cast<std::size_t>(block * out.block + c)]);
    store(out, block, 0, pixel.data());
  }
}

}  // namespace ganvas::engine
