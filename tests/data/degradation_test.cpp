#include "ganvas/data/degradation.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "ganvas/data/loader.hpp"
#include "ganvas/data/pair_source.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/imaging/sharpen.hpp"
#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

Recipe recipe_of(const std::vector<std::string>& assignments) {
  Recipe recipe;
  for (const auto& assignment : assignments) recipe.set(assignment);
  return recipe;
}

std::string refusal_of(const std::vector<std::string>& assignments) {
  Recipe recipe = recipe_of(assignments);
  try {
    read_degradation(recipe);
    recipe.check_all_read();
    return {};
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::recipe);
    return error.what();
  }
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A degradation of which nothing is left but the shrinking, by bicubic interpolation, and JPEG of the best quality.
Degradation idle() {
  Degradation degradation;
  for (DegradeStage* stage : {&degradation.real_esrgan.first, &degradation.real_esrgan.second}) {
    stage->blur_probability = 0;
    stage->resize_weights = {0, 0, 1};
    stage->resize_modes = {ResizeMode::area};
    stage->gaussian_probability = 1;
    stage->gaussian_sigma = {0, 0};
  }
  degradation.real_esrgan.jpeg_quality = degradation.real_esrgan.final_jpeg_quality = {100, 100};
  degradation.real_esrgan.final_sinc_probability = 0;
  return degradation;
}

/// Red tells the column, green the row.
Image landscape(int width, int height) {
  Image image(width, height, 3, Depth::u8);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      image.pixels.at<cv::Vec3b>(y, x) =
          cv::Vec3b(static_cast<uchar>(40 + 1.3 * x), static_cast<uchar>(40 + 1.7 * y), 128);
  return image;
}

std::vector<ImagePair> pairs_of(const std::vector<Image>& pictures, int scale) {
  std::vector<ImagePair> pairs;
  for (const Image& picture : pictures)
    pairs.push_back({shrink_bicubic(picture, scale), picture, "p" + std::to_string(pairs.size())});
  return pairs;
}

}  // namespace

TEST_CASE("degradation recipe: published defaults, spelt out in the resolved recipe") {
  Recipe none = recipe_of({});
  CHECK(!read_degradation(none));
  CHECK(none.resolved() == "\n[degrade]\nkind = \"none\"\n");

  // The table of the Real-ESRGAN paper and its published options.
  Recipe recipe = recipe_of({"degrade.kind=real-esrgan"});
  const auto read = read_degradation(recipe);
  REQUIRE(read);
  CHECK(read->kind == Degradation::Kind::real_esrgan);
  const std::string resolved = recipe.resolved();
  const auto table = [&](const std::string& name) {
    const auto begin = resolved.find("[" + name + "]\n");
    REQUIRE(begin != std::string::npos);
    return resolved.substr(begin, resolved.find("\n\n", begin) - begin) + "\n";
  };
  for (const std::string stage : {"degrade.first", "degrade.second"}) {
    const std::string values = table(stage);
    const bool first = stage == "degrade.first";
    for (const std::string line :
         {first ? "blur_probability = 1" : "blur_probability = 0.8", "kernel_sizes = [7, 21]", "sinc_probability = 0.1",
          "kernel_weights = [0.45, 0.25, 0.12, 0.03, 0.12, 0.03]", first ? "sigma = [0.2, 3]" : "sigma = [0.2, 1.5]",
          "rotation = [-180, 180]", "beta_generalised = [0.5, 4]", "beta_plateau = [1, 2]",
          first ? "resize_weights = [0.2, 0.7, 0.1]" : "resize_weights = [0.3, 0.4, 0.3]",
          first ? "resize_range = [0.15, 1.5]" : "resize_range = [0.3, 1.2]",
          "resize_modes = [\"area\", \"bilinear\", \"bicubic\"]", "gaussian_probability = 0.5",
          first ? "gaussian_sigma = [1, 30]" : "gaussian_sigma = [1, 25]",
          first ? "poisson_scale = [0.05, 3]" : "poisson_scale = [0.05, 2.5]", "gray_probability = 0.4",
          "sinc_cutoff = [0.2, 1]", "sinc_cutoff_small = [0.3333333333333333, 1]"}) {
      CAPTURE(stage);
      CAPTURE(line);
      CHECK(holds(values, line + "\n"));
    }
  }
  CHECK(holds(table("degrade"), "jpeg_quality = [30, 95]\n"));
  for (const std::string line : {"jpeg_last_probability = 0.5", "jpeg_quality = [30, 95]", "sinc_probability = 0.8",
                                 "kernel_sizes = [7, 21]", "sinc_cutoff = [0.3333333333333333, 1]"})
    CHECK(holds(table("degrade.final"), line + "\n"));
  // What is printed is what is read: the resolved recipe resolves to itself.
  Recipe again = Recipe::parse(resolved, "again");
  read_degradation(again);
  again.check_all_read();
  CHECK(again.resolved() == resolved);

  Recipe bsrgan = recipe_of({"degrade.kind=bsrgan"});
  CHECK(read_degradation(bsrgan)->kind == Degradation::Kind::bsrgan);
  for (const std::string line :
       {"halve_probability = 0.25", "kernel_sizes = [7, 25]", "anisotropic_probability = 0.5",
        "free_shrink_probability = 0.75", "noise_sigma = [2, 25]", "noise_weights = [0.4, 0.4, 0.2]",
        "jpeg_probability = 0.9", "jpeg_quality = [30, 95]"})
    CHECK(holds(bsrgan.resolved(), line + "\n"));
}

TEST_CASE("degradation recipe: values given are used, wrong ones are named") {
  Recipe recipe =
      recipe_of({"degrade.kind=real-esrgan", "degrade.second.sigma=0.5,0.75", "degrade.first.resize_modes=bicubic",
                 "degrade.first.kernel_weights=1,0,0,0,0,0", "degrade.final.sinc_probability=0"});
  const auto read = read_degradation(recipe);
  CHECK(read->real_esrgan.second.sigma.low == 0.5);
  CHECK(read->real_esrgan.second.sigma.high == 0.75);
  CHECK((read->real_esrgan.first.resize_modes == std::vector{ResizeMode::bicubic}));
  CHECK(read->real_esrgan.first.kernel_weights == std::array<double, 6>{1, 0, 0, 0, 0, 0});
  CHECK(read->real_esrgan.final_sinc_probability == 0);

  const auto says = [](const std::string& assignment, const std::string& part) {
    const std::string message = refusal_of({"degrade.kind=real-esrgan", assignment});
    CAPTURE(message);
    CHECK(holds(message, assignment.substr(0, assignment.find('='))));
    CHECK(holds(message, part));
    CHECK(!holds(message, "\n"));
  };
  says("degrade.first.sigma=3,0.2", "below the first");
  says("degrade.first.sigma=1", "2 numbers");
  says("degrade.first.sigma=0,1", "is not in");
  says("degrade.first.kernel_sizes=8,21", "odd");
  says("degrade.first.kernel_weights=1,2", "6 numbers");
  says("degrade.second.resize_weights=0,0,0", "above 0");
  says("degrade.second.resize_modes=nearest", "nearest");
  says("degrade.jpeg_quality=0,90", "is not in");
  says("degrade.first.gray_probability=1.5", "is not in");
  says("degrade.first.gausian_sigma=1,2", "gaussian_sigma");
  says("degrade.noise_sigma=1,2", "unknown key");  // BSRGAN's
  CHECK(holds(refusal_of({"degrade.kind=realesrgan"}), "real-esrgan"));
  CHECK(holds(refusal_of({"degrade.first.sigma=1,2"}), "unknown key"));  // of kind none
}

TEST_CASE("degraded crops: the right place, turned alike, whatever the margin") {
  for (const int margin : {0, 2, 8}) {
    PairSourceOptions options{.hr = {}, .lr = {}, .scale = 4, .crop = 8};
    options.degradation = idle();
    options.degradation->margin = margin;
    const PairSource source(pairs_of({landscape(96, 80), landscape(40, 36)}, 4), options);
    for (std::uint64_t i = 0; i < 100; ++i) {
      Rng rng = Rng::for_item(1, i);
      const ImagePair pair = source.draw(rng);
      CHECK(pair.hr.width() == 32);
      CHECK(pair.lr.width() == 8);
      CHECK(pair.sharp.empty());
      cv::Mat expected, means;
      pair.hr.pixels.convertTo(expected, CV_32F);
      cv::Mat lr;
      pair.lr.pixels.convertTo(lr, CV_32F);
      double largest = 0;
      cv::Scalar shift;
      for (int y = 0; y < 8; ++y)
        for (int x = 0; x < 8; ++x) {
          const cv::Scalar mean = cv::mean(expected(cv::Rect(4 * x, 4 * y, 4, 4)));
          for (int c = 0; c < 2; ++c) {
            const double difference = mean[c] - lr.at<cv::Vec3f>(y, x)[c];
            largest = std::max(largest, std::abs(difference));
            shift[c] += difference / 64;
          }
        }
      // A neighbouring low-resolution pixel differs by 5.2 or 6.8 everywhere, a mirrored crop by up to 36 somewhere;
      // what JPEG's halved chroma takes has no direction.
      CHECK(std::abs(shift[0]) < 2);
      CHECK(std::abs(shift[1]) < 2);
      CHECK(largest < 12);
    }
  }
}

TEST_CASE("degraded crops: have real neighbours, not a reflected border") {
  // A wide blur of a slope, which a reflected border would bend by 13 levels.
  PairSourceOptions options{.hr = {}, .lr = {}, .scale = 1, .crop = 8, .augment = false};
  options.degradation = idle();
  DegradeStage& stage = options.degradation->real_esrgan.first;
  stage.blur_probability = 1;
  stage.sinc_probability = 0;
  stage.kernel_weights = {1, 0, 0, 0, 0, 0};
  stage.kernel_sizes = {21, 21};
  stage.sigma = {4, 4};
  options.degradation->margin = 16;
  constexpr int width = 56, around = 10;
  Image picture(width, 60, 3, Depth::u8);
  for (int x = 0; x < width; ++x) picture.pixels.col(x) = cv::Scalar::all(20 + 4 * x);
  const PairSource source(pairs_of({picture}, 1), options);
  int inside = 0;
  for (std::uint64_t i = 0; i < 60; ++i) {
    Rng rng = Rng::for_item(1, i);
    const ImagePair pair = source.draw(rng);
    const int left = (pair.hr.pixels.at<cv::Vec3b>(4, 0)[1] - 20) / 4;
    if (left < around || left + 8 + around > width) continue;  // at the picture's own border
    CHECK(largest_difference(pair.lr, pair.hr) <= 3);
    ++inside;
  }
  CHECK(inside > 20);
}

TEST_CASE("sharpened targets: of the same place, the input is made from the sharpened picture") {
  PairSourceOptions options{.hr = {}, .lr = {}, .scale = 2, .crop = 12};
  options.usm_target = true;
  const Image picture = to_rgb(noise(70, 64, 1, Depth::u8));  // gray: JPEG would halve chroma
  const Image sharp = usm_sharpen(picture);
  const auto find = [&](const Image& part, const Image& whole) {
    for (int y = 0; y + part.height() <= whole.height(); ++y)
      for (int x = 0; x + part.width() <= whole.width(); ++x)
        if (cv::norm(whole.pixels(cv::Rect(x, y, part.width(), part.height())), part.pixels, cv::NORM_INF) == 0)
          return cv::Point(x, y);
    return cv::Point(-1, -1);
  };
  options.augment = false;
  const PairSource source(pairs_of({picture}, 2), options);
  Rng rng(1);
  const ImagePair pair = source.draw(rng);
  CHECK(find(pair.hr, picture).x >= 0);
  CHECK(find(pair.hr, picture) == find(pair.sharp, sharp));
  CHECK(
      same(pair.lr, Image(shrink_bicubic(picture, 2).pixels(cv::Rect(find(pair.hr, picture) / 2, cv::Size(12, 12))))));

  options.degradation = idle();
  options.augment = true;
  const PairSource degraded(pairs_of({picture}, 2), options);
  const Batch batch = make_pair_batch(degraded, 4, 1, 0);
  REQUIRE(batch.contains("sharp"));
  CHECK(batch.at("sharp").sizes() == batch.at("hr").sizes());
  const auto mean_difference = [&](const char* name) {
    return (torch::avg_pool2d(batch.at(name), 2) - batch.at("lr")).abs().mean().item<double>();
  };
  CHECK(mean_difference("sharp") < 0.3 * mean_difference("hr"));
  options.usm_target = false;
  CHECK(!make_pair_batch(PairSource(pairs_of({picture}, 2), options), 4, 1, 0).contains("sharp"));
}

TEST_CASE("degraded validation: fixed, one for each picture, from a folder and held out") {
  const TemporaryFolder folder;
  std::vector<Image> pictures;
  for (int i = 0; i < 4; ++i) {
    pictures.push_back(noise(41, 38, 3, Depth::u8, i));
    write_image(folder / ("p" + std::to_string(i) + ".png"), pictures.back());
  }
  PairSourceOptions options{.hr = {folder.path()}, .lr = {}, .scale = 4, .crop = 4};
  options.degradation.emplace();
  options.usm_target = true;
  const auto pairs = load_pairs(options), again = load_pairs(options);
  REQUIRE(pairs.size() == 4);
  std::set<double> sums;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    CHECK(pairs[i].lr.pixels.size() == cv::Size(10, 9));
    CHECK(same(pairs[i].lr, again[i].lr));
    Rng rng = Rng::for_item(validation_seed, i);
    CHECK(same(pairs[i].lr, degrade(pairs[i].hr, DegradeOptions{}, 4, rng)));
  }
  // Held out: as if these pictures were a folder of their own.
  PairSource source(options);
  const auto held = source.hold_out(3);
  REQUIRE(held.size() == 1);
  CHECK(held[0].sharp.empty());
  CHECK(source.pairs().size() == 3);
  CHECK(same(held[0].lr, options.degradation->apply(held[0].hr, 4, validation_seed, 0)));
  // Partners of one's own are left as they are in validation, and contradict a degradation in training.
  std::filesystem::create_directories(folder / "lr");
  for (int i = 0; i < 4; ++i)
    write_image(folder / ("lr/p" + std::to_string(i) + ".png"), noise(10, 9, 3, Depth::u8, 70 + i));
  options.hr.clear();
  for (int i = 0; i < 4; ++i) options.hr.push_back(folder / ("p" + std::to_string(i) + ".png"));
  options.lr = folder / "lr";
  CHECK(same(load_pairs(options)[2].lr, noise(10, 9, 3, Depth::u8, 72)));
  try {
    PairSource contradiction(options);
    CHECK(false);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(holds(error.what(), "low-resolution pictures are given"));
  }
}

TEST_CASE("pair pool: each sample once, a function of the index, spread over the block, evenly") {
  constexpr std::int64_t pool = 180, blocks = 400;
  CHECK(pooled_index(77, 0, 1) == 77);
  CHECK(pooled_index(77, 1, 1) == 77);
  std::vector<int> seen(pool * blocks);
  std::vector<int> halves(2);
  double distance = 0;
  for (std::int64_t i = 0; i < pool * blocks; ++i) {
    const std::int64_t from = pooled_index(i, pool, 1);
    REQUIRE(from / pool == i / pool);
    ++seen[from];
    if (i % pool == 0) ++halves[from % pool < pool / 2 ? 0 : 1];
    distance += static_cast<double>(std::abs(from - i));
  }
  CHECK(std::all_of(seen.begin(), seen.end(), [](int count) { return count == 1; }));
  CHECK(std::abs(halves[0] - halves[1]) < 5 * std::sqrt(blocks));
  // Two random places in a block of n are (n^2 - 1) / (3 n) apart on average; their deviation is n / sqrt(18).
  const double expected = (pool * pool - 1) / (3.0 * pool);
  CHECK(std::abs(distance / (pool * blocks) - expected) < 5 * pool / std::sqrt(18.0 * pool * blocks));
  std::set<std::int64_t> firsts, other_seed;
  for (std::int64_t block = 0; block < 20; ++block) {
    firsts.insert(pooled_index(block * pool, pool, 1) % pool);
    other_seed.insert(pooled_index(block * pool, pool, 2) % pool);
  }
  CHECK(firsts.size() > 10);
  CHECK(firsts != other_seed);
}

TEST_CASE("pair pool: batches hold the very samples of the stream, in another order") {
  PairSourceOptions options{.hr = {}, .lr = {}, .scale = 2, .crop = 8};
  options.degradation.emplace();
  const PairSource source(pairs_of({noise(60, 60, 3, Depth::u8)}, 2), options);
  std::multiset<double> plain, pooled;
  int moved = 0;
  for (std::int64_t step = 0; step < 6; ++step) {
    const torch::Tensor a = make_pair_batch(source, 4, 1, step).at("lr");
    const torch::Tensor b = make_pair_batch(source, 4, 1, step, 12).at("lr");
    CHECK(torch::equal(b, make_pair_batch(source, 4, 1, step, 12).at("lr")));
    moved += !torch::equal(a, b);
    for (int i = 0; i < 4; ++i) {
      plain.insert(a[i].to(torch::kDouble).pow(2).sum().item<double>());
      pooled.insert(b[i].to(torch::kDouble).pow(2).sum().item<double>());
    }
  }
  CHECK(plain == pooled);
  CHECK(moved == 6);
}
