# SPDX-License-Identifier: MIT
"""1 GiB of an action's output, as it comes: a warm action beside docker run,
both into a pipe."""

import statistics
import subprocess
import sys
import time

from common import Target, say
from daemon import field_kib
from rivals import MEMORY, limits

ROUNDS = 3
SIZE = 1 << 30
# Half of it in memory anywhere would show.
GROWTH_MIB = 16


def seconds_of(command):
    """Of a pipe whose other end counts; all bytes have to come."""
    began = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE) as source, \
            subprocess.Popen(["wc", "-c"], stdin=source.stdout,
                             stdout=subprocess.PIPE) as sink:
        source.stdout.close()
        came = int(sink.stdout.read())
    if came != SIZE or source.returncode:
        sys.exit(f"bench: {command[0]}: {came} bytes of {SIZE}, "
                 f"exit status {source.returncode}")
    return time.monotonic() - began


def measure(bench, daemon):
    say("measuring: 1 GiB of output")
    image = bench.build_skill("static")
    warm = [str(bench.build / "bench/fetch"), daemon.socket,
            "/v1/skills/static/actions/flood"]
    docker = [bench.docker, "run", "--rm", *limits(MEMORY["static"]), image,
              "/program", "flood", str(SIZE)]
    daemon.settle()
    before = field_kib(daemon.process_file("status"), "VmHWM")
    times = {"warm": [], "docker": []}
    for _ in range(ROUNDS):
        for name, command in (("warm", warm), ("docker", docker)):
            daemon.settle()
            times[name].append(seconds_of(command))
    growth = field_kib(daemon.process_file("status"), "VmHWM") - before
    return {
        **{f"{name}_mib_s": round(SIZE / statistics.median(all_) / (1 << 20))
           for name, all_ in times.items()},
        "seconds": times,
        "growth_mib": round(growth / 1024, 1),
    }


def show(result):
    print(f"\n1 GiB of output: {result['warm_mib_s']} MiB/s, docker run "
          f"{result['docker_mib_s']} MiB/s; the daemon grew by "
          f"{result['growth_mib']} MiB")


def targets(result):
    ratio = result["warm_mib_s"] / result["docker_mib_s"]
    yield Target("1 GiB of output, against docker run | cat",
                 f"{ratio:.1f} x", ">= 4 x", ratio >= 4)
    yield Target("1 GiB of output, growth of the daemon",
                 f"{result['growth_mib']} MiB", f"<= {GROWTH_MIB} MiB",
                 result["growth_mib"] <= GROWTH_MIB)
