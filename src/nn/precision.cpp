#include "ganvas/nn/precision.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/core/isa.hpp"

namespace ganvas {

bool cpu_has_fast_bf16() { return cpu_has(Isa::avx512_bf16); }

torch::Device parse_device(const std::string& text) {
  const bool cuda = torch::cuda::is_available();
  if (text == "auto") return cuda ? torch::Device(torch::kCUDA, 0) : torch::Device(torch::kCPU);
  if (text == "cpu") return torch::Device(torch::kCPU);
  if (text == "cuda" || text.starts_with("cuda:")) {
    const std::string index = text == "cuda" ? "0" : text.substr(5);
    if (index.empty() || index.size() > 3 || index.find_first_not_of("0123456789") != std::string::npos)
      fail(ErrorKind::usage, "device '{}': expected cuda:N", text);
    if (!cuda) fail(ErrorKind::usage, "device '{}': this LibTorch finds no CUDA device; use cpu", text);
    const int number = std::stoi(index);
    if (number >= static_cast<int>(torch::cuda::device_count()))
      fail(ErrorKind::usage, "device '{}': there are only {} CUDA devices", text, torch::cuda::device_count());
    return torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(number));
  }
  fail(ErrorKind::usage, "device '{}': expected auto, cpu or cuda:N", text);
}

void use_channels_last(torch::nn::Module& network) {
  for (auto& parameter : network.parameters())
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
}

bool use_bf16(const std::string& precision, torch::Device device) {
  if (precision == "bf16") return true;
  if (precision == "fp32") return false;
  if (precision != "auto") fail(ErrorKind::usage, "precision '{}': expected auto, fp32 or bf16", precision);
  return device.is_cuda() || cpu_has_fast_bf16();
}

}  // namespace ganvas
