#pragma once

#include <torch/types.h>

#include <cstdint>
#include <list>

#include "engine/graph/sizes.hpp"

namespace ganvas::engine {

/// Bytes of kept values, now and at most.
class KeptBytes {
 public:
  void add(std::uint64_t bytes) { most_ = std::max(most_, now_ += bytes); }
  void remove(std::uint64_t bytes) { now_ -= bytes; }
  std::uint64_t most() const { return most_; }

 private:
  std::uint64_t now_ = 0, most_ = 0;
};

/// A node's whole result, kept between two walks over the picture in the parts in which it came. Parts are given back
/// one by one, so that one value can grow while another one goes, in the memory of one.
class KeptValue {
 public:
  KeptValue(int channels, bool half, KeptBytes& bytes);
  ~KeptValue();
  KeptValue(const KeptValue&) = delete;
  KeptValue& operator=(const KeptValue&) = delete;

  /// 1 x C x rows x columns, fp32. Throws std::bad_alloc.
  void write(const Region& region, const torch::Tensor& values);
  /// What was written there: fp32, channels_last.
  torch::Tensor read(const Region& region) const;
  /// Forgets the parts that lie above this row.
  void forget_above(int row);

 private:
  struct Part {
    Region region;
    torch::Tensor values;
  };
  std::uint64_t bytes_of(const Region& region) const;

  int channels_;
  bool half_;
  KeptBytes& bytes_;
  std::list<Part> parts_;
};

}  // namespace ganvas::engine
