#include "train/data/overfitting.hpp"

#include "ganvas/core/log.hpp"

namespace ganvas {

void note_overfitting(double training, double held_out, double fakes, Scalars& figures) {
  figures["discriminator.training"] = training;
  figures["discriminator.held_out"] = held_out;
  if (training <= fakes) return;
  const double share = (training - held_out) / (training - fakes);
  figures["overfitting"] = share;
  if (share > 0.8)
    log(LogLevel::warning,
        "overfitting {:.2f}: held-out pictures look like fakes to the discriminator, it knows the training pictures "
        "by heart; augment.adaptive or more pictures help",
        share);
}

}  // namespace ganvas
