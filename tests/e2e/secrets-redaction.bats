#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A secret that an action prints, in whatever form and wherever, is not in what
# comes out; all else is.

load helper

setup_file() {
	prepare
	local here=$skills/t-redaction
	mkdir -p "$here/data"
	printf '%s\n' 'FROM skillbox/python' 'COPY say.py /' 'COPY data /data' \
		>"$here/Dockerfile"
	/usr/bin/python3 "$top/tests/fixtures/documents.py" "$here/data"
	cat >"$here/say.py" <<'PYTHON'
import base64, json, os, sys, time
from urllib.parse import quote, quote_plus

token = os.environb[b"TOKEN"]
text = token.decode()

def forms():
    yield "raw", token
    yield "json", json.dumps(text, ensure_ascii=False).encode()[1:-1]
    yield "json-ascii", json.dumps(text)[1:-1].encode()
    yield "json-slash", json.dumps(text)[1:-1].replace("/", r"\/").encode()
    yield "url", quote(text, safe="").encode()
    yield "form", quote_plus(text).encode()
    yield "hex", token.hex().encode()
    yield "hex-upper", token.hex().upper().encode()
    yield "hex-colons", token.hex(":").encode()
    yield "hex-lines", b"\n".join(
        token[i:i + 10].hex().encode() for i in range(0, len(token), 10))

# With neighbours: what is left of these is the characters that have no bit of
# the secret in them.
def base64_forms():
    for before in b"", b"a", b"ab":
        for encode in (base64.b64encode, base64.urlsafe_b64encode,
                       base64.encodebytes):
            data = encode(before + token + b"xyz").strip().decode()
            size = len(data.replace("\n", ""))
            left = data[:8 * len(before) // 6]
            last = (8 * len(before + token) - 1) // 6
            right = data[len(data) - (size - last - 1):]
            name = f"{encode.__name__}-{len(before)}"
            yield name, data, left, right
            yield (name + "-json", json.dumps(data)[1:-1], left, right)
            yield (name + "-url", quote(data, safe=""), left,
                   quote(right, safe=""))

def say(file):
    for name, form in forms():
        file.write(b"%s: %s;\n" % (name.encode(), form))
    for name, form, _, _ in base64_forms():
        file.write(f"{name}: {form};\n".encode())
    file.flush()

def say_redacted():
    for name, _ in forms():
        print(f"{name}: ***;")
    for name, _, left, right in base64_forms():
        print(f"{name}: {left}***{right};")

def slowly(file):
    for byte in b"<" + token + b">\n":
        file.write(bytes([byte]))
        file.flush()
        time.sleep(0.002)

def main(how):
    out, err = sys.stdout.buffer, sys.stderr.buffer
    if how == "all":
        say(out)
        say(err)
        with open(os.environ["SKILL_OUTPUT"], "wb") as file:
            say(file)
    elif how == "out":
        say(out)
        say(err)
    elif how == "redacted":
        say_redacted()
    elif how == "slowly":
        slowly(out)
        slowly(err)
    elif how == "fail":
        err.write(b"at first\nit was %s, no less\n" % token)
        sys.exit(3)
    elif how == "fail-json":
        json.dump({"error": {"message": f"no {text} there"}}, sys.stdout)
        sys.exit(3)
    elif how == "json":
        print(json.dumps({"key": f'"{text}"', text: ["\\" + text + "\\n"]}))
    elif how == "number":
        print('{"pin": %s}' % text)
    elif how == "flood":
        out.write(b"x" * 1000 + token * 1000)
    elif how == "half":
        out.write(b"half: " + token[:12])
        out.flush()
        time.sleep(100)
    elif how == "document":
        sys.stdout.buffer.write(open("/data/" + os.environ["NAME"], "rb").read())

main(sys.argv[1])
PYTHON
	fixture t-redaction <<'YAML'
  all: {command: [python3, /say.py, all], output: file, secrets: [{name: TOKEN}]}
  text: {command: [python3, /say.py, out], output: text, secrets: [{name: TOKEN}]}
  binary: {command: [python3, /say.py, out], output: binary, secrets: [{name: TOKEN}]}
  in_clear: {command: [python3, /say.py, out], output: text}
  slowly: {command: [python3, /say.py, slowly], secrets: [{name: TOKEN}]}
  fail: {command: [python3, /say.py, fail], secrets: [{name: TOKEN}]}
  fail_json: {command: [python3, /say.py, fail-json], secrets: [{name: TOKEN}]}
  json: {command: [python3, /say.py, json], output: json, secrets: [{name: TOKEN}]}
  number: {command: [python3, /say.py, number], output: json, secrets: [{name: TOKEN}]}
  flood: {command: [python3, /say.py, flood], output: text, output_limit: 1k, secrets: [{name: TOKEN}]}
  half: {command: [python3, /say.py, half], output: text, timeout: 2s, secrets: [{name: TOKEN}]}
  document: {command: [python3, /say.py, document], output: binary, secrets: [{name: TOKEN}]}
YAML
	skillbox build t-redaction
	export token=$BATS_FILE_TMPDIR/token
	# With all that JSON, URLs and shells write in another way, and longer
	# than a line of base64.
	printf 'm"%%\\/+ é%s' "$(head -c 48 /dev/urandom | base64 -w0)" >"$token"
	export redacted=$BATS_FILE_TMPDIR/redacted
	TOKEN=$(cat "$token") /usr/bin/python3 "$here/say.py" redacted >"$redacted"
}

teardown_file() {
	gone t-redaction
}

find_secret() {
	"$harness/find-secret" "$token" "$@"
}

tell() {
	act t-redaction "$1" '{}' --secret TOKEN=@"${2:-$token}" "${@:3}"
}

@test "the forms that the action prints are those that are looked for" {
	act t-redaction in_clear '{}' -e "TOKEN=$(cat "$token")"
	ended ok 0
	[ "$(field .output | grep -c ': .*')" -ge "$(wc -l <"$redacted")" ]
	[[ $(field .output) != *'***'* ]]
	run -0 find_secret - <<<"$record"
}

@test "in no form is it in stdout, stderr or the output file" {
	tell all
	ended ok 0
	jq -j .output <<<"$record" | cmp - "$redacted"
	# With output: file, stdout is a second log.
	jq -j .stderr <<<"$record" | cmp - <(cat "$redacted" "$redacted")
	run -1 find_secret - <<<"$record"
}

@test "nor is it in raw bytes" {
	tell binary
	ended ok 0
	field .output | base64 -d | cmp - "$redacted"
	run -1 find_secret - <<<"$record"
}

@test "nor is it in what --format text and stream print" {
	for format in text stream; do
		skillbox run t-redaction text --format $format \
			--secret TOKEN=@"$token" >"$BATS_TEST_TMPDIR/out" \
			2>"$BATS_TEST_TMPDIR/err"
		cmp "$BATS_TEST_TMPDIR/out" "$redacted"
		cmp "$BATS_TEST_TMPDIR/err" "$redacted"
	done
}

@test "nor does it come through byte by byte" {
	skillbox run t-redaction slowly --format stream \
		--secret TOKEN=@"$token" >"$BATS_TEST_TMPDIR/out" \
		2>"$BATS_TEST_TMPDIR/err"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = '<***>' ]
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = '<***>' ]
}

@test "nor is it in the error" {
	tell fail
	ended failed 3
	[ "$(field .error)" = 'it was ***, no less' ]
	[ "$(field .stderr)" = 'at first
it was ***, no less' ]
	tell fail_json
	ended failed 3
	[ "$(field .error)" = 'no *** there' ]
}

@test "JSON without it is JSON still" {
	tell json
	ended ok 0
	[ "$(field '.output | tojson')" = \
		'{"key":"\"***\"","***":["\\***\\n"]}' ]
}

@test "a number that is a secret is no number any more" {
	printf 4815162342 >"$BATS_TEST_TMPDIR/pin"
	tell number "$BATS_TEST_TMPDIR/pin"
	ended bad_output 65
	[ "$(field .output)" = '{"pin": ***}' ]
	[[ $record != *4815* ]]
}

@test "where the output limit cuts a secret in two, nothing of it is left" {
	tell flood
	ended output_limit 125
	[ "$(field .output)" = "$(printf 'x%.0s' $(seq 1000))***" ]
}

@test "nor is anything left where the time-out does" {
	tell half
	ended timeout 124
	[ "$(field .output)" = 'half: ***' ]
}

@test "what has no secret in it comes back to the byte" {
	for name in page.pdf dot.png bytes; do
		tell document "$token" -e NAME=$name
		ended ok 0
		field .output | base64 -d |
			cmp - "$skills/t-redaction/data/$name"
	done
}
