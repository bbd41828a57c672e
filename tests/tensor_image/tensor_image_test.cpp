#include "ganvas/tensor_image/tensor_image.hpp"

#include <torch/torch.h>

#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

TEST_CASE("tensor image: every depth and channel count goes over and comes back exactly") {
  for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
    for (const int channels : {1, 2, 3, 4})
      for (const double range : {1.0, 255.0}) {
        INFO(static_cast<int>(depth) << " " << channels << " " << range);
        const Image image = noise(7, 5, channels, depth);
        const torch::Tensor tensor = tensor_from_image(image.pixels, range);
        REQUIRE(tensor.sizes() == torch::IntArrayRef({1, channels, 5, 7}));
        CHECK(tensor.is_contiguous(at::MemoryFormat::ChannelsLast));
        CHECK((tensor.scalar_type() == torch::kFloat));
        cv::Mat floats;
        image.pixels.convertTo(floats, CV_32F, range / max_value(depth));
        for (int y = 0; y < 5; ++y)
          for (int x = 0; x < 7; ++x)
            for (int c = 0; c < channels; ++c)
              CHECK(tensor[0][c][y][x].item<float>() == floats.ptr<float>(y)[x * channels + c]);
        const Image back = image_from_tensor(tensor, depth, range);
        CHECK(largest_difference(back, image) <= (depth == Depth::f32 ? 1e-6 : 0));
        // The same from a tensor without batch, in plain layout, and from a view of a picture.
        CHECK(largest_difference(image_from_tensor(tensor[0].contiguous(), depth, range), back) == 0);
        const cv::Rect part(2, 1, 4, 3);
        const torch::Tensor view = tensor_from_image(image.pixels(part), range);
        CHECK(torch::equal(view, tensor.slice(2, 1, 4).slice(3, 2, 6)));
      }
}

TEST_CASE("tensor image: rounding and clamping, never truncation") {
  const torch::Tensor values =
      torch::tensor({-0.5f, 0.499f / 255, 0.501f / 255, 127.6f / 255, 1.0f, 1.7f}).view({1, 1, 1, 6});
  const Image image = image_from_tensor(values);
  const std::vector<int> expected{0, 0, 1, 128, 255, 255};
  for (int x = 0; x < 6; ++x) CHECK(image.pixels.at<std::uint8_t>(0, x) == expected[x]);
  const cv::Mat matrix = matrix_from_tensor(values);
  CHECK(matrix.at<float>(0, 0) == -0.5f);
  CHECK(matrix.at<float>(0, 5) == 1.7f);
  // Half precision and tensors that ask for gradients are fine; a batch of two is not one picture.
  CHECK(matrix_from_tensor(values.to(torch::kBFloat16).requires_grad_()).at<float>(0, 4) == 1);
  CHECK_THROWS_AS(matrix_from_tensor(torch::zeros({2, 3, 4, 4})), Error);
}
