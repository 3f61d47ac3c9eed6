#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Attacks by a Dockerfile that says one thing to us and another to a builder:
# an image that no policy was asked about, or what the builder fetches itself.

load helper

setup_file() {
	prepare
	printf 'FROM skillbox/busybox\nRUN echo EVIL >/evil\n' |
		docker build -q -t t-evil:1 - >/dev/null
	docker tag t-evil:1 skillbox/t-evil:1
}

teardown_file() {
	docker rmi -f t-evil:1 skillbox/t-evil:1 >/dev/null
}

setup() {
	fixture t-build <<<'  plain: {command: [cat, /evil]}'
	begin=$'FROM skillbox/busybox\n'
	end=$'FROM skillbox/busybox\nCOPY --from=1 /evil /evil\n'
}

# builds_not RULE TEXT: no image comes of TEXT, for the reason it should
builds_not() {
	printf '%s' "$2" >"$skills/t-build/Dockerfile"
	act t-build plain
	cat <<<"$2"
	case $1 in
	invalid) ended invalid 65 ;;
	*) ended denied 77 ;;
	esac
	holds '.started_at == null and (.error | test($rule))' --arg rule \
		"${1/#invalid/Dockerfile:[0-9]+: }"
}

# The image is there, and what it has would be seen.
@test "an image that is written out is asked about" {
	builds_not skills.build.from $'FROM t-evil:1\n'
	policy <<<'skills: {build: {from: ["t-evil:*"]}}'
	act t-build plain
	ended ok 0
	holds '.output == "EVIL\n"'
}

@test "what reads the Dockerfile is an image, wherever that is said" {
	builds_not skills.build.from $'# syntax=t-evil:1\n'"$begin"
	builds_not skills.build.from $'# a=b\n# syntax=t-evil:1\n'"$begin"
	builds_not skills.build.from $'# a= \n# syntax=t-evil:1\n'"$begin"
	builds_not invalid $'#!x\n# syntax=t-evil:1\n'"$begin"
	builds_not invalid $'// syntax=t-evil:1\n'"$begin"
	builds_not invalid '{"syntax": "t-evil:1"}'
	builds_not invalid $'# syntax=t-evil:1 x@sha256:1\n'"$begin"
}

@test "what reads the Dockerfile is no build argument either" {
	printf '%s' "$begin" >"$skills/t-build/Dockerfile"
	for name in BUILDKIT_SYNTAX BUILDKIT_INLINE_CACHE buildkit_syntax \
		TARGETVARIANT BUILDPLATFORM TARGETSTAGE BUILDOSVERSION; do
		fixture t-build <<-END
			  plain:
			    command: [cat, /evil]
			    build: {args: {$name: 't-evil:1'}}
		END
		act t-build plain
		ended invalid 65
		holds '.error | test("build.args." + $name)' --arg name "$name"
	done
}

@test "an instruction that is part of another one only to us" {
	builds_not invalid "$begin"$'CMD x \\\v\nFROM t-evil:1\n'"$end"
	builds_not invalid "$begin"$'CMD x \\\r\r\nFROM t-evil:1\n'"$end"
	builds_not invalid "$begin"$'CMD x \\\\\nFROM t-evil:1\n'"$end"
	builds_not invalid $'# check=skip=all\n# escape=`\n'"$begin"$'CMD x `
FROM t-evil:1\n'"$end"
	builds_not invalid "$begin"$'\u00a0FROM t-evil:1\n'"$end"
}

@test "a here-document that is none" {
	builds_not invalid "$begin"$'RUN true # <<#x\nFROM t-evil:1\n#x\n'"$end"
	builds_not invalid "$begin"$'RUN true # <<x\nFROM t-evil:1\nx\n'"$end"
	builds_not invalid "$begin"$'ONBUILD CMD <<x\nFROM t-evil:1\nx\n'"$end"
	builds_not invalid "$begin"$'RUN ${a:- <<x }\nFROM t-evil:1\nx\n'"$end"
	builds_not invalid "$begin"$'RUN <<x\nbogus\nFROM t-evil:1\nx\n'"$end"
	builds_not invalid "$begin"$'RUN true << x\nFROM scratch AS t-evil
LABEL a=b \\\nx\n'"$begin"$'COPY --from=t-evil /evil /evil'
}

@test "an image by a flag that says so to builders alone" {
	for field in 'fr\om' 'fr""om' '"from"' "'from'"; do
		builds_not invalid "${begin}RUN --mount=type=bind,$field=t-evil:1,\
target=/m cp /m/evil /evil"
	done
	builds_not skills.build.from "${begin}RUN --mount=from=7,target=/m true"
	builds_not invalid "${begin}COPY --from=7 /evil /evil"
	builds_not invalid "$begin"$'RUN \xa0--mount=from=t-evil:1,target=/m true'
}

# Each would be t-evil to some builder, and is granted as it is read here.
@test "an image that is pinned only to us" {
	pin=@sha256:$(printf %064d 0)
	builds_not invalid "FROM t-evil:1\${U:+'}$pin\${U:+'}"
	builds_not invalid $'ARG A='"$pin"$'\nARG A\nFROM t-evil:1$A'
	builds_not invalid $'ARG A=x'"$pin"$'\nARG "A=t-evil:1"\nFROM $A'
	builds_not invalid $'ARG B=$12\nFROM t-evil:1${B:+'"$pin}"
	builds_not invalid "FROM t-evil:1\${TARGETSTAGE:-$pin}"
	builds_not invalid "FROM t-evil:1\${TARGETARCH:+$pin}"
	builds_not invalid "FROM t-evil:1\\"$'\n'"$pin$(printf '%70000s' '')"
}

@test "a name that is a stage, or not" {
	builds_not invalid $'FROM skillbox/busybox AS T-Evil\nFROM t-evil\n'
	builds_not invalid "$begin"$'COPY --from=later /evil /evil
FROM skillbox/busybox AS later\n'
	builds_not invalid $'FROM skillbox/busybox AS me\nCOPY --from=me /x /y\n'
}

# Whoever wrote it would have a say in the build.
@test "a base image that has instructions for what is built on it" {
	printf 'FROM t-evil:1\nONBUILD RUN echo TRIGGERED >/evil\n' |
		docker build -q -t t-evil:triggers - >/dev/null
	policy <<<'skills: {build: {from: ["t-evil:*", "skillbox/*"]}}'
	if [ "$(family)" = podman ]; then
		# It does not tell, and doctor tells that.
		run skillbox doctor
		[[ $output = *'warn  triggers'*ONBUILD* ]]
		docker rmi -f t-evil:triggers >/dev/null
		return
	fi
	builds_not skills.build.from $'FROM t-evil:triggers\n'
	holds '.error | test("ONBUILD")'
	builds_not skills.build.from \
		$'FROM t-evil:triggers AS a\nFROM skillbox/busybox\nCOPY --from=a /evil /evil\n'
	docker rmi -f t-evil:triggers >/dev/null
	# What is not there is not found either.
	printf 'FROM t-evil:none\n' >"$skills/t-build/Dockerfile"
	act t-build plain
	holds '.outcome | IN("build_failed", "unavailable")'
	holds '.error | test("pull t-evil:none: ")'
}

# The policy's skillbox/* are the base images, whatever else there is.
@test "an image that is called as ours are" {
	builds_not invalid $'FROM skillbox/t-evil:1\n'
	builds_not invalid "$begin"$'COPY --from=skillbox/t-evil:1 /evil /evil\n'
	builds_not invalid $'ARG A=evil:1\nFROM skillbox/t-$A\n'
}

# The builder would do so itself, from where it is: the host.
@test "ADD fetches nothing where a build has no network" {
	mkdir "$BATS_TEST_TMPDIR/web"
	echo EVIL >"$BATS_TEST_TMPDIR/web/evil"
	cd "$BATS_TEST_TMPDIR/web"
	python3 -u -m http.server 0 --bind 127.0.0.1 \
		>"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
	server=$!
	soon grep -q 'port [0-9]' "$BATS_TEST_TMPDIR/log"
	url=http://127.0.0.1:$(sed -n 's/.*port \([0-9]*\).*/\1/p' \
		"$BATS_TEST_TMPDIR/log")/evil
	for source in "$url" "$url\\" "ht\"t\"p:${url#http:}" '$EVIL' \
		"http:\"/\"/${url#http://}" "[\"$url\", \"/evil\"]"; do
		builds_not skills.build.network \
			"${begin}ENV EVIL=$url"$'\n'"ADD $source /evil"
	done
	run ! grep GET "$BATS_TEST_TMPDIR/log"
	# The same where it may.
	policy <<<'skills: {build: {network: true}}'
	printf '%s' "${begin}ADD $url /evil"$'\nRUN chmod 644 /evil\n' \
		>"$skills/t-build/Dockerfile"
	act t-build plain
	kill "$server"
	ended ok 0
	holds '.output == "EVIL\n"'
	grep GET "$BATS_TEST_TMPDIR/log"
}

# BuildKit's, which keeps what is in it for whoever names it next.
@test "what one skill's build leaves in a cache is not there for another" {
	[ "$(family)" = docker ] || skip "Podman's caches are one for all"
	mount=type=cache,id=${BATS_RUN_TMPDIR##*/},target=/c
	for skill in t-build t-build-other; do
		fixture $skill <<<'  plain: {command: [cat, /seen]}'
		printf '%s\n' 'FROM skillbox/busybox' \
			"RUN --mount=$mount cat /c/* >/seen; \
echo $skill $BATS_TEST_TMPDIR >>/c/left; ls /c" \
			>"$skills/$skill/Dockerfile"
		act $skill plain
		ended ok 0
		holds '.output == ""'
	done
	# Its own it has again.
	echo "RUN --mount=$mount cat /c/* >/seen" \
		>>"$skills/t-build/Dockerfile"
	act t-build plain
	ended ok 0
	holds '.output | startswith("t-build /")'
}
