# SPDX-License-Identifier: MIT
"""The Model Context Protocol over standard streams: from the start of the
process to the list of a thousand skills, and what a warm call takes beside the
same call by the daemon's own API."""

import json
import socket
import subprocess
import time

from common import Target, say, spread
from daemon import Daemon

SKILLS = 1000
LISTS = 15
CALLS = 100
WARM_UP = 20
PACE_S = 0.05
INPUT = {"text": "a b"}

MANIFEST = """\
schema_version: 1
name: {name}
version: 0.1.0
description: Number {i} of a thousand skills.
actions:
  search:
    description: Looks for what the query names.
    command: [sh, /app/search.sh]
    timeout: 5s
    input_schema:
      type: object
      properties:
        query: {{type: string, description: What for., minLength: 1}}
        limit: {{type: integer, minimum: 1, maximum: 100, default: 10}}
      required: [query]
    output_schema:
      type: object
      properties:
        hits: {{type: array, items: {{type: string}}}}
      required: [hits]
"""


def make_skills(directory):
    for i in range(SKILLS):
        name = f"skill-{i:04}"
        skill = directory / name
        skill.mkdir(parents=True)
        (skill / "Dockerfile").write_text("FROM skillbox/busybox\n")
        (skill / "skill.yaml").write_text(MANIFEST.format(name=name, i=i))


class Stdio:
    """A client of skillbox mcp while the with statement runs."""

    def __init__(self, command):
        self.command = command
        self.process = None
        self.number = 0

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        self.ask("initialize", {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"}})
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def ask(self, method, params):
        self.number += 1
        self.process.stdin.write(json.dumps(
            {"jsonrpc": "2.0", "id": self.number, "method": method,
             "params": params}).encode() + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def call(self):
        line = self.ask("tools/call",
                        {"name": "static_reset", "arguments": INPUT})
        return b'"isError": true' not in line and b'"error"' not in line


class Api:
    """The same call as a request for the daemon, no library between."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        body = json.dumps(INPUT).encode()
        self.request = (b"POST /v1/skills/static/actions/reset HTTP/1.1\r\n"
                        b"Host: localhost\r\nContent-Length: %d\r\n\r\n"
                        % len(body)) + body

    def call(self):
        self.socket.sendall(self.request)
        got = b""
        while b"\r\n\r\n" not in got:
            got += self.socket.recv(65536)
        head, _, body = got.partition(b"\r\n\r\n")
        lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n")
                   if line.lower().startswith(b"content-length:")]
        while len(body) < lengths[0]:
            body += self.socket.recv(65536)
        return b'"outcome": "ok"' in body


def time_list(bench, skills):
    """Milliseconds from the start of the process to the last byte."""
    command = [str(bench.program), "--skills", str(skills), *bench.skillbox[3:],
               "mcp", "--no-daemon"]
    times = []
    for _ in range(LISTS):
        began = time.perf_counter()
        with Stdio(command) as client:
            line = client.ask("tools/list", {})
            times.append((time.perf_counter() - began) * 1e3)
        if line.count(b'"inputSchema"') != SKILLS:
            bench.failures.append("mcp: the list is not whole")
        time.sleep(0.3)  # for what it had begun to end
    return spread(times)


def time_calls(bench, contestants):
    """In turns, so that all have the same of what else goes on."""
    times = {name: [] for name in contestants}
    for i in range(WARM_UP + CALLS):
        for name, contestant in contestants.items():
            began = time.perf_counter()
            is_ok = contestant.call()
            took = (time.perf_counter() - began) * 1e3
            if not is_ok:
                bench.failures.append(f"mcp: a call by {name}")
            if i >= WARM_UP:
                times[name].append(took)
            time.sleep(PACE_S)
    return {name: spread(all_) for name, all_ in times.items()}


def measure(bench):
    say(f"measuring: a list of {SKILLS} skills, and calls of tools")
    make_skills(bench.scratch / "thousand")
    bench.build_skill("static")
    results = {"list": time_list(bench, bench.scratch / "thousand")}
    with Daemon(bench.program, bench.scratch, bench.skills) as daemon, \
            Stdio([*bench.skillbox, "mcp", "--socket", daemon.socket]) \
            as bridged, \
            Stdio([*bench.skillbox, "mcp", "--no-daemon"]) as own:
        daemon.settle()
        results["calls"] = time_calls(bench, {
            "API": Api(daemon.socket), "MCP by the daemon": bridged,
            "MCP in its process": own})
    return results


def show(result):
    print(f"\nskillbox mcp: {SKILLS} skills listed {result['list']['p50']} ms "
          f"after its start (p95 {result['list']['p95']} ms)")
    print(f"  {'a warm call, ms':<24}{'p50':>8}{'p95':>8}{'p99':>8}")
    for name, row in result["calls"].items():
        print(f"  {name:<24}{row['p50']:>8}{row['p95']:>8}{row['p99']:>8}")


def targets(result):
    calls = result["calls"]
    yield Target(f"MCP, {SKILLS} skills listed after the start",
                 f"{result['list']['p50']} ms", "<= 100 ms",
                 result["list"]["p50"] <= 100)
    for name, row in calls.items():
        if name != "API":
            more = row["p50"] - calls["API"]["p50"]
            yield Target(f"{name}, a warm call, more than the API at p50",
                         f"{more:.2f} ms", "<= 1 ms", more <= 1)
