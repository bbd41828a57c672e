#pragma once

// In place of LibTorch's header, see torch/types.h: the front of TorchScript names this type and computes with none.
namespace c10 {
struct IValue {};
}  // namespace c10
