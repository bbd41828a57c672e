#pragma once

#include <string>

#include "engine/layouts/value_layouts.hpp"
#include "engine/plan/convolution_primitive.hpp"

/// What a plan could make of a graph's convolutions, to choose from.
namespace ganvas::engine {

/// A convolution as a plan has it where it reads and writes values together or in blocks, whole, without strips.
/// `layouts`: of the graph; they say sizes and elements.
ConvolutionUse candidate(const Graph& graph, const ValueLayouts& layouts, Numbers numbers, NodeId id, bool together);

/// What is the same of convolutions that take as long: shapes, sizes, elements and what follows.
std::string signature(const AnyConvolution& conv, const ConvolutionUse& use);

}  // namespace ganvas::engine
