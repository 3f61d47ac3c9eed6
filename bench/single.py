# SPDX-License-Identifier: MIT
"""What the command line is to be no slower than: docker run, docker build,
tar.  The contestants take turns; of each the median counts."""

import os
import re
import statistics
import subprocess
import sys
import time

from common import TOP, Target, output_of, say
from rivals import limits

ROUNDS = 20
WARM_UPS = 2
FILES = 20_000
LARGE = 1 << 30
INPUT = b'{"text": "a b"}'


def time_once(command, data=b"", env=None):
    start = time.perf_counter()
    done = subprocess.run(command, input=data, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, check=False, env=env)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{command}: {done.stderr.decode(errors='replace')}")
    return seconds * 1000


def compare(question, ours, theirs, ratio, limit_ms=None):
    """Takes turns; a contestant is a dictionary of time_once's arguments."""
    say(f"measuring: {question}")
    times = {"ours": [], "theirs": []}
    for turn in range(WARM_UPS + ROUNDS):
        for name, contestant in (("ours", ours), ("theirs", theirs)):
            milliseconds = time_once(**contestant)
            if turn >= WARM_UPS:
                times[name].append(milliseconds)
    medians = {name: statistics.median(all_) for name, all_ in times.items()}
    return {
        "question": question,
        "skillbox_ms": round(medians["ours"], 2),
        "other_ms": round(medians["theirs"], 2),
        "ratio": round(medians["ours"] / medians["theirs"], 3),
        "ratio_promised": ratio,
        "ms_promised": limit_ms,
        "all_ms": {name: [round(ms, 2) for ms in all_]
                   for name, all_ in times.items()},
    }


def cold_run(bench):
    image = bench.build_skill("text")
    return compare(
        "cold run of text, skillbox run / docker run --rm",
        {"command": bench.skillbox + ["run", "--no-daemon", "text",
                                      "word_count", "-"],
         "data": INPUT},
        {"command": [bench.docker, "run", "--rm", "-i", *limits("64m"),
                     image, "word_count"], "data": INPUT},
        1.0)


def unchanged_build(bench):
    return compare(
        "unchanged build of text, skillbox build / docker build",
        {"command": bench.skillbox + ["build", "text"]},
        {"command": [bench.docker, "build", "-q", str(TOP / "skills/text")],
         "env": {**os.environ, "DOCKER_BUILDKIT": "1"}},
        0.05, 10)


def packing(bench):
    files = bench.scratch / "files"
    for number in range(FILES):
        directory = files / f"{number % 200:03}"
        if number < 200:
            directory.mkdir(parents=True)
        (directory / f"{number}.txt").write_bytes(b"%d\n" % number * 100)
    (files / "Dockerfile").write_text("FROM scratch\n")
    pack = [str(bench.build / "bench/pack"), str(files)]
    # Through a pipe: tar does not read the files when it sees /dev/null.
    tar = ["tar", "--sort=name", "--owner=0", "--group=0", "--mtime=@0",
           "-C", str(files), "-cf", "-", "."]
    to_pipe = ["sh", "-c", '"$@" | cat >/dev/null', "sh"]
    return compare(f"packing {FILES} files, context / tar",
                   {"command": to_pipe + pack}, {"command": to_pipe + tar},
                   1.2)


def memory_of_build(bench):
    say("measuring: memory of a build with a context of 1 GiB")
    here = bench.scratch / "skills/bench-large"
    here.mkdir(parents=True)
    (here / "Dockerfile").write_text("FROM skillbox/busybox\n")
    (here / "skill.yaml").write_text(
        "schema_version: 1\nname: bench-large\nversion: 0.0.1\n"
        "description: Large.\nactions: {none: {command: ['true']}}\n")
    with open(here / "large", "wb") as file:
        block = os.urandom(1 << 20)
        for _ in range(LARGE >> 20):
            file.write(block)
    peak = bench.scratch / "peak"
    output_of("/usr/bin/time", "-o", str(peak), "-f", "%M",
              bench.skillbox[0], "--skills",
              f"{bench.scratch / 'skills'}:{TOP / 'skills'}",
              "build", "bench-large", stderr=subprocess.DEVNULL)
    (here / "large").unlink()
    return round(int(peak.read_text()) / 1024, 1)


def redaction(bench):
    """Of 64 MiB each, in pieces as init sends them."""
    say("measuring: streams that are searched for 4 secrets")
    return {kind: int(speed) for kind, speed in re.findall(
        r"^(\w+) .* redacted +(\d+) MiB/s$",
        output_of(str(bench.build / "bench/redact"), "4"), re.MULTILINE)}


def measure(bench):
    return {
        "comparisons": [cold_run(bench), unchanged_build(bench),
                        packing(bench)],
        "build_peak_mib": memory_of_build(bench),
        "redaction_mib_s": redaction(bench),
    }


def show(result):
    print(f"median of {ROUNDS:<47}{'skillbox':>11}{'other':>11}{'ratio':>7}")
    for row in result["comparisons"]:
        print(f"{row['question']:<57}{row['skillbox_ms']:>8.1f} ms"
              f"{row['other_ms']:>8.1f} ms{row['ratio']:>7.2f}")


def targets(result):
    for row in result["comparisons"]:
        promise, reached = f"<= {row['ratio_promised']} x", \
            row["ratio"] <= row["ratio_promised"]
        if row["ms_promised"]:
            promise += f" and <= {row['ms_promised']} ms"
            reached = reached and row["skillbox_ms"] <= row["ms_promised"]
        yield Target(row["question"],
                     f"{row['ratio']} x, {row['skillbox_ms']} ms", promise,
                     reached)
    peak = result["build_peak_mib"]
    yield Target("peak memory of skillbox build, 1 GiB context",
                 f"{peak} MiB", "< 32 MiB", peak < 32)
    speed = result["redaction_mib_s"]["log"]
    yield Target("a log searched for 4 secrets", f"{speed} MiB/s",
                 ">= 300 MiB/s", speed >= 300)
