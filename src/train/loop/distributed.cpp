#include "train/loop/distributed.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "ganvas/core/error.hpp"
#include "ganvas/core/launch.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/own_address.hpp"
#include "train/loop/heartbeat.hpp"

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

namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

struct Distributed::Group {
#ifdef GANVAS_HAS_NCCL
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl;
#endif
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
  std::unique_ptr<Heartbeat> heartbeat;
  Launch launch;

  void broadcast(std::vector<torch::Tensor> tensors) {
#ifdef GANVAS_HAS_NCCL
    if (nccl && tensors[0].is_cuda()) return void(nccl->broadcast(tensors)->wait());
#endif
    wait_for(gloo->broadcast(tensors));
  }
  void sum(std::vector<torch::Tensor> tensors) {
#ifdef GANVAS_HAS_NCCL
    if (nccl && tensors[0].is_cuda()) return void(nccl->allreduce(tensors)->wait());
#endif
    wait_for(gloo->allreduce(tensors));
  }

 private:
  /// As long as the others live.
  void wait_for(const c10::intrusive_ptr<c10d::Work>& work) {
    std::optional<Heartbeat::Watch> watch;
    while (true) {
      try {
        work->wait(std::chrono::seconds(1));
        return;
      } catch (const std::exception& error) {
        if (work->isCompleted() && work->isSuccess()) return;  // just now
        if (work->isCompleted()) end(fmt::format("another process is gone ({})", first_line(error.what())));
      }
      if (!watch) watch.emplace(*heartbeat);
      if (const auto rank = watch->silent(launch.patience))
        end(fmt::format("rank {} hasn't been heard of for {} s", *rank, launch.patience));
    }
  }

  [[noreturn]] void end(const std::string& why) {
    // Gloo's threads may wait for the lost process for ever, and its end for them.
    gloo.release();
    fail(ErrorKind::data, "rank {} of {}: {}; the last checkpoint is whole: start all processes again, with --resume",
         launch.rank, launch.size, why);
  }
};

namespace {

c10::intrusive_ptr<c10d::TCPStore> store_of(const Launch& launch, bool serve) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(launch.port);
  options.isServer = serve;
  options.numWorkers = static_cast<std::size_t>(launch.size);
  options.waitWorkers = false;
  options.timeout = std::chrono::seconds(120);
  return c10::make_intrusive<c10d::TCPStore>(launch.address, options);
}

/// The interface that leads to the first process's machine, unless GLOO_SOCKET_IFNAME names one. Gloo's own choice,
/// what the machine's name resolves to, is the loopback on many.
std::shared_ptr<gloo::transport::Device> interface_for(const Launch& launch) {
  if (const char* name = std::getenv("GLOO_SOCKET_IFNAME"); name && *name)
    return c10d::ProcessGroupGloo::createDeviceForInterface(name);
  const std::string own = own_address_towards(launch.address, launch.port);
  return own.empty() ? c10d::ProcessGroupGloo::createDefaultDevice()
                     : c10d::ProcessGroupGloo::createDeviceForHostname(own);
}

/// Through a connection of its own: that of the group is blocked while processes wait for one another.
std::unique_ptr<Heartbeat> heartbeat_of(const Launch& launch, const std::string& prefix) {
  const auto store = c10::make_intrusive<c10d::PrefixStore>(prefix + "/alive", store_of(launch, /*serve=*/false));
  const std::chrono::milliseconds every(std::clamp(launch.patience * 200, 500, 5000));
  return std::make_unique<Heartbeat>(launch.rank, launch.size, every,
                                     [store](int rank, int by) { return store->add(std::to_string(rank), by); });
}

}  // namespace

Distributed Distributed::from_environment(torch::Device device) {
  const std::optional<Launch> launch = read_launch(process_environment());
  Distributed result;
  if (!launch) return result;
  result.size_ = launch->size;
  result.rank_ = launch->rank;
  try {
    // torchrun keeps a store of its own on this very port and says so; its processes are all guests there.
    const char* agent = std::getenv("TORCHELASTIC_USE_AGENT_STORE");
    const bool guest = agent && std::strcmp(agent, "True") == 0;
    // Names of our own: torchrun's agent keeps its entries in the same store, and a restarted group's are new ones.
    const char* attempt = std::getenv("TORCHELASTIC_RESTART_COUNT");
    const std::string prefix = fmt::format("ganvas/{}", attempt ? attempt : "0");
    const auto store =
        c10::make_intrusive<c10d::PrefixStore>(prefix, store_of(*launch, /*serve=*/result.rank_ == 0 && !guest));
    result.group_ = std::make_unique<Group>();
    result.group_->launch = *launch;
    result.group_->heartbeat = heartbeat_of(*launch, prefix);
    auto gloo = c10d::ProcessGroupGloo::Options::create();
    // While all live they wait, however long one of them validates; the heartbeat finds out who doesn't.
    gloo->timeout = std::chrono::hours(24 * 7);
    gloo->devices.push_back(interface_for(*launch));
    result.group_->gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(store, result.rank_, result.size_, gloo);
#ifdef GANVAS_HAS_NCCL
    if (device.is_cuda())
      result.group_->nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, result.rank_, result.size_);
#else
    (void)device;
#endif
  } catch (const std::exception& error) {
    fail(ErrorKind::usage, "rank {} of {} ({}): can't join the group at {}:{}: {}; MASTER_ADDR and MASTER_PORT choose",
         result.rank_, result.size_, launch->by, launch->address, launch->port, first_line(error.what()));
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
