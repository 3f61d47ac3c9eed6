#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs code: run.py [LANGUAGE] < INPUT

INPUT is a JSON object: "language" (without LANGUAGE), "code", and if need be
"stdin", "timeout" and "files".  The answer is JSON with what the code wrote,
the status it exited with and how long that took; a program that fails is a
result like any other.

The code runs in a child, which all others that it may have left die with.
For Python that is a fork of this process: the interpreter is up already.
"""
import atexit
import glob
import json
import math
import os
import selectors
import signal
import sys
import threading
import time
import traceback
import types

WORKSPACE = "/workspace"
# What is kept of each stream; the rest is read and thrown away.
KEPT = 1024 * 1024
# Where the input names no time-out; another is skillbox's to keep.
TIMEOUT = 30
PIECE = 65536


class Refused(Exception):
    """The input makes no sense."""


# --- the workspace ------------------------------------------------------------

def place(name):
    """The path of a file in the workspace, which NAME cannot leave."""
    parts = name.split("/")
    if "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise Refused(f"the file name {name!r} does not stay in {WORKSPACE}")
    return os.path.join(WORKSPACE, *parts)


def lay_out(files):
    for name, content in files.items():
        path = place(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "x", encoding="utf-8") as file:
            file.write(content)


# --- languages: what a child does, each a list of steps -----------------------

def run_python():
    """Never returns: as if the interpreter had been started with main.py."""
    path = WORKSPACE + "/main.py"
    sys.stdin = sys.__stdin__ = open(0, closefd=False)
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)
    sys.stderr = sys.__stderr__ = open(2, "w", closefd=False, buffering=1,
                                       errors="backslashreplace")
    sys.argv = [path]
    sys.path.insert(0, WORKSPACE)
    main = types.ModuleType("__main__")
    main.__file__ = path
    sys.modules["__main__"] = main
    status = 0
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec")
        exec(code, main.__dict__)
    except SystemExit as end:
        status = end.code
        if status is not None and not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
    except BaseException as error:
        shown = error.__traceback__.tb_next
        traceback.print_exception(type(error), error, shown)
        status = 1
    finish(status or 0)


def finish(status):
    """What an interpreter does at its end: threads, atexit, buffers."""
    try:
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        status = status or 120
    os._exit(status & 0xff)


def execute(*command):
    def run():
        # Python ignores it, and a program would inherit that.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(127)
    return run


def go_steps():
    if os.path.exists(WORKSPACE + "/go.mod"):
        sources = ["."]
    else:
        sources = [os.path.basename(path) for path in
                   sorted(glob.glob(glob.escape(WORKSPACE) + "/*.go"))
                   if not path.endswith("_test.go")]
    program = WORKSPACE + "/.program"
    return [execute("go", "build", "-o", program, *sources), execute(program)]


LANGUAGES = {
    "python": ("main.py", lambda: [run_python]),
    "nodejs": ("main.js", lambda: [execute("node", "main.js")]),
    "go": ("main.go", go_steps),
    "bash": ("main.sh", lambda: [execute("bash", "main.sh")]),
}


# --- running ------------------------------------------------------------------

class Streams:
    """The ends of the pipes that a child does not have."""

    def __init__(self, stdin):
        self.stdin = memoryview(stdin)
        self.kept = {1: bytearray(), 2: bytearray()}
        self.truncated = False

    def feed(self, fd):
        """False when there is nothing more to write, or nobody to read it."""
        try:
            self.stdin = self.stdin[os.write(fd, self.stdin[:PIECE]):]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            return False
        return len(self.stdin) > 0

    def drain(self, fd, number):
        """False when there is no more; keeps what there is room for."""
        try:
            data = os.read(fd, PIECE)
        except BlockingIOError:
            return False
        kept = self.kept[number]
        room = KEPT - len(kept)
        kept += data[:room]
        self.truncated |= len(data) > room
        return len(data) > 0


def start(step):
    """A child that does STEP: its pid, and our ends of its pipes."""
    pipes = [os.pipe(), os.pipe(), os.pipe()]
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.chdir(WORKSPACE)
        os.dup2(pipes[0][0], 0)
        os.dup2(pipes[1][1], 1)
        os.dup2(pipes[2][1], 2)
        for fd in sum(pipes, ()):
            os.close(fd)
        step()
    mine = (pipes[0][1], pipes[1][0], pipes[2][0])
    for fd in (pipes[0][0], pipes[1][1], pipes[2][1]):
        os.close(fd)
    for fd in mine:
        os.set_blocking(fd, False)
    return pid, mine


def clear():
    """Ends all that the code has left.  It cannot hit init, nor this."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        pass


def pump(pid, fds, streams, deadline):
    """Until the child is dead, or its time is over: then True."""
    death = os.pidfd_open(pid)
    is_late = is_dead = False
    with selectors.DefaultSelector() as selector:
        selector.register(death, selectors.EVENT_READ, 0)
        selector.register(fds[1], selectors.EVENT_READ, 1)
        selector.register(fds[2], selectors.EVENT_READ, 2)
        if streams.feed(fds[0]):
            selector.register(fds[0], selectors.EVENT_WRITE, None)
        else:
            os.close(fds[0])
        while not is_dead and not is_late:
            left = deadline - time.monotonic()
            ready = selector.select(min(max(0, left), 60))
            is_late = not ready and left <= 0
            for key, _ in ready:
                if key.data == 0:
                    is_dead = True
                elif key.data is None and not streams.feed(key.fd):
                    selector.unregister(key.fd)
                    os.close(key.fd)
                elif key.data and not streams.drain(key.fd, key.data):
                    selector.unregister(key.fd)
            is_late |= time.monotonic() >= deadline
        if fds[0] in selector.get_map():
            os.close(fds[0])
    os.close(death)
    return is_late and not is_dead


def perform(step, streams, deadline):
    """Exit status, or None when the time was over."""
    pid, fds = start(step)
    is_late = pump(pid, fds, streams, deadline)
    clear()
    _, status = os.waitpid(pid, 0)
    for number in (1, 2):
        # Nobody writes any more.
        while streams.drain(fds[number], number):
            pass
        os.close(fds[number])
    if is_late:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def run(request, language):
    name, steps = LANGUAGES[language]
    files = request.get("files", {})
    if name in files:
        raise Refused(f"the file {name} is what the code is put in")
    lay_out({**files, name: request["code"]})
    streams = Streams(request.get("stdin", "").encode())
    began = time.monotonic()
    deadline = began + (math.inf if "timeout" in request else TIMEOUT)
    code = 0
    for step in steps():
        code = perform(step, streams, deadline)
        if code != 0:
            break
    if code is None:
        print(f"the time-out of {TIMEOUT} s passed", file=sys.stderr)
        sys.exit(124)
    return {
        "stdout": streams.kept[1].decode(errors="replace"),
        "stderr": streams.kept[2].decode(errors="replace"),
        "exit_code": code,
        "duration_ms": round((time.monotonic() - began) * 1000, 3),
        "truncated": streams.truncated,
    }


def main():
    request = json.load(sys.stdin.buffer)
    language = sys.argv[1] if len(sys.argv) > 1 else request["language"]
    try:
        result = run(request, language)
    except (Refused, OSError) as error:
        sys.exit(str(error))
    json.dump(result, sys.stdout)


main()
