# SPDX-License-Identifier: MIT
"""How long a request takes and how many there can be: skillbox beside
whatever else would run the same program, by bench/load."""

import json
import subprocess
import sys
import time

from common import Target, say, spread
from rivals import PROGRAMS, Podman

# numpy takes most of a second to be there again.
REQUESTS = {"static": 500, "python": 500, "numpy": 300}
CLIENTS = (1, 4, 16, 64)
CLOSED_SECONDS = 2
OPEN_SECONDS = 60
REFILLED = 16  # sandboxes, to tell how fast they come

# paced: whoever takes long is asked in one round of so many.
EVERY = {
    "static": {"skillbox cold": 10, "docker run": 10, "podman run": 10},
    "python": {"skillbox cold": 10, "docker run": 10, "podman run": 10,
               "docker exec": 2},
    "numpy": {"skillbox cold": 10, "docker run": 10, "podman run": 10,
              "docker exec": 5, "bubblewrap": 5, "bare host": 5},
}

# open: requests a second that each can answer, and who goes together, so that
# together they leave the machine some rest.  Warm has half of its refill rate.
WINDOWS = {
    "static": [{"skillbox warm": None, "skillbox reset": 100,
                "bubblewrap": 10, "bare host": 10},
               {"docker exec": 2, "skillbox cold": 1},
               {"docker run": 1, "podman run": 1}],
    "python": [{"skillbox warm": None, "skillbox reset": 5,
                "bubblewrap": 5, "bare host": 5}],
    "numpy": [{"skillbox warm": None, "skillbox reset": 1,
               "bubblewrap": 1, "bare host": 1}],
}

# closed: a container for each request takes what it takes, whatever is in it.
ONLY_STATIC = ("skillbox cold", "docker run", "podman run")


class Latency:
    """Measures one program among all contestants."""

    def __init__(self, bench, daemon, rivals, name):
        self.bench = bench
        self.daemon = daemon
        self.name = name
        self.rivals = rivals.of(name)
        self.refill = None

    def load(self, mode, rivals, **plan):
        """Results by contestant; every answer was right, or this ends."""
        stderr = self.bench.scratch / "stderr"
        plan = {"mode": mode, "stderr": str(stderr), "targets": rivals,
                **plan}
        self.settle()
        # Only Podman has to be where the others need not.
        done = subprocess.run(
            [*Podman.inside, str(self.bench.build / "bench/load")],
            input=json.dumps(plan), stdout=subprocess.PIPE, text=True,
            check=False)
        results = json.loads(done.stdout or "[]")
        for result in results:
            if result["failed"]:
                self.bench.failures.append(
                    f"{self.name}, {result['name']}, {mode}: "
                    f"{result['failed']} failed, the first: "
                    f"{result['first_failure']}\n"
                    f"{stderr.read_text()[-500:]}")
                say(self.bench.failures[-1])
        if not results:
            sys.exit("bench: load failed")
        return {result["name"]: result for result in results}

    def settle(self):
        """The pool has what it wants: nothing is started meanwhile."""
        self.daemon.settle()

    def measure_refill(self):
        """Sandboxes a second that the pool gets, after it was emptied."""
        if self.refill is None:
            self.daemon.fill(self.name, "early", REFILLED)
            self.settle()
            warm = {**self.rivals["skillbox warm"], "rate": 1000}
            before = self.daemon.started(self.name, "early")
            began = time.monotonic()
            self.load("open", [warm], seconds=REFILLED / 1000)
            self.settle()
            self.refill = ((self.daemon.started(self.name, "early") - before)
                           / (time.monotonic() - began))
        return self.refill

    def paced(self):
        rate = self.measure_refill() / 2
        requests = REQUESTS[self.name]
        say(f"measuring: {self.name}, {requests} requests, "
            f"at most {rate:.1f} a second")
        results = self.load(
            "paced", [{**rival, "every": EVERY[self.name].get(name, 1)}
                      for name, rival in self.rivals.items()],
            rate=rate, requests=requests, warm_ups=2)
        return {name: {**spread(result["ms"]), "starts": result["starts"]}
                for name, result in results.items()}

    def closed(self):
        throughput = {}
        for name, rival in self.rivals.items():
            if self.name != "static" and name in ONLY_STATIC:
                continue
            throughput[name] = {}
            for clients in CLIENTS:
                say(f"measuring: {self.name}, {name}, {clients} clients")
                result = self.load("closed", [rival], clients=clients,
                                   seconds=CLOSED_SECONDS)[name]
                throughput[name][str(clients)] = {
                    "per_second": round(len(result["ms"])
                                        / result["seconds"], 1),
                    "starts": result["starts"], **spread(result["ms"])}
        return throughput

    def open(self):
        found = {}
        for window in WINDOWS[self.name]:
            rates = {name: rate or round(self.measure_refill() / 2, 1)
                     for name, rate in window.items()}
            say(f"measuring: {self.name}, {OPEN_SECONDS} s of "
                + ", ".join(f"{name} {rate}/s"
                            for name, rate in rates.items()))
            results = self.load(
                "open", [{**self.rivals[name], "rate": rate}
                         for name, rate in rates.items()],
                seconds=OPEN_SECONDS)
            for name, result in results.items():
                found[name] = {"rate": rates[name], **spread(result["ms"]),
                               "starts": result["starts"]}
        return found


def measure(bench, daemon, rivals, modes):
    results = {mode: {} for mode in modes}
    for name in PROGRAMS:
        latency = Latency(bench, daemon, rivals, name)
        for mode in modes:
            results[mode][name] = getattr(latency, mode)()
    return results


# --- tables -------------------------------------------------------------------

def show_latencies(title, rows_of):
    for program, rows in rows_of.items():
        print(f"\n{title + ', ' + program:<42}{'n':>6}{'p50':>10}{'p95':>10}"
              f"{'p99':>10}{'/ bare':>8}")
        bare = rows["bare host"]["p50"]
        for name, row in rows.items():
            label = name + (f", {row['rate']}/s" if "rate" in row else "")
            print(f"  {label:<40}{row['n']:>6}{row['p50']:>10.2f}"
                  f"{row['p95']:>10.2f}{row['p99']:>10.2f}"
                  f"{row['p50'] / bare:>8.2f}")


def show_throughput(programs):
    for program, rows in programs.items():
        heads = "".join(f"{clients:>10}" for clients in CLIENTS)
        print(f"\n{'requests a second, ' + program + ', clients:':<42}{heads}")
        for name, row in rows.items():
            print(f"  {name:<40}" + "".join(
                f"{row[str(clients)]['per_second']:>10.1f}"
                for clients in CLIENTS))


def show(results):
    if "paced" in results:
        show_latencies("ms, one at a time", results["paced"])
    if "closed" in results:
        show_throughput(results["closed"])
    if "open" in results:
        show_latencies("ms, at a steady rate", results["open"])


# --- targets ------------------------------------------------------------------

def ratio(name, ours, theirs, most):
    figure = ours / theirs
    return Target(name, f"{figure:.3f} x", f"<= {most} x", figure <= most)


def times(name, theirs, ours, least):
    figure = theirs / ours
    return Target(name, f"{figure:.0f} x", f">= {least} x", figure >= least)


def paced_targets(paced):
    static = paced["static"]
    warm = static["skillbox warm"]
    wrapped = static["bubblewrap"]["p50"]
    yield Target("warm static program, p50",
                 f"{warm['p50']} ms, {warm['p50'] / wrapped:.2f} x "
                 "bubblewrap", "<= 1.0 ms or <= 0.25 x bubblewrap",
                 warm["p50"] <= 1.0 or warm["p50"] <= 0.25 * wrapped)
    yield Target("warm static program, p99", f"{warm['p99']} ms",
                 "<= 10 ms", warm["p99"] <= 10)
    yield times("warm static program, faster than docker run",
                static["docker run"]["p50"], warm["p50"], 150)
    yield times("warm static program, faster than docker exec",
                static["docker exec"]["p50"], warm["p50"], 30)
    for program, most in (("python", 0.5), ("numpy", 0.1)):
        rows = paced[program]
        yield ratio(f"warm {program}, against the bare host",
                    rows["skillbox warm"]["p50"], rows["bare host"]["p50"],
                    most)


def best(row):
    return max(cell["per_second"] for cell in row.values())


def closed_targets(closed):
    reset = best(closed["static"]["skillbox reset"])
    yield Target("reset, actions a second", f"{reset:.0f}", ">= 1500",
                 reset >= 1500)
    yield times("reset, against docker exec at its best", reset,
                best(closed["static"]["docker exec"]), 30)


def targets(results):
    if "paced" in results:
        yield from paced_targets(results["paced"])
    if "closed" in results:
        yield from closed_targets(results["closed"])
