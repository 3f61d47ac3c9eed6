# SPDX-License-Identifier: MIT
"""usage: telegram.py send_message <INPUT

Sends a message by Telegram's Bot API (https://core.telegram.org/bots/api).
INPUT is a JSON object; so is the output, {"error": {"message": ...}} when
something is wrong.  The bot's token is in $BOT_TOKEN, the address of the API
in $TELEGRAM_API.
"""

import http.client
import json
import os
import re
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

SILENCE_SECONDS = 15
ANSWER_MAX = 1024 * 1024
TEXT_MAX = 4096  # UTF-16 code units, as the API counts
PARSE_MODES = ("HTML", "Markdown", "MarkdownV2")
TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")


class Problem(Exception):
    """Something to tell the caller; status 2 where the input is to blame."""

    def __init__(self, message, status=1, **more):
        super().__init__(message)
        self.status = status
        self.more = more


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token is part of the path: it goes to the API and nowhere else."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        raise Problem(f"the API redirects ({code}), which is not followed")


def make_opener():
    """urllib without what it adds by itself: file:, ftp:, proxies."""
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.HTTPHandler, urllib.request.HTTPSHandler,
                    NoRedirects, urllib.request.HTTPErrorProcessor,
                    urllib.request.HTTPDefaultErrorHandler):
        opener.add_handler(handler())
    opener.addheaders = [("User-Agent", "skillbox-telegram")]
    return opener


def checked_base():
    base = os.environ.get("TELEGRAM_API", "").rstrip("/")
    try:
        parts = urlsplit(base)
        is_fine = parts.scheme in ("http", "https") and parts.hostname and \
            parts.port != 0 and not parts.query and not parts.fragment
    except ValueError:
        is_fine = False
    if not is_fine:
        raise Problem("TELEGRAM_API must be an http: or https: URL, such as "
                      "https://api.telegram.org")
    return base


def checked_token():
    token = os.environ.get("BOT_TOKEN", "")
    if not TOKEN.fullmatch(token):
        raise Problem("BOT_TOKEN is no token as BotFather gives it: digits, "
                      "a colon, letters and digits")
    return token


def checked_chat(given):
    chat = given.get("chat_id")
    if type(chat) is int or (isinstance(chat, str) and
                             re.fullmatch(r"@[A-Za-z]\w{3,}", chat, re.A)):
        return chat
    raise Problem('member "chat_id" must be a number, or "@" and the name of '
                  "a channel", 2)


def checked_text(given):
    text = given.get("text")
    if not isinstance(text, str) or not text.strip():
        raise Problem('member "text" must be a text that is not empty', 2)
    # JSON can say half of a character, UTF-8 cannot.
    size = len(text.encode("utf-16-le", "surrogatepass")) // 2
    if size > TEXT_MAX or any("\ud800" <= c <= "\udfff" for c in text):
        raise Problem(f'member "text" has {size} UTF-16 code units, or half '
                      f"a character: at most {TEXT_MAX} can be sent", 2)
    return text


def message_of(given):
    if not isinstance(given, dict):
        raise Problem("the input must be an object", 2)
    message = {"chat_id": checked_chat(given), "text": checked_text(given)}
    for name, value in given.items():
        if name == "parse_mode" and value not in PARSE_MODES:
            raise Problem('member "parse_mode" must be one of '
                          + ", ".join(PARSE_MODES), 2)
        if name == "disable_notification" and not isinstance(value, bool):
            raise Problem(f'member "{name}" must be true or false', 2)
        if name in ("parse_mode", "disable_notification"):
            message[name] = value
        elif name not in message:
            raise Problem(f'unknown member "{name}"', 2)
    return message


def post(url, message):
    """The API's answer, which is JSON for errors too."""
    request = urllib.request.Request(
        url, json.dumps(message).encode(),
        {"Content-Type": "application/json"})
    try:
        with make_opener().open(request, timeout=SILENCE_SECONDS) as response:
            return response.read(ANSWER_MAX)
    except urllib.error.HTTPError as error:
        with error:
            return error.read(ANSWER_MAX)
    except urllib.error.URLError as error:
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise Problem(f"the API cannot be reached: {reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise Problem("the API cannot be reached: "
                      f"{error or type(error).__name__}") from error


def result_of(body):
    try:
        answer = json.loads(body)
        if answer["ok"] is True:
            return answer["result"]
        code, why = answer["error_code"], answer["description"]
    except (ValueError, KeyError, TypeError) as error:
        raise Problem("the answer is none of the Bot API's") from error
    more = {"code": code}
    wait = (answer.get("parameters") or {}).get("retry_after")
    if wait is not None:
        more["retry_after"] = wait
    raise Problem(f"Telegram refused it: {code} {why}", **more)


def send_message(given):
    message = message_of(given)
    result = result_of(post(
        f"{checked_base()}/bot{checked_token()}/sendMessage", message))
    try:
        return {"message_id": result["message_id"], "date": result["date"],
                "chat_id": result["chat"]["id"]}
    except (KeyError, TypeError) as error:
        raise Problem("the answer is none of the Bot API's") from error


def main():
    action = {"send_message": send_message}[sys.argv[1]]
    status = 0
    try:
        answer = action(json.load(sys.stdin))
    except Problem as problem:
        answer = {"error": {"message": str(problem), **problem.more}}
        status = problem.status
    except ValueError as error:
        answer = {"error": {"message": f"the input is not JSON: {error}"}}
        status = 2
    json.dump(answer, sys.stdout)
    print()
    sys.exit(status)


if __name__ == "__main__":
    main()
