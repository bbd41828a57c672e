#include "ganvas/core/launch.hpp"

#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "ganvas/core/error.hpp"
#include "ganvas/core/parse_number.hpp"

namespace ganvas {

namespace {

/// The names of one launcher's variables; empty where it has none.
struct Launcher {
  std::string by, size, rank, local_rank, local_size, job;
};

const std::vector<Launcher>& launchers() {
  static const std::vector<Launcher> all{
      {"torchrun", "WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID"},
      {"OpenMPI", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK",
       "OMPI_COMM_WORLD_LOCAL_SIZE", "PMIX_NAMESPACE"},
      {"MPI", "PMI_SIZE", "PMI_RANK", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", "PMI_JOBID"},
      // Of the step: a batch script by itself carries the job's SLURM_NTASKS and is no rank.
      {"SLURM", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_LOCALID", "", "SLURM_JOB_ID"},
  };
  return all;
}

class Variables {
 public:
  explicit Variables(const Environment& environment) : environment_(environment) {}

  std::string text(const std::string& name) const {
    const char* value = name.empty() ? nullptr : environment_(name.c_str());
    return value ? value : "";
  }
  int number(const std::string& name, int low, int high, const std::string& given) const {
    const std::string value = text(name);
    if (value.empty()) fail(ErrorKind::usage, "{} is set, but {} is not", given, name);
    const auto number = parse_number<int>(value);
    if (!number || *number < low || *number > high)
      fail(ErrorKind::usage, "{}={}: expected a whole number of {} .. {}", name, value, low, high);
    return *number;
  }
  int number_or(const std::string& name, int fallback, int low, int high) const {
    return text(name).empty() ? fallback : number(name, low, high, name);
  }

 private:
  const Environment& environment_;
};

constexpr int most = 1 << 20;

Launch ranks_of(const Launcher& launcher, const Variables& variables) {
  Launch launch;
  launch.by = launcher.by;
  launch.size = variables.number(launcher.size, 1, most, launcher.size);
  launch.rank = variables.number(launcher.rank, 0, launch.size - 1, launcher.size);
  launch.local_rank = variables.number_or(launcher.local_rank, 0, 0, most);
  return launch;
}

/// Two launchers that say different things: the processes would wait for ever, or train apart in one folder.
void check_agreement(const Launch& launch, const Variables& variables) {
  for (const Launcher& other : launchers()) {
    // SLURM's step around an mpirun counts machines, not ranks.
    if (other.by == launch.by || other.by == "SLURM" || variables.text(other.size).empty()) continue;
    const Launch also = ranks_of(other, variables);
    if (also.size > 1 && (also.size != launch.size || also.rank != launch.rank))
      fail(ErrorKind::usage, "{} says rank {} of {}, {} says rank {} of {}; start it by one of them", launch.by,
           launch.rank, launch.size, also.by, also.rank, also.size);
  }
}

std::string address_for(const Launcher& launcher, const Launch& launch, const Variables& variables) {
  if (std::string given = variables.text("MASTER_ADDR"); !given.empty()) return given;
  if (launcher.by == "torchrun") fail(ErrorKind::usage, "WORLD_SIZE is set, but MASTER_ADDR is not");
  if (variables.number_or(launcher.local_size, 0, 0, most) == launch.size) return "127.0.0.1";
  for (const char* list : {"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST"})
    if (const std::string nodes = variables.text(list); !nodes.empty()) return first_host(nodes);
  fail(ErrorKind::usage,
       "rank {} of {} ({}): the processes are on several machines; give MASTER_ADDR, the machine of rank 0 "
       "(mpirun -x MASTER_ADDR=...)",
       launch.rank, launch.size, launcher.by);
}

/// Jobs beside each other on one machine should not meet: a port by the job's number.
int port_for(const Launcher& launcher, const Variables& variables) {
  if (launcher.by == "torchrun") return variables.number("MASTER_PORT", 1, 65535, "WORLD_SIZE");
  unsigned sum = 0;
  for (const char c : variables.text(launcher.job)) sum = sum * 31 + static_cast<unsigned char>(c);
  constexpr unsigned first = 20000, count = 10000;  // below the ports that systems give to clients
  return variables.number_or("MASTER_PORT", static_cast<int>(first + sum % count), 1, 65535);
}

}  // namespace

Environment process_environment() {
  return [](const char* name) -> const char* { return std::getenv(name); };
}

std::optional<Launch> read_launch(const Environment& environment) {
  const Variables variables(environment);
  for (const Launcher& launcher : launchers()) {
    const std::string size = variables.text(launcher.size);
    if (size.empty() || size == "1") continue;
    Launch launch = ranks_of(launcher, variables);
    check_agreement(launch, variables);
    launch.address = address_for(launcher, launch, variables);
    launch.port = port_for(launcher, variables);
    launch.patience = variables.number_or("GANVAS_PEER_TIMEOUT", launch.patience, 2, 86400);
    return launch;
  }
  return std::nullopt;
}

Shard read_shard(const Environment& environment) {
  const Variables variables(environment);
  if (const std::string id = "SLURM_ARRAY_TASK_ID"; !variables.text(id).empty()) {
    constexpr int last = 10'000'000;
    const int first = variables.number("SLURM_ARRAY_TASK_MIN", 0, last, id);
    const int step = variables.number_or("SLURM_ARRAY_TASK_STEP", 1, 1, last);
    const int count = variables.number("SLURM_ARRAY_TASK_COUNT", 1, last, id);
    const int index = (variables.number(id, first, last, id) - first) / step + 1;
    if (index > count) fail(ErrorKind::usage, "{} is task {} of an array of {}", id, index, count);
    return {index, count};
  }
  for (const Launcher& launcher : launchers())
    if (!variables.text(launcher.size).empty()) {
      const Launch launch = ranks_of(launcher, variables);
      return {launch.rank + 1, launch.size};
    }
  fail(ErrorKind::usage, "neither a SLURM array nor mpirun, srun or torchrun started this process");
}

std::string first_host(const std::string& node_list) {
  const auto end = node_list.find_first_of(",[");
  const std::string name = node_list.substr(0, end);
  if (end == std::string::npos || node_list[end] == ',') return name;
  const auto first = node_list.find_first_of(",-]", end + 1);
  const auto close = node_list.find(']', end);
  if (first == std::string::npos || close == std::string::npos) return name;
  const auto behind = node_list.find_first_of(",[", close + 1);
  return name + node_list.substr(end + 1, first - end - 1) + node_list.substr(close + 1, behind - close - 1);
}

}  // namespace ganvas
