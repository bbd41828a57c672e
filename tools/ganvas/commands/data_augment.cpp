#include <torch/torch.h>

#include <filesystem>
#include <iostream>
#include <opencv2/core.hpp>

#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/data/image_source.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/contact_sheet.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"
#include "ganvas/train/augment.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

Augment augment_for(const DataAugmentRequest& request) {
  Recipe recipe;
  if (!request.recipe.empty()) recipe = Recipe::load(find_recipe(request.recipe));
  else {
    std::string list;
    for (const auto& name : request.policy) list += (list.empty() ? "\"" : ", \"") + name + "\"";
    recipe.set("augment.policy=[" + (list.empty() ? "\"bgc\"" : list) + "]");
  }
  recipe.set("augment.adaptive=false");
  recipe.set(fmt::format("augment.probability={:.6f}", request.probability));
  Augment augment = Augment::from_recipe(recipe, "augment");
  if (!augment.on())
    fail(ErrorKind::recipe, "{}: augment.policy is empty: nothing to look at; give --policy", recipe.name());
  return augment;
}

}  // namespace

int run(const DataAugmentRequest& request) {
  if (fs::exists(request.preview) && !request.force)
    fail(ErrorKind::usage, "{} exists already; give --force", request.preview);
  const Augment augment = augment_for(request);
  ImageSourceOptions options;
  options.places.assign(request.places.begin(), request.places.end());
  options.height = options.width = request.size;
  const ImageSource source(options);
  const auto rows = std::min<std::size_t>(static_cast<std::size_t>(request.pictures), source.count());
  std::vector<Image> cells;
  torch::manual_seed(request.seed);
  const torch::NoGradGuard no_grad;
  for (std::size_t row = 0; row < rows; ++row) {
    const Image& picture = source.at(row * source.count() / rows).image;
    cells.push_back(picture);
    const torch::Tensor changed =
        augment(tensor_from_images({picture}).expand({request.columns, -1, -1, -1}).contiguous());
    for (int i = 0; i < request.columns; ++i) cells.push_back(image_from_tensor(changed[i], Depth::u8));
  }
  if (fs::path(request.preview).has_parent_path()) fs::create_directories(fs::path(request.preview).parent_path());
  write_image(request.preview, contact_sheet(cells, 1 + request.columns));
  std::cout << request.preview << std::endl;
  return 0;
}

}  // namespace ganvas::cli
