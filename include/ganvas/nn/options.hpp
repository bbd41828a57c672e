#pragma once

/// What callers may choose in this module, free of LibTorch.
namespace ganvas {

/// The noise that StyleGAN adds to its features: the file's own planes, new ones at each call, or none.
enum class LayerNoise { constant, random, none };

}  // namespace ganvas
