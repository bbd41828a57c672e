#include "train/criteria/backward.hpp"

#include <torch/torch.h>

namespace ganvas {

Scalars backward(const Terms& terms, double weight) {
  Scalars scalars;
  torch::Tensor total;
  for (const auto& [name, term] : terms) {
    scalars[name] = term.item<double>();
    total = total.defined() ? total + term : term;
  }
  if (total.defined()) (total * weight).backward();
  return scalars;
}

}  // namespace ganvas
