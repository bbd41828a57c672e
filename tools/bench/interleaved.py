"""What the benchmarks share: a step of ours and one of the rival's in turn, so that both meet the same machine."""
import os
import statistics
import subprocess
import time


def all_threads():
    """Debian's LibTorch falls back to one thread on processors that it doesn't know."""
    return len(os.sched_getaffinity(0))


def peak(pid):
    """Largest resident memory of a process so far, MiB."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def interleaved(arguments, theirs, rounds):
    """`ganvas_bench ARGUMENTS`, a step for every line on its stdin, against theirs().

    Gives (median seconds of ours, of theirs, median of the ratios, peak memory of ours).
    """
    ours = subprocess.Popen(["build/ganvas_bench"] + arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run_ours():
        ours.stdin.write("\n")
        ours.stdin.flush()
        return float(ours.stdout.readline())

    def run_theirs():
        begin = time.perf_counter()
        theirs()
        return time.perf_counter() - begin

    for _ in range(2):  # warm-up
        run_ours(), run_theirs()
    pairs = [(run_ours(), run_theirs()) for _ in range(rounds)]
    memory = peak(ours.pid)
    ours.stdin.close()
    ours.wait()
    mine, rival = (statistics.median(column) for column in zip(*pairs))
    return mine, rival, statistics.median(b / a for a, b in pairs), memory


def quiet_training(batch):
    """Settings with which a run does nothing but its steps."""
    return [f"train.batch={batch}", "train.log_every=1000000", "train.validate_every=1000000", "data.hold_out=0",
            "train.steps=1000000", "train.checkpoint_every=1000000"]
