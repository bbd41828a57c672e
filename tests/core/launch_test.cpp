#include "ganvas/core/launch.hpp"

#include <doctest/doctest.h>

#include <map>

#include "ganvas/core/error.hpp"

using namespace ganvas;

namespace {

using Variables = std::map<std::string, std::string>;

std::optional<Launch> launch_of(const Variables& variables) {
  return read_launch([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string refusal(const Variables& variables) {
  try {
    launch_of(variables);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "was accepted";
}

const Variables torchrun{
    {"WORLD_SIZE", "4"}, {"RANK", "2"}, {"LOCAL_RANK", "1"}, {"MASTER_ADDR", "gpu1"}, {"MASTER_PORT", "1234"}};
const Variables openmpi{{"OMPI_COMM_WORLD_SIZE", "2"},
                        {"OMPI_COMM_WORLD_RANK", "1"},
                        {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                        {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                        {"PMIX_NAMESPACE", "prterun-host-77"}};
const Variables srun{{"SLURM_STEP_NUM_TASKS", "8"}, {"SLURM_PROCID", "5"},
                     {"SLURM_LOCALID", "1"},        {"SLURM_JOB_ID", "4711"},
                     {"SLURM_NTASKS", "8"},         {"SLURM_STEP_NODELIST", "gpu[07-09,12],login1"}};

Variables with(Variables base, const Variables& more) {
  for (const auto& [name, value] : more) base[name] = value;
  return base;
}

}  // namespace

TEST_CASE("launch: ranks of torchrun, OpenMPI, MPICH and SLURM") {
  CHECK_FALSE(launch_of({}));
  CHECK_FALSE(launch_of({{"WORLD_SIZE", "1"}, {"RANK", "0"}}));
  // A batch script by itself is one process of a job of many.
  CHECK_FALSE(launch_of({{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}, {"SLURM_JOB_NODELIST", "a[1-2]"}}));

  const Launch of_torch = *launch_of(torchrun);
  CHECK(of_torch.rank == 2);
  CHECK(of_torch.size == 4);
  CHECK(of_torch.local_rank == 1);
  CHECK(of_torch.address == "gpu1");
  CHECK(of_torch.port == 1234);
  CHECK(of_torch.patience == 30);
  CHECK(launch_of(with(torchrun, {{"GANVAS_PEER_TIMEOUT", "120"}}))->patience == 120);
  CHECK(refusal(with(torchrun, {{"GANVAS_PEER_TIMEOUT", "0"}})) ==
        "GANVAS_PEER_TIMEOUT=0: expected a whole number of 2 .. 86400");

  const Launch of_mpi = *launch_of(openmpi);
  CHECK(of_mpi.rank == 1);
  CHECK(of_mpi.size == 2);
  CHECK(of_mpi.address == "127.0.0.1");
  CHECK(of_mpi.port > 1024);
  // All ranks of a job find the same port; those of another job, another one.
  CHECK(launch_of(with(openmpi, {{"OMPI_COMM_WORLD_RANK", "0"}}))->port == of_mpi.port);
  CHECK(launch_of(with(openmpi, {{"PMIX_NAMESPACE", "prterun-host-78"}}))->port != of_mpi.port);
  CHECK(launch_of(with(openmpi, {{"MASTER_PORT", "4000"}}))->port == 4000);

  const Launch of_mpich = *launch_of({{"PMI_SIZE", "3"}, {"PMI_RANK", "0"}, {"MPI_LOCALNRANKS", "3"}});
  CHECK(of_mpich.rank == 0);
  CHECK(of_mpich.size == 3);

  const Launch of_slurm = *launch_of(srun);
  CHECK(of_slurm.rank == 5);
  CHECK(of_slurm.size == 8);
  CHECK(of_slurm.address == "gpu07");
  // mpirun within a job: its ranks count, not SLURM's one process a machine.
  const Launch within = *launch_of(with(openmpi, {{"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_PROCID", "0"}}));
  CHECK(within.rank == 1);
}

TEST_CASE("launch: what is impossible, contradicting or unknowable is refused") {
  CHECK(refusal(with(torchrun, {{"RANK", "4"}})) == "RANK=4: expected a whole number of 0 .. 3");
  CHECK(refusal(with(torchrun, {{"WORLD_SIZE", "many"}})) ==
        "WORLD_SIZE=many: expected a whole number of 1 .. 1048576");
  CHECK(refusal({{"WORLD_SIZE", "2"}}) == "WORLD_SIZE is set, but RANK is not");
  CHECK(refusal({{"WORLD_SIZE", "2"}, {"RANK", "0"}}) == "WORLD_SIZE is set, but MASTER_ADDR is not");
  CHECK(refusal(with(torchrun, openmpi)) ==
        "torchrun says rank 2 of 4, OpenMPI says rank 1 of 2; start it by one of them");
  // Two machines and nobody who says which is the first.
  CHECK(refusal(with(openmpi, {{"OMPI_COMM_WORLD_LOCAL_SIZE", "1"}})).find("give MASTER_ADDR") != std::string::npos);
}

TEST_CASE("launch: the share of a job in an array or of a rank") {
  const auto shard = [](const Variables& variables) {
    const Shard found = read_shard([&](const char* name) -> const char* {
      const auto value = variables.find(name);
      return value == variables.end() ? nullptr : value->second.c_str();
    });
    return std::pair{found.index, found.count};
  };
  const Variables array{{"SLURM_ARRAY_TASK_ID", "14"},
                        {"SLURM_ARRAY_TASK_MIN", "10"},
                        {"SLURM_ARRAY_TASK_STEP", "2"},
                        {"SLURM_ARRAY_TASK_COUNT", "5"}};
  CHECK(shard(array) == std::pair{3, 5});
  CHECK(shard(with(openmpi, array)) == std::pair{3, 5});
  CHECK(shard(openmpi) == std::pair{2, 2});
  CHECK(shard({{"WORLD_SIZE", "1"}, {"RANK", "0"}}) == std::pair{1, 1});
  CHECK_THROWS_AS(shard({}), Error);
  CHECK_THROWS_AS(shard(with(array, {{"SLURM_ARRAY_TASK_ID", "20"}})), Error);
}

TEST_CASE("launch: the first host of SLURM's lists") {
  CHECK(first_host("login1") == "login1");
  CHECK(first_host("a1,b2") == "a1");
  CHECK(first_host("gpu[07-09,12],login1") == "gpu07");
  CHECK(first_host("gpu[3]") == "gpu3");
  CHECK(first_host("rack[1-2]-node,x") == "rack1-node");
}
