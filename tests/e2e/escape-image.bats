#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Attacks by what is in the image, and by what its Dockerfile says of it.

load attack

setup_file() {
	prepare
	hostile t-escape-image kernel files
	printf '#!/bin/sh\necho evil init >&2\n' >"$skills/t-escape-image/evil"
	chmod 755 "$skills/t-escape-image/evil"
	cat >>"$skills/t-escape-image/Dockerfile" <<'DOCKERFILE'
COPY evil /app/init
RUN ln -s /proc/self/cwd /.skillbox && ln -s /.skillbox /app/cache
ENV LD_PRELOAD=/app/init LD_LIBRARY_PATH=/app PATH=/app:/bin:/usr/bin
RUN mkdir -m 0700 /private
DOCKERFILE
	fixture t-escape-image <<YAML
  attack: {$attack_action}
  here: {command: [/bin/echo, 'an action'], working_dir: /app}
  plant: {command: [/bin/cp, /app/init, /vol/init], volumes: ['v:/vol:rw']}
  harvest: {command: [/bin/echo, 'an action'], volumes: ['v:/app/cache:rw']}
  leaked: {command: [/bin/echo, 'an action'], working_dir: /proc/self/fd/7}
  leaked_up: {command: [/bin/ls], working_dir: /proc/1/root}
  gone: {command: [/bin/echo, 'an action'], working_dir: /no/such/directory}
  private: {command: [/bin/echo, 'an action'], working_dir: /private}
YAML
	skillbox build t-escape-image
	uid=$(uid_of t-escape-image)
	export uid
}

teardown() {
	unharmed t-escape-image "$uid"
}

teardown_file() {
	remove_volumes t-escape-image t-escape-declares
}

# image NAME LINE...: a skill whose Dockerfile is LINEs
image() {
	mkdir -p "$skills/$1"
	printf '%s\n' "${@:2}" >"$skills/$1/Dockerfile"
	fixture "$1" <<YAML
  attack: {$attack_action}
  sees: {command: [sh, -c, 'id; cat /proc/self/status']}
  sleeps: {entrypoint: [sleep, '60'], command: []}
  named: {}
  plain: {command: [sh, -c, 'cat >/dev/null; touch /tmp/x && cat /data/file']}
  keeps: {command: [sh, -c, 'touch /data/deep/x'], volumes: ['v:/data/deep:rw']}
YAML
}

# Attacks: the random name of init's directory.  A link to /proc/self/cwd is
# another directory to the engine, which mounts init there, than to the kernel,
# which executes what is there.
@test "no link of the image decides what is init" {
	act t-escape-image here
	ended ok 0
	holds '.output == "an action\n"'
}

@test "no volume is mounted over init" {
	act t-escape-image plant
	ended ok 0
	act t-escape-image harvest
	# runc 1.3 and crun find the link before init can.
	[ "$(field .outcome)" = denied ] ||
		holds '.error | test("app/cache.*: (too many levels of symbolic|" +
			"Invalid cross-device) link")'
	holds '.started_at == null and (.error | test("evil") | not)'
}

# Attacks: init is static, and has an environment of its own.
@test "LD_PRELOAD and LD_LIBRARY_PATH of the image" {
	attack t-escape-image 'echo $LD_PRELOAD'
	ended ok 0
	holds '.output == "/app/init\n" and (.stderr | test("evil") | not)'
}

# Attacks: init enters it, as the action's user, with nothing open.  An
# engine's runtime would, with descriptors of the host, CVE-2024-21626.
@test "a working directory that is a leaked descriptor, or in /proc/1" {
	act t-escape-image leaked
	ended exec_failed 127
	holds '.error == "the working directory /proc/self/fd/7 cannot be entered: No such file or directory"'
	act t-escape-image leaked_up
	ended exec_failed 126
	holds '.output == null and (.error | test("/proc/1/root.*Permission"))'
	for number in 6 7 8 9; do
		image t-escape-workdir 'FROM skillbox/busybox' \
			"WORKDIR /proc/self/fd/$number"
		attack t-escape-workdir 'cat /proc/self/cwd/etc/shadow ../etc/shadow'
		run ! [ "$(field .outcome)" = ok ]
		run ! grep -q 'root:' <<<"$record"
	done
}

@test "a working directory that is not there, or is private to root" {
	act t-escape-image gone
	ended exec_failed 127
	act t-escape-image private
	ended exec_failed 126
	holds '.error | test("/private cannot be entered: Permission denied")'
}

@test "a VOLUME hides nothing that the sandbox needs, spelled as it may be" {
	for path in / /proc /proc/x /sys/fs/cgroup /dev /dev//pts; do
		image t-escape-declares 'FROM skillbox/busybox' "VOLUME $path"
		act t-escape-declares plain
		ended denied 77
		holds '.started_at == null and (.error | test("image.volumes"))'
	done
	image t-escape-declares 'FROM skillbox/busybox' \
		'VOLUME /tmp/ /.skillbox /dev/shm /data /data/ /data/file //data/deep'
	act t-escape-declares plain
	ended failed 1
	holds '.error | test("directory")'
	act t-escape-declares keeps
	ended ok 0
	gone t-escape-declares
}

# Attacks: each mount is where it was asked for, says init.  From scratch, or
# the builder would have mounted something there itself.
@test "links where something is to be mounted: /tmp, /dev/shm, /proc, /sys, /dev" {
	mkdir -p "$skills/t-escape-links"
	for link in tmp:/etc tmp:/proc/self/fd dev/shm:/etc proc:/etc \
		sys:/etc dev:/etc etc/hosts:/bin/busybox etc/resolv.conf:/proc/1/mem; do
		/usr/bin/python3 - "$skills/t-escape-links/root.tar" \
			"$link" "$(command -v busybox)" <<'PYTHON'
import sys, tarfile
path, link, busybox = sys.argv[1:]
name, target = link.split(":")
with tarfile.open(path, "w") as tar:
    tar.add(busybox, "bin/busybox")
    for at, of in (("bin/sh", "busybox"), (name, target)):
        info = tarfile.TarInfo(at)
        info.type, info.linkname = tarfile.SYMTYPE, of
        tar.addfile(info)
PYTHON
		image t-escape-links 'FROM scratch' 'ADD root.tar /'
		attack t-escape-links 'busybox id -u; busybox ls /tmp'
		echo "$link: $(field .outcome): $(field .error)"
		# Not run at all; or run, in a sandbox where all is well.
		# Podman mounts its hosts file over what the link leads to,
		# read-only: then it is the image that has no program left.
		case $(field .outcome) in
		ok) holds '.output | test("^2[0-9]{5}\n$")' ;;
		exec_failed) [ "$link" = etc/hosts:/bin/busybox ] ;;
		*) holds '.started_at == null' ;;
		esac
		gone t-escape-links
	done
}

# Attacks: no-new-privileges, and the bounding set.
@test "a program of the image that has file capabilities" {
	mkdir -p "$skills/t-escape-caps"
	cp "$skills/t-escape-image/kernel" "$skills/t-escape-caps/kernel"
	# All of them, VFS_CAP_REVISION_2; with the bit that makes them
	# effective at once, and without.
	/usr/bin/python3 - "$skills/t-escape-caps" <<'PYTHON'
import sys, tarfile
here = sys.argv[1]
with tarfile.open(f"{here}/caps.tar", "w", format=tarfile.PAX_FORMAT) as tar:
    for name, effective in (("quiet", 0), ("loud", 1)):
        info = tar.gettarinfo(f"{here}/kernel", name)
        info.mode, info.uid, info.gid = 0o755, 0, 0
        value = bytes([effective, 0, 0, 2]) + b"\xff" * 8 + bytes(8)
        info.pax_headers = {"SCHILY.xattr.security.capability":
                            value.decode("utf-8", "surrogateescape")}
        with open(f"{here}/kernel", "rb") as file:
            tar.addfile(info, file)
PYTHON
	image t-escape-caps 'FROM skillbox/busybox' 'ADD caps.tar /app/'
	attack t-escape-caps '/app/quiet elevated'
	ended ok 0
	holds '.output | .capabilities == 0 and .uid > 0 and
		.has_file_capabilities == 1'
	attack t-escape-caps '/app/loud elevated'
	[ "$(field .outcome)" = failed ] || holds '.output.capabilities == 0'
	gone t-escape-caps
}

# Attacks: the engine's cgroup of devices.  The first is the disk that the
# host stands on, open to all by its mode.
@test "device nodes in the image" {
	disk=$(stat -Lc '%Hd %Ld' /)
	mkdir -p "$skills/t-escape-devices"
	cp "$skills/t-escape-image/kernel" "$skills/t-escape-devices/"
	/usr/bin/python3 - "$skills/t-escape-devices/nodes.tar" "$disk" <<'PYTHON'
import sys, tarfile
major, minor = map(int, sys.argv[2].split())
with tarfile.open(sys.argv[1], "w") as tar:
    for name, kind, at, of in (("disk", tarfile.BLKTYPE, major, minor),
                               ("mem", tarfile.CHRTYPE, 1, 1),
                               ("kmsg", tarfile.CHRTYPE, 1, 11),
                               ("fuse", tarfile.CHRTYPE, 10, 229)):
        info = tarfile.TarInfo(name)
        info.type, info.devmajor, info.devminor, info.mode = (
            kind, at, of, 0o666)
        tar.addfile(info)
PYTHON
	image t-escape-devices 'FROM skillbox/busybox' 'ADD nodes.tar /nodes/' \
		'COPY kernel /app/' 'RUN ls -l /nodes && chmod 666 /nodes/*'
	attack t-escape-devices "/app/kernel devices $disk /nodes/disk /nodes/mem /nodes/kmsg /nodes/fuse"
	if [ "$(field .outcome)" != build_failed ]; then
		refused
		holds '[.output["/nodes/disk", "/nodes/mem", "/nodes/kmsg",
			"/nodes/fuse"]] | all(. == "EPERM" or . == "ENOENT")'
	fi
	gone t-escape-devices
}

# Attacks: the engine's extraction, which must stay in the image.
@test "an archive that ADD unpacks: .., absolute names, links out, hard links" {
	out=$(mktemp -d /tmp/sbx-escape-XXXXXX)
	chmod 777 "$out"
	echo original >"$out/there"
	mkdir -p "$skills/t-escape-archive"
	for kind in dots absolute link hard file-through-file; do
		/usr/bin/python3 - "$skills/t-escape-archive/evil.tar" "$out" \
			"$kind" <<'PYTHON'
import io, sys, tarfile
path, out, kind = sys.argv[1:]
up = "../" * 20
def entry(tar, name, type=tarfile.REGTYPE, link="", data=b"owned"):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = type, link, 0o666
    info.size = len(data) if type == tarfile.REGTYPE else 0
    tar.addfile(info, io.BytesIO(data))
with tarfile.open(path, "w") as tar:
    entry(tar, "plain")
    if kind == "dots":
        entry(tar, f"{up}{out[1:]}/owned")
    elif kind == "absolute":
        entry(tar, f"{out}/owned")
    elif kind == "link":
        entry(tar, "link", tarfile.SYMTYPE, out)
        entry(tar, "link/owned")
        entry(tar, "up", tarfile.SYMTYPE, f"{up}{out[1:]}")
        entry(tar, "up/owned")
    elif kind == "hard":
        entry(tar, "hard", tarfile.LNKTYPE, f"{up}{out[1:]}/there")
        entry(tar, "hard")
    else:
        entry(tar, "plain/below")
PYTHON
		image t-escape-archive 'FROM skillbox/busybox' 'ADD evil.tar /x/'
		attack t-escape-archive 'cat /x/plain; ls /x'
		echo "$kind: $(field .outcome): $(field .error)"
		[ "$(field .outcome)" = build_failed ] || ended ok 0
		[ "$(cat "$out/there")" = original ]
		[ ! -e "$out/owned" ]
		[ "$(stat -c %h "$out/there")" = 1 ]
		gone t-escape-archive
	done
	rm -r "$out"
}

@test "names and labels with newlines, quotes and what JSON would not like" {
	image t-escape-labels 'FROM skillbox/busybox' \
		'LABEL "org.x\nio.skillbox.owner"="0"' \
		'LABEL org.quote="a\"},\"Privileged\":true,{\"b" org.long="'"$(
			head -c 20000 /dev/zero | tr '\0' x)"'"' \
		'ENV "A"="x\nLD_PRELOAD=/evil" B="$(id)" C="`id`"' \
		'VOLUME ["/a\nb", "/c:/d", "/e,ro", "/f g"]' \
		'CMD ["a\nb", "\"}"]'
	begin t-escape-labels attack -e 'ATTACK=sleep 60'
	docker inspect "$container" | jq -e '.[0] |
		.HostConfig.Privileged == false and
		.Config.Labels["io.skillbox.owner"] == "0" and
		.Config.Labels["io.skillbox.skill"] == "t-escape-labels" and
		([.Mounts[] | select(.RW)] == [])'
	kill "$runner"
	finish
	attack t-escape-labels 'env; ls -d /a*'
	ended ok 0
	holds '.output | test("B=\\$\\(id\\)\n")'
	gone t-escape-labels
	# An action's or owner's name is nothing like that.
	act t-escape-labels $'attack\nio.skillbox.owner=0'
	ended not_found 66
	act $'t-escape-labels\n' attack
	ended invalid 65
}

# Attacks: that BuildKit was granted none of its entitlements.
@test "a RUN that asks for more than a build has" {
	for line in 'RUN --security=insecure id' 'RUN --network=host id' \
		'RUN --mount=type=bind,source=/,target=/host,from=host id' \
		'RUN --mount=type=ssh test -e "$SSH_AUTH_SOCK"' \
		'RUN --device=/dev/mem id'; do
		image t-escape-run 'FROM skillbox/busybox' "$line"
		run skillbox build t-escape-run
		echo "$line: $status"
		[ "$status" -ne 0 ]
	done
	# And that a step's root is not the host's.
	image t-escape-run 'FROM skillbox/busybox' \
		'RUN grep -q "^CapEff:.*1f*$" /proc/self/status && exit 9; mount -t tmpfs x /mnt && exit 8; mknod /dev/sdx b 8 0 && head -c 1 /dev/sdx && exit 7; true'
	skillbox build t-escape-run
}

# --- images that would like to decide ---------------------------------------

@test "USER app that is uid 0 in passwd" {
	image t-escape-user 'FROM skillbox/busybox' 'COPY passwd group /etc/' 'USER app'
	printf '%s\n' 'root:x:0:0::/:/bin/sh' 'app:x:0:0::/:/bin/sh' \
		>"$skills/t-escape-user/passwd"
	printf '%s\n' 'root:x:0:' >"$skills/t-escape-user/group"
	act t-escape-user sees
	ended ok 0
	holds '.output | test("^uid=2[0-9]{5}")'
	holds '.output | test("\nUid:\t2[0-9]{5}\t2[0-9]{5}\t2[0-9]{5}\t2[0-9]{5}\n")'
	gone t-escape-user
}

@test "a group file that gives the user the host's disks" {
	image t-escape-group 'FROM skillbox/busybox'
	act t-escape-group sees
	uid=$(field .output | sed -n 's/^uid=\([0-9]*\).*/\1/p')
	printf '%s\n' "evil:x:$uid:$uid::/:/bin/sh" >"$skills/t-escape-group/passwd"
	printf '%s\n' 'disk:x:6:evil' 'root:x:0:evil' >"$skills/t-escape-group/group"
	echo 'COPY passwd group /etc/' >>"$skills/t-escape-group/Dockerfile"
	act t-escape-group sees
	# Refused, or without effect.
	if [ "$(field .outcome)" = denied ]; then
		holds '.started_at == null and (.error | test("groups"))'
	else
		ended ok 0
		holds '.output | test("\nGroups:\t *([0-9]{6})? *\n")'
	fi
	gone t-escape-group
}

@test "HEALTHCHECK, STOPSIGNAL, VOLUME, ENTRYPOINT, ONBUILD, SHELL" {
	image t-escape-decides 'FROM skillbox/busybox' \
		'HEALTHCHECK --interval=1s CMD touch /data/healthy' \
		'STOPSIGNAL SIGWINCH' 'VOLUME /data /var/more' \
		'ENTRYPOINT ["sh", "-c", "echo entry $0 $@"]' \
		'CMD ["word"]' 'ENV LD_PRELOAD=/evil.so' 'EXPOSE 80' \
		'WORKDIR /data'
	before=$(docker volume ls -q | sort)
	begin t-escape-decides sleeps
	docker inspect "$container" | jq -e '.[0] |
		.Config.Healthcheck.Test == ["NONE"] and
		(.State.Health.Status // "" | . == "" or . == "none") and
		(.Config.StopSignal // "SIGTERM" |
			. == "SIGTERM" or . == "SIGKILL" or . == "15") and
		([.NetworkSettings.Ports[] | select(. != null)] == []) and
		([.Mounts[] | select(.RW)] == []) and
		(.Path | endswith("/init"))'
	kill "$runner"
	finish
	ended cancelled 130

	act t-escape-decides named
	ended ok 0
	holds '.output == "entry word named\n"'
	gone t-escape-decides
	# No anonymous volume either, not even afterwards.
	docker volume ls -q | sort >"$BATS_TEST_TMPDIR/after"
	run -1 grep -E '^[0-9a-f]{64}$' \
		<(comm -13 <(echo "$before") "$BATS_TEST_TMPDIR/after")
}

@test "labels that only skillbox may set" {
	for label in io.skillbox.runner=x io.skillbox.owner=0 \
		io.skillbox.anything=; do
		image t-escape-labels 'FROM skillbox/busybox' "LABEL $label"
		act t-escape-labels sees
		ended denied 77
		holds '.error | test("label")'
		holds '.started_at == null'
	done
	# Those that it sets itself are what it says.
	image t-escape-labels 'FROM skillbox/busybox' 'LABEL org.example=fine' \
		'LABEL io.skillbox.name=text io.skillbox.kind=base'
	act t-escape-labels sees
	ended ok 0
	docker image inspect "$(field .image)" | jq -e '.[0].Config.Labels |
		.["io.skillbox.name"] == "t-escape-labels" and
		.["io.skillbox.kind"] == "skill" and
		.["org.example"] == "fine"'
	gone t-escape-labels
}

@test "an image without anything at all" {
	image t-escape-empty 'FROM scratch' 'COPY nothing /nothing'
	: >"$skills/t-escape-empty/nothing"
	act t-escape-empty sees
	ended exec_failed 127
	act t-escape-empty named
	holds '.outcome == "exec_failed" or .outcome == "invalid"'
	gone t-escape-empty
}
