#pragma once

#include <cstring>
#include <vector>

#include "engine/kernels/row_kernels.hpp"
#include "engine/kernels/view.hpp"

/// Rows of views for kernels: in fp32 whatever they are stored in, and one after the other on all threads.
namespace ganvas::engine {

inline std::int64_t row_start(const View& view, int block, int y) {
  return (static_cast<std::int64_t>(block) * view.height + y) * view.row();
}

/// A row of one block in fp32; in `buffer` where it is stored otherwise.
inline const float* load(const View& view, int block, int y, std::vector<float>& buffer) {
  const std::int64_t start = row_start(view, block, y);
  if (view.element == Element::fp32) return static_cast<const float*>(view.data) + start;
  buffer.resize(static_cast<std::size_t>(view.row()));
  widen(static_cast<const std::uint16_t*>(view.data) + start, buffer.data(), view.row());
  return buffer.data();
}

inline void store(const View& view, int block, int y, const float* row) {
  const std::int64_t start = row_start(view, block, y);
  if (view.element == Element::bf16) narrow(row, static_cast<std::uint16_t*>(view.data) + start, view.row());
  else std::memcpy(static_cast<float*>(view.data) + start, row, static_cast<std::size_t>(view.row()) * 4);
}

/// Calls `work(block, y, buffers)` for every row of every block, on all threads.
template <typename Work>
void for_rows(const View& view, Work work) {
  const std::int64_t count = static_cast<std::int64_t>(view.blocks()) * view.height;
#pragma omp parallel
  {
    std::vector<float> buffers[3];
#pragma omp for
    for (std::int64_t i = 0; i < count; ++i)
      work(static_cast<int>(i / view.height), static_cast<int>(i % view.height), buffers);
  }
}

/// A row that may be changed.
inline float* load_own(const View& view, int block, int y, std::vector<float>& buffer) {
  const float* row = load(view, block, y, buffer);
  if (row != buffer.data()) buffer.assign(row, row + view.row());
  return buffer.data();
}

/// One channel's values of a row, with `step` between them.
struct Channel {
  const float* first;
  int step;
};

/// All blocks' rows at one y.
class Rows {
 public:
  void load_all(const View& view, int y) {
    view_ = &view;
    buffers_.resize(static_cast<std::size_t>(view.blocks()));
    rows_.resize(buffers_.size());
    for (int b = 0; b < view.blocks(); ++b)
      rows_[static_cast<std::size_t>(b)] = load(view, b, y, buffers_[static_cast<std::size_t>(b)]);
  }
  Channel channel(int c) const {
    return {rows_[static_cast<std::size_t>(c / view_->block)] + c % view_->block, view_->block};
  }

 private:
  const View* view_ = nullptr;
  std::vector<std::vector<float>> buffers_;
  std::vector<const float*> rows_;
};

/// Calls `work(y, rows)` on all threads, with memory of its own for each.
template <typename Work>
void for_lines(int height, Work work) {
#pragma omp parallel
  {
    Rows rows[2];
    std::vector<float> line;
#pragma omp for
    for (int y = 0; y < height; ++y) work(y, rows, line);
  }
}

}  // namespace ganvas::engine
