#include "engine/regions/moments.hpp"

#include <ATen/Parallel.h>
#include <torch/types.h>

namespace ganvas::engine {

namespace {

/// Mean and sum of squared deviations of `pixels` pixels of `channels` values.
void moments_of_row(const float* row, std::int64_t pixels, std::size_t channels, double* mean, double* deviation) {
  std::fill_n(mean, channels, 0.0);
  std::fill_n(deviation, channels, 0.0);
  for (std::int64_t x = 0; x < pixels; ++x)
    for (std::size_t c = 0; c < channels; ++c) mean[c] += row[static_cast<std::size_t>(x) * channels + c];
  for (std::size_t c = 0; c < channels; ++c) mean[c] /= static_cast<double>(pixels);
  for (std::int64_t x = 0; x < pixels; ++x)
    for (std::size_t c = 0; c < channels; ++c) {
      const double away = row[static_cast<std::size_t>(x) * channels + c] - mean[c];
      deviation[c] += away * away;
    }
}

torch::Tensor floats_of(const std::vector<double>& values, double divisor) {
  const torch::Tensor result = torch::empty({static_cast<std::int64_t>(values.size())}, torch::kFloat);
  for (std::size_t c = 0; c < values.size(); ++c) result.data_ptr<float>()[c] = static_cast<float>(values[c] / divisor);
  return result;
}

}  // namespace

ChannelMoments::ChannelMoments(int channels)
    : mean_(static_cast<std::size_t>(channels), 0.0), deviation_(static_cast<std::size_t>(channels), 0.0) {}

void ChannelMoments::add(const torch::Tensor& part) {
  const torch::Tensor pixels = part.contiguous(at::MemoryFormat::ChannelsLast);
  const std::int64_t height = pixels.size(2), width = pixels.size(3);
  const std::size_t channels = mean_.size();
  const float* data = pixels.data_ptr<float>();
  std::vector<double> means(static_cast<std::size_t>(height) * channels), deviations(means.size());
  at::parallel_for(0, height, 1, [&](std::int64_t first, std::int64_t end) {
    for (std::int64_t y = first; y < end; ++y) {
      const std::size_t place = static_cast<std::size_t>(y) * channels;
      moments_of_row(data + static_cast<std::int64_t>(place) * width, width, channels, &means[place],
                     &deviations[place]);
    }
  });
  for (std::size_t place = 0; place < means.size(); place += channels)
    merge(static_cast<double>(width), &means[place], &deviations[place]);
}

void ChannelMoments::merge(double count, const double* mean, const double* deviation) {
  const double all = count_ + count;
  for (std::size_t c = 0; c < mean_.size(); ++c) {
    const double apart = mean[c] - mean_[c];
    mean_[c] += apart * count / all;
    deviation_[c] += deviation[c] + apart * apart * count_ * count / all;
  }
  count_ = all;
}

torch::Tensor ChannelMoments::mean() const { return floats_of(mean_, 1); }
torch::Tensor ChannelMoments::variance() const { return floats_of(deviation_, count_); }

}  // namespace ganvas::engine
