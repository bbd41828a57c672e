#include "nn/inception_plan.hpp"

#include <algorithm>

namespace ganvas::inception {

namespace {

ConvPlan conv(const std::string& name, int out, int height = 1, int width = 1) { return {name, out, height, width}; }

/// 3x3 without padding.
ConvPlan valid(const std::string& name, int out, int stride) { return {name, out, 3, 3, stride, false}; }

Branch chain(std::vector<ConvPlan> convs) { return {Pool::none, std::move(convs), {}}; }

std::vector<Branch> block_a(int pooled) {
  return {chain({conv("branch1x1", 64)}),
          chain({conv("branch5x5_1", 48), conv("branch5x5_2", 64, 5, 5)}),
          chain({conv("branch3x3dbl_1", 64), conv("branch3x3dbl_2", 96, 3, 3), conv("branch3x3dbl_3", 96, 3, 3)}),
          {Pool::mean, {conv("branch_pool", pooled)}, {}}};
}

std::vector<Branch> block_b() {
  return {chain({valid("branch3x3", 384, 2)}),
          chain({conv("branch3x3dbl_1", 64), conv("branch3x3dbl_2", 96, 3, 3), valid("branch3x3dbl_3", 96, 2)}),
          {Pool::shrink, {}, {}}};
}

std::vector<Branch> block_c(int narrow) {
  return {
      chain({conv("branch1x1", 192)}),
      chain({conv("branch7x7_1", narrow), conv("branch7x7_2", narrow, 1, 7), conv("branch7x7_3", 192, 7, 1)}),
      chain({conv("branch7x7dbl_1", narrow), conv("branch7x7dbl_2", narrow, 7, 1), conv("branch7x7dbl_3", narrow, 1, 7),
             conv("branch7x7dbl_4", narrow, 7, 1), conv("branch7x7dbl_5", 192, 1, 7)}),
      {Pool::mean, {conv("branch_pool", 192)}, {}}};
}

std::vector<Branch> block_d() {
  return {chain({conv("branch3x3_1", 192), valid("branch3x3_2", 320, 2)}),
          chain({conv("branch7x7x3_1", 192), conv("branch7x7x3_2", 192, 1, 7), conv("branch7x7x3_3", 192, 7, 1),
                 valid("branch7x7x3_4", 192, 2)}),
          {Pool::shrink, {}, {}}};
}

std::vector<Branch> block_e(Pool pool) {
  return {chain({conv("branch1x1", 320)}),
          {Pool::none, {conv("branch3x3_1", 384)}, {conv("branch3x3_2a", 384, 1, 3), conv("branch3x3_2b", 384, 3, 1)}},
          {Pool::none,
           {conv("branch3x3dbl_1", 448), conv("branch3x3dbl_2", 384, 3, 3)},
           {conv("branch3x3dbl_3a", 384, 1, 3), conv("branch3x3dbl_3b", 384, 3, 1)}},
          {pool, {conv("branch_pool", 192)}, {}}};
}

}  // namespace

int Branch::channels(int in, int network_width) const {
  if (fork.empty()) return chain.empty() ? in : chain.back().channels(network_width);
  int sum = 0;
  for (const auto& conv : fork) sum += conv.channels(network_width);
  return sum;
}

bool Block::shrinks() const {
  return std::any_of(branches.begin(), branches.end(), [](const Branch& b) { return b.pool == Pool::shrink; });
}

std::vector<ConvPlan> stem() {
  return {valid("Conv2d_1a_3x3", 32, 2),
          valid("Conv2d_2a_3x3", 32, 1),
          conv("Conv2d_2b_3x3", 64, 3, 3),
          {"pool1"},
          conv("Conv2d_3b_1x1", 80),
          valid("Conv2d_4a_3x3", 192, 1),
          {"pool2"}};
}

std::vector<Block> blocks() {
  return {{"Mixed_5b", block_a(32)},         {"Mixed_5c", block_a(64)},       {"Mixed_5d", block_a(64)},
          {"Mixed_6a", block_b()},           {"Mixed_6b", block_c(128)},      {"Mixed_6c", block_c(160)},
          {"Mixed_6d", block_c(160)},        {"Mixed_6e", block_c(192)},      {"Mixed_7a", block_d()},
          {"Mixed_7b", block_e(Pool::mean)}, {"Mixed_7c", block_e(Pool::max)}};
}

}  // namespace ganvas::inception
