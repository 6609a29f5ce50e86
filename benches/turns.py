"""Sides that take turns: our bench and its peers, all running, one measured at a time."""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CONTESTS = {"student_esci": ["torch", "onnxruntime", "candle"], "rerank": ["torch"]}
# Differences of f32 sums in another order; a wrong mask or head is far above.
PARITY = 1e-3


class Side:
    """A process that measures a case when it reads the case's name."""

    def __init__(self, command, environment):
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.command = command
        self.process = subprocess.Popen(command, cwd=HERE, env=environment, **pipes)
        hello = self.read()
        self.name, self.cases = hello["side"], hello["cases"]
        self.difference = max(hello["parity"].values(), default=0.0)
        print(f"{self.name}: differs from ours by {hello['parity']}", file=sys.stderr)
        if not self.difference <= PARITY:
            sys.exit(f"{self.name} does not compute what we compute")

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.command} ended with status {self.process.wait()}")
        return json.loads(line)

    def measure(self, case):
        """The median time of a run, in milliseconds."""
        print(case, file=self.process.stdin, flush=True)
        median = statistics.median(self.read()["ms"])
        print(f"{case}: {self.name}: {median:.1f} ms", file=sys.stderr)
        return median

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def peer_command(bench, peer, exchange, python, threads):
    if peer == "candle":
        manifest = str(HERE / "peers" / "candle" / "Cargo.toml")
        return ["cargo", "run", "--release", "--locked", "--manifest-path", manifest, "--", exchange]
    command = [python, str(HERE / "peers" / f"{bench}.py"), "--exchange", exchange]
    return command + ["--threads", str(threads), "--runtime", peer]


def run_contest(bench, ours, peer, peers, rounds, wanted):
    """A Markdown table: a row a case, two columns a peer."""
    with tempfile.TemporaryDirectory() as exchange:
        sides = [ours(exchange)]
        sides += [peer(name, exchange) for name in peers]
        written = json.loads(pathlib.Path(exchange, f"{bench}.json").read_text())
        pairs = {case: content["pairs"] for case, content in written.items()}
        cases = [case for case in pairs if wanted in f"{bench}/{case}"]
        times = take_turns(sides, cases, rounds)
        for side in sides:
            side.close()
    return table(bench, sides, pairs, times)


def take_turns(sides, cases, rounds):
    """Milliseconds of each round by case and side's name."""
    times = {case: {side.name: [] for side in sides} for case in cases}
    for turn in range(rounds):
        for case in cases:
            first = turn % len(sides)  # Another side begins each round.
            for side in sides[first:] + sides[:first]:
                times[case][side.name].append(side.measure(case))
    return times


def table(bench, sides, pairs, times):
    ours, *peers = sides
    heads = ["case", "pairs", "ours, ms", "pairs/s"]
    for peer in peers:
        heads += [f"{peer.name}, ms", "its time / ours"]
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1)]
    for case, by_side in times.items():
        mine = by_side[ours.name]
        median = statistics.median(mine)
        cells = [f"{bench}/{case}", str(pairs[case]), f"{median:.1f}"]
        cells.append(f"{1e3 * pairs[case] / median:.0f}")
        for peer in peers:
            theirs = by_side[peer.name]
            ratio = statistics.median(their / own for their, own in zip(theirs, mine))
            cells += [f"{statistics.median(theirs):.1f}", f"{ratio:.2f}"]
        lines.append(cells)
    rows = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
    parity = ", ".join(f"{peer.name} {peer.difference:.1e}" for peer in peers)
    return f"{rows}\n\nLargest difference of an output from ours: {parity}."
