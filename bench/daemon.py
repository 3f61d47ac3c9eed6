# SPDX-License-Identifier: MIT
"""skillbox serve, as the bench and the soak start it and look at it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from common import TOP

PATIENCE = 120  # seconds for anything that the daemon does by itself


class UnixConnection(http.client.HTTPConnection):
    """http.client on a Unix socket."""

    def __init__(self, path, timeout=PATIENCE):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon:
    """Runs while the with statement does."""

    def __init__(self, program, scratch, skills, policy=TOP / "bench/policy.yaml"):
        self.socket = str(scratch / "serve.sock")
        self.log = scratch / "serve.log"
        self.command = [str(program), "--skills", str(skills), "--policy",
                        str(policy), "serve", "--socket", self.socket]
        self.process = None

    def __enter__(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stderr=log,
                                            stdout=log,
                                            stdin=subprocess.DEVNULL)
        self.wait_until(self.is_ready, "ready")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def is_ready(self):
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def wait_until(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"bench: the daemon is not {what}: "
                                 + self.log.read_text()[-2000:])
            time.sleep(0.02)

    def ask(self, method, path, body=None, headers=None):
        """Status and body, as JSON where it is."""
        connection = UnixConnection(self.socket)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        try:
            return answer.status, json.loads(data)
        except ValueError:
            return answer.status, data

    # --- the pool -----------------------------------------------------------

    def pools(self):
        return self.ask("GET", "/v1/pool")[1]["pools"]

    def waiting(self, skill, action):
        """How many sandboxes wait for a request of this action."""
        return sum(pool["waiting"] for pool in self.pools()
                   if (pool["skill"], pool["action"]) == (skill, action))

    def started(self, skill, action):
        """How many have been started so far."""
        return sum(pool["started"] for pool in self.pools()
                   if (pool["skill"], pool["action"]) == (skill, action))

    def settle(self):
        """Until it has all it wants, and nothing more to start or to end."""
        self.wait_until(
            lambda: all(pool["waiting"] >= pool["target"]
                        and not pool["starting"] and not pool["busy"]
                        for pool in self.pools()), "at rest")

    def fill(self, skill, action, number):
        self.ask("POST", "/v1/pool", json.dumps(
            {"skill": skill, "action": action, "warm": number}))
        self.wait_until(lambda: self.waiting(skill, action) >= number,
                        f"holding {number} of {skill} {action}")

    # --- what it takes ------------------------------------------------------

    def process_file(self, name):
        return Path(f"/proc/{self.process.pid}/{name}").read_text()

    def rss_kib(self):
        return field_kib(self.process_file("smaps_rollup"), "Rss")

    def pss_kib(self):
        return field_kib(self.process_file("smaps_rollup"), "Pss")

    def cpu_seconds(self):
        """Its own, and what children it has waited for took."""
        fields = self.process_file("stat").rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def field_kib(text, name):
    for line in text.splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise KeyError(name)
