# SPDX-License-Identifier: MIT
"""What waiting sandboxes cost: memory of the daemon and of the engine, and
processor time while nothing happens."""

import time
from pathlib import Path

from common import Target, say
from daemon import Daemon, field_kib

NUMBER = 200
IDLE_SECONDS = 30
ENGINE = ("dockerd", "containerd", "containerd-shim", "docker-containerd")


def engine_pss_kib():
    """Of all processes that an engine is made of.  Other engines on this
    machine count, too: it is the growth that is shown."""
    total = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "comm").read_text().strip() in ENGINE or \
                    (entry / "comm").read_text().startswith("containerd-shim"):
                total += field_kib((entry / "smaps_rollup").read_text(),
                                   "Pss")
        except (OSError, KeyError):
            pass  # it has ended meanwhile
    return total


def measure(bench):
    say(f"measuring: {NUMBER} waiting sandboxes")
    bench.build_skill("static")
    with Daemon(bench.program, bench.scratch, bench.skills) as daemon:
        daemon.settle()
        before = {"rss": daemon.rss_kib(), "pss": daemon.pss_kib(),
                  "engine": engine_pss_kib(),
                  "descriptors": daemon.descriptors()}
        began = time.monotonic()
        daemon.fill("static", "waiting", NUMBER)
        filled = time.monotonic() - began
        daemon.settle()
        cpu = daemon.cpu_seconds()
        time.sleep(IDLE_SECONDS)
        cpu = (daemon.cpu_seconds() - cpu) / IDLE_SECONDS
        return {
            "waiting": NUMBER,
            "start_per_second": round(NUMBER / filled, 1),
            "daemon_rss_mib": round(daemon.rss_kib() / 1024, 1),
            "daemon_pss_mib": round(daemon.pss_kib() / 1024, 1),
            "daemon_kib_each": round(
                (daemon.rss_kib() - before["rss"]) / NUMBER, 1),
            "engine_mib_each": round(
                (engine_pss_kib() - before["engine"]) / 1024 / NUMBER, 1),
            "descriptors_each": round(
                (daemon.descriptors() - before["descriptors"]) / NUMBER, 2),
            "threads": daemon.threads(),
            "idle_cpu_percent": round(cpu * 100, 2),
        }


def show(result):
    print(f"\n{result['waiting']} waiting sandboxes "
          f"(started at {result['start_per_second']} a second)")
    for name in ("daemon_rss_mib", "daemon_pss_mib", "daemon_kib_each",
                 "engine_mib_each", "descriptors_each", "threads",
                 "idle_cpu_percent"):
        print(f"  {name.replace('_', ' '):<40}{result[name]:>10}")


def targets(result):
    yield Target(f"{NUMBER} waiting, RSS of the daemon",
                 f"{result['daemon_rss_mib']} MiB", "< 32 MiB",
                 result["daemon_rss_mib"] < 32)
    yield Target(f"{NUMBER} waiting, idle CPU of the daemon",
                 f"{result['idle_cpu_percent']} %", "< 1 %",
                 result["idle_cpu_percent"] < 1)
