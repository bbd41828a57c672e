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

namespace {

/// A recipe whose training goes on until somebody ends it, and a picture or two.
void write_endless(const fs::path& folder) {
  write_pictures(folder / "hr", 4);
  write_file_atomically(folder / "tiny.toml",
                        std::string("[generator]\nscale = 2\nchannels = 4\nconvs = 1\n[data]\ncrop = 8\nhold_out = 1\n"
                                    "[train]\nsteps = 100000\nbatch = 2\nprecision = \"fp32\"\ncheckpoint_every = 5\n"
                                    "validate_every = 100000\nsample_every = 100000\n"));
}

/// As torchrun says it; who is silent for two seconds counts as gone.
std::vector<std::pair<std::string, std::string>> rank_of_two(const std::string& rank, const std::string& address,
                                                             const std::string& port) {
  return {{"RANK", rank},        {"WORLD_SIZE", "2"},          {"MASTER_ADDR", address},
          {"MASTER_PORT", port}, {"GANVAS_PEER_TIMEOUT", "2"}, {"OMP_NUM_THREADS", "1"}};
}

/// The step of the checkpoint; 0 while there is none.
std::int64_t checkpoint_step(const fs::path& run) {
  const fs::path path = run / "checkpoints/latest.safetensors";
  return fs::exists(path) ? std::stoll(read_safetensors(path).metadata.at("step")) : 0;
}

/// One line at the end that says who is missing, and a run that goes on from its last checkpoint.
void check_parted(const Finished& finished, const std::string& who) {
  CAPTURE(finished.err);
  CHECK(finished.code == 1);
  const auto at = finished.err.find("error: ");
  REQUIRE(at != std::string::npos);
  const std::string last = finished.err.substr(at);
  CHECK(line_count(last) == 1);
  CHECK(contains(last, who));
  CHECK(contains(last, "the last checkpoint is whole: start all processes again, with --resume"));
}

}  // namespace

TEST_CASE("two processes: where one is killed, or stands still, the other one says so and ends, and the run goes on") {
  for (const int signal : {SIGKILL, SIGSTOP}) {
    CAPTURE(signal);
    const TemporaryFolder folder;
    write_endless(folder.path());
    const std::string port = std::to_string(free_port());
    Program first(arguments(folder.path(), "run"), {}, {.environment = rank_of_two("0", "127.0.0.1", port)});
    Program second(arguments(folder.path(), "run"), {}, {.environment = rank_of_two("1", "127.0.0.1", port)});
    second.signal_when([&] { return checkpoint_step(folder / "run") >= 5; }, signal);
    check_parted(first.finish(), signal == SIGSTOP ? "rank 0 of 2: rank 1 hasn't been heard of for 2 s"
                                                   : "rank 0 of 2: another process is gone");
    const std::int64_t step = checkpoint_step(folder / "run");
    const Finished rest =
        run_ganvas(arguments(folder.path(), "run", {"--resume", "--set", fmt::format("train.steps={}", step + 1)}));
    CAPTURE(rest.err);
    CHECK(rest.code == 0);
    CHECK(checkpoint_step(folder / "run") == step + 1);
  }
}

TEST_CASE("two hosts: where the line between them is cut, each ends with one line") {
  // Two network namespaces are two hosts: addresses, routes and ports of their own, and a cable to pull.
  const std::string name = fmt::format("ganvas{}", ::getpid()), a = name + "a", b = name + "b";
  const auto ip = [](const std::string& command) {
    return std::system(("ip " + command + " 2>/dev/null").c_str()) == 0;
  };
  struct Hosts {
    std::string a, b;
    ~Hosts() {
      for (const auto& host : {a, b})
        if (std::system(("ip netns del " + host + " 2>/dev/null").c_str()) != 0) continue;
    }
  } const hosts{a, b};
  const std::string in_a = "-n " + a + " ", in_b = "-n " + b + " ";
  if (!ip("netns add " + a) || !ip("netns add " + b) ||
      !ip("link add eth0 netns " + a + " type veth peer name eth0 netns " + b) ||
      !ip(in_a + "addr add 10.83.0.1/24 dev eth0") || !ip(in_b + "addr add 10.83.0.2/24 dev eth0") ||
      !ip(in_a + "link set eth0 up") || !ip(in_b + "link set eth0 up") || !ip(in_a + "link set lo up") ||
      !ip(in_b + "link set lo up")) {
    std::printf("[skipped] may not make network namespaces\n");
    return;
  }
  const TemporaryFolder folder;
  write_endless(folder.path());
  const auto on = [&](const std::string& host, const std::string& rank) {
    std::vector<std::string> all{"netns", "exec", host, GANVAS_BINARY};
    for (const auto& argument : arguments(folder.path(), "run")) all.push_back(argument);
    return std::make_unique<Program>(
        all, std::string(), Setting{.binary = "/usr/sbin/ip", .environment = rank_of_two(rank, "10.83.0.1", "29500")});
  };
  const auto first = on(a, "0"), second = on(b, "1");
  first->signal_when([&] { return checkpoint_step(folder / "run") >= 5; }, 0);
  REQUIRE(checkpoint_step(folder / "run") >= 5);
  REQUIRE(ip(in_b + "link set eth0 down"));
  check_parted(first->finish(), "rank 0 of 2: rank 1 hasn't been heard of for 2 s");
  check_parted(second->finish(), "rank 1 of 2: rank 0 hasn't been heard of for 2 s");
  CHECK(checkpoint_step(folder / "run") >= 5);
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
