#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Images: the same sources make the same tag everywhere, other sources another
# one, and what is there already is not built again.

load helper

setup_file() {
	prepare
	mkdir -p "$BATS_FILE_TMPDIR/images/t-base"
	printf '%s\n' 'FROM skillbox/busybox' 'COPY base.txt /base.txt' \
		>"$BATS_FILE_TMPDIR/images/t-base/Dockerfile"
	echo one >"$BATS_FILE_TMPDIR/images/t-base/base.txt"
	make_skill "$skills/t-images"
}

teardown() {
	stop_daemon
}

teardown_file() {
	# Whatever these fixtures' images are called.
	docker images --format '{{.Repository}}:{{.Tag}}' |
		grep '^skillbox/t-' | xargs -r docker rmi -f >/dev/null 2>&1 || :
}

# make_skill DIRECTORY: the same sources, whatever the directory's name
make_skill() {
	mkdir -p "$1/sub"
	echo data >"$1/sub/file"
	printf '#!/bin/sh\necho ran\n' >"$1/run.sh"
	chmod +x "$1/run.sh"
	ln -sf sub/file "$1/link"
	printf '%s\n' 'FROM skillbox/t-base' 'COPY . /app/' \
		'ENTRYPOINT ["/app/run.sh"]' >"$1/Dockerfile"
	printf '%s\n' '*.log' '# a comment' 'skill.yaml' >"$1/.dockerignore"
	cat >"$1/skill.yaml" <<'YAML'
schema_version: 1
name: t-images
version: 1.0.0
description: A fixture.
actions:
  plain: {}
  shows: {entrypoint: [], command: [sh, -c, 'cd /app; find . | sort; cat /base.txt']}
YAML
}

# tag_of DIRECTORY [OPTION...]: builds the skills in it; the tag of t-images
tag_of() {
	fixtures=$1 skillbox "${@:2}" build t-images \
		2>"$BATS_TEST_TMPDIR/stderr" |
		sed -n 's/^t-images \([^ ]*\) \(built\|unchanged\)$/\1/p'
}

# built DIRECTORY: "built" or "unchanged"
built() {
	fixtures=$1 skillbox build t-images 2>"$BATS_TEST_TMPDIR/stderr" |
		sed -n 's/^t-images [^ ]* //p'
}

# checkout: another one of the same sources in $copy, and used from here on
checkout() {
	copy=$BATS_TEST_TMPDIR/another/place/deeper
	fixtures=$copy/skills
	mkdir -p "$copy"
	(
		umask "${1-022}"
		make_skill "$copy/skills/t-images"
		cp -R "$BATS_FILE_TMPDIR/images" "$copy/images"
	)
}

@test "path, mtimes, owners and umask are not in the tag" {
	tag=$(tag_of "$skills")
	[[ $tag =~ ^skillbox/t-images:[0-9a-f]+$ ]]
	checkout 077
	find "$copy" -exec touch -h -d '2001-02-03 04:05:06' {} +
	chown -hR 1234:4321 "$copy"
	[ "$(tag_of "$copy/skills")" = "$tag" ]
	chmod -R g+w "$copy"
	[ "$(tag_of "$copy/skills")" = "$tag" ]
	# Nor is the place that skillbox is called from.
	cd "$copy"
	[ "$(tag_of skills)" = "$tag" ]
}

@test "an engine that never met the other makes the same tag" {
	tag=$(tag_of "$skills")
	other=$BATS_FILE_TMPDIR/engine
	"$harness/engine" start "$other"
	# The bases as well, from nothing.
	found=$(tag_of "$skills" \
		--engine "$("$harness/engine" url "$other")") || :
	"$harness/engine" stop "$other"
	cat "$BATS_TEST_TMPDIR/stderr"
	[ "$found" = "$tag" ]
}

@test "an unchanged skill is not built again" {
	[ -n "$(tag_of "$skills")" ]
	[ "$(built "$skills")" = unchanged ]
	[ "$(skillbox build --force t-images | cut -d' ' -f3)" = built ]
}

@test "one changed byte, mode or name is another tag, and a build" {
	tag=$(tag_of "$skills")
	seen=$tag
	for change in 'echo dat4 >sub/file' 'chmod -x run.sh' \
		'mv sub/file sub/file2' 'ln -sf sub/none link' \
		'echo RUN true >>Dockerfile' 'mkdir empty'; do
		rm -rf "$BATS_TEST_TMPDIR/another"
		checkout
		(cd "$copy/skills/t-images" && eval "$change")
		[ "$(built "$copy/skills")" = built ]
		now=$(tag_of "$copy/skills")
		echo "$change: $now"
		run ! grep -qxF "$now" <<<"$seen"
		seen+=$'\n'$now
	done
	# What .dockerignore leaves out does not count.
	rm -rf "$BATS_TEST_TMPDIR/another"
	checkout
	echo noise >"$copy/skills/t-images/some.log"
	echo '# comment' >>"$copy/skills/t-images/skill.yaml"
	[ "$(built "$copy/skills")" = unchanged ]
	[ "$(tag_of "$copy/skills")" = "$tag" ]
}

@test "build arguments and target are in the tag" {
	tag=$(tag_of "$skills")
	checkout
	echo 'build: {args: {A: "1"}}' >>"$copy/skills/t-images/skill.yaml"
	with_argument=$(tag_of "$copy/skills")
	[ "$with_argument" != "$tag" ]
	sed -i 's/A: "1"/A: "2"/' "$copy/skills/t-images/skill.yaml"
	[ "$(tag_of "$copy/skills")" != "$with_argument" ]
}

@test "a changed base is another tag, and a build of both" {
	tag=$(tag_of "$skills")
	checkout
	[ "$(built "$copy/skills")" = unchanged ]
	echo two >"$copy/images/t-base/base.txt"
	[ "$(built "$copy/skills")" = built ]
	[ "$(tag_of "$copy/skills")" != "$tag" ]
	act t-images shows
	holds '.output | test("\ntwo\n$")'
	# And back again there is nothing to do.
	echo one >"$copy/images/t-base/base.txt"
	[ "$(built "$copy/skills")" = unchanged ]
	[ "$(tag_of "$copy/skills")" = "$tag" ]
}

@test "the context is what .dockerignore leaves, symlinks as symlinks" {
	checkout
	local here=$copy/skills/t-images
	echo outside-marker >"$BATS_TEST_TMPDIR/outside"
	ln -s "$BATS_TEST_TMPDIR/outside" "$here/out-link"
	ln -s /etc/shadow "$here/shadow-link"
	touch "$here/a.log" "$here/sub/b.log" "$here/sub/kept"
	mkdir -p "$here/gone/deep" && touch "$here/gone/x" "$here/gone/deep/y" \
		"$here/gone/deep/back"
	printf '%s\n' '*.log' 'skill.yaml' 'gone' '!gone/deep/back' '**/none' \
		>"$here/.dockerignore"
	act t-images shows
	ended ok 0
	run -0 field .output
	echo "$output"
	for name in ./run.sh ./sub/file ./sub/kept ./sub/b.log ./out-link \
		./shadow-link ./link ./gone/deep/back; do
		grep -qxF "$name" <<<"$output"
	done
	for name in ./a.log ./skill.yaml ./gone/x ./gone/deep/y; do
		run ! grep -qxF "$name" <<<"$output"
	done
	docker save "$(tag_of "$copy/skills")" >"$BATS_TEST_TMPDIR/image.tar"
	run ! grep -qa outside-marker "$BATS_TEST_TMPDIR/image.tar"
}

@test "two at once build once" {
	checkout
	echo 'RUN sleep 1; echo unique-1' >>"$copy/skills/t-images/Dockerfile"
	for i in 1 2 3; do
		built "$copy/skills" >"$BATS_TEST_TMPDIR/result$i" 3>&- &
	done
	wait
	cat "$BATS_TEST_TMPDIR"/result?
	[ "$(cat "$BATS_TEST_TMPDIR"/result? | grep -cx built)" = 1 ]
	[ "$(cat "$BATS_TEST_TMPDIR"/result? | grep -cx unchanged)" = 2 ]
}

@test "a build that fails shows the builder's last lines" {
	checkout
	echo 'RUN echo about-to-fail && sh -c "echo the-reason >&2; exit 9"' \
		>>"$copy/skills/t-images/Dockerfile"
	status=0
	skillbox build t-images \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" || status=$?
	cat "$BATS_TEST_TMPDIR/err"
	[ $status -eq 125 ]
	grep -q the-reason "$BATS_TEST_TMPDIR/err"
	act t-images plain
	ended build_failed 125
	holds '.error | test("the-reason") and test("9")'
	holds '.started_at == null'
}

# still_runs MARK: a RUN step that has it in its command
still_runs() {
	pgrep -f "while :; do echo $1;" >/dev/null
}

is_stopped() {
	! still_runs "$1"
}

@test "a build that does not end is stopped when its time is over" {
	fixture t-images-endless <<<'  plain: {command: [echo, ran]}'
	policy <<<'exceptions: {t-images-endless: {build: {timeout: 3s}}}'
	for way in run build daemon; do
		mark=tick-$way-$RANDOM$RANDOM
		printf '%s\n' 'FROM skillbox/busybox' \
			"RUN while :; do echo $mark; sleep 2; done" \
			>"$skills/t-images-endless/Dockerfile"
		SECONDS=0
		case $way in
		run)
			"$program" --skills "$skills:$top/skills" \
				run t-images-endless plain \
				>"$BATS_TEST_TMPDIR/record" \
				2>"$BATS_TEST_TMPDIR/stderr" 3>&- &
			runner=$!
			soon still_runs "$mark"
			timeout $((15 * slower)) \
				tail -f --pid="$runner" /dev/null ||
				kill "$runner"
			finish
			ended build_failed 125
			holds '.error | test("skills.build.timeout: .* within 3s")'
			holds '.error | test($mark)' --arg mark "$mark"
			;;
		build)
			run -125 skillbox build t-images-endless
			[[ $output = *skills.build.timeout:*3s* ]]
			;;
		daemon)
			serve
			ask POST /v1/skills/t-images-endless/actions/plain -d '{}'
			answered 200 build_failed
			holds '.error | test("skills.build.timeout: .* within 3s")'
			stop_daemon
			;;
		esac
		[ $SECONDS -lt $((15 * slower)) ]
		# Podman ends the build, not the step that it is at.
		[ "$(family)" != podman ] ||
			pkill -KILL -f "while :; do echo $mark;" || :
		soon is_stopped "$mark"
	done
}

@test "a Dockerfile nobody understands fails, naming the place" {
	for line in 'BOGUS instruction' 'COPY --from=nowhere /a /b' \
		'COPY not-there /app/' 'FROM'; do
		rm -rf "$BATS_TEST_TMPDIR/another"
		checkout
		echo "$line" >>"$copy/skills/t-images/Dockerfile"
		act t-images plain
		echo "$line: $(field .error)"
		case $line in
		# No stage of it, so an image that the policy does not grant.
		*nowhere*) ended denied 77 ;;
		*) [[ "$(field .outcome)" =~ ^(build_failed|invalid)$ ]] ;;
		esac
		holds '(.error | length) > 10 and .started_at == null'
	done
}

@test "a base that is not there is not_found, and named" {
	checkout
	sed -i 's,skillbox/t-base,skillbox/t-bass,' \
		"$copy/skills/t-images/Dockerfile"
	act t-images plain
	ended not_found 66
	holds '.error | test("t-bass")'
}

@test "prune removes images of sources that are no more, and no others" {
	checkout
	old=$(tag_of "$copy/skills")
	echo more >"$copy/skills/t-images/sub/more"
	new=$(tag_of "$copy/skills")
	docker tag "$new" t-foreign:latest
	skillbox prune --dry-run \
		>"$BATS_TEST_TMPDIR/out"
	cat "$BATS_TEST_TMPDIR/out"
	grep -q "would remove .*$old" "$BATS_TEST_TMPDIR/out"
	run ! grep -q "$new" "$BATS_TEST_TMPDIR/out"
	docker image inspect "$old" >/dev/null
	skillbox prune >"$BATS_TEST_TMPDIR/out"
	grep -q "removed .*$old" "$BATS_TEST_TMPDIR/out"
	run ! docker image inspect "$old"
	docker image inspect "$new" >/dev/null
	docker image inspect t-foreign:latest >/dev/null
	docker rmi t-foreign:latest >/dev/null
}

# own_images: a skill in $copy/skills whose actions have three images
own_images() {
	checkout
	printf '%s\n' 'FROM skillbox/t-base AS one' 'RUN echo one >/which' \
		'FROM skillbox/t-base AS two' 'RUN echo two >/which' \
		>"$copy/skills/t-images/Other"
	cat >"$copy/skills/t-images/skill.yaml" <<'YAML'
schema_version: 1
name: t-images
version: 1.0.0
description: A fixture.
defaults: {entrypoint: [], command: [cat, /which]}
actions:
  shared: {command: [ls, /app]}
  one: {build: {dockerfile: Other, target: one}}
  two: {build: {dockerfile: Other, target: two}}
  again: {build: {dockerfile: Other, target: one}}
YAML
}

@test "each action runs in the image of its own build" {
	own_images
	skillbox build t-images >"$BATS_TEST_TMPDIR/out" \
		2>"$BATS_TEST_TMPDIR/stderr"
	cat "$BATS_TEST_TMPDIR/out"
	[ "$(sort -u "$BATS_TEST_TMPDIR/out" | wc -l)" = 3 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" = 3 ]
	run ! grep -vE '^t-images skillbox/t-images:[0-9a-f]{32} built$' \
		"$BATS_TEST_TMPDIR/out"
	act t-images shared
	ended ok 0
	holds '.output | test("run.sh")'
	for action in one two again; do
		act t-images "$action"
		ended ok 0
		holds '.output == $which' \
			--arg which "${action/again/one}"$'\n'
	done
	run ! grep -q building "$BATS_TEST_TMPDIR/stderr"
	skillbox inspect t-images |
		jq -e '.build.dockerfile == "Dockerfile" and
			.actions.two.build ==
				{"dockerfile": "Other", "target": "two"} and
			(.actions.shared | has("build") | not)'
}

@test "a stage that is no more than another one has an image of its own" {
	own_images
	printf '%s\n' 'FROM one AS alias' >>"$copy/skills/t-images/Other"
	printf '%s\n' '  alias: {build: {dockerfile: Other, target: alias}}' \
		>>"$copy/skills/t-images/skill.yaml"
	skillbox build t-images >"$BATS_TEST_TMPDIR/out"
	[ "$(sort -u "$BATS_TEST_TMPDIR/out" | wc -l)" = 4 ]
	act t-images alias
	ended ok 0
	holds '.output == "one\n"'
}

@test "prune keeps every image that an action has" {
	own_images
	mapfile -t tags < <(skillbox build t-images | cut -d' ' -f2)
	sed -i 's/echo two/echo three/' "$copy/skills/t-images/Other"
	mapfile -t now < <(skillbox build t-images | cut -d' ' -f2)
	# The file is in the context of all three.
	skillbox prune >"$BATS_TEST_TMPDIR/out"
	for tag in "${tags[@]}"; do
		grep -qF "removed image $tag " "$BATS_TEST_TMPDIR/out"
	done
	for tag in "${now[@]}"; do
		docker image inspect "$tag" >/dev/null
	done
	# An action less, an image less.
	sed -i '/^  two/d' "$copy/skills/t-images/skill.yaml"
	skillbox prune >"$BATS_TEST_TMPDIR/out"
	grep -qF "removed image ${now[2]} " "$BATS_TEST_TMPDIR/out"
	docker image inspect "${now[1]}" >/dev/null
}

@test "one image that cannot be built does not stop the others" {
	own_images
	echo 'RUN false' >>"$copy/skills/t-images/Other"
	status=0
	skillbox build t-images >"$BATS_TEST_TMPDIR/out" \
		2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	[ $status -eq 125 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" = 2 ]
	act t-images one
	ended ok 0
	act t-images two
	ended build_failed 125
	rm "$copy/skills/t-images/Other"
	run -65 skillbox check "$copy/skills/t-images"
	[[ "$output" == *"Other: No such file"* ]]
	# Nobody needs it.
	sed -i '/^  \(one\|two\|again\)/d' "$copy/skills/t-images/skill.yaml"
	skillbox check "$copy/skills/t-images"
}
