// The adversarial losses against their formulas, written out with scalars and the standard library.
#include "ganvas/loss/adversarial.hpp"

#include <torch/torch.h>

#include <cmath>

#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using ganvas::test::refusal;
using ganvas::test::says;

namespace {

const std::vector<double> kReal{1.5, -0.25, 0.75}, kFake{-1.0, 0.5, 2.0};

torch::Tensor column(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat).reshape({static_cast<std::int64_t>(values.size()), 1});
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double mean(const std::vector<double>& values, double (*f)(double)) {
  double sum = 0;
  for (const double value : values) sum += f(value);
  return sum / static_cast<double>(values.size());
}
double log_real(double x) { return -std::log(sigmoid(x)); }
double log_fake(double x) { return -std::log(1 - sigmoid(x)); }

double discriminator(const char* kind, const LabelOptions& labels = {}) {
  return AdversarialLoss(kind).for_discriminator(column(kReal), column(kFake), labels).item<double>();
}
double generator(const char* kind) {
  return AdversarialLoss(kind).for_generator(column(kReal), column(kFake)).item<double>();
}

std::vector<double> less(std::vector<double> values, double amount) {
  for (double& value : values) value -= amount;
  return values;
}
double average(const std::vector<double>& values) {
  return mean(values, [](double x) { return x; });
}

}  // namespace

TEST_CASE("adversarial losses: closed forms") {
  const double entropy = mean(kReal, log_real) + mean(kFake, log_fake);
  CHECK(discriminator("minimax") == doctest::Approx(entropy));
  CHECK(discriminator("non-saturating") == doctest::Approx(entropy));
  CHECK(generator("minimax") == doctest::Approx(mean(kFake, [](double x) { return std::log(1 - sigmoid(x)); })));
  CHECK(generator("non-saturating") == doctest::Approx(mean(kFake, log_real)));

  CHECK(discriminator("least-squares") == doctest::Approx(mean(kReal, [](double x) { return (x - 1) * (x - 1); }) +
                                                          mean(kFake, [](double x) { return x * x; })));
  CHECK(generator("least-squares") == doctest::Approx(mean(kFake, [](double x) { return (x - 1) * (x - 1); })));

  CHECK(discriminator("hinge") == doctest::Approx(mean(kReal, [](double x) { return std::max(0.0, 1 - x); }) +
                                                  mean(kFake, [](double x) { return std::max(0.0, 1 + x); })));
  CHECK(generator("hinge") == doctest::Approx(-average(kFake)));

  CHECK(discriminator("wasserstein") == doctest::Approx(average(kFake) - average(kReal)));
  CHECK(generator("wasserstein") == doctest::Approx(-average(kFake)));

  const auto real = less(kReal, average(kFake)), fake = less(kFake, average(kReal));
  CHECK(discriminator("relativistic-average") == doctest::Approx((mean(real, log_real) + mean(fake, log_fake)) / 2));
  CHECK(generator("relativistic-average") == doctest::Approx((mean(real, log_fake) + mean(fake, log_real)) / 2));

  std::vector<double> pairs;
  for (std::size_t i = 0; i < kReal.size(); ++i) pairs.push_back(kReal[i] - kFake[i]);
  CHECK(discriminator("relativistic-pairing") == doctest::Approx(mean(pairs, log_real)));
  CHECK(generator("relativistic-pairing") == doctest::Approx(mean(pairs, log_fake)));
}

TEST_CASE("adversarial losses: smoothed labels are cross entropy with soft targets, and (x - t)^2 up to a constant") {
  const LabelOptions labels{.real = 0.9, .fake = 0.2};
  double entropy = 0, squares = 0;
  for (const double x : kReal) {
    entropy += -(0.9 * std::log(sigmoid(x)) + 0.1 * std::log(1 - sigmoid(x))) / 3;
    squares += ((x - 0.9) * (x - 0.9) + 0.9 * 0.1) / 3;
  }
  for (const double x : kFake) {
    entropy += -(0.2 * std::log(sigmoid(x)) + 0.8 * std::log(1 - sigmoid(x))) / 3;
    squares += ((x - 0.2) * (x - 0.2) + 0.2 * 0.8) / 3;
  }
  CHECK(discriminator("non-saturating", labels) == doctest::Approx(entropy));
  CHECK(discriminator("least-squares", labels) == doctest::Approx(squares));
}

TEST_CASE("adversarial losses: noisy labels stay between their bounds and flips swap the roles") {
  torch::manual_seed(3);
  // With least squares and logits 0, the loss of the real side alone is the mean target.
  const torch::Tensor zeros = torch::zeros({20000, 1});
  const AdversarialLoss loss("least-squares");
  const double noisy = loss.for_discriminator(zeros, zeros, {.noise = 0.2}).item<double>();
  // Real targets are U(0.8, 1), mean 0.9; fake ones U(0, 0.2), mean 0.1.
  CHECK(noisy == doctest::Approx(1.0).epsilon(0.01));
  const torch::Tensor ones = torch::ones({20000, 1});
  // Logit 1 is free where the target is 1 and costs 1 where it was flipped to 0.
  CHECK(loss.for_discriminator(ones, zeros, {.flip = 0.3}).item<double>() == doctest::Approx(0.6).epsilon(0.05));
  // At least as large as sharp labels' loss for a perfect discriminator, at most as large as with the outer bound.
  const AdversarialLoss entropy("non-saturating");
  const double noisy_entropy = entropy.for_discriminator(3 * ones, -3 * ones, {.noise = 0.2}).item<double>();
  CHECK(noisy_entropy > entropy.for_discriminator(3 * ones, -3 * ones).item<double>());
  CHECK(noisy_entropy < entropy.for_discriminator(3 * ones, -3 * ones, {.real = 0.8, .fake = 0.2}).item<double>());
}

TEST_CASE("adversarial losses: the generator's gradient raises the fakes' logits, whatever the kind") {
  for (const auto& kind : adversarial_losses()) {
    CAPTURE(kind);
    const AdversarialLoss loss(kind);
    torch::Tensor fake = column({-1.0, 0.5, 0.9}).requires_grad_();
    loss.for_generator(column(kReal), fake).backward();
    CHECK((fake.grad() < 0).all().item<bool>());
    torch::Tensor real = column(kReal).requires_grad_();
    fake = column({-0.9, 0.5, 0.9}).requires_grad_();
    loss.for_discriminator(real, fake).backward();
    CHECK(real.grad().sum().item<double>() < 0);
    CHECK(fake.grad().sum().item<double>() > 0);
  }
}

TEST_CASE("adversarial losses: patches, bf16 logits, saturation, unknown names") {
  for (const auto& kind : adversarial_losses()) {
    CAPTURE(kind);
    const AdversarialLoss loss(kind);
    torch::manual_seed(1);
    const torch::Tensor real = torch::randn({2, 1, 3, 4}), fake = torch::randn({2, 1, 3, 4});
    const auto flat = [](const torch::Tensor& x) { return x.reshape({24, 1}); };
    CHECK(loss.for_discriminator(real, fake).item<double>() ==
          doctest::Approx(loss.for_discriminator(flat(real), flat(fake)).item<double>()));
    CHECK((loss.for_discriminator(real.to(torch::kBFloat16), fake).scalar_type() == torch::kFloat));
    // Logits far out give finite losses.
    const torch::Tensor far = 1e4 * torch::ones({2, 1});
    CHECK(std::isfinite(loss.for_discriminator(-far, far).item<double>()));
    CHECK(std::isfinite(loss.for_generator(far, -far).item<double>()));
  }
  const auto slope = [](const char* kind) {
    torch::Tensor fake = torch::full({1, 1}, -20.0).requires_grad_();
    AdversarialLoss(kind).for_generator({}, fake).backward();
    return std::abs(fake.grad().item<double>());
  };
  CHECK(slope("minimax") < 1e-6);  // the very reason for the other one
  CHECK(slope("non-saturating") == doctest::Approx(1.0));
  says(refusal(ErrorKind::recipe, [] { AdversarialLoss("hinges"); }), {"hinges", "hinge", "wasserstein"});
}
