#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <string>

namespace ganvas {

/// Whether this machine's CPU multiplies bf16 natively (AVX-512 BF16 or AMX); without it bf16 is slower than fp32.
bool cpu_has_fast_bf16();

/// "auto", "cpu", "cuda" or "cuda:N" -> device; auto takes CUDA where there is one. Throws Error(usage).
torch::Device parse_device(const std::string& text);

/// "auto", "fp32" or "bf16" -> whether to run in bf16. Throws Error(usage) for another text.
bool use_bf16(const std::string& precision, torch::Device device);

/// Stores 4-d weights as channels_last, in which convolutions on the CPU run three times as fast.
void use_channels_last(torch::nn::Module& network);

}  // namespace ganvas
