# SPDX-License-Identifier: MIT
"""What a run in a session costs: a program, and code, in a sandbox that is
there already, beside docker exec and the bare host."""

import json
import subprocess
import sys
from contextlib import ExitStack

from common import Target, output_of, say, spread
from daemon import Daemon
from rivals import limits

NAME = "bench"
SKILL, ACTION = "code", "python"
WARM = 4
RATE = 10  # rounds a second; each contestant is asked once in each
REQUESTS = 300
WARM_UPS = 20

CODE = ("import json, collections\n"
        "print(json.dumps(collections.Counter('a b a'.split())))")
PRINTED = {"a": 2, "b": 1}
TRUE = ["/bin/true"]
PYTHON = ["/usr/bin/python3", "-c", CODE]
NOTHING = ""


class Session:
    """Ready, and a container for docker exec, while the with statement
    runs."""

    def __init__(self, bench):
        self.bench = bench
        self.command = [*bench.skillbox, "session"]
        self.container = None

    def __enter__(self):
        self.stop()
        output_of(*self.command, "create", NAME, "--skill", SKILL, "--action",
                  ACTION, "--ttl", "1h")
        image = json.loads(output_of(*self.command, "status", NAME,
                                     "--format", "json"))["image"]
        self.container = output_of(
            self.bench.docker, "run", "-d", *limits("512m"), image,
            "sleep", "1d")
        return self

    def __exit__(self, *_):
        self.stop()
        if self.container:
            output_of(self.bench.docker, "rm", "-f", self.container)

    def stop(self):
        """Also what an earlier bench has left, if it has."""
        subprocess.run([*self.command, "stop", NAME], check=False,
                       stderr=subprocess.DEVNULL)

    def by_command_line(self, command, expect):
        return {"command": [*self.command, "run", NAME, "--format", "text",
                            "--", *command],
                "input": "", "expect": expect}

    def by_docker(self, command, expect):
        return {"command": [self.bench.docker, "exec", self.container,
                            *command],
                "input": "", "expect": expect}


def on_host(command, expect):
    return {"command": command, "input": "", "expect": expect}


def has_sessions(daemon):
    return daemon.ask("GET", "/v1/sessions")[0] == 200


def by_daemon(daemon, path, request, expect):
    return {"socket": daemon.socket, "path": path,
            "input": json.dumps(request), "expect": expect}


def in_session(daemon, request, expect):
    return by_daemon(daemon, f"/v1/sessions/{NAME}/runs", request, expect)


def contestants(session, daemon):
    """Of each program; the output of a command is text in a record."""
    printed = json.dumps(PRINTED) + "\n"
    code = {"code": CODE}
    result = {"stdout": printed, "exit_code": 0}
    programs = {
        "true": {
            "session, command line": session.by_command_line(TRUE, NOTHING),
            "docker exec": session.by_docker(TRUE, NOTHING),
            "bare host": on_host(TRUE, NOTHING),
        },
        "python": {
            "session, command line": session.by_command_line(PYTHON, PRINTED),
            "code, warm, daemon": by_daemon(
                daemon, f"/v1/skills/{SKILL}/actions/{ACTION}", code, result),
            "docker exec": session.by_docker(PYTHON, PRINTED),
            "bare host": on_host(PYTHON, PRINTED),
        },
    }
    if has_sessions(daemon):
        programs["true"]["session, daemon"] = in_session(
            daemon, {"command": TRUE}, NOTHING)
        programs["python"]["session, daemon"] = in_session(
            daemon, {"command": PYTHON}, printed)
        programs["python"]["code, session, daemon"] = in_session(
            daemon, {"action": ACTION, "input": code}, result)
    else:
        say("not measured: sessions by the daemon, which does not know them")
    return programs


def load(bench, program, rivals):
    say(f"measuring: {program}, {REQUESTS} runs each in a session and beside")
    stderr = bench.scratch / "stderr"
    plan = {"mode": "paced", "stderr": str(stderr), "rate": RATE,
            "requests": REQUESTS, "warm_ups": WARM_UPS,
            "targets": [{"name": name, **rival}
                        for name, rival in rivals.items()]}
    done = subprocess.run([str(bench.build / "bench/load")],
                          input=json.dumps(plan), stdout=subprocess.PIPE,
                          text=True, check=False)
    results = json.loads(done.stdout or "[]")
    if not results:
        sys.exit("bench: load failed")
    for result in results:
        if result["failed"]:
            bench.failures.append(
                f"session, {program}, {result['name']}: {result['failed']} "
                f"failed, the first: {result['first_failure']}\n"
                f"{stderr.read_text()[-500:]}")
            say(bench.failures[-1])
    return {result["name"]: {**spread(result["ms"]),
                             "starts": result["starts"]}
            for result in results}


def measure(bench):
    bench.build_skill(SKILL)
    with ExitStack() as stack:
        daemon = stack.enter_context(
            Daemon(bench.program, bench.scratch, bench.skills))
        session = stack.enter_context(Session(bench))
        daemon.fill(SKILL, ACTION, WARM)
        daemon.settle()
        return {program: load(bench, program, rivals)
                for program, rivals in contestants(session, daemon).items()}


def show(result):
    for program, rows in result.items():
        print(f"\n{'ms of a run, ' + program:<32}{'n':>6}{'p50':>10}{'p95':>10}"
              f"{'p99':>10}{'/ bare':>8}")
        for name, row in rows.items():
            if row["n"]:
                print(f"  {name:<30}{row['n']:>6}{row['p50']:>10.2f}"
                      f"{row['p95']:>10.2f}{row['p99']:>10.2f}"
                      f"{row['p50'] / rows['bare host']['p50']:>8.2f}")


def at_most(name, rows, ours, most):
    """A target beside the bare host, if it was measured."""
    if ours in rows and rows[ours]["n"]:
        figure = rows[ours]["p50"] / rows["bare host"]["p50"]
        yield Target(name, f"{figure:.2f} x, {rows[ours]['p50']:.2f} ms",
                     f"<= {most} x the bare host", figure <= most)


def targets(result):
    python, true = result["python"], result["true"]
    for how in ("command line", "daemon"):
        yield from at_most(f"python3 in a session, by the {how}", python,
                           f"session, {how}", 1.2)
    yield from at_most("code, warm", python, "code, warm, daemon", 0.6)
    if "session, daemon" in true and true["session, daemon"]["n"]:
        figure = true["docker exec"]["p50"] / true["session, daemon"]["p50"]
        yield Target("true in a session, faster than docker exec",
                     f"{figure:.0f} x", ">= 20 x", figure >= 20)
