#include "engine/kernels/attention.hpp"

#include <algorithm>

#include "engine/kernels/lanes.hpp"

namespace ganvas::engine {

namespace {

constexpr int rows_at_once = 8;
constexpr float unreachable = -1e30F;

constexpr int next_multiple(int size, int of) { return (size + of - 1) / of * of; }

/// Where a window's tokens lie along one axis: places of the picture; or zeros, or nothing at all.
constexpr int zero = -1, nothing = -2;
using Places = std::vector<int>;

void find_places(const AttentionKind& kind, Axis axis, int size, int index, int border, Places& places) {
  const int first = kind.first(axis, size, index), step = kind.step(axis, size), all = kind.filled_up(size);
  places.clear();
  for (int i = -border; i < kind.window[axis] + border; ++i) {
    const int place = first + i * step;
    const bool inside = place >= 0 && place < all;
    places.push_back(place >= 0 && place < size ? place : inside || border > 0 ? zero : nothing);
  }
}

/// What a thread has of one window.
struct Gathered {
  int keys = 0, stride = 0;
  std::vector<float> q;     ///< queries (filled up to rows_at_once) x stride, scaled
  std::vector<float> k;     ///< width x keys (filled up to whole lanes)
  std::vector<float> v;     ///< keys x stride
  std::vector<float> out;   ///< as q
  std::vector<float> mask;  ///< keys
  std::vector<float> scores, pixel;
  Places rows, columns, key_rows, key_columns;
};

void gather_queries(const AttentionKind& kind, const Patch& from, Gathered& g) {
  std::ranges::fill(g.q, 0.0F);
  float* to = g.q.data();
  for (const int row : g.rows)
    for (const int column : g.columns) {
      if (row >= 0 && column >= 0) {
        load_pixel(from, kind.queries, kind.width, row, column, to);
        for (int c = 0; c < kind.width; ++c) to[c] *= kind.scale;
      }
      to += g.stride;
    }
}

/// A key's channels, of all tokens of its cell. Whether there is such a key.
bool gather_cell(const AttentionKind& kind, const Patch& from, int channel, std::size_t row, std::size_t column,
                 const Gathered& g, float* to) {
  const int each = kind.width / (kind.cell * kind.cell);
  const auto cell = static_cast<std::size_t>(kind.cell);
  for (std::size_t a = 0; a < cell; ++a)
    for (std::size_t b = 0; b < cell; ++b, to += each) {
      const int y = g.key_rows[row * cell + a], x = g.key_columns[column * cell + b];
      if (y == nothing || x == nothing) return false;
      if (y == zero || x == zero) std::fill_n(to, each, 0.0F);
      else load_pixel(from, channel, each, y, x, to);
    }
  return true;
}

void gather_keys(const AttentionKind& kind, const Patch& from, Gathered& g) {
  std::ranges::fill(g.mask, 0.0F);
  std::size_t key = 0;
  for (std::size_t row = 0; row < g.key_rows.size() / kind.cell; ++row)
    for (std::size_t column = 0; column < g.key_columns.size() / kind.cell; ++column, ++key) {
      float* value = g.v.data() + key * g.stride;
      if (!gather_cell(kind, from, kind.keys, row, column, g, g.pixel.data())) {
        g.mask[key] = unreachable;
        std::ranges::fill(g.pixel, 0.0F);
        std::fill_n(value, g.stride, 0.0F);
      } else {
        gather_cell(kind, from, kind.values, row, column, g, value);
      }
      for (int c = 0; c < kind.width; ++c) g.k[static_cast<std::size_t>(c) * g.keys + key] = g.pixel[c];
    }
}

/// Rows of scores of one head: q k^T + bias + mask.
template <int N>
GANVAS_IN_LANES void score(const float* q, int stride, const float* k, int keys, int depth, const float* const* bias,
                           const float* mask, float* scores) {
  for (int j = 0; j < keys; j += N) {
    Lanes<N> sums[rows_at_once];
    for (int r = 0; r < rows_at_once; ++r) sums[r] = lanes_at<N>(bias[r] + j) + lanes_at<N>(mask + j);
    for (int c = 0; c < depth; ++c) {
      const Lanes<N>& some = lanes_at<N>(k + static_cast<std::ptrdiff_t>(c) * keys + j);
      for (int r = 0; r < rows_at_once; ++r) sums[r] += some * q[r * stride + c];
    }
    for (int r = 0; r < rows_at_once; ++r) lanes_at<N>(scores + r * keys + j) = sums[r];
  }
}

/// Every row to e^(its values less their maximum); gives the inverse of its sum.
template <int N>
GANVAS_IN_LANES void soften(float* scores, int keys, float* inverse) {
  for (int r = 0; r < rows_at_once; ++r) {
    float* row = scores + r * keys;
    Lanes<N> most = lanes_at<N>(row), sum{};
    for (int j = N; j < keys; j += N) combine_lanes<N, true>(most, lanes_at<N>(row + j));
    reduce_lanes<N, true>(most);
    for (int j = 0; j < keys; j += N) {
      Lanes<N> x = lanes_at<N>(row + j) - most;
      exp_lanes<N>(x);
      lanes_at<N>(row + j) = x;
      sum += x;
    }
    reduce_lanes<N, false>(sum);
    inverse[r] = 1 / sum[0];
  }
}

/// The values weighted by rows of scores; what lies behind `depth` in the last lanes is overwritten later.
template <int N>
GANVAS_IN_LANES void mix(const float* scores, int keys, const float* inverse, const float* v, int stride, int depth,
                         float* out) {
  for (int c = 0; c < depth; c += N) {
    Lanes<N> sums[rows_at_once] = {};
    for (int j = 0; j < keys; ++j) {
      const Lanes<N>& some = lanes_at<N>(v + static_cast<std::ptrdiff_t>(j) * stride + c);
      for (int r = 0; r < rows_at_once; ++r) sums[r] += some * scores[r * keys + j];
    }
    for (int r = 0; r < rows_at_once; ++r) lanes_at<N>(out + r * stride + c) = sums[r] * inverse[r];
  }
}

template <int N>
GANVAS_IN_LANES void attend_rows_in_lanes(const float* q, const float* k, const float* v, const float* const* bias,
                                          const float* mask, float* scores, float* out, int stride, int keys,
                                          int depth) {
  float inverse[rows_at_once];
  score<N>(q, stride, k, keys, depth, bias, mask, scores);
  soften<N>(scores, keys, inverse);
  mix<N>(scores, keys, inverse, v, stride, depth, out);
}
GANVAS_FOR_LANES(attend_rows,
                 (const float* q, const float* k, const float* v, const float* const* bias, const float* mask,
                  float* scores, float* out, int stride, int keys, int depth),
                 (q, k, v, bias, mask, scores, out, stride, keys, depth))

void attend(const AttentionKind& kind, const AttentionBias& bias, Gathered& g) {
  const int depth = kind.width / kind.heads, queries = kind.query_tokens();
  for (int head = 0; head < kind.heads; ++head)
    for (int first = 0; first < queries; first += rows_at_once) {
      const float* added[rows_at_once];
      for (int r = 0; r < rows_at_once; ++r) added[r] = bias.row(head, std::min(first + r, queries - 1));
      const std::ptrdiff_t skip = static_cast<std::ptrdiff_t>(first) * g.stride + head * depth;
      attend_rows(g.q.data() + skip, g.k.data() + static_cast<std::ptrdiff_t>(head) * depth * g.keys,
                  g.v.data() + head * depth, added, g.mask.data(), g.scores.data(), g.out.data() + skip, g.stride,
                  g.keys, depth);
    }
}

bool meets(const Places& places, int first, int count) {
  return std::ranges::any_of(places, [&](int place) { return place >= first && place < first + count; });
}

void attend_in_window(const AttentionKind& kind, const AttentionBias& bias, Size whole, const Patch& q, const Patch& kv,
                      const Patch& out, int row, int column, Gathered& g) {
  find_places(kind, down, whole.height, row, 0, g.rows);
  find_places(kind, across, whole.width, column, 0, g.columns);
  if (!meets(g.rows, out.row, out.view.height) || !meets(g.columns, out.column, out.view.width)) return;
  find_places(kind, down, whole.height, row, kind.border, g.key_rows);
  find_places(kind, across, whole.width, column, kind.border, g.key_columns);
  gather_queries(kind, q, g);
  gather_keys(kind, kv, g);
  attend(kind, bias, g);
  float* result = g.out.data();
  for (const int y : g.rows)
    for (const int x : g.columns) {
      const bool wanted =
          y >= out.row && y < out.row + out.view.height && x >= out.column && x < out.column + out.view.width;
      if (wanted) {
        std::fill(result + kind.width, result + g.stride, 0.0F);  // what fills up the last block
        store_pixel(result, y, x, out);
      }
      result += g.stride;
    }
}

}  // namespace

int AttentionKind::filled_up(int size) const {
  return grid ? size : next_multiple(size, std::max(window[down], window[across]));
}

int AttentionKind::windows(Axis axis, int size) const {
  return grid ? size / window[axis] : filled_up(size) / window[axis] + (shift[axis] > 0);
}

int AttentionKind::first(Axis axis, int, int index) const {
  if (grid) return index;
  return index * window[axis] - (shift[axis] > 0 ? window[axis] - shift[axis] : 0);
}

AttentionBias::AttentionBias(const AttentionKind& kind, std::span<const float> bias)
    : keys(whole_runs(kind.key_tokens())), rows(bias.empty() ? 1 : kind.query_tokens()) {
  const int own = kind.key_tokens(), heads = bias.empty() ? 1 : kind.heads;
  values.assign(static_cast<std::size_t>(heads) * rows * keys, unreachable);
  for (std::size_t row = 0; row < static_cast<std::size_t>(heads) * rows; ++row)
    for (int key = 0; key < own; ++key) values[row * keys + key] = bias.empty() ? 0.0F : bias[row * own + key];
}

const float* AttentionBias::row(int head, int query) const {
  return values.data() + (rows == 1 ? 0 : (static_cast<std::ptrdiff_t>(head) * rows + query) * keys);
}

void attend_in_windows(const AttentionKind& kind, const AttentionBias& bias, Size whole, const Patch& q,
                       const Patch& kv, const Patch& out) {
  const int rows = kind.windows(down, whole.height), columns = kind.windows(across, whole.width);
#pragma omp parallel
  {
    Gathered g;
    g.keys = bias.keys;
    g.stride = whole_runs(kind.width) + lane_run;
    const auto queries = static_cast<std::size_t>(next_multiple(kind.query_tokens(), rows_at_once));
    const auto stride = static_cast<std::size_t>(g.stride), keys = static_cast<std::size_t>(g.keys);
    g.q.resize(queries * stride);
    g.out.resize(queries * stride + lane_run);
    g.k.assign(static_cast<std::size_t>(kind.width) * keys, 0.0F);
    g.v.assign(keys * stride + lane_run, 0.0F);
    g.mask.resize(keys);
    g.scores.resize(rows_at_once * keys);
    g.pixel.resize(stride);
#pragma omp for schedule(dynamic)
    for (int i = 0; i < rows * columns; ++i)
      attend_in_window(kind, bias, whole, q, kv, out, i / columns, i % columns, g);
  }
}

}  // namespace ganvas::engine
