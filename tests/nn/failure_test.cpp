#include "ganvas/nn/failure.hpp"

#include <doctest/doctest.h>
#include <torch/torch.h>

#include <new>
#include <stdexcept>

#include "ganvas/core/error.hpp"

using namespace ganvas;

TEST_CASE("failures: memory that ran out is told from the rest, by whoever it ran out") {
  try {
    torch::empty({INT64_C(1) << 50});
    FAIL("four petabytes were found");
  } catch (const std::exception& error) {
    CHECK(is_out_of_memory(error));
    CHECK(failure_line(error) == "out of memory (4.00 PiB more were wanted at once)");
  }
  CHECK(failure_line(std::bad_alloc()) == "out of memory");
  CHECK(is_out_of_memory(Error(ErrorKind::memory, "too large")));
  CHECK_FALSE(is_out_of_memory(Error(ErrorKind::file, "gone")));
  try {
    torch::ones({2}) + torch::ones({3});
    FAIL("shapes fit");
  } catch (const std::exception& error) {
    CHECK_FALSE(is_out_of_memory(error));
    const std::string line = failure_line(error);
    CHECK(line.starts_with("LibTorch: The size of tensor"));
    CHECK(line.find('\n') == std::string::npos);
  }
  CHECK(failure_line(std::runtime_error("odd")) == "odd");
}
