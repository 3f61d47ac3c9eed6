# SPDX-License-Identifier: MIT
"""What the parts of the bench have in common."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent


def say(text):
    print(text, file=sys.stderr, flush=True)


def output_of(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE,
                          text=True, **options).stdout.strip()


def percentile(values, percent):
    """By the nearest rank; of no values, None."""
    values = sorted(values)
    if not values:
        return None
    return values[max(0, math.ceil(len(values) * percent / 100) - 1)]


def spread(values):
    """The percentiles of milliseconds that tables and plots are made of."""
    shown = {f"p{percent}": percentile(values, percent)
             for percent in (5, 25, 50, 75, 95, 99)}
    shown["max"] = max(values, default=None)
    return {"n": len(values),
            **{name: value if value is None else round(value, 3)
               for name, value in shown.items()}}


def docker_client():
    """A client that can do BuildKit builds: some need a plugin for that."""
    for path in dict.fromkeys((shutil.which("docker"), "/usr/bin/docker")):
        if not path:
            continue
        version = output_of(path, "version", "--format",
                            "{{.Client.Version}}")
        if int(version.split(".")[0]) < 23 or subprocess.run(
                [path, "buildx", "version"], capture_output=True,
                check=False).returncode == 0:
            return path, version
    sys.exit("bench: no docker client that can build with BuildKit")


def machine(docker, client):
    cpu = re.search(r"^model name\s*: (.*)$",
                    Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)",
                       Path("/proc/meminfo").read_text(), re.MULTILINE)
    info = json.loads(output_of(docker, "info", "--format", "{{json .}}"))
    return {
        "cores": os.cpu_count(),
        "cpu": cpu.group(1) if cpu else "unknown",
        "memory_mib": int(memory.group(1)) // 1024,
        "kernel": os.uname().release,
        "system": info["OperatingSystem"],
        "engine": info["ServerVersion"],
        "storage_driver": info["Driver"],
        "docker_client": client,
        "podman": output_of("podman", "--version").split()[-1],
        "bubblewrap": output_of("bwrap", "--version").split()[-1],
        "tar": output_of("tar", "--version").splitlines()[0],
    }


class Target:
    """One figure that was promised, and whether it is reached."""

    def __init__(self, name, figure, promise, reached):
        self.name = name
        self.figure = figure
        self.promise = promise
        self.reached = bool(reached)

    def __str__(self):
        word = "ok    " if self.reached else "MISSED"
        return f"{word} {self.name}: {self.figure} ({self.promise})"

    def as_json(self):
        return {"reached": self.reached, "name": self.name,
                "figure": self.figure, "promise": self.promise}
