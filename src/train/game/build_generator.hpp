#pragma once

#include <string>

#include "ganvas/nn/generator.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

/// A generator with new weights on the context's device, from the recipe's table [generator]: architecture (and the
/// network's own options), init, init_gain, dirac, icnr, start (a model whose weights are taken where they fit; named
/// `start_key` there, so that a second generator can have another).
GeneratorPtr build_generator(const TaskContext& context, const std::string& default_architecture,
                             const std::string& start_key = "start");

/// New weights by `table`.init and .init_gain.
void initialise_from_recipe(Recipe& recipe, const std::string& table, torch::nn::Module& network);

/// Gives it new weights, in place, as build_generator() would without a start.
void begin_anew(const TaskContext& context, Generator& network);

}  // namespace ganvas
