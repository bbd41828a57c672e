#pragma once

#include "ganvas/loss/perceptual.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

/// backward() of the terms' sum times `weight`; returns what each of them was.
Scalars backward(const Terms& terms, double weight);

}  // namespace ganvas
