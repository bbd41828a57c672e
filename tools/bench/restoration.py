#!/usr/bin/python3
"""Networks for restoration in the compiled engine against the same networks in PyTorch (eager, fp32, all threads),
interleaved in one run, as a table. Everything runs twice in its turn and the second time counts. Before, both must
give the same picture.

Needs Debian's python3-torch. Usage: tools/bench/restoration.py [ROUNDS] [NAME...]
Weights are random; they don't matter for speed.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

import torch

import restoration_rivals as rivals
from interleaved import all_threads, cpu_name, interleaved

NETWORKS = {"span": (rivals.Span, 256), "realplksr": (rivals.RealPlksr, 128), "swinir": (rivals.SwinIr, 128),
            "omnisr": (rivals.OmniSr, 128), "dat": (rivals.Dat, 128)}


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def compare(net, model, folder):
    """Ends the run where ganvas's network gives another picture."""
    picture = torch.rand(1, 3, 64, 96)
    write_safetensors(os.path.join(folder, "io.safetensors"), {"input": picture, "output": net(picture)})
    subprocess.run(["build/ganvas", "model", "check", model, os.path.join(folder, "io.safetensors")], check=True,
                   stdout=subprocess.DEVNULL)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    threads = all_threads()
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    print(f"{cpu_name()}, {threads} threads, {rounds} rounds; PyTorch {torch.__version__} eager, fp32\n")
    print("| network | precision | ganvas | PyTorch | median ratio |")
    print("|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        for name in sys.argv[2:] or NETWORKS:
            make, size = NETWORKS[name]
            net = rivals.restless(make().eval())
            model = os.path.join(folder, name + ".pth")
            torch.save(net.state_dict(), model)
            compare(net, model, folder)
            x = torch.rand(1, 3, size, size)
            for precision in ("bf16", "fp32"):
                found = interleaved(["engine", model, str(size), precision], lambda: net(x), rounds, warm=True)
                title = make.__doc__.split("(")[0].split(":")[0].strip(" .")
                print(f"| {title}, {size}x{size} | {precision} | {found.mine:.3f} s | {found.rival:.3f} s | "
                      f"{found.ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
