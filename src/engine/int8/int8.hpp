#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

/// Convolutions in integers (Jacob et al. 2018): values are step * (q - zero) with q in 0..255, weights step * q with
/// one step for each output channel.
namespace ganvas::engine {

struct Int8Weights {
  torch::Tensor values;  ///< whole numbers, fp32
  torch::Tensor steps;   ///< one an output channel (dimension 0)
};
/// q in -largest..largest.
Int8Weights int8_weights(const torch::Tensor& weight, double largest);
/// 127; on machines without VNNI 63, since their sums of two products saturate at 16 bit.
double largest_int8_weight();

/// The convolutions that integers may compute, in order: not the first or the last, which see and make pictures,
/// no groups, and of enough channels to pay.
std::vector<NodeId> int8_candidates(const Graph& graph);

/// What a graph gives for pictures.
struct Int8Results {
  torch::Tensor exact, int8;  ///< in fp32, and simulated
};

/// Steps and corrections of the candidates, chosen on pictures (N x C x H x W in the network's value range, of a size
/// that fits the network): the scales with the smallest squared error, bias corrections so that every channel keeps its
/// mean (Nagel et al. 2019). Sets Convolution::scale_in and Convolution::correction.
Int8Results calibrate(Graph& graph, const torch::Tensor& pictures);
/// What the graph gives for pictures, in fp32; with `largest` > 0, what calibrate() chose is applied to values and
/// weights (-largest..largest).
torch::Tensor simulated(const Graph& graph, const torch::Tensor& pictures, double largest);

/// The scales and corrections as text, and back. Throws Error(model) where the text doesn't fit the graph.
std::string int8_record(const Graph& graph);
void apply_int8_record(Graph& graph, const std::string& record);

}  // namespace ganvas::engine
