# SPDX-License-Identifier: MIT
"""Pages on disk: one file each, a line of JSON about it and then its body.

One file, so that one rename puts both there at once: a reader sees a whole
page, the one before or this one.
"""

import hashlib
import json
import os
import tempfile

DIRECTORY = os.environ.get("WEBPAGE_CACHE", "/app/cache")
SIZE_MAX = 256 * 1024 * 1024


def name_of(url):
    return hashlib.sha256(url.encode()).hexdigest()[:32]


def path_of(url):
    return os.path.join(DIRECTORY, name_of(url) + ".page")


def store(url, about, body):
    descriptor, path = tempfile.mkstemp(dir=DIRECTORY, suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(about).encode() + b"\n")
            file.write(body)
        os.replace(path, path_of(url))
    except BaseException:
        os.unlink(path)
        raise
    trim(path_of(url))


def load(url):
    """What is known about a page and its body; None if it is not here."""
    try:
        with open(path_of(url), "rb") as file:
            return json.loads(file.readline()), file.read()
    except FileNotFoundError:
        return None


def trim(newest):
    """Drops the oldest pages until what is left fits."""
    entries = []
    with os.scandir(DIRECTORY) as found:
        for entry in found:
            if entry.path != newest and entry.name.endswith(".page"):
                about = entry.stat(follow_symlinks=False)
                entries.append((about.st_mtime, about.st_size, entry.path))
    room = SIZE_MAX - os.stat(newest).st_size
    for _, size, path in sorted(entries, reverse=True):
        room -= size
        if room < 0:
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass  # another download dropped it as well
