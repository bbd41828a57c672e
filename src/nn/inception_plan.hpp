#pragma once

#include <string>
#include <vector>

/// Inception-v3's layers as tables (Szegedy et al. 2016, table 1 and figures 5 to 7), named as torchvision names them.
namespace ganvas::inception {

/// Channels of the first convolution; all others are in proportion.
inline constexpr int published_width = 32;

/// A convolution; of 0 channels: the stem's 3x3 maximum pool of stride 2.
struct ConvPlan {
  std::string name;
  int out = 0;  ///< channels at the published width
  int height = 1, width = 1;
  int stride = 1;
  bool padded = true;  ///< by half the kernel, which keeps the size
  int channels(int network_width) const { return out * network_width / published_width; }
};

/// 3x3 windows; mean and max of stride 1 keep the size, and means don't count the padding.
enum class Pool { none, mean, max, shrink };

/// A pool, then convolutions one after another, then (where there are any) several side by side.
struct Branch {
  Pool pool = Pool::none;
  std::vector<ConvPlan> chain, fork;
  int channels(int in, int network_width) const;
};

struct Block {
  std::string name;
  std::vector<Branch> branches;
  bool shrinks() const;
};

std::vector<ConvPlan> stem();
std::vector<Block> blocks();

}  // namespace ganvas::inception
