#pragma once

#include <torch/types.h>

#include <functional>
#include <map>

#include "ganvas/imaging/image.hpp"
#include "ganvas/nn/generator.hpp"
#include "ganvas/train/task.hpp"

/// Running a generator while it is trained.
namespace ganvas {

/// A training pass: values of the network's range in and out, under autocast where the run is bf16; fp32 results.
torch::Tensor generate(const TaskContext& context, Generator& generator, const torch::Tensor& input);

/// What a generator makes of one picture in evaluation mode, 8 bit.
Image generated_picture(Generator& generator, const Image& image, torch::Device device);

/// Mean absolute difference, in levels of 255, between what a generator makes of a picture moved by one pixel along
/// both axes and its moved `result` of the picture as it is, without 16 pixels at the borders: what flickers in a pan.
/// 0 for pictures too small for such borders.
double flicker_of(Generator& generator, const Image& image, const Image& result, torch::Device device);

/// What the generator made of each input of this step, so that the discriminator's turn need not make it again.
class StepFakes {
 public:
  void clear() { fakes_.clear(); }
  void keep(const torch::Tensor& input, const torch::Tensor& fake) { fakes_[input.data_ptr()] = fake.detach(); }
  /// The one that was kept, or what `make` makes now, without a graph.
  torch::Tensor of(const torch::Tensor& input, const std::function<torch::Tensor()>& make) const;

 private:
  std::map<const void*, torch::Tensor> fakes_;
};

}  // namespace ganvas
