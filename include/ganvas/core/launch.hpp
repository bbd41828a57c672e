#pragma once

#include <functional>
#include <optional>
#include <string>

/// How a process knows that it is one of several: what torchrun, mpirun or SLURM's srun put into its environment.
namespace ganvas {

struct Launch {
  int rank = 0, size = 1;
  int local_rank = 0;   ///< among the processes of this machine
  std::string address;  ///< of the machine of rank 0
  int port = 0;         ///< where rank 0 listens
  int patience = 30;    ///< seconds after which a process of which nothing is heard counts as gone
  std::string by;       ///< the launcher, for messages
};

/// A variable's text; nullptr where it isn't set.
using Environment = std::function<const char*(const char* name)>;
/// std::getenv.
Environment process_environment();

/// Reads the first of: RANK, WORLD_SIZE, LOCAL_RANK (torchrun); OMPI_COMM_WORLD_* (OpenMPI); PMI_* and MPI_LOCALRANKID
/// (MPICH, Intel MPI); SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_LOCALID (srun). MASTER_ADDR and MASTER_PORT count
/// where they are set; else the address is this machine's where all processes are on it, or the first host of SLURM's
/// step, and the port follows from the job's number. GANVAS_PEER_TIMEOUT is the patience. nullopt for a process by
/// itself. Throws Error(usage) for impossible or contradicting values and where the address of rank 0 can't be known.
std::optional<Launch> read_launch(const Environment& environment);

/// One job's part of a list of work: every count-th item, beginning with the index-th (from 1).
struct Shard {
  int index = 1, count = 1;
};

/// The part of this process: of a SLURM array (SLURM_ARRAY_TASK_ID, _MIN, _STEP, _COUNT), else its rank as
/// read_launch() finds it. Throws Error(usage) where there is neither.
Shard read_shard(const Environment& environment);

/// "gpu[07-09,12],login1" -> "gpu07".
std::string first_host(const std::string& node_list);

}  // namespace ganvas
