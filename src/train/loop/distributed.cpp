#include "train/loop/distributed.hpp"

#include <torch/torch.h>

#include <chrono>
#include <cstdlib>
#include <cstring>

#include "ganvas/core/error.hpp"
#include "ganvas/core/launch.hpp"
#include "ganvas/core/log.hpp"

#if defined(USE_C10D_GLOO) && \
    __has_include(<torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>) && __has_include(<gloo/algorithm.h>)
#define GANVAS_HAS_GLOO 1
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif
#if defined(USE_C10D_NCCL) && __has_include(<torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>)
#define GANVAS_HAS_NCCL 1
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace ganvas {

#ifdef GANVAS_HAS_GLOO

struct Distributed::Group {
#ifdef GANVAS_HAS_NCCL
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl;
#endif
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;

  void broadcast(std::vector<torch::Tensor> tensors) {
#ifdef GANVAS_HAS_NCCL
    if (nccl && tensors[0].is_cuda()) return void(nccl->broadcast(tensors)->wait());
#endif
    gloo->broadcast(tensors)->wait();
  }
  void sum(std::vector<torch::Tensor> tensors) {
#ifdef GANVAS_HAS_NCCL
    if (nccl && tensors[0].is_cuda()) return void(nccl->allreduce(tensors)->wait());
#endif
    gloo->allreduce(tensors)->wait();
  }
};

Distributed Distributed::from_environment(torch::Device device) {
  const std::optional<Launch> launch = read_launch(process_environment());
  Distributed result;
  if (!launch) return result;
  result.size_ = launch->size;
  result.rank_ = launch->rank;
  try {
    c10d::TCPStoreOptions options;
    options.port = static_cast<std::uint16_t>(launch->port);
    options.isServer = result.rank_ == 0;
    // torchrun keeps a store of its own on this very port and says so; its processes are all guests there.
    if (const char* agent = std::getenv("TORCHELASTIC_USE_AGENT_STORE"); agent && std::strcmp(agent, "True") == 0)
      options.isServer = false;
    options.numWorkers = static_cast<std::size_t>(result.size_);
    options.waitWorkers = false;
    options.timeout = std::chrono::seconds(120);
    // Names of our own: torchrun's agent keeps its entries in the same store, and a restarted group's are new ones.
    const char* attempt = std::getenv("TORCHELASTIC_RESTART_COUNT");
    c10::intrusive_ptr<c10d::Store> store =
        c10::make_intrusive<c10d::PrefixStore>(fmt::format("ganvas/{}", attempt ? attempt : "0"),
                                               c10::make_intrusive<c10d::TCPStore>(launch->address, options));
    result.group_ = std::make_unique<Group>();
    auto gloo = c10d::ProcessGroupGloo::Options::create();
    gloo->timeout = std::chrono::minutes(10);
    gloo->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
    result.group_->gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(store, result.rank_, result.size_, gloo);
#ifdef GANVAS_HAS_NCCL
    if (device.is_cuda())
      result.group_->nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, result.rank_, result.size_);
#else
    (void)device;
#endif
  } catch (const std::exception& error) {
    const std::string text = error.what();
    fail(ErrorKind::usage, "rank {} of {} ({}): can't join the group at {}:{}: {}; MASTER_ADDR and MASTER_PORT choose",
         result.rank_, result.size_, launch->by, launch->address, launch->port, text.substr(0, text.find('\n')));
  }
  log(LogLevel::info, "rank {} of {} ({}) at {}:{}", result.rank_, result.size_, launch->by, launch->address,
      launch->port);
  return result;
}

#else

struct Distributed::Group {
  void broadcast(const std::vector<torch::Tensor>&) {}
  void sum(const std::vector<torch::Tensor>&) {}
};

Distributed Distributed::from_environment(torch::Device) {
  if (const auto launch = read_launch(process_environment()))
    fail(ErrorKind::usage, "rank {} of {} ({}): this LibTorch was built without c10d's Gloo; run one process",
         launch->rank, launch->size, launch->by);
  return {};
}

#endif

Distributed::Distributed() = default;
Distributed::~Distributed() = default;
Distributed::Distributed(Distributed&&) noexcept = default;
Distributed& Distributed::operator=(Distributed&&) noexcept = default;

torch::Device Distributed::local_device(torch::Device device) {
  const std::optional<Launch> launch = device.is_cuda() ? read_launch(process_environment()) : std::nullopt;
  return launch ? torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(launch->local_rank)) : device;
}

void Distributed::broadcast(const std::vector<torch::Tensor>& tensors) const {
  if (size_ == 1) return;
  const torch::NoGradGuard no_grad;
  for (torch::Tensor tensor : tensors) {
    // Gloo wants plain layouts.
    const torch::Tensor plain = tensor.detach().contiguous().clone();
    group_->broadcast({plain});
    tensor.copy_(plain);
  }
}

void Distributed::mean(const std::vector<torch::Tensor>& tensors) const {
  if (size_ == 1 || tensors.empty()) return;
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> flat;
  for (const auto& tensor : tensors) flat.push_back(tensor.detach().to(torch::kFloat).contiguous().flatten());
  torch::Tensor all = torch::cat(flat);  // one message for all of them
  group_->sum({all});
  all.div_(size_);
  std::int64_t from = 0;
  for (torch::Tensor tensor : tensors) {
    tensor.copy_(all.narrow(0, from, tensor.numel()).reshape(tensor.sizes()));
    from += tensor.numel();
  }
}

void Distributed::mean(Scalars& values) const {
  if (size_ == 1 || values.empty()) return;
  std::vector<double> numbers;
  for (const auto& [name, value] : values) numbers.push_back(value);
  torch::Tensor tensor = torch::tensor(numbers, torch::kDouble);
  group_->sum({tensor});
  std::size_t i = 0;
  for (auto& [name, value] : values) value = tensor[static_cast<std::int64_t>(i++)].item<double>() / size_;
}

torch::Tensor Distributed::gather(const torch::Tensor& tensor) const {
  torch::Tensor all = torch::zeros({size_, tensor.numel()}, tensor.options());
  all[rank_].copy_(tensor.detach().flatten());
  if (size_ > 1) group_->sum({all});
  return all;
}

bool Distributed::any(bool value) const {
  if (size_ == 1) return value;
  Scalars values{{"any", value ? 1.0 : 0.0}};
  mean(values);
  return values.at("any") > 0;
}

}  // namespace ganvas
