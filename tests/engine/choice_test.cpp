// Which layouts are chosen, by pretended times: nothing here is measured.
#include "engine/choice/choose.hpp"

#include <doctest/doctest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <random>

#include "engine/choice/choice_cache.hpp"
#include "engine/choice/known_cpus.hpp"
#include "engine/choice/robust_time.hpp"
#include "engine/choice/two_labels.hpp"
#include "engine/graph/trace.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/nn/registry.hpp"
#include "support/support.hpp"

using namespace ganvas;
using engine::NodeId;
using engine::Together;

namespace {

constexpr engine::Size picture{64, 48};
constexpr double infinite = std::numeric_limits<double>::infinity(),
                 no_number = std::numeric_limits<double>::quiet_NaN();

engine::Graph graph_of(const std::string& architecture, const nlohmann::json& config) {
  torch::manual_seed(4);
  const GeneratorPtr network = make_generator(architecture, config);
  network->eval();
  return engine::fold(engine::trace(*network));
}

engine::Graph compact() { return graph_of("compact", {{"channels", 32}, {"convs", 4}, {"scale", 2}, {"slope", 0.1}}); }
engine::Graph dense() { return graph_of("rrdbnet", {{"channels", 32}, {"blocks", 1}, {"growth", 16}, {"scale", 4}}); }

engine::ValueLayouts plain(const engine::Graph& graph, engine::Numbers numbers = {}) {
  return {graph, picture, numbers, 16, Together(graph.size(), false)};
}

/// Whatever a function says.
struct Pretended final : engine::Costs {
  std::function<double(NodeId, bool)> seconds;
  double a_byte = 1e-10;
  double convolution(NodeId id, bool together) override { return seconds(id, together); }
  double copying(double bytes) override { return bytes * a_byte; }
};

engine::Choice chosen(const engine::Graph& graph, std::function<double(NodeId, bool)> seconds, double a_byte = 1e-10) {
  Pretended costs;
  costs.seconds = std::move(seconds);
  costs.a_byte = a_byte;
  return engine::choose_layouts(graph, plain(graph), costs);
}

/// Convolutions of more than a block's channels, whose layout makes a difference: so many, and so many together.
std::pair<int, int> counted(const engine::Graph& graph, const Together& together) {
  std::pair<int, int> found{0, 0};
  for (const NodeId id : graph.ids()) {
    if (!engine::as_any_convolution(graph[id])) continue;
    ++found.first;
    found.second += together[id] ? 1 : 0;
  }
  return found;
}

}  // namespace

TEST_CASE("two labels: the cheapest of all answers, on random problems") {
  std::mt19937 random(1);
  const auto number = [&](double most) { return std::uniform_real_distribution<double>(0, most)(random); };
  for (int problem = 0; problem < 200; ++problem) {
    const std::size_t items = 2 + static_cast<std::size_t>(random() % 7);
    struct Pair {
      std::size_t a, b;
      double seconds;
    };
    std::vector<std::array<double, 2>> own(items);
    std::vector<Pair> pairs;
    engine::TwoLabels labels(items);
    for (std::size_t i = 0; i < items; ++i) {
      own[i] = {number(1), number(1)};
      labels.cost(i, own[i][0], own[i][1]);
      for (std::size_t k = 0; k < items; ++k)
        if (i != k && random() % 3 == 0) {
          pairs.push_back({i, k, number(0.7)});
          labels.apart(i, k, pairs.back().seconds);
        }
    }
    const auto total = [&](const auto& is_true) {
      double sum = 0;
      for (std::size_t i = 0; i < items; ++i) sum += own[i][is_true(i) ? 1 : 0];
      for (const Pair& pair : pairs)
        if (!is_true(pair.a) && is_true(pair.b)) sum += pair.seconds;
      return sum;
    };
    double least = infinite;
    for (unsigned answer = 0; answer < 1U << items; ++answer)
      least = std::min(least, total([&](std::size_t i) { return (answer >> i & 1U) != 0; }));
    const std::vector<bool> found = labels.cheapest();
    CHECK(total([&](std::size_t i) { return static_cast<bool>(found[i]); }) == doctest::Approx(least).epsilon(1e-9));
  }
}

TEST_CASE("layouts: six times as fast together means together everywhere, and the other way round") {
  for (const engine::Graph& graph : {compact(), dense()}) {
    const auto together = chosen(graph, [](NodeId, bool one) { return one ? 1e-3 : 6e-3; }).together;
    const auto [all, some] = counted(graph, together);
    CHECK(all > 4);
    CHECK(some == all);
    CHECK(counted(graph, chosen(graph, [](NodeId, bool one) { return one ? 6e-3 : 1e-3; }).together).second == 0);
    // As fast: nothing is moved for nothing.
    CHECK(counted(graph, chosen(graph, [](NodeId, bool) { return 1e-3; }).together).second == 0);
  }
}

TEST_CASE("layouts: what concatenations copy counts against them") {
  const engine::Graph graph = dense();
  const auto slightly_faster = [](NodeId, bool one) { return one ? 0.9e-3 : 1e-3; };
  CHECK(counted(graph, chosen(graph, slightly_faster, 1e-7).together).second == 0);
  CHECK(counted(graph, chosen(graph, slightly_faster, 1e-13).together).second > 0);
}

TEST_CASE("layouts: a convolution that is slow together stays in blocks, and its neighbours go round it") {
  const engine::Graph graph = compact();
  std::vector<NodeId> convolutions;
  for (const NodeId id : graph.ids())
    if (engine::as_any_convolution(graph[id])) convolutions.push_back(id);
  const NodeId odd = convolutions[2];
  const auto choice = chosen(graph, [odd](NodeId id, bool one) { return (id == odd) == one ? 6e-3 : 1e-3; });
  for (const NodeId id : convolutions) CHECK(choice.together[id] == (id != odd));
  // Where copies cost more than that, it goes with the others.
  CHECK(chosen(
            graph, [odd](NodeId id, bool one) { return (id == odd) == one ? 6e-3 : 1e-3; }, 1e-6)
            .together[odd]);
}

TEST_CASE("layouts: no other answer is cheaper, whatever the times") {
  std::mt19937 random(2);
  const engine::Graph graph = graph_of("srresnet", {{"channels", 32}, {"blocks", 1}, {"scale", 2}});
  const engine::ValueLayouts layouts = plain(graph);
  REQUIRE(graph.size() <= 12);
  for (int problem = 0; problem < 8; ++problem) {
    std::vector<std::array<double, 2>> times(graph.size());
    for (auto& both : times)
      for (double& one : both) one = std::uniform_real_distribution<double>(0, 2e-3)(random);
    Pretended costs;
    costs.seconds = [&](NodeId id, bool together) { return times[id.index()][together ? 1 : 0]; };
    costs.a_byte = std::pow(10.0, -9.0 - problem % 4);
    const engine::Choice found = engine::choose_layouts(graph, layouts, costs);
    CHECK(engine::seconds_of(graph, layouts, found.together, costs) == doctest::Approx(found.seconds));
    double least = infinite;
    for (unsigned answer = 0; answer < 1U << graph.size(); ++answer) {
      Together together(graph.size(), false);
      for (const NodeId id : graph.ids()) together[id] = (answer >> id.index() & 1U) != 0;
      least = std::min(least, engine::seconds_of(graph, layouts, together, costs));
    }
    CHECK(found.seconds == doctest::Approx(least).epsilon(1e-6));
  }
}

TEST_CASE("layouts: absurd times choose nothing absurd") {
  const engine::Graph graph = compact();
  // What only one layout can do is done in that one; what none says anything about stays in blocks.
  CHECK(counted(graph, chosen(graph, [](NodeId, bool one) { return one ? infinite : 1e-3; }).together).second == 0);
  const auto [all, some] =
      counted(graph, chosen(graph, [](NodeId, bool one) { return one ? 1e-3 : no_number; }).together);
  CHECK(all == some);
  for (const double both : {no_number, infinite, -1.0, 0.0})
    CHECK(counted(graph, chosen(graph, [both](NodeId, bool) { return both; }).together).second == 0);
}

TEST_CASE("times: what can't be doesn't count, and a single jump changes nothing") {
  const auto measured = [](std::vector<double> readings, double operations = 1e6) {
    std::size_t next = 0;
    return engine::robust_seconds(
        [&](const engine::Timed&, const std::function<void()>& work) {
          work();
          return readings[next++ % readings.size()];
        },
        {0, false, operations}, [] {});
  };
  CHECK(*measured({2e-3, 1e-3, 1.1e-3, 5, 1.2e-3}) == 1.1e-3);
  CHECK(*measured({1e-3, 1e-3, 1e-8, 1e-3, 1e-3}) == 1e-3);          // the clock stood still for once
  CHECK(*measured({-1e-3, 1e-3, -2, 1.5e-3, no_number}) == 1.5e-3);  // and ran backwards
  CHECK(!measured({-1, no_number, infinite, 0, 1e9}));
  CHECK(!measured({1e-12, 1e-12, 1e-12, 1e-12, 1e-12}));
  CHECK(!measured({1e-3, 0, 0, 0, 0}));
}

TEST_CASE("times are kept for the next process, and what is broken or of something else is no answer") {
  const test::TemporaryFolder folder;
  const engine::ChoiceCache cache(folder.path() / "plans");
  engine::ChoiceCache::Entry entry{Together(5, false), 0.25};
  entry.together[NodeId(3)] = true;
  CHECK(!cache.find("a key", 5));
  cache.keep("a key", entry);
  const auto found = cache.find("a key", 5);
  REQUIRE(found);
  CHECK(found->seconds == 0.25);
  for (const NodeId id : entry.together.ids()) CHECK(found->together[id] == entry.together[id]);
  CHECK(!cache.find("another key", 5));
  CHECK(!cache.find("a key", 6));  // of another network

  const auto files = list_files(folder.path() / "plans", false);
  REQUIRE(files.size() == 1);
  const Bytes bytes = read_file(files[0]);
  const std::string text(bytes.begin(), bytes.end());
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    other.replace(other.find(from), from.size(), to);
    return other;
  };
  for (const std::string& damaged :
       {std::string(), text.substr(0, text.size() / 2), std::string("[]"), std::string(1 << 21, ' '),
        replaced("a key", "b key"), replaced("\"version\":1", "\"version\":99"), replaced("00010", "00020"),
        replaced("00010", "0001"), replaced("0.25", "-1"), replaced("0.25", "\"fast\"")}) {
    write_file_atomically(files[0], damaged);
    CHECK(!cache.find("a key", 5));
    cache.keep("a key", entry);  // and written anew
    CHECK(cache.find("a key", 5));
  }
  std::filesystem::remove_all(folder.path() / "plans");
  CHECK(!cache.find("a key", 5));
  write_file_atomically(folder.path() / "plans", "no folder");
  cache.keep("a key", entry);
  CHECK(!cache.find("a key", 5));
}

TEST_CASE("graphs: the key sees shapes and order, not weights") {
  const auto key = [](const nlohmann::json& config) { return engine::graph_key(graph_of("compact", config)); };
  const nlohmann::json config{{"channels", 32}, {"convs", 4}, {"scale", 2}, {"slope", 0.1}};
  nlohmann::json wider = config, longer = config;
  wider["channels"] = 48;
  longer["convs"] = 5;
  CHECK(key(config) == key(config));
  CHECK(key(config) != key(wider));
  CHECK(key(config) != key(longer));
}

TEST_CASE("known CPUs: AMX computes bf16 with all channels together, Zen 4 all in blocks, others are measured") {
  using engine::Habit;
  const engine::CpuFacts zen{"AMD EPYC 9654", true, false}, rapids{"Intel(R) Xeon(R) Platinum 8481C", true, true},
      cooper{"Intel(R) Xeon(R) Platinum 8380H", true, false}, old{"Intel(R) Core(TM) i7-6700", false, false},
      rome{"AMD EPYC 7742", false, false};
  for (const bool half : {false, true}) {
    CHECK(engine::habit_of(zen, half) == Habit::blocks);
    CHECK(engine::habit_of(rapids, half) == (half ? Habit::tiles : Habit::blocks));
    for (const auto& other : {cooper, old, rome}) CHECK(engine::habit_of(other, half) == Habit::measured);
  }
  CHECK(engine::bf16_always_pays(zen));
  for (const auto& other : {rapids, cooper, old, rome}) CHECK(!engine::bf16_always_pays(other));
}

TEST_CASE("known CPUs: where tiles are to be had, networks take them, and bf16 with them, else neither") {
  const auto seconds = [](const engine::Graph& graph, engine::Numbers numbers, bool tiles, Together* together) {
    const engine::ValueLayouts layouts = plain(graph, numbers);
    const bool half = numbers.features == engine::Element::bf16;
    engine::TileCosts costs(graph, layouts, numbers, [&](NodeId, bool one) {
      return tiles && half && one ? "brgconv:avx512_core_amx_bf16" : "jit:avx512_core";
    });
    const engine::Choice choice = engine::choose_layouts(graph, layouts, costs);
    if (together) *together = choice.together;
    return choice.seconds;
  };
  const engine::Numbers half{.features = engine::Element::bf16}, full;
  const std::vector<engine::Graph> graphs{
      graph_of("compact", {{"channels", 64}, {"convs", 16}, {"scale", 4}, {"slope", 0.1}}),
      graph_of("compact", {{"channels", 64}, {"convs", 16}, {"scale", 4}}),  // with PReLU
      graph_of("rrdbnet", {{"channels", 64}, {"blocks", 2}, {"growth", 32}, {"scale", 4}}),
      graph_of("resnet", {{"width", 64}, {"blocks", 2}})};
  for (const engine::Graph& graph : graphs) {
    Together together;
    const double by_tiles = seconds(graph, half, true, &together);
    const auto [all, some] = counted(graph, together);
    CHECK(some == all);
    CHECK(by_tiles < seconds(graph, full, true, nullptr));
    CHECK(seconds(graph, half, false, &together) > seconds(graph, full, false, nullptr));
    CHECK(counted(graph, together).second == 0);
  }
}
