#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs code: run.py [LANGUAGE] < INPUT

INPUT is a JSON object: "language" (without LANGUAGE), "code", and if need be
"stdin", "timeout" and "files".  The answer is JSON with what the code wrote,
the status it exited with and how long that took; a program that fails is a
result like any other.

The code runs in a child, which all others that it may have left die with.
For Python that is a fork of this process: the interpreter is up already.

In a session the workspace has what earlier runs left in it, and other programs
may be at work there.  So files replace what was there, and the code has a file
of its own name for as long as it runs.
"""
# What json and signal are made of: these import a dozen others, which is half
# the time that it takes to be up.
import _json
import _signal as signal
import atexit
import os
import select
import sys
import time

IS_SESSION = "SKILL_SESSION" in os.environ
if not IS_SESSION:
    # What the code may need: all this may be done before there is any.
    # pylint: disable=unused-import
    import json
    import threading
    import traceback

WORKSPACE = "/workspace"
# What the code's file is called, with its language's suffix; in a session also
# what is made of it, and all of that is gone behind the run.
MAIN = ".main" if IS_SESSION else "main"
# What a file is called before it is complete.
NEW = ".skillbox-new"
# What is kept of each stream; the rest is read and thrown away.
KEPT = 1024 * 1024
# Where the input names no time-out; another is skillbox's to keep.
TIMEOUT = 30
PIECE = 65536


class Refused(Exception):
    """The input makes no sense."""


# --- JSON ---------------------------------------------------------------------

class Decoder:
    """What json.JSONDecoder tells the scanner by default."""
    strict = True
    object_hook = object_pairs_hook = None
    parse_int = int
    parse_float = parse_constant = float


def decode(data):
    """One value of JSON, which skillbox has looked at before."""
    return _json.make_scanner(Decoder)(data.decode().strip(), 0)[0]


def encode(value):
    """A flat object."""
    def scalar(value):
        if isinstance(value, str):
            return _json.encode_basestring_ascii(value)
        return repr(value).lower()
    members = (f"{scalar(name)}: {scalar(member)}"
               for name, member in value.items())
    return "{" + ", ".join(members) + "}"


# --- the workspace ------------------------------------------------------------

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def split(name):
    """The parts of a file's name, which cannot leave the workspace."""
    parts = name.split("/")
    if "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise Refused(f"the file name {name!r} does not stay in {WORKSPACE}")
    return parts


def enter(folder, name):
    """The folder NAME of FOLDER, which is closed; no link is followed."""
    try:
        try:
            os.mkdir(name, dir_fd=folder)
        except FileExistsError:
            pass
        return os.open(name, DIRECTORY, dir_fd=folder)
    finally:
        os.close(folder)


def remove(name, folder=None):
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass


def replace(folder, name, content):
    """Who reads the file meanwhile has the old one, or the new one."""
    remove(NEW, folder)
    fd = os.open(NEW, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW,
                 0o644, dir_fd=folder)
    try:
        with open(fd, "w", encoding="utf-8") as file:
            file.write(content)
        os.rename(NEW, name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        remove(NEW, folder)


def lay_out(files):
    for name, content in files.items():
        *folders, last = split(name)
        try:
            folder = os.open(WORKSPACE, DIRECTORY)
            for part in folders:
                folder = enter(folder, part)
            try:
                replace(folder, last, content)
            finally:
                os.close(folder)
        except OSError as error:
            raise Refused(f"the file {name!r}: {error.strerror}") from None


# --- languages: what a child does, each a list of steps -----------------------

def add_user_packages():
    """What was installed in the session, which python3 -I leaves out."""
    import site
    site.addsitedir(site.getusersitepackages())


def run_python():
    """Never returns: as if the interpreter had been started with main.py."""
    path = f"{WORKSPACE}/{MAIN}.py"
    sys.stdin = sys.__stdin__ = open(0, closefd=False)
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)
    sys.stderr = sys.__stderr__ = open(2, "w", closefd=False, buffering=1,
                                       errors="backslashreplace")
    sys.argv = [path]
    if IS_SESSION:
        add_user_packages()
    sys.path.insert(0, WORKSPACE)
    main = type(sys)("__main__")
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
        show(error)
        status = 1
    finish(status or 0)


def show(error):
    import traceback
    shown = error.__traceback__.tb_next
    traceback.print_exception(type(error), error, shown)


def finish(status):
    """What an interpreter does at its end: threads, atexit, buffers."""
    try:
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()
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


def is_source(name):
    """Whether it belongs to the package of Go in the workspace itself."""
    return (name.endswith(".go") and not name.endswith("_test.go")
            and "/" not in name)


def go_build(files):
    """In a session what others left is nobody's: the code, and FILES."""
    if not IS_SESSION:
        if os.path.exists(WORKSPACE + "/go.mod"):
            return ["."]
        return sorted(filter(is_source, os.listdir(WORKSPACE)))
    # To the compiler it is main.go all the same, whatever is called so.
    overlay = encode({f"{WORKSPACE}/main.go": f"{WORKSPACE}/{MAIN}.go"})
    lay_out({MAIN + ".json": '{"Replace": ' + overlay + "}"})
    return ["-overlay", MAIN + ".json", "main.go",
            *sorted(filter(is_source, files))]


def go_steps(files):
    program = f"{WORKSPACE}/{MAIN if IS_SESSION else '.program'}"
    return [execute("go", "build", "-o", program, *go_build(files)),
            execute(program)]


LANGUAGES = {
    "python": (".py", lambda _: [run_python]),
    "nodejs": (".js", lambda _: [execute("node", MAIN + ".js")]),
    "go": (".go", go_steps),
    "bash": (".sh", lambda _: [execute("bash", MAIN + ".sh")]),
}


def tidy():
    """Removes what is ours in a session, or a run's that was killed."""
    suffixes = [suffix for suffix, _ in LANGUAGES.values()]
    for suffix in ("", ".json", *suffixes):
        remove(f"{WORKSPACE}/{MAIN}{suffix}")


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


def clear(pid):
    """Ends all that the code has left.  It cannot hit init, nor this.

    In a session there may be others, and what is not of the child's group is
    left to init."""
    try:
        os.kill(-pid if IS_SESSION else -1, signal.SIGKILL)
    except ProcessLookupError:
        pass


def pump(pid, fds, streams, deadline):
    """Until the child is dead, or its time is over: then True."""
    death = os.pidfd_open(pid)
    is_late = is_dead = False
    poll = select.poll()
    for fd in (death, fds[1], fds[2]):
        poll.register(fd, select.POLLIN)
    stdin = fds[0] if streams.feed(fds[0]) else -1
    if stdin >= 0:
        poll.register(stdin, select.POLLOUT)
    else:
        os.close(fds[0])
    while not is_dead and not is_late:
        left = min(max(0, deadline - time.monotonic()), 60)
        for fd, _ in poll.poll(left * 1000):
            if fd == death:
                is_dead = True
            elif fd == stdin:
                if not streams.feed(fd):
                    poll.unregister(fd)
                    os.close(fd)
                    stdin = -1
            elif not streams.drain(fd, fds.index(fd)):
                poll.unregister(fd)
        is_late = time.monotonic() >= deadline
    if stdin >= 0:
        os.close(stdin)
    os.close(death)
    return is_late and not is_dead


def perform(step, streams, deadline):
    """Exit status, or None when the time was over."""
    pid, fds = start(step)
    is_late = pump(pid, fds, streams, deadline)
    clear(pid)
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
    suffix, steps = LANGUAGES[language]
    files = request.get("files", {})
    name = "main" + suffix
    if name in files and (not IS_SESSION or language == "go"):
        raise Refused(f"the file {name} is what the code is put in")
    lay_out({**files, MAIN + suffix: request["code"]})
    streams = Streams(request.get("stdin", "").encode())
    began = time.monotonic()
    deadline = began + (float("inf") if "timeout" in request else TIMEOUT)
    code = 0
    for step in steps(files):
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
    request = decode(sys.stdin.buffer.read())
    language = sys.argv[1] if len(sys.argv) > 1 else request["language"]
    try:
        if IS_SESSION:
            tidy()
        result = run(request, language)
        if IS_SESSION:
            tidy()
    except (Refused, OSError) as error:
        sys.exit(str(error))
    print(encode(result), flush=True)
    # There is nothing to be put in order.
    os._exit(0)


main()
