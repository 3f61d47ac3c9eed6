# SPDX-License-Identifier: MIT
"""A burst that empties the pool: everybody is answered, and it refills."""

import json
import subprocess
import time

from common import Target, say, spread
from rivals import PROGRAMS

REQUESTS = 64
KEPT = 8  # what the manifest asks for


def measure(bench, daemon):
    say(f"measuring: a burst of {REQUESTS}")
    program = PROGRAMS["static"]
    daemon.settle()
    began = time.monotonic()
    done = subprocess.run(
        [str(bench.build / "bench/load")], stdout=subprocess.PIPE, text=True,
        check=False, input=json.dumps({
            "mode": "open", "seconds": REQUESTS / 1000,
            "stderr": str(bench.scratch / "stderr"),
            "targets": [{
                "name": "burst", "socket": daemon.socket, "rate": 1000,
                "path": "/v1/skills/static/actions/early",
                "input": program["input"], "expect": program["output"],
            }]}))
    result = json.loads(done.stdout)[0]
    daemon.wait_until(lambda: daemon.waiting("static", "early") >= KEPT,
                      "refilled")
    return {**spread(result["ms"]), "starts": result["starts"],
            "failed": result["failed"],
            "first_failure": result["first_failure"],
            "refilled_seconds": round(time.monotonic() - began, 1)}


def show(result):
    print(f"\na burst of {REQUESTS}: {result['n']} answered, "
          f"{result['failed']} failed, p50 {result['p50']} ms, last after "
          f"{result['max']} ms; {KEPT} wait again after "
          f"{result['refilled_seconds']} s")


def targets(result):
    yield Target(f"a burst of {REQUESTS}",
                 f"{result['n']} answered, {result['failed']} failed, "
                 f"refilled in {result['refilled_seconds']} s",
                 "all answered, and it refills",
                 result["n"] == REQUESTS and not result["failed"])
