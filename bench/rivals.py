# SPDX-License-Identifier: MIT
"""Who is measured: each program as an action of skillbox, and in whatever
else would run it."""

import subprocess
from pathlib import Path

from common import TOP, output_of, say

# Of each program: its input, its output, and where it is on this host.
PROGRAMS = {
    "static": {"input": '{"text": "a b"}', "output": {"text": "a b"},
               "inside": ["/program"]},
    "python": {"input": '{"text": "a b"}', "output": {"words": 2},
               "inside": ["python3", "/app/words.py"]},
    "numpy": {"input": '{"numbers": [1, 2, 6]}', "output": {"mean": 3.0},
              "inside": ["python3", "/app/mean.py"]},
}
MEMORY = {"static": "64m", "python": "128m", "numpy": "256m"}
WITH_CONTAINERS = ("skillbox cold", "docker run", "podman run")


def skills_with_program(build):
    """The bench's skills, the static program among their sources."""
    return f"{build / 'bench/skills'}:{TOP / 'skills'}"


def on_host(name, build):
    skill = build / "bench/skills" / name
    if name == "static":
        return [str(skill / "program")]
    # Debian's own, as in the image: others may lack its modules.
    return ["/usr/bin/python3", str(next(skill.glob("*.py")))]


def limits(memory):
    """What skillbox asks of the engine, in the words of docker run."""
    tmpfs = "rw,nosuid,nodev,noexec,mode=0700,nr_inodes=4096"
    return [
        "--user", "200000:200000", "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges", "--read-only",
        "--network", "none", "--ipc", "none", "--cgroupns", "private",
        "--pids-limit", "64", "--memory", memory, "--memory-swap", memory,
        "--memory-swappiness", "0", "--cpus", "1", "--ulimit", "nofile=1024",
        "--ulimit", "core=1", "--log-driver", "none", "--no-healthcheck",
        "--tmpfs", f"/tmp:{tmpfs},size=64m",
        "--tmpfs", f"/dev/shm:{tmpfs},size=64m",
        "--hostname", "skillbox",
    ]


class Podman:
    """Its own store, which goes with the scratch directory."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.podman = [
            "podman", "--root", str(scratch / "podman"), "--runroot",
            str(scratch / "podman-run"), "--tmpdir",
            str(scratch / "podman-tmp"), "--storage-driver", "overlay",
            "--cgroup-manager", "cgroupfs", "--events-backend", "file",
            "--runtime", "crun",
        ]

    # crun 1.8 refuses cgroup v1 with v2 beside it.
    inside = ["unshare", "-m", "--propagation", "private", "sh", "-c",
              'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"', "sh"]

    def load(self, docker, image):
        archive = self.scratch / "image.tar"
        output_of(docker, "save", "-o", str(archive), image)
        output_of(*self.inside, *self.podman, "load", "-q", "-i",
                  str(archive))
        archive.unlink()

    def run(self, memory, image, command):
        """Without what Podman 4.3 on cgroup v1 cannot give."""
        return [
            *self.podman, "run", "--rm", "-i", "--user", "200000:200000",
            "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
            "--read-only", "--network", "none", "--pids-limit", "64",
            "--memory", memory, "--ulimit", "nofile=1024:1024", "--ulimit",
            "nproc=4096:4096", "--log-driver", "none", "--tmpfs",
            "/tmp:size=64m", f"localhost/{image}", *command,
        ]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Its layers are mounted, and only it knows where.
        subprocess.run([*self.inside, *self.podman, "system", "reset", "-f"],
                       check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)


def bubblewrap(command):
    # Where the program is may be below /tmp.
    here = str(Path(command[-1]).parent)
    return ["bwrap", "--unshare-all", "--die-with-parent", "--new-session",
            "--cap-drop", "ALL", "--ro-bind", "/", "/", "--dev", "/dev",
            "--proc", "/proc", "--tmpfs", "/tmp", "--ro-bind", here, here,
            *command]


class Rivals:
    """All contestants, ready to be measured, while the with statement runs."""

    def __init__(self, bench, daemon, podman):
        self.bench = bench
        self.daemon = daemon
        self.podman = podman
        self.images = {}
        self.waiting = {}

    def __enter__(self):
        bench = self.bench
        for name, program in PROGRAMS.items():
            say(f"preparing {name}")
            image = bench.build_skill(name)
            self.images[name] = image
            self.podman.load(bench.docker, image)
            pause = (["/program", "pause"] if name == "static" else
                     ["python3", "-c", "import signal; signal.pause()"])
            self.waiting[name] = output_of(
                bench.docker, "run", "-d", *limits(MEMORY[name]), image,
                *pause)
        return self

    def __exit__(self, *_):
        output_of(self.bench.docker, "rm", "-f", *self.waiting.values())

    def of(self, name):
        """The contestants for a program, as targets of bench/load."""
        program = PROGRAMS[name]
        inside = program["inside"]
        image = self.images[name]
        docker = self.bench.docker
        commands = {
            "docker run": [docker, "run", "--rm", "-i",
                           *limits(MEMORY[name]), image, *inside],
            "docker exec": [docker, "exec", "-i", self.waiting[name],
                            *inside],
            "podman run": self.podman.run(MEMORY[name], image, inside),
            "bubblewrap": bubblewrap(on_host(name, self.bench.build)),
            "bare host": on_host(name, self.bench.build),
        }
        asked = {"input": program["input"], "expect": program["output"]}
        return {
            **{f"skillbox {how}": {
                "name": f"skillbox {how}", "socket": self.daemon.socket,
                "path": f"/v1/skills/{name}/actions/{action}", **asked}
               for how, action in (("warm", "early"), ("reset", "reset"),
                                   ("cold", "cold"))},
            **{rival: {"name": rival, "command": command, **asked}
               for rival, command in commands.items()},
        }
