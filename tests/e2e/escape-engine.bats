#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What an engine brings along that nobody asked for: of its host, by its own
# configuration, or because the image says so.

load sessions

setup_file() {
	prepare
	fixture t-escape-engine <<'YAML'
  hosts: {command: [cat, /etc/hosts]}
  mounts: {command: [cat, /proc/self/mounts]}
YAML
	skillbox build t-escape-engine
}

setup() {
	engine=$("$harness/engine" pid "$SBX_TEST_ENGINE")
}

teardown() {
	there umount /etc/hosts 2>/dev/null || :
	[ ! -e "$BATS_TEST_TMPDIR/conf" ] || there rm -f /etc/containers/mounts.conf
	end_sessions
	docker rmi -f localhost/t-annotated:1 >/dev/null 2>&1 || :
}

# there COMMAND...: among the engine's mounts, which are its own
there() {
	nsenter --target "$engine" --mount "$@"
}

# is_podman VERSION...: of a major version that is one of them
is_podman() {
	local version
	[ "$(family)" = podman ] || return 1
	version=$(docker version -f '{{.Server.Version}}')
	[[ " $* " = *" ${version%%.*} "* ]]
}

@test "the names that the engine's host knows are not told to an action" {
	echo '10.9.8.7 t-escape-secret' >"$BATS_TEST_TMPDIR/hosts"
	there mount --bind "$BATS_TEST_TMPDIR/hosts" /etc/hosts
	act t-escape-engine hosts
	ended ok 0
	if is_podman 4; then
		holds '.output | test("t-escape-secret")'
		run skillbox doctor
		[[ $output = *'/etc/hosts of the host'* ]]
	else
		holds '.output | test("localhost") and
			(test("t-escape-secret") | not)'
	fi
}

@test "what the engine's configuration mounts is refused" {
	mkdir "$BATS_TEST_TMPDIR/files"
	echo leaked >"$BATS_TEST_TMPDIR/files/secret"
	echo "$BATS_TEST_TMPDIR/files:/run/leak" >"$BATS_TEST_TMPDIR/conf"
	act t-escape-engine mounts
	ended ok 0
	holds '.output | test("/run/leak") | not'
	[ "$(family)" = podman ] || return 0
	there cp "$BATS_TEST_TMPDIR/conf" /etc/containers/mounts.conf
	act t-escape-engine mounts
	ended denied 77
	holds '.error | test("sandbox.mounts: /run/leak .*mounts.conf")'
	holds '.started_at == null'
}

# crun takes another seccomp filter from this one: BPF that allows everything.
@test "what an image is annotated with gives no orders to the runtime" {
	policy <<<'skills: {build: {from: ["localhost/t-annotated:1", skillbox/*]}}'
	annotation=run.oci.seccomp_bpf_data=BgAAAAAA/38=
	if [ "$(family)" = podman ]; then
		curl -sf --unix-socket "${DOCKER_HOST#unix://}" \
			"http://localhost/v4.0.0/libpod/images/$(docker images -q \
				skillbox/busybox | head -1)/get?format=oci-archive" |
			"$top/tests/fixtures/annotate_image.py" \
				localhost/t-annotated:1 "$annotation" |
			curl -sf --unix-socket "${DOCKER_HOST#unix://}" \
				-H 'Content-Type: application/x-tar' --data-binary @- \
				http://localhost/v4.0.0/libpod/images/load
	else
		# The engine has no annotations of images; it has labels.
		printf 'FROM skillbox/busybox\nLABEL %s\n' "$annotation" |
			docker build -q -t localhost/t-annotated:1 -
	fi
	if is_podman 4; then
		run -77 session create te-annotated --skill t-escape-engine \
			--image localhost/t-annotated:1
		[[ $output = *'sandbox.Annotations: '*'run.oci.seccomp_bpf_data'* ]]
		[ -z "$(container_of te-annotated)" ]
	else
		made te-annotated --skill t-escape-engine \
			--image localhost/t-annotated:1
		docker inspect "$(container_of te-annotated)" |
			jq -e '.[0] | [.Config.Annotations, .HostConfig.Annotations] |
				map(. // {} | has("run.oci.seccomp_bpf_data")) |
				any | not'
	fi
}
