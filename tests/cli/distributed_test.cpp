// Data-parallel training as torchrun starts it: processes with RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT.
#include <netinet/in.h>
#include <sys/socket.h>
#include <torch/torch.h>

#include "cli/program.hpp"
#include "ganvas/format/safetensors.hpp"
#include "support/support.hpp"
#include "train/runs.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

/// A port of the loopback that is free now.
int free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  socklen_t size = sizeof address;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(descriptor);
  return ntohs(address.sin_port);
}

/// Sets environment variables for the processes that are started within the scope.
class Environment {
 public:
  explicit Environment(const std::vector<std::pair<const char*, std::string>>& values) : values_(values) {
    for (const auto& [name, value] : values_) ::setenv(name, value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& [name, value] : values_) ::unsetenv(name);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::vector<std::pair<const char*, std::string>> values_;
};

std::vector<std::string> arguments(const fs::path& folder, const std::string& out,
                                   const std::vector<std::string>& further = {}) {
  std::vector<std::string> all{"train",     (folder / "tiny.toml").string(),
                               "--data",    (folder / "hr").string(),
                               "-o",        (folder / out).string(),
                               "--device",  "cpu",
                               "--threads", "1"};
  all.insert(all.end(), further.begin(), further.end());
  return all;
}

}  // namespace

TEST_CASE("two processes with half the batch each end where one process ends") {
  const TemporaryFolder folder;
  write_pictures(folder / "hr", 5);
  write_file_atomically(folder / "tiny.toml", std::string(R"(
task = "super-resolution"
[generator]
scale = 2
channels = 8
convs = 1
[adversarial]
on = true
weight = 0.1
[discriminator]
architecture = "patch"
layers = 1
width = 4
norm = "none"
[regulariser]
r1 = 1.0
[data]
crop = 8
hold_out = 2
[train]
steps = 8
batch = 4
precision = "fp32"
validate_every = 4
checkpoint_every = 4
)"));
  const Finished alone = run_ganvas(arguments(folder.path(), "one"));
  REQUIRE(alone.code == 0);
  const std::string port = std::to_string(free_port());
  const auto pair_of = [&](const std::vector<std::string>& further) {
    std::vector<std::unique_ptr<Program>> ranks;
    for (const char* rank : {"0", "1"}) {
      const Environment environment(
          {{"RANK", rank}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "127.0.0.1"}, {"MASTER_PORT", port}});
      ranks.push_back(std::make_unique<Program>(arguments(folder.path(), "two", further)));
    }
    for (auto& rank : ranks) {
      const Finished finished = rank->finish();
      CAPTURE(finished.err);
      CHECK(finished.code == 0);
    }
  };
  pair_of({"--stop-at", "5"});
  CHECK_FALSE(fs::exists(folder / "two" / "model.safetensors"));
  pair_of({"--resume"});

  const Safetensors one = read_safetensors(folder / "one" / "checkpoints" / "latest.safetensors");
  const Safetensors two = read_safetensors(folder / "two" / "checkpoints" / "latest.safetensors");
  CHECK(two.metadata.at("step") == "8");
  int compared = 0;
  for (const auto& [key, tensor] : one.tensors) {
    if (!key.starts_with("network/") && !key.starts_with("average/")) continue;
    CAPTURE(key);
    CHECK((tensor - two.tensors.at(key)).abs().max().item<double>() <=
          1e-4 * (tensor.abs().max().item<double>() + 1e-3));
    ++compared;
  }
  CHECK(compared > 10);
  // One log, whose losses are means over both.
  const auto lines = log_lines(folder / "two", "validation");
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].at("psnr_y").get<double>() ==
        doctest::Approx(log_lines(folder / "one", "validation")[1].at("psnr_y").get<double>()).epsilon(1e-4));
}

TEST_CASE("mpirun's processes are one run, stopped and resumed to the same bytes") {
  const TemporaryFolder folder;
  write_pictures(folder / "hr", 4);
  write_file_atomically(folder / "tiny.toml",
                        std::string("[generator]\nscale = 2\nchannels = 4\nconvs = 1\n[data]\ncrop = 8\nhold_out = 1\n"
                                    "[adversarial]\non = true\n[discriminator]\narchitecture = \"patch\"\nlayers = 1\n"
                                    "width = 4\nnorm = \"none\"\n[labels]\nnoise = 0.1\n[train]\nsteps = 6\nbatch = "
                                    "2\nprecision = \"fp32\"\n"));
  const std::string port = std::to_string(free_port());
  // Label noise draws random numbers in each process: all must go on where they were.
  const auto run = [&](const std::string& out, const std::vector<std::string>& further) {
    std::vector<std::unique_ptr<Program>> ranks;
    for (const char* rank : {"0", "1"}) {
      const Environment environment({{"OMPI_COMM_WORLD_SIZE", "2"},
                                     {"OMPI_COMM_WORLD_RANK", rank},
                                     {"OMPI_COMM_WORLD_LOCAL_RANK", rank},
                                     {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                                     {"MASTER_PORT", port}});
      ranks.push_back(std::make_unique<Program>(arguments(folder.path(), out, further)));
    }
    for (auto& rank : ranks) {
      const Finished finished = rank->finish();
      CAPTURE(finished.err);
      CHECK(finished.code == 0);
      CHECK(contains(finished.err, "of 2 (OpenMPI)"));
    }
  };
  run("whole", {});
  run("parts", {"--stop-at", "3"});
  run("parts", {"--resume"});
  CHECK(read_file(folder / "whole/model.safetensors") == read_file(folder / "parts/model.safetensors"));
}

TEST_CASE("a group that can't be: one clear line") {
  const TemporaryFolder folder;
  write_pictures(folder / "hr", 3);
  write_file_atomically(
      folder / "tiny.toml",
      std::string("[generator]\nscale = 2\nchannels = 4\nconvs = 1\n[data]\ncrop = 8\n[train]\nsteps = "
                  "2\nbatch = 3\n"));
  const auto refused = [&](const std::vector<std::pair<const char*, std::string>>& values, const char* part) {
    const Environment environment(values);
    const Finished finished = run_ganvas(arguments(folder.path(), "run"));
    CAPTURE(finished.err);
    CHECK(finished.code == 2);
    CHECK(contains(finished.err, part));
    CHECK_FALSE(fs::exists(folder / "run" / "model.safetensors"));
  };
  refused({{"WORLD_SIZE", "2"}}, "RANK");
  refused({{"WORLD_SIZE", "two"}, {"RANK", "0"}}, "WORLD_SIZE");
  refused({{"WORLD_SIZE", "2"}, {"RANK", "2"}, {"MASTER_ADDR", "127.0.0.1"}, {"MASTER_PORT", "1"}}, "RANK");
  refused({{"WORLD_SIZE", "2"}, {"RANK", "0"}, {"MASTER_PORT", "29500"}}, "MASTER_ADDR");
}
