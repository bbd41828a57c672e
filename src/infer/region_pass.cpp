#include "infer/region_pass.hpp"

#include <torch/torch.h>

#include <cmath>
#include <opencv2/core.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"

namespace ganvas {

Image run_in_regions(RegionRunner& runner, const GeneratorInfo& info, const Image& image, const RegionOptions& options,
                     const std::function<void(double)>& progress) {
  Image result(image.width() * info.scale, image.height() * info.scale, info.out_channels, image.depth());
  const auto rect = [](const PictureRegion& region) {
    return cv::Rect(region.x, region.y, region.width, region.height);
  };
  const torch::NoGradGuard no_grad;
  runner.run(
      image.height(), image.width(),
      [&](const PictureRegion& region) {
        return tensor_from_image(image.pixels(rect(region)), info.value_range, info.value_low);
      },
      [&](const PictureRegion& region, const torch::Tensor& values) {
        if (!std::isfinite(values.sum().item<float>()))
          fail(ErrorKind::model, "the network gives values that are no numbers (NaN or infinite)");
        image_from_tensor(values, image.depth(), info.value_range, info.value_low)
            .pixels.copyTo(result.pixels(rect(region)));
      },
      options, progress);
  return result;
}

}  // namespace ganvas
