#pragma once

namespace ganvas {

/// Divisions that round down and up, whatever the sign of `a`; `b` is positive.
constexpr int divided_down(int a, int b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }
constexpr int divided_up(int a, int b) { return -divided_down(-a, b); }

}  // namespace ganvas
