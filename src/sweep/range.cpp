#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "ganvas/sweep/plan.hpp"

namespace ganvas {

namespace {

/// Four significant digits, in the range all the same.
std::string rounded(double value, const SweepRange& range) {
  const double shorter = std::strtod(fmt::format("{:.4g}", value).c_str(), nullptr);
  return fmt::format("{}", std::clamp(shorter, range.low, range.high));
}

std::string whole_number(double value, const SweepRange& range) {
  return fmt::format("{}", static_cast<std::int64_t>(std::clamp(value, range.low, range.high)));
}

/// Between the ends, evenly or by equal factors.
double between(double low, double high, double share, bool by_factors) {
  return by_factors ? std::exp(std::log(low) + share * (std::log(high) - std::log(low))) : low + share * (high - low);
}

std::int64_t integers_of(const SweepRange& range) {
  return static_cast<std::int64_t>(range.high - range.low) / range.step + 1;
}

}  // namespace

std::string SweepRange::at(double share) const {
  switch (kind) {
    case Kind::list:
      return values[std::min(static_cast<std::size_t>(share * static_cast<double>(values.size())), values.size() - 1)];
    case Kind::uniform:
    case Kind::log_uniform:
      return rounded(between(low, high, share, is_logarithmic()), *this);
    case Kind::integer: {
      const auto count = integers_of(*this);
      const auto which = std::min(static_cast<std::int64_t>(share * static_cast<double>(count)), count - 1);
      return whole_number(low + static_cast<double>(which * step), *this);
    }
    case Kind::log_integer:  // each number as likely as its share of the logarithmic range up to the next one
      return whole_number(std::floor(between(low, high + 1, share, true)), *this);
  }
  return {};
}

std::vector<std::string> SweepRange::grid() const {
  std::vector<std::string> points;
  switch (kind) {
    case Kind::list:
      return values;
    case Kind::integer:
      for (std::int64_t i = 0; i < integers_of(*this); ++i)
        points.push_back(whole_number(low + static_cast<double>(i * step), *this));
      break;
    case Kind::uniform:
    case Kind::log_uniform:
    case Kind::log_integer:
      for (std::int64_t i = 0; i < count; ++i) {
        const double share = static_cast<double>(i) / static_cast<double>(count - 1);
        const double value = between(low, high, share, is_logarithmic());
        points.push_back(kind == Kind::log_integer ? whole_number(std::round(value), *this) : rounded(value, *this));
      }
      points.erase(std::unique(points.begin(), points.end()), points.end());
      break;
  }
  return points;
}

}  // namespace ganvas
