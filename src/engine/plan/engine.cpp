#include "ganvas/engine/engine.hpp"

#include <sys/mman.h>
#include <torch/torch.h>

#include <fmt/format.h>

#include <cstdlib>
#include <list>
#include <new>
#include <optional>

#include "engine/check_picture.hpp"
#include "engine/graph/sizes.hpp"
#include "engine/graph/trace.hpp"
#include "engine/int8/int8.hpp"
#include "engine/plan/layout_chooser.hpp"
#include "engine/plan/plan.hpp"
#include "ganvas/core/isa.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/memory.hpp"
#include "ganvas/nn/padding.hpp"
#include "ganvas/nn/precision.hpp"

namespace ganvas {

namespace {

/// Edge tiles have sizes of their own: a picture has at most four.
constexpr std::size_t most_plans = 4;
/// Root of the mean squared difference that may be seen in the first comparison, relative to that of the values. (Not
/// the largest difference: behind nine blocks with instance norm, bf16 has single values that are far off.) Int8 is
/// compared with its own simulation: no calibrated picture is like the noise of that comparison.
constexpr double fp32_tolerance = 1e-4, bf16_tolerance = 0.03, int8_tolerance = 0.03;

/// Of a picture for which precisions are compared before there is one.
constexpr int typical_side = 192;

/// Whether the network in bf16 is no slower than in fp32.
bool half_pays(const engine::Graph& graph, engine::Numbers numbers, engine::Size picture) {
  if (engine::bf16_always_pays(engine::cpu_facts())) return true;
  const auto seconds = [&](engine::Element features) {
    numbers.features = features;
    return engine::LayoutChooser(graph, numbers, FeatureLayout::automatic, picture).typical_seconds();
  };
  const double half = seconds(engine::Element::bf16), full = seconds(engine::Element::fp32);
  log(LogLevel::debug, "by the convolutions of {}x{} pixels: bf16 {:.4f} s, fp32 {:.4f} s", picture.width,
      picture.height, half, full);
  return half <= full;
}

double root_mean_square(const torch::Tensor& x) { return x.square().mean().sqrt().item<double>(); }

double relative_error(const torch::Tensor& result, const torch::Tensor& expected) {
  return root_mean_square(result - expected) / std::max(root_mean_square(expected), 1e-30);
}

/// A network's weights in bf16 for the while.
class InHalf {
 public:
  explicit InHalf(Generator& network) : values_(network.parameters()) {
    const auto buffers = network.buffers();
    values_.insert(values_.end(), buffers.begin(), buffers.end());
    for (const torch::Tensor& value : values_) whole_.push_back(value.data());
    network.to(torch::kBFloat16);
  }
  ~InHalf() {
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i].set_data(whole_[i]);
  }
  InHalf(const InHalf&) = delete;
  InHalf& operator=(const InHalf&) = delete;

 private:
  std::vector<torch::Tensor> values_, whole_;
};

/// What bf16 does to the network as LibTorch runs it: for noise, much with some networks (SPAN's features change sign).
double error_of_bf16(Generator& network, const torch::Tensor& picture, const torch::Tensor& expected) {
  const InHalf half(network);
  return relative_error(network.forward(picture).to(torch::kFloat), expected);
}

}  // namespace

/// It only ever grows.
class EngineMemory {
 public:
  EngineMemory() = default;
  ~EngineMemory() { std::free(data_); }
  EngineMemory(const EngineMemory&) = delete;
  EngineMemory& operator=(const EngineMemory&) = delete;

  std::byte* at_least(std::size_t bytes) {
    if (bytes <= size_) return data_;
    std::free(data_);
    data_ = nullptr;
    size_ = 0;
    // The system promises more than it has; asked beforehand, too large a tile is an exception and not the end.
    if (bytes > available_memory()) throw std::bad_alloc();
    constexpr std::size_t page = std::size_t{2} << 20;
    void* memory = nullptr;
    const std::size_t rounded = (bytes + page - 1) / page * page;
    if (::posix_memalign(&memory, page, rounded) != 0) throw std::bad_alloc();
    ::madvise(memory, rounded, MADV_HUGEPAGE);
    data_ = static_cast<std::byte*>(memory);
    size_ = rounded;
    return data_;
  }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

std::shared_ptr<EngineMemory> make_engine_memory() { return std::make_shared<EngineMemory>(); }

struct Engine::State {
  engine::Graph graph;
  engine::Numbers numbers;
  std::optional<engine::LayoutChooser> chooser;
  int multiple = 1, scale = 1;
  engine::PackedWeights weights;
  struct Sized {
    Sized(State& state, engine::Size picture)
        : size(picture),
          plan(state.graph, picture, state.numbers, state.chooser->layouts_for(picture), state.weights) {}
    engine::Size size;
    engine::Plan plan;
  };
  std::list<Sized> plans;  ///< used last first
  std::shared_ptr<EngineMemory> memory;

  /// Networks that work on multiples pad by themselves; the trace had no need to.
  torch::Tensor padded(const torch::Tensor& picture) const {
    const engine::Size size{static_cast<int>(picture.size(2)), static_cast<int>(picture.size(3))};
    return pad_to_multiple(picture, engine::fitting_multiple(graph, size, multiple));
  }
  /// What of a result belongs to the picture.
  torch::Tensor cut(const torch::Tensor& result, const torch::Tensor& picture) const {
    return result.slice(2, 0, picture.size(2) * scale).slice(3, 0, picture.size(3) * scale);
  }

  engine::Plan& plan_for(engine::Size size) {
    for (auto it = plans.begin(); it != plans.end(); ++it) {
      if (it->size != size) continue;
      plans.splice(plans.begin(), plans, it);
      return plans.front().plan;
    }
    if (plans.size() == most_plans) plans.pop_back();
    plans.emplace_front(*this, size);
    return plans.front().plan;
  }
};

bool engine_has_bf16() { return cpu_has_fast_bf16(); }

bool engine_has_int8() { return cpu_has(Isa::avx512_vnni); }

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

bool Engine::bf16() const { return state_->numbers.features == engine::Element::bf16; }
bool Engine::int8() const { return state_->numbers.int8; }
std::string Engine::layouts() const { return state_->chooser->in_words(state_->plans.front().size); }

std::unique_ptr<Engine> Engine::compile(Generator& network, const EngineOptions& options, std::string& why) {
  const GeneratorInfo info = network.info();
  auto state = std::make_unique<State>();
  try {
    state->memory = options.memory ? options.memory : make_engine_memory();
    state->graph = engine::fold(engine::trace(network));
    state->numbers.int8 = !options.int8_record.empty();
    if (state->numbers.int8) engine::apply_int8_record(state->graph, options.int8_record);
    const int side = (typical_side + info.multiple - 1) / info.multiple * info.multiple;
    if (options.bf16 && engine_has_bf16() &&
        (!options.unless_slower || half_pays(state->graph, state->numbers, {side, side})))
      state->numbers.features = engine::Element::bf16;
    state->chooser.emplace(state->graph, state->numbers, options.layout, engine::Size{side, side});
    state->multiple = engine::outer_multiple(state->graph, info.multiple);
    state->scale = info.scale;
    std::unique_ptr<Engine> made(new Engine(std::move(state)));
    if (!options.compared) return made;
    const torch::NoGradGuard no_grad;
    const torch::Tensor picture = engine::check_picture(info);
    const torch::Tensor expected = made->int8() ? made->simulated(picture) : network.forward(picture);
    const torch::Tensor result = made->run(picture);
    if (result.sizes() != expected.sizes()) {
      why = "the compiled network gives another size";
      return nullptr;
    }
    const double difference = relative_error(result, expected);
    double tolerance = made->int8() ? int8_tolerance : made->bf16() ? bf16_tolerance : fp32_tolerance;
    if (difference > tolerance && made->bf16() && !made->int8() && !info.fp32_only)
      tolerance = std::max(tolerance, error_of_bf16(network, picture, expected));
    if (!(difference <= tolerance)) {
      why = fmt::format("the compiled network differs by {:.2g}", difference);
      return nullptr;
    }
    return made;
  } catch (const std::exception& error) {
    why = error.what();
    return nullptr;
  }
}

torch::Tensor Engine::simulated(const torch::Tensor& picture) const {
  return state_->cut(engine::simulated(state_->graph, state_->padded(picture), engine::largest_int8_weight()), picture);
}

torch::Tensor Engine::run(const torch::Tensor& picture) {
  const torch::Tensor input = state_->padded(picture.to(torch::kFloat)).contiguous(at::MemoryFormat::ChannelsLast);
  engine::Plan& plan = state_->plan_for({static_cast<int>(input.size(2)), static_cast<int>(input.size(3))});
  const engine::View& result = plan.result();
  torch::Tensor output =
      torch::empty({1, result.channels, result.height, result.width},
                   torch::TensorOptions().dtype(torch::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
  plan.run(state_->memory->at_least(plan.arena_bytes()), input.data_ptr<float>(), output.data_ptr<float>());
  return state_->cut(output, picture);
}

}  // namespace ganvas
