#pragma once
#include "ganvas/train/task.hpp"

namespace ganvas {

/// Whether a discriminator knows its training pictures by heart, from its mean opinions of them, of held-out pictures
/// and of fakes: discriminator.training, discriminator.held_out and, where training pictures please it more than fakes,
/// overfitting (Karras et al. 2020, "Training GANs with limited data", equation 1: 0 not at all, 1 held-out pictures
/// look to it like fakes), with a warning above 0.8.
void note_overfitting(double training, double held_out, double fakes, Scalars& figures);

}  // namespace ganvas
