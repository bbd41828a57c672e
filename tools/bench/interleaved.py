"""What the benchmarks share: a step of ours and one of the rival's in turn, so that both meet the same machine."""
import os
import statistics
import subprocess
import time
from typing import NamedTuple


def all_threads():
    """Debian's LibTorch falls back to one thread on processors that it doesn't know."""
    return len(os.sched_getaffinity(0))


def peak(pid):
    """Largest resident memory of a process so far, MiB."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def processor_seconds(pid):
    """Of all threads of a process so far."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_name():
    with open("/proc/cpuinfo") as info:
        return next(line.split(":")[1].strip() for line in info if line.startswith("model name"))


class Found(NamedTuple):
    mine: float    # median seconds of ours
    rival: float   # median seconds of theirs
    ratio: float   # median of theirs by ours
    memory: float  # peak memory of ours, MiB
    twin: float    # median of the seconds that ours printed behind its own; 0: none
    mine_cpu: float   # processor seconds of ours a step, mean over all rounds: less moved by what else runs
    rival_cpu: float  # the same of theirs
    chosen: str    # how the features lay, of the engine alone


class Bench:
    """A `ganvas_bench ARGUMENTS` that does a step for every line on its stdin."""

    def __init__(self, arguments, environment=None):
        self.process = subprocess.Popen(["build/ganvas_bench"] + arguments, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **(environment or {})})

    def ask(self, line=""):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def step(self):
        return [float(seconds) for seconds in self.ask().split()]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def in_turn(benches, rounds):
    """Seconds of every bench's steps, a list a bench, all in turn."""
    for bench in benches:
        bench.step()  # warm-up
    found = [[] for _ in benches]
    for _ in range(rounds):
        for bench, seconds in zip(benches, found):
            seconds.append(bench.step()[0])
    return found


def interleaved(arguments, theirs, rounds, warm=False):
    """`ganvas_bench ARGUMENTS`, a step for every line on its stdin, against theirs().

    warm: theirs runs once untimed in each turn, as ours does by itself where it does.
    """
    bench = Bench(arguments)
    ours, run_ours = bench.process, bench.step

    def run_theirs():
        if warm:
            theirs()
        begin = time.perf_counter()
        theirs()
        return time.perf_counter() - begin

    for _ in range(2):  # warm-up
        run_ours(), run_theirs()
    cpu = processor_seconds(ours.pid), processor_seconds(os.getpid())
    pairs = [(run_ours(), run_theirs()) for _ in range(rounds)]
    cpu = processor_seconds(ours.pid) - cpu[0], processor_seconds(os.getpid()) - cpu[1]
    steps = rounds * (2 if warm else 1)  # of theirs; ours, where it warms up by itself, takes as many
    memory = peak(ours.pid)
    chosen = bench.ask("layouts") if arguments[0] == "engine" else ""
    bench.end()
    median = statistics.median
    return Found(mine=median(mine[0] for mine, _ in pairs), rival=median(rival for _, rival in pairs),
                 ratio=median(rival / mine[0] for mine, rival in pairs), memory=memory,
                 twin=median(mine[1] if len(mine) > 1 else 0 for mine, _ in pairs),
                 mine_cpu=cpu[0] / steps, rival_cpu=cpu[1] / steps, chosen=chosen)


def quiet_training(batch):
    """Settings with which a run does nothing but its steps."""
    return [f"train.batch={batch}", "train.log_every=1000000", "train.validate_every=1000000", "data.hold_out=0",
            "train.steps=1000000", "train.checkpoint_every=1000000"]
