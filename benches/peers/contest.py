"""One side of a comparison: cases by name, each measured when it is asked for, so that the sides can
take turns. `src/contest.rs` is the same for ours."""

import argparse
import json
import math
import pathlib
import sys
import time


def arguments(description, runtimes):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--exchange", type=pathlib.Path, required=True, help="what our side wrote")
    parser.add_argument("--runtime", choices=runtimes, default=runtimes[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="of a measurement")
    parser.add_argument("--serve", action="store_true", help="measure what stdin names")
    return parser.parse_args()


class Contest:
    def __init__(self, side):
        self.side, self.cases, self.parity = side, {}, {}

    def case(self, name, run):
        self.cases[name] = run

    def differs(self, what, by):
        """Notes a difference from our result; the largest of each kind is reported."""
        by = float(by)
        by = math.inf if math.isnan(by) else by  # A NaN is the worst of all.
        self.parity[what] = max(self.parity.get(what, 0.0), by)

    def run(self, args):
        emit({"side": self.side, "cases": sorted(self.cases), "parity": self.parity})
        names = (line.strip() for line in sys.stdin) if args.serve else sorted(self.cases)
        for name in names:
            emit({"case": name, "ms": measure(self.cases[name], args.seconds)})


def measure(run, seconds):
    run()  # Not counted: the first finds cold caches.
    times, start = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - start < seconds:
        one = time.perf_counter()
        run()
        times.append((time.perf_counter() - one) * 1e3)
    return times


def emit(line):
    print(json.dumps(line), flush=True)
