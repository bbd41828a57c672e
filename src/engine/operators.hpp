#pragma once

/// Kinds that graphs, plans and kernels share; without LibTorch.
namespace ganvas::engine {

enum class Activation { none, relu, leaky_relu, prelu, silu, sigmoid, tanh };
enum class Border { zero, reflect, replicate };

}  // namespace ganvas::engine
