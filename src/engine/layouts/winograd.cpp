#include "engine/layouts/winograd.hpp"

namespace ganvas::engine {

namespace {

bool is_cheap(Curve curve) {
  switch (curve) {
    case Curve::none:
    case Curve::relu:
    case Curve::leaky_relu:
    case Curve::prelu:
    case Curve::clamp:
      return true;
    case Curve::silu:
    case Curve::sigmoid:
    case Curve::tanh:
    case Curve::gelu:
    case Curve::gelu_tanh:
    case Curve::mish:
      break;
  }
  return false;
}

}  // namespace

bool is_plain_3x3(const AnyConvolution& conv) {
  return conv.groups == 1 && conv.weight.size(2) == 3 && conv.weight.size(3) == 3 && conv.stride[0] == 1 &&
         conv.stride[1] == 1 && conv.dilation[0] == 1 && conv.dilation[1] == 1;
}

bool suits_winograd(const AnyConvolution& conv, int in, int out, int block) {
  constexpr int fewest = 32;
  return is_plain_3x3(conv) && is_cheap(conv.activation.curve) && block == 16 && in >= fewest && out >= fewest;
}

}  // namespace ganvas::engine
