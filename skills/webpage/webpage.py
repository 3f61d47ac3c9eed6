# SPDX-License-Identifier: MIT
"""usage: webpage.py download|parse <INPUT

Downloads a page into the cache, and reads one that is there.  INPUT is a JSON
object; so is the output, {"error": {"message": ...}} when something is wrong.
"""

import hashlib
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import quote, urldefrag, urlsplit

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cache  # noqa: E402
import reader  # noqa: E402

SCHEMES = ("http", "https", "data")
REDIRECTS_MAX = 5
BYTES_DEFAULT = 4 * 1024 * 1024
BYTES_MAX = 32 * 1024 * 1024
SILENCE_SECONDS = 10  # without a byte from the server
DOWNLOAD_SECONDS = 30  # for the whole of it
HTML_TYPES = ("text/html", "application/xhtml+xml")


class Problem(Exception):
    """Something to tell the caller; status 2 where the input is to blame."""

    def __init__(self, message, status=1):
        super().__init__(message)
        self.status = status


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few, and to the web only: not into a file, not to data."""

    max_redirections = REDIRECTS_MAX

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise Problem(f"redirected to {shown(newurl)}: not http or https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def shown(url):
    return url if len(url) <= 120 else url[:117] + "..."


def make_opener():
    """urllib without what it adds by itself: file:, ftp:, proxies."""
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.HTTPHandler, urllib.request.HTTPSHandler,
                    urllib.request.DataHandler, Redirects,
                    urllib.request.HTTPErrorProcessor,
                    urllib.request.HTTPDefaultErrorHandler):
        opener.add_handler(handler())
    opener.addheaders = [("User-Agent", "skillbox-webpage"),
                         ("Accept-Encoding", "identity")]
    return opener


def checked_url(given):
    url = given.get("url")
    if not isinstance(url, str) or not url:
        raise Problem('member "url" must be a text', 2)
    url = urldefrag(url.strip()).url
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port != 0
        if not parts.netloc.isascii():
            netloc = parts.netloc.encode("idna").decode()
            url = parts._replace(netloc=netloc).geturl()
    except ValueError as error:
        raise Problem(f"{shown(url)}: {error}", 2) from error
    if parts.scheme not in SCHEMES:
        raise Problem(f"{shown(url)}: must begin with http:, https: or data:",
                      2)
    if parts.scheme == "data":
        return url
    if not parts.hostname or not port_is_fine or parts.username is not None:
        raise Problem(f"{shown(url)}: no host, no such port, or a user's name",
                      2)
    return quote(url, safe="%/:=&?~#+!$,;'@()*[]")


def checked_limit(given):
    limit = given.get("max_bytes", BYTES_DEFAULT)
    if type(limit) is not int or not 1 <= limit <= BYTES_MAX:
        raise Problem(f'member "max_bytes" must be 1 to {BYTES_MAX}', 2)
    return limit


def check_members(given, known):
    if not isinstance(given, dict):
        raise Problem("the input must be an object", 2)
    for name in given:
        if name not in known:
            raise Problem(f'unknown member "{name}"', 2)


def read_body(response, limit):
    end = time.monotonic() + DOWNLOAD_SECONDS
    body = bytearray()
    while True:
        part = response.read(min(65536, limit + 1 - len(body)))
        if not part:
            # What was announced and did not come; read() says nothing.
            if getattr(response, "length", None):
                raise Problem(f"cut off after {len(body)} bytes")
            return bytes(body)
        body += part
        if len(body) > limit:
            raise Problem(f"larger than {limit} bytes")
        if time.monotonic() > end:
            raise Problem(f"took longer than {DOWNLOAD_SECONDS} s")


def fetch(url, limit):
    """(final URL, status, headers, body)"""
    try:
        with make_opener().open(url, timeout=SILENCE_SECONDS) as response:
            if response.headers.get("Content-Encoding", "identity") \
                    != "identity":
                raise Problem("the server insists on compression")
            body = read_body(response, limit)
            return (response.url, response.status or 200, response.headers,
                    body)
    except urllib.error.HTTPError as error:
        raise Problem(f"the server answered {error.code} {error.reason}") \
            from error
    except urllib.error.URLError as error:
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise Problem(f"{reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Problem(f"{error or type(error).__name__}") from error


def download(given):
    check_members(given, ("url", "max_bytes"))
    url = checked_url(given)
    limit = checked_limit(given)
    try:
        final, status, headers, body = fetch(url, limit)
    except Problem as problem:
        raise Problem(f"{shown(url)}: {problem}", problem.status) from problem
    about = {
        "url": url,
        "final_url": final,
        "status": status,
        "content_type": headers.get_content_type(),
        "charset": headers.get_content_charset(),
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    cache.store(url, about, body)
    return {**about, "cached_as": cache.name_of(url)}


def parse(given):
    check_members(given, ("url",))
    url = checked_url(given)
    page = cache.load(url)
    if not page:
        raise Problem(f"{shown(url)} is not in the cache: download it first")
    about, body = page
    if about["content_type"] not in HTML_TYPES:
        raise Problem(f"{shown(url)} is {about['content_type']}, not HTML")
    return reader.read(about["final_url"], body, about["charset"])


def main():
    action = {"download": download, "parse": parse}[sys.argv[1]]
    status = 0
    try:
        answer = action(json.load(sys.stdin))
    except Problem as problem:
        answer = {"error": {"message": str(problem)}}
        status = problem.status
    except ValueError as error:
        answer = {"error": {"message": f"the input is not JSON: {error}"}}
        status = 2
    except OSError as error:
        answer = {"error": {"message": f"the cache: {error}"}}
        status = 1
    json.dump(answer, sys.stdout)
    print()
    sys.exit(status)


if __name__ == "__main__":
    main()
