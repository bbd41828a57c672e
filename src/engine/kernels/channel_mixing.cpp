#include "engine/kernels/channel_mixing.hpp"

#include <cmath>
#include <vector>

#include "engine/kernels/lanes.hpp"
#include "engine/kernels/row_kernels.hpp"

namespace ganvas::engine {

namespace {

constexpr int tokens_at_once = 64, sums_at_once = 8;

/// Tokens at rows and columns of equal distances.
struct Tokens {
  int row = 0, column = 0, row_step = 1, column_step = 1, rows = 0, columns = 0;
  int count() const { return rows * columns; }
  int y(int i) const { return row + i / columns * row_step; }
  int x(int i) const { return column + i % columns * column_step; }
};

/// `lanes` values of each row of sums += b's at every step times a's value of the row r there.
template <int N>
GANVAS_IN_LANES void add_products_in_lanes(const float* a, std::ptrdiff_t a_row, std::ptrdiff_t a_step, const float* b,
                                           std::ptrdiff_t b_step, int count, float* sums, std::ptrdiff_t sums_row,
                                           int lanes) {
  for (int lane = 0; lane < lanes; lane += N) {
    Lanes<N> found[sums_at_once];
    for (int r = 0; r < sums_at_once; ++r) found[r] = lanes_at<N>(sums + r * sums_row + lane);
    for (int i = 0; i < count; ++i) {
      const Lanes<N>& some = lanes_at<N>(b + i * b_step + lane);
      for (int r = 0; r < sums_at_once; ++r) found[r] += some * a[r * a_row + i * a_step];
    }
    for (int r = 0; r < sums_at_once; ++r) lanes_at<N>(sums + r * sums_row + lane) = found[r];
  }
}
GANVAS_FOR_LANES(add_products,
                 (const float* a, std::ptrdiff_t a_row, std::ptrdiff_t a_step, const float* b, std::ptrdiff_t b_step,
                  int count, float* sums, std::ptrdiff_t sums_row, int lanes),
                 (a, a_row, a_step, b, b_step, count, sums, sums_row, lanes))

/// softmax of `count` values; whole runs are read and written.
template <int N>
GANVAS_IN_LANES void soften_row_in_lanes(float* x, int count) {
  float most = x[0];
  for (int i = 1; i < count; ++i) most = x[i] > most ? x[i] : most;
  for (int i = 0; i < count; i += N) {
    Lanes<N> some = lanes_at<N>(x + i) - most;
    exp_lanes<N>(some);
    lanes_at<N>(x + i) = some;
  }
  float sum = 0;
  for (int i = 0; i < count; ++i) sum += x[i];
  for (int i = 0; i < count; ++i) x[i] /= sum;
}
GANVAS_FOR_LANES(soften_row, (float* x, int count), (x, count))

/// What a group of tokens adds up to, and some of its tokens.
struct Work {
  explicit Work(const ChannelMixing& kind)
      : depth(kind.width / kind.heads),
        lanes(whole_runs(depth)),
        rows((depth + sums_at_once - 1) / sums_at_once * sums_at_once),
        stride(whole_runs(kind.width) + lane_run),
        a(static_cast<std::size_t>(tokens_at_once * stride), 0.0F),
        b(a),
        products(static_cast<std::size_t>(kind.heads * rows * lanes), 0.0F),
        squares(static_cast<std::size_t>(2 * kind.width), 0.0F) {}
  float* products_of(int head) { return products.data() + start_of(head); }
  const float* products_of(int head) const { return products.data() + start_of(head); }
  std::ptrdiff_t start_of(int head) const { return static_cast<std::ptrdiff_t>(head) * rows * lanes; }
  void clear() {
    std::ranges::fill(products, 0.0F);
    std::ranges::fill(squares, 0.0F);
  }
  void add(const Work& other) {
    for (std::size_t i = 0; i < products.size(); ++i) products[i] += other.products[i];
    for (std::size_t i = 0; i < squares.size(); ++i) squares[i] += other.squares[i];
  }
  int depth, lanes, rows, stride;
  std::vector<float> a, b;      ///< tokens x stride
  std::vector<float> products;  ///< heads x rows (query channels, filled up) x lanes (key channels); later the weights
  std::vector<float> squares;   ///< of query channels, then of key channels
};

void load_tokens(const ChannelMixing& kind, const Patch& from, const Tokens& tokens, int part, Span some,
                 const Work& work, float* to) {
  for (int i = some.first; i < some.end; ++i, to += work.stride)
    load_pixel(from, part * kind.width, kind.width, tokens.y(i), tokens.x(i), to);
}

/// Adds the products and squares of some tokens.
void add_tokens(const ChannelMixing& kind, const Patch& qkv, const Tokens& tokens, Span all, Work& work) {
  for (int first = all.first; first < all.end; first += tokens_at_once) {
    const Span some{first, std::min(first + tokens_at_once, all.end)};
    load_tokens(kind, qkv, tokens, 0, some, work, work.a.data());
    load_tokens(kind, qkv, tokens, 1, some, work, work.b.data());
    for (std::ptrdiff_t i = 0; i < some.size(); ++i) {
      add_squares(work.a.data() + i * work.stride, kind.width, work.squares.data());
      add_squares(work.b.data() + i * work.stride, kind.width, work.squares.data() + kind.width);
    }
    for (int head = 0; head < kind.heads; ++head)
      for (int row = 0; row < work.depth; row += sums_at_once)
        add_products(work.a.data() + head * work.depth + row, 1, work.stride, work.b.data() + head * work.depth,
                     work.stride, some.size(), work.products_of(head) + static_cast<std::ptrdiff_t>(row) * work.lanes,
                     work.lanes, work.lanes);
  }
}

/// The products become weights: value channels x lanes (channels of the result), zeros behind the last.
void make_weights(const ChannelMixing& kind, std::span<const float> temperature, Work& work) {
  const auto depth = static_cast<std::size_t>(work.depth), lanes = static_cast<std::size_t>(work.lanes);
  const auto length = [&](std::size_t channel) { return std::max(std::sqrt(work.squares[channel]), 1e-12F); };
  std::vector<float> turned(depth * lanes);
  for (int head = 0; head < kind.heads; ++head) {
    float* products = work.products_of(head);
    const std::size_t first = static_cast<std::size_t>(head) * depth;
    std::ranges::fill(turned, 0.0F);
    for (std::size_t i = 0; i < depth; ++i) {
      float* row = products + i * lanes;
      for (std::size_t j = 0; j < depth; ++j)
        row[j] *= temperature[static_cast<std::size_t>(head)] /
                  (length(first + i) * length(static_cast<std::size_t>(kind.width) + first + j));
      soften_row(row, work.depth);
      for (std::size_t j = 0; j < depth; ++j) turned[j * lanes + i] = row[j];
    }
    std::ranges::copy(turned, products);
  }
}

void apply_weights(const ChannelMixing& kind, const Patch& qkv, const Tokens& tokens, Span all, Work& work,
                   const Work& weights, const Patch& out) {
  for (int first = all.first; first < all.end; first += tokens_at_once) {
    const Span some{first, std::min(first + tokens_at_once, all.end)};
    load_tokens(kind, qkv, tokens, 2, some, work, work.a.data());
    std::ranges::fill(work.b, 0.0F);
    for (std::ptrdiff_t token = 0; token < some.size(); token += sums_at_once)
      for (int head = 0; head < kind.heads; ++head) {
        const std::ptrdiff_t at = token * work.stride + head * work.depth;
        add_products(work.a.data() + at, work.stride, 1, weights.products_of(head), work.lanes, work.depth,
                     work.b.data() + at, work.stride, work.lanes);
      }
    const float* result = work.b.data();
    for (int i = some.first; i < some.end; ++i, result += work.stride)
      if (out.has(tokens.y(i), tokens.x(i))) store_pixel(result, tokens.y(i), tokens.x(i), out);
  }
}

/// One group of all tokens: parts of them on all threads, whose sums are added in order.
void mix_whole(const ChannelMixing& kind, std::span<const float> temperature, Size whole, const Patch& qkv,
               const Patch& out) {
  constexpr int part = 2048;
  const Tokens tokens{.rows = whole.height, .columns = whole.width};
  const int parts = (tokens.count() + part - 1) / part;
  const auto span_of = [&](int i) { return Span{i * part, std::min((i + 1) * part, tokens.count())}; };
  std::vector<Work> works(static_cast<std::size_t>(parts), Work(kind));
#pragma omp parallel for schedule(dynamic)
  for (int i = 0; i < parts; ++i) add_tokens(kind, qkv, tokens, span_of(i), works[static_cast<std::size_t>(i)]);
  Work sum(kind);
  for (const Work& work : works) sum.add(work);
  make_weights(kind, temperature, sum);
#pragma omp parallel for schedule(dynamic)
  for (int i = 0; i < parts; ++i)
    apply_weights(kind, qkv, tokens, span_of(i), works[static_cast<std::size_t>(i)], sum, out);
}

/// Of windows, or of places in all windows.
std::vector<Tokens> groups_of(const ChannelMixing& kind, Size whole) {
  const auto [height, width] = kind.window;
  const int rows = whole.height / height, columns = whole.width / width;
  std::vector<Tokens> groups;
  for (int y = 0; y < (kind.grid ? height : rows); ++y)
    for (int x = 0; x < (kind.grid ? width : columns); ++x)
      groups.push_back(kind.grid ? Tokens{y, x, height, width, rows, columns}
                                 : Tokens{y * height, x * width, 1, 1, height, width});
  return groups;
}

bool meets(const Tokens& tokens, const Patch& out) {
  for (int i = 0; i < tokens.count(); ++i)
    if (out.has(tokens.y(i), tokens.x(i))) return true;
  return false;
}

}  // namespace

void mix_channels(const ChannelMixing& kind, std::span<const float> temperature, Size whole, const Patch& qkv,
                  const Patch& out) {
  if (kind.window[down] == 0) return mix_whole(kind, temperature, whole, qkv, out);
  const std::vector<Tokens> groups = groups_of(kind, whole);
#pragma omp parallel
  {
    Work work(kind);
#pragma omp for schedule(dynamic)
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (!meets(groups[i], out)) continue;
      const Span all{0, groups[i].count()};
      work.clear();
      add_tokens(kind, qkv, groups[i], all, work);
      make_weights(kind, temperature, work);
      apply_weights(kind, qkv, groups[i], all, work, work, out);
    }
  }
}

}  // namespace ganvas::engine
