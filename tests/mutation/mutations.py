# SPDX-License-Identifier: MIT
"""Which mutations there are: each takes one thing out of a source.

They are made from the sources themselves, so that a check somebody adds
brings its mutations along; `targets` says from which files, by which of the
operators below, and `by-hand` has what no operator makes.  None of this
understands C: it relies on the house style that clang-format keeps, and on a
copy of the text in which comments, strings and directives are blank.

    if      a condition is never true
    term    one operand of a chain of && or || goes
    return  a predicate always says yes, or always no
    row     one element of a table goes
    field   one member of an initializer goes
    call    one statement that is a call goes
    flag    one FLAG of several goes
    option  one option of a mount goes
    member  one member of what json_pack() makes goes
"""

import collections
import configparser
import functools
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent

# What a mutation is known by, in the table: where it is and what it does.
# @at, @end: the bytes of the source that @text takes the place of.
Mutation = collections.namedtuple("Mutation", "file where what at end text")

Function = collections.namedtuple("Function", "name head at end")


@functools.cache
def source_of(file):
    """Read once: what is edited meanwhile is for the next time."""
    return (TOP / file).read_text()


class Rotten(Exception):
    """A list that no longer fits the sources."""


# --- reading C ---------------------------------------------------------------

BLANK = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    r"|^[ \t]*#(?:\\\n|[^\n])*", re.S | re.M)


def blanked(source):
    def fill(match):
        text = match[0]
        if text[0] in "\"'":
            return text[0] + "_" * (len(text) - 2) + text[0]
        return re.sub(r"[^\n]", " ", text)

    return BLANK.sub(fill, source)


def functions(code):
    found = []
    for match in re.finditer(r"^\{\n", code, re.M):
        head = code[code.rfind("\n\n", 0, match.start()) + 1:match.start()]
        name = re.search(r"(\w+)\(", head)
        end = code.find("\n}\n", match.start())
        if name:
            found.append(Function(name[1], head, match.start(), end))
    return found


PAIRS = {"(": ")", "[": "]", "{": "}"}


def closing(code, at):
    """The offset of the bracket that closes the one at @at."""
    depth = 0
    for i in range(at, len(code)):
        if code[i] in PAIRS:
            depth += 1
        elif code[i] in PAIRS.values():
            depth -= 1
            if depth == 0:
                return i
    raise Rotten("unbalanced brackets")


def closing_of(code, at):
    """The offset of the bracket that closes what @at is in."""
    depth = 0
    for i in range(at, len(code)):
        if code[i] in PAIRS:
            depth += 1
        elif code[i] in PAIRS.values():
            depth -= 1
            if depth < 0:
                return i
    raise Rotten("unbalanced brackets")


def pieces(code, at, end, separator):
    """Cuts @at to @end at each @separator that is in no bracket."""
    depth, start, i = 0, at, at
    while i < end:
        if code[i] in PAIRS:
            depth += 1
        elif code[i] in PAIRS.values():
            depth -= 1
        elif depth == 0 and code.startswith(separator, i):
            yield start, i
            start = i + len(separator)
            i = start - 1
        i += 1
    yield start, end


def trimmed(code, at, end):
    while at < end and code[at].isspace():
        at += 1
    while at < end and code[end - 1].isspace():
        end -= 1
    return at, end


def expression_around(code, at):
    """The bounds of the expression that the operator at @at belongs to."""
    stop = re.compile(r"[;{}?:,]|return\b|(?<![=!<>])=(?!=)")
    lo, depth = at, 0
    while lo > 0:
        char = code[lo - 1]
        depth += (char in ")]") - (char in "([")
        if depth < 0 or depth == 0 and (
                stop.match(code, lo - 1) or code.endswith("return", 0, lo)):
            break
        lo -= 1
    hi, depth = at, 0
    while hi < len(code):
        char = code[hi]
        depth += (char in "([") - (char in ")]")
        if depth < 0 or depth == 0 and char in ";{}?:,":
            break
        hi += 1
    return trimmed(code, lo, hi)


# --- operators ---------------------------------------------------------------

# Each yields (what, at, end, text) for the code between @at and @end.


def op_if(source, code, function):
    for match in re.finditer(r"\bif \(", code[function.at:function.end]):
        at = function.at + match.end()
        end = closing(code, at - 1)
        if len(list(pieces(code, at, end, "||"))) == 1:
            yield source[at:end], at, end, f"0 && ({source[at:end]})"


def op_term(source, code, function):
    seen = set()
    for match in re.finditer(r"&&|\|\|", code[function.at:function.end]):
        whole = expression_around(code, function.at + match.start())
        if whole in seen:
            continue
        seen.add(whole)
        either = list(pieces(code, *whole, "||"))
        for part in either:
            both = list(pieces(code, *part, "&&"))
            for cut, neutral in ((both, "1"), ([part], "0")):
                if len(cut if neutral == "1" else either) == 1:
                    continue
                for at, end in cut:
                    at, end = trimmed(code, at, end)
                    yield source[at:end], at, end, neutral


def op_return(source, code, function):
    if not re.search(r"\bbool\s+\w+\(", function.head):
        return
    for match in re.finditer(r"\breturn ([^;]+);",
                             code[function.at:function.end]):
        at, end = (function.at + offset for offset in match.span(1))
        if match[1] in ("true", "false") or re.search(r"&&|\|\|", match[1]):
            continue
        for value in ("true", "false"):
            yield f"{value}, not {source[at:end]}", at, end, value


def op_row(source, code, function):
    for match in re.finditer(r"\b(\w+)\[[^\]\n]*\] = \{",
                             code[function.at:function.end]):
        start = function.at + match.end()
        for at, end in pieces(code, start, closing(code, start - 1), ","):
            at, end = trimmed(code, at, end)
            # What ends a list is no entry.
            if at < end and not re.search(r"\bNULL( })?$", source[at:end]):
                comma = code[end] == ","
                yield (f"{match[1]}: {source[at:end]}", at, end + comma, "")


def op_field(source, code, function):
    for match in re.finditer(r"(?<=[{,\s])(\.\w[\w.\[\]]*) =(?!=)",
                             code[function.at:function.end]):
        at = function.at + match.start()
        for _, end in pieces(code, at, len(code), ","):
            break
        end = min(end, closing_of(code, at))
        yield source[at:end].rstrip(), at, end + (code[end] == ","), ""


def op_call(source, code, function):
    for match in re.finditer(r"(?:(?<=[;{}):])|(?<=else))\s*\n\t+((?!return|if|for|while|"
                             r"switch|sizeof)\w+)\(",
                             code[function.at:function.end]):
        at = function.at + match.start(1)
        end = closing(code, function.at + match.end() - 1) + 1
        if code[end] == ";":
            yield source[at:end], at, end, "(void)0"


def op_flag(source, code, function):
    for match in re.finditer(r"\w+(?:\s*(?<!\|)\|(?!\|)\s*[A-Z][A-Z0-9_]+)+",
                             code[function.at:function.end]):
        start = function.at + match.start()
        for word in re.finditer(r"\b[A-Z][A-Z0-9_]+\b", match[0]):
            at, end = start + word.start(), start + word.end()
            if word[0] != "O_RDONLY":  # is 0
                yield f"{word[0]} of {match[0]}", at, end, "0"


def op_option(source, code, function):
    body = source[function.at:function.end]
    if '"rw,' not in body:
        return
    for literal in re.finditer(r'"([^"\n]*,[^"\n]*)"|(?<=,")\s+"([^"\n]+)"',
                               body):
        inner = 1 if literal[1] is not None else 2
        for word in re.finditer(r"[^,]+,?", literal[inner]):
            at = function.at + literal.start(inner) + word.start()
            end = function.at + literal.start(inner) + word.end()
            if "%" in word[0] and "=" in word[0]:
                yield word[0], at, end, "x" + word[0]
            elif "%" not in word[0] and word[0] != "rw,":
                yield word[0], at, end, ""


def packed_keys(formats, arguments):
    """The paths of all members, by how json_pack() reads its arguments."""
    arguments = iter(arguments)
    stack, path, expect_key, found = [], [], False, []
    for char in formats:
        if char in "{[":
            stack.append(char)
            expect_key = char == "{"
            if char == "[":
                path.append(None)
        elif char in "}]":
            if stack.pop() == "[":
                path.pop()
            if stack and stack[-1] == "{":
                path.pop()
                expect_key = True
        elif char in "sbiIoO":
            argument = next(arguments)
            if expect_key:
                path.append(argument)
                found.append(tuple(path))
            elif stack[-1] == "{":
                path.pop()
            if stack[-1] == "{":
                expect_key = not expect_key
    return [path for path in found if None not in path]


def op_member(source, code, function):
    for match in re.finditer(r"\bjson_pack\(", code[function.at:function.end]):
        at = function.at + match.start()
        start = function.at + match.end()
        end = closing(code, start - 1)
        parts = [source[slice(*trimmed(code, *part))]
                 for part in pieces(code, start, end, ",")]
        formats = "".join(re.findall(r'"([^"]*)"', parts[0]))
        whole = source[at:end + 1]
        for path in packed_keys(formats, parts[1:]):
            parent = "made_"
            for key in path[:-1]:
                parent = f"json_object_get({parent}, {key})"
            yield (".".join(key.strip('"') for key in path), at, end + 1,
                   f"({{ json_t *made_ = {whole}; json_object_del({parent},"
                   f" {path[-1]}); made_; }})")


OPERATORS = {name[3:]: function for name, function in list(globals().items())
             if name.startswith("op_")}


# --- the lists ---------------------------------------------------------------


def read_targets():
    """{source: {"operators", "units", "e2e", "leave"}}"""
    parser = configparser.ConfigParser(default_section="", delimiters="=")
    parser.read_string((HERE / "targets").read_text())
    targets = {}
    for file in parser.sections():
        target = {key: parser[file].get(key, "").split()
                  for key in ("operators", "units", "e2e", "leave")}
        if not (TOP / file).exists():
            raise Rotten(f"targets: {file} is not there")
        targets[file] = target
    return targets


def one_line(text):
    return " ".join(text.split())


def of_source(file, target):
    source = source_of(file)
    code = blanked(source)
    whole = Function("", "", 0, len(code))
    names = [function.name for function in functions(code)]
    for name in target["leave"]:
        if name not in names:
            raise Rotten(f"targets: {file} has no function {name}")
    found = []
    for operator in target["operators"]:
        # Tables stand outside of functions as well.
        scopes = [whole] if operator == "row" else functions(code)
        for scope in scopes:
            for what, at, end, text in OPERATORS[operator](source, code,
                                                           scope):
                where = next((f.name for f in functions(code)
                              if f.at <= at < f.end), "")
                if where not in target["leave"]:
                    found.append(Mutation(
                        file, where, f"{operator}: {one_line(what)}", at, end,
                        text))
    return found


BY_HAND = re.compile(r"^(\S+): ([^\n]+)\n((?:-[^\n]*\n)+)((?:\+[^\n]*\n)*)",
                     re.M)


def by_hand():
    """FILE: WHAT, then lines with - that must be there once, + in place."""
    found = []
    text = re.sub(r"^#.*\n", "", (HERE / "by-hand").read_text(), flags=re.M)
    if BY_HAND.sub("", text).strip():
        raise Rotten("by-hand: " + BY_HAND.sub("", text).split("\n")[0])
    for file, what, old, new in BY_HAND.findall(text):
        old, new = ("\n".join(line[1:] for line in lines.splitlines())
                    for lines in (old, new))
        source = source_of(file)
        if source.count(old) != 1:
            raise Rotten(f"by-hand: {file}: {what}: its text is there "
                         f"{source.count(old)} times, expected once")
        at = source.index(old)
        where = next((f.name for f in functions(blanked(source))
                      if f.at <= at < f.end), "")
        found.append(Mutation(file, where, f"by hand: {what}", at,
                              at + len(old), new))
    return found


def all_mutations():
    """In the order of the sources; no two have one name."""
    targets = read_targets()
    found = by_hand()
    for mutation in found:
        if mutation.file not in targets:
            raise Rotten(f"by-hand: {mutation.file} is not in targets")
    for file, target in targets.items():
        found += of_source(file, target)
    order = list(targets)
    found.sort(key=lambda m: (order.index(m.file), m.at, m.end))
    seen = collections.Counter()
    for i, mutation in enumerate(found):
        seen[mutation[:3]] += 1
        if seen[mutation[:3]] > 1:
            found[i] = mutation._replace(
                what=f"{mutation.what} (no. {seen[mutation[:3]]})")
    return found


def mutated(mutation):
    source = source_of(mutation.file)
    return source[:mutation.at] + mutation.text + source[mutation.end:]
