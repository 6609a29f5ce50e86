"""Timing of one case, as criterion does it: warm up, then ten samples, and their median."""

import argparse
import json
import statistics
import time

import torch

SAMPLES = 10


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--filter", default="", help="only cases whose name contains this")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    return args


def synchronize(device):
    if device != "cpu":
        torch.cuda.synchronize()


def measure(args, bench, case, work, seconds):
    """Prints one JSON line: the median time of `work()`, in milliseconds."""
    if args.filter not in f"{bench}/{case}":
        return
    runs, start = 0, time.perf_counter()
    while runs < 2 or time.perf_counter() - start < 0.5:
        work()
        synchronize(args.device)
        runs += 1
    per_run = (time.perf_counter() - start) / runs
    inner = max(1, round(seconds / SAMPLES / per_run))
    samples = []
    for _ in range(SAMPLES):
        start = time.perf_counter()
        for _ in range(inner):
            work()
            synchronize(args.device)
        samples.append((time.perf_counter() - start) / inner)
    line = {
        "peer": f"torch {torch.__version__}",
        "threads": args.threads,
        "device": args.device,
        "bench": bench,
        "case": case,
        "median_ms": round(statistics.median(samples) * 1e3, 6),
    }
    print(json.dumps(line), flush=True)
