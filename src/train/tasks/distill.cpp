// Teaches a small feature network to see as a large one does (Hinton et al. 2015; Romero et al. 2015): its LPIPS layers
// shall point where the teacher's do, on photographs, on damaged copies of them and in the difference between the two,
// so that distances and their gradients agree.
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/data/distort.hpp"
#include "ganvas/data/pair_source.hpp"
#include "ganvas/loss/lpips.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"
#include "ganvas/train/task.hpp"
#include "train/criteria/agreement.hpp"
#include "train/criteria/backward.hpp"

namespace ganvas::distill_plugin {

namespace {

using torch::Tensor;

class Distill final : public Task {
 public:
  explicit Distill(TaskContext context) : context_(std::move(context)) {
    Recipe& recipe = context_.recipe;
    const std::vector<std::string> not_config{"architecture", "init_gain", "start"};
    student_ = make_feature_network(recipe.text("student.architecture", "small-features"),
                                    recipe.table("student", not_config));
    recipe.record("student", student_->config());
    initialise(*student_, "he", recipe.number("student.init_gain", 1.0, 0.0, 100.0));
    if (const std::string start = recipe.text("student.start", ""); !start.empty() && context_.find_model)
      load_state_dict(*student_, state_dict_of(*load_feature_network(context_.model("student.start", start))), start);
    use_channels_last(*student_);
    student_->to(context_.device);
    source_options_.crop = static_cast<int>(recipe.integer("data.crop", 24, 4, 4096));
    hold_out_ = static_cast<int>(recipe.integer("data.hold_out", 8, 1, 10000));
    feature_weight_ = recipe.number("loss.features", 1.0, 0.0);
    difference_weight_ = recipe.number("loss.difference", 1.0, 0.0);
    distance_weight_ = recipe.number("loss.distance", 0.1, 0.0);
    magnitude_weight_ = recipe.number("loss.magnitude", 0.02, 0.0);
    attack_share_ = recipe.number("distill.attack_share", 0.25, 0.0, 1.0);
    attack_size_ = recipe.number("distill.attack_size", 0.06, 0.0, 1.0);
    piecewise_steps_ = recipe.integer("distill.piecewise_steps", 0, 0);
    generator_share_ = recipe.number("distill.generator_share", 0.15, 0.0, 1.0);
    read_models();
  }

  void load_data() override {
    source_options_.hr = context_.data.places;
    source_ = std::make_unique<PairSource>(source_options_);
    for (const auto& pair : source_->hold_out(hold_out_)) held_out_.push_back(pair.hr);
    log(LogLevel::info, "{} training pictures, {} held out", source_->pairs().size(), held_out_.size());
  }
  std::vector<Phase> phases() const override { return {{.name = "student", .networks = {"student"}}}; }
  std::vector<NamedNetwork> networks() const override { return {{"student", student_, true}}; }

  Batch make_batch(std::int64_t index) const override {
    std::vector<Tensor> a, b;
    for (int i = 0; i < context_.batch; ++i) {
      Rng rng = Rng::for_item(context_.seed, static_cast<std::uint64_t>(index * context_.batch + i));
      const ImagePair pair = source_->draw(rng);
      a.push_back(tensor_from_image(pair.hr.pixels));
      b.push_back(damaged(pair, rng));
    }
    return {{"a", torch::cat(a)}, {"b", torch::cat(b)}};
  }

  void begin_step(std::int64_t step) override { piecewise_ = step < piecewise_steps_; }

  Scalars accumulate(const Phase&, const Batch& batch, double weight) override {
    const Tensor& a = batch.at("a");
    const Agreement agreement = compare(torch::cat({a, attacked(a, batch.at("b"))}));
    return backward({{"features", agreement.features() * feature_weight_},
                     {"difference", agreement.difference() * difference_weight_},
                     {"distance", agreement.distance() * distance_weight_},
                     {"magnitude", agreement.magnitude() * magnitude_weight_}},
                    weight);
  }

  /// Distances of held-out pictures to damaged copies, by student and teacher.
  Scalars validate() override {
    constexpr int copies = 16, side = 160;
    const Lpips student(student_, heads_);
    std::vector<double> mine, theirs;
    double error = 0;
    for (std::size_t i = 0; i < held_out_.size(); ++i) {
      const cv::Mat& pixels = held_out_[i].pixels;
      const Image middle(pixels(cv::Rect(0, 0, std::min(side, pixels.cols), std::min(side, pixels.rows))).clone());
      const Tensor a = tensor_from_image(middle.pixels).to(context_.device);
      for (int copy = 0; copy < copies; ++copy) {
        Rng rng = Rng::for_item(12345, i * copies + static_cast<std::uint64_t>(copy));
        const Tensor b = tensor_from_image(distort(middle, rng).pixels).to(context_.device);
        mine.push_back(student(a, b).item<double>());
        theirs.push_back((*teacher_)(a, b).item<double>());
        error += std::abs(mine.back() - theirs.back()) / (theirs.back() + 0.01);
      }
    }
    return {{"pearson", correlation(mine, theirs)},
            {"spearman", correlation(ranks(mine), ranks(theirs))},
            {"relative_error", error / static_cast<double>(mine.size())}};
  }
  double score(const Scalars& validation) const override { return validation.at("pearson"); }

  void export_model(const std::filesystem::path& path, const std::map<std::string, std::string>& figures) override {
    student_->set_heads(heads_);
    save_feature_network(path, *student_, figures, /*half=*/true);
  }

 private:
  void read_models() {
    Recipe& recipe = context_.recipe;
    const std::string network = recipe.text("teacher.network", "squeezenet1_1");
    const std::string heads = recipe.text("teacher.heads", "lpips-squeeze");
    const auto generators = recipe.texts("distill.generators", {"photo-x4"});
    if (!context_.find_model) return;
    const std::filesystem::path heads_path =
        heads.empty() ? std::filesystem::path() : context_.model("teacher.heads", heads);
    teacher_ = std::make_unique<Lpips>(Lpips::load(context_.model("teacher.network", network), heads_path));
    teacher_->to(context_.device);
    for (const auto& name : generators) {
      GeneratorPtr generator = load_generator(context_.model("distill.generators", name)).network;
      if (generator->info().scale != source_options_.scale)
        fail(ErrorKind::recipe, "{}: distill.generators: {} is no x{} model", recipe.name(), name,
             source_options_.scale);
      use_channels_last(*generator);
      generators_.push_back(std::move(generator));
    }
    const auto stages = student_->stages(), theirs = teacher_->network()->stages();
    if (stages.empty() || stages.size() != theirs.size())
      fail(ErrorKind::recipe, "{}: the student has {} stages, the teacher {}", recipe.name(), stages.size(),
           theirs.size());
    for (std::size_t i = 0; i < stages.size(); ++i)
      if (student_->channels(stages[i]) != teacher_->network()->channels(theirs[i]))
        fail(ErrorKind::recipe, "{}: student and teacher differ in the channels of {} and {}", recipe.name(), stages[i],
             theirs[i]);
    for (std::size_t i = 0; i < teacher_->weights().size(); ++i)
      heads_.set(fmt::format("lin{}.model.1.weight", i), teacher_->weights()[i].to(torch::kCPU));
  }

  /// Both networks at every stage. Piece by piece, each stage of the student begins from the teacher's features: all
  /// learn at once, each a shallow problem of its own.
  Agreement compare(const Tensor& pictures) {
    const auto stages = student_->stages(), heads_at = student_->lpips_layers();
    std::vector<Tensor> theirs, mine;
    {
      const AutocastScope autocast(context_.bf16, context_.device.is_cuda());
      const torch::NoGradGuard no_grad;
      theirs = teacher_->network()->features(pictures, teacher_->network()->stages());
    }
    {
      const AutocastScope autocast(context_.bf16, context_.device.is_cuda());
      if (!piecewise_) mine = student_->features(pictures, stages);
      else mine = student_->features(pictures, {stages.front()});
      for (std::size_t i = mine.size(); i < stages.size(); ++i)
        mine.push_back(student_->continued(theirs[i - 1], stages[i - 1], stages[i]));
    }
    Agreement agreement(teacher_->weights());
    for (std::size_t i = 0; i < stages.size(); ++i) {
      const auto head = std::find(heads_at.begin(), heads_at.end(), stages[i]);
      if (head == heads_at.end()) agreement.add_plain_layer(mine[i], theirs[i]);
      else agreement.add_layer(static_cast<std::size_t>(head - heads_at.begin()), mine[i], theirs[i]);
    }
    return agreement;
  }

  /// A damaged copy of the picture, or what a generator makes of the small one.
  Tensor damaged(const ImagePair& pair, Rng& rng) const {
    if (generators_.empty() || rng.uniform() >= generator_share_)
      return tensor_from_image(distort(pair.hr, rng).pixels);
    const torch::NoGradGuard no_grad;
    const AutocastScope autocast(context_.bf16, false);
    Generator& generator = *generators_[rng.below(generators_.size())];
    const GeneratorInfo info = generator.info();
    const Tensor result = generator.forward(to_range(tensor_from_image(pair.lr.pixels), info));
    return from_range(result, info).to(torch::kFloat).clamp(0, 1);
  }

  /// The first of the damaged pictures, changed where the student's own distance pulls them: what a generator that
  /// learns from it will show it. There, too, it shall see what the teacher sees.
  Tensor attacked(const Tensor& a, const Tensor& b) {
    const auto count = std::llround(attack_share_ * static_cast<double>(a.size(0)));
    if (count == 0) return b;
    const Tensor near = a.narrow(0, 0, count);
    const Tensor start = b.narrow(0, 0, count).detach().clone().requires_grad_();
    Tensor gradient;
    {
      const AutocastScope autocast(context_.bf16, context_.device.is_cuda());
      gradient = torch::autograd::grad({Lpips(student_, heads_)(near, start).sum()}, {start})[0];
    }
    const Tensor length = gradient.square().mean({1, 2, 3}, true).sqrt().clamp_min(1e-12);
    const Tensor size = torch::rand({count, 1, 1, 1}, a.options()) * attack_size_;
    const Tensor moved = (start.detach() - size * gradient / length).clamp(0, 1);
    return torch::cat({moved, b.narrow(0, count, b.size(0) - count)});
  }

  TaskContext context_;
  FeatureNetworkPtr student_;
  std::unique_ptr<Lpips> teacher_;
  StateDict heads_;
  std::vector<GeneratorPtr> generators_;
  PairSourceOptions source_options_;
  int hold_out_ = 0;
  double feature_weight_, difference_weight_, distance_weight_, magnitude_weight_;
  double attack_share_, attack_size_, generator_share_;
  std::int64_t piecewise_steps_ = 0;
  bool piecewise_ = false;
  std::unique_ptr<PairSource> source_;
  std::vector<Image> held_out_;
};

}  // namespace

TaskPlugin plugin() {
  return {.name = "distill",
          .summary = "a small feature network that sees as a large one does",
          .make = [](TaskContext context) -> std::unique_ptr<Task> {
            return std::make_unique<Distill>(std::move(context));
          }};
}

}  // namespace ganvas::distill_plugin
