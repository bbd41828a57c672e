#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "ganvas/train/task.hpp"

namespace ganvas {

/// Data-parallel training over processes that torchrun, mpirun or SLURM started: LibTorch's c10d, Gloo on CPUs and NCCL
/// on CUDA. Each process computes gradients on its share of the batch; their mean is what all of them apply, so that
/// weights stay equal without being sent.
class Distributed {
 public:
  /// What read_launch() finds (torchrun, OpenMPI, MPICH, SLURM); a process by itself is a group of one, which costs
  /// nothing. Blocks until all processes are there. Throws Error(usage) for impossible values, for a LibTorch without
  /// c10d and when the others don't come.
  static Distributed from_environment(torch::Device device);
  Distributed();
  ~Distributed();
  Distributed(Distributed&&) noexcept;
  Distributed& operator=(Distributed&&) noexcept;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_first() const { return rank_ == 0; }
  /// The device of this process: with CUDA that of its rank on this machine.
  static torch::Device local_device(torch::Device device);

  /// Makes the tensors those of the first process.
  void broadcast(const std::vector<torch::Tensor>& tensors) const;
  /// Makes the tensors their means over all processes.
  void mean(const std::vector<torch::Tensor>& tensors) const;
  /// The same for numbers with the same names everywhere.
  void mean(Scalars& values) const;
  /// The flattened tensors of all processes (equally large), one a row.
  torch::Tensor gather(const torch::Tensor& tensor) const;
  /// Whether it is true in any process.
  bool any(bool value) const;

 private:
  struct Group;
  int rank_ = 0, size_ = 1;
  std::unique_ptr<Group> group_;
};

}  // namespace ganvas
