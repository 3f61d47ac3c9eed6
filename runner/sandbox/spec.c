/* SPDX-License-Identifier: MIT */
/* What the engine is told: the body of POST /containers/create. */
#include "sandbox/spec.h"

#include <stdio.h>
#include <string.h>

#include "codec/json.h"
#include "sandbox/runner.h"
#include "sandbox/direct.h"
#include "sandbox/spec_devices.h"
#include "sandbox/spec_mounts.h"

/* The kernel's own default, in microseconds. */
#define CPU_PERIOD_US 100000

char *sbx_spec_name(const struct sbx_spec *spec)
{
	return sbx_asprintf("skillbox-%s-%s", spec->grant->skill, spec->nonce);
}

static char *user(const struct sbx_action *action)
{
	return sbx_asprintf("%u:%u", action->uid, action->gid);
}

static void add_ulimit(json_t *all, const char *name, int64_t soft,
		       int64_t hard)
{
	json_array_append_new(all, json_pack("{s:s, s:I, s:I}", "Name", name,
					     "Soft", (json_int_t)soft, "Hard",
					     (json_int_t)hard));
}

static json_t *ulimits(const struct sbx_spec *spec)
{
	const struct sbx_action *action = &spec->grant->action;
	json_t *all = json_array();
	bool has_nproc = false;

	for (size_t i = 0; i < action->n_ulimits; i++) {
		const struct sbx_ulimit *u = &action->ulimits[i];

		has_nproc = has_nproc || strcmp(u->name, "nproc") == 0;
		add_ulimit(all, u->name, u->soft, u->hard);
	}
	if (spec->traits->nproc && !has_nproc)
		add_ulimit(all, "nproc", spec->traits->nproc,
			   spec->traits->nproc);
	return all;
}

/* Where ports are the engine's to publish; else a forwarder is. */
static size_t n_ports(const struct sbx_spec *spec)
{
	return spec->grant->action.network == SBX_NETWORK_BRIDGE
		       ? spec->grant->publish.n
		       : 0;
}

static void set_port(json_t *ports, const struct sbx_publish *port,
		     json_t *value)
{
	char name[sizeof("65535/tcp")];

	snprintf(name, sizeof(name), "%u/tcp", port->target);
	json_object_set_new(ports, name, value);
}

static json_t *exposed_ports(const struct sbx_spec *spec)
{
	json_t *ports = json_object();

	for (size_t i = 0; i < n_ports(spec); i++)
		set_port(ports, &spec->grant->publish.v[i], json_object());
	return ports;
}

/* Without an address an engine would take all that the host has. */
static json_t *port_bindings(const struct sbx_spec *spec)
{
	json_t *ports = json_object();

	for (size_t i = 0; i < n_ports(spec); i++) {
		const struct sbx_publish *port = &spec->grant->publish.v[i];
		char number[sizeof("65535")] = "";

		if (port->published != 0)
			snprintf(number, sizeof(number), "%u", port->published);
		set_port(ports, port,
			 json_pack("[{s:s, s:s}]", "HostIp", port->host_ip,
				   "HostPort", number));
	}
	return ports;
}

/*
 * Every restriction there is, each said although some engines would default
 * to it: 20.10 leaves no-new-privileges off, pids unlimited, the cgroup
 * namespace the host's, and swap at twice the memory.
 */
static json_t *host_config(const struct sbx_spec *spec)
{
	const struct sbx_action *action = &spec->grant->action;
	json_t *config =
		json_pack("{s:b, s:[s], s:[s], s:b, s:b, s:b}",
			  /* Nothing has to be alive to clean up. */
			  "AutoRemove", 1, "CapDrop", "ALL",
			  /* The engine's default seccomp profile stays. */
			  "SecurityOpt", "no-new-privileges", "ReadonlyRootfs",
			  1, "Privileged", 0,
			  /* A docker-init in front of ours would be PID 1. */
			  "Init", 0);
	json_t *limits = json_pack(
		"{s:I, s:I, s:i, s:I, s:i, s:I, s:b}", "Memory",
		(json_int_t)action->mem_limit,
		/* Memory plus swap: equal means that swap is never added. */
		"MemorySwap", (json_int_t)action->mem_limit, "MemorySwappiness",
		0, "PidsLimit", (json_int_t)action->pids_limit,
		/* Docker refuses NanoCpus above what its machine has. */
		"CpuPeriod", CPU_PERIOD_US, "CpuQuota",
		(json_int_t)(action->nano_cpus / (1000000000 / CPU_PERIOD_US)),
		"OomKillDisable", 0);
	json_t *rest = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:{s:s}, s:o, s:o, s:o}",
		"NetworkMode", sbx_network_name(action->network), "IpcMode",
		"none", "PidMode", "", "UTSMode", "", "CgroupnsMode", "private",
		/* The engine would keep the output on its disk. */
		"LogConfig", "Type", "none", "Ulimits", ulimits(spec), "Tmpfs",
		sbx_spec_tmpfs_json(spec), "Mounts",
		sbx_spec_mounts_json(spec));

	json_object_update_new(config, limits);
	json_object_update_new(config, rest);
	/* What an image exposes is not for that published. */
	json_object_set_new(config, "PublishAllPorts", json_false());
	json_object_set_new(config, "PortBindings", port_bindings(spec));
	json_object_set_new(config, "Devices", sbx_spec_devices_json(spec));
	json_object_set_new(config, "DeviceRequests", sbx_spec_gpus_json(spec));
	json_object_set_new(config, "DeviceCgroupRules", json_array());
	if (action->runtime)
		json_object_set_new(config, "Runtime",
				    json_string(action->runtime));
	return config;
}

static char *ttl(const struct sbx_spec_session *session)
{
	return sbx_asprintf("%lld", (long long)session->ttl_ms);
}

/*
 * Whoever forwards them may be another process, some day.  Said also where
 * there are none, lest an image has a word in that.
 */
static void add_forwarded(json_t *labels, const struct sbx_spec *spec)
{
	static const struct sbx_publish_list none;
	bool is_ours = spec->grant->action.network == SBX_NETWORK_NONE;
	json_auto_t *ports =
		sbx_publish_to_json(is_ours ? &spec->grant->publish : &none);
	cleanup_free char *text = sbx_json_line(ports);

	json_object_set_new(labels, SBX_LABEL_PUBLISH, json_string(text));
}

static json_t *labels(const struct sbx_spec *spec)
{
	const struct sbx_spec_session *session = spec->session;
	json_t *labels = json_pack(
		"{s:s, s:s, s:s, s:s, s:s}", SBX_LABEL_RUNNER, spec->runner,
		SBX_LABEL_SKILL, spec->grant->skill, SBX_LABEL_ACTION,
		spec->grant->action.name, SBX_LABEL_RUN_ID, spec->run_id,
		SBX_LABEL_OWNER, spec->grant->owner);
	cleanup_free char *ms = session ? ttl(session) : NULL;

	if (session)
		json_object_update_new(
			labels,
			json_pack("{s:s, s:s, s:s}", SBX_LABEL_SESSION,
				  session->name, SBX_LABEL_TTL, ms,
				  SBX_LABEL_CHANNEL,
				  spec->channel_name ? spec->channel_name
						     : ""));
	if (session)
		add_forwarded(labels, spec);
	return labels;
}

/* What init is told by its arguments. */
static json_t *arguments(const struct sbx_spec *spec)
{
	cleanup_free char *ms = spec->session ? ttl(spec->session) : NULL;
	json_t *all = json_array();

	if (spec->channel_source)
		json_array_append_new(all, json_sprintf("%s/" SBX_DIRECT_SOCKET,
							spec->channel_target));
	else if (ms)
		json_array_append_new(all, json_string(""));
	if (ms)
		json_array_append_new(all, json_string(ms));
	return all;
}

uint64_t sbx_spec_nofile(const struct sbx_spec *spec)
{
	const struct sbx_action *action = &spec->grant->action;

	for (size_t i = 0; i < action->n_ulimits; i++) {
		if (strcmp(action->ulimits[i].name, "nofile") == 0 &&
		    action->ulimits[i].hard > 0)
			return (uint64_t)action->ulimits[i].hard;
	}
	return 0;
}

const char *sbx_spec_working_dir(const struct sbx_spec *spec)
{
	if (spec->grant->action.working_dir)
		return spec->grant->action.working_dir;
	/* Builders say "/" of an image whose Dockerfile says nothing. */
	if (spec->image && spec->image->working_dir &&
	    spec->image->working_dir[0] != '\0' &&
	    strcmp(spec->image->working_dir, "/") != 0)
		return spec->image->working_dir;
	return spec->session ? SBX_WORKSPACE : "/";
}

/* Its runners come and go over the attached streams. */
static bool is_reattached(const struct sbx_spec *spec)
{
	return spec->session && !spec->channel_source;
}

json_t *sbx_spec_body(const struct sbx_spec *spec)
{
	cleanup_free char *uid_gid = user(&spec->grant->action);
	cleanup_free char *init = sbx_asprintf("%s/init", spec->init_dir);
	/*
	 * StdinOnce: closing the channel ends init's stdin, the dead man's
	 * switch; a session outlives that.  All that an image could decide is
	 * said here.  The engine's runtime would enter the working directory
	 * with descriptors of the host open (CVE-2024-21626); init does that
	 * instead.
	 */
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:b,"
			 " s:[s], s:o, s:s, s:{s:[s]}, s:o, s:o, s:o}",
			 "Image", spec->image_id, "Hostname", "skillbox",
			 "User", uid_gid, "WorkingDir", "/", "OpenStdin", 1,
			 "StdinOnce", !is_reattached(spec), "AttachStdin", 1,
			 "AttachStdout", 1, "AttachStderr", 1, "Tty", 0,
			 "Entrypoint", init, "Cmd", arguments(spec),
			 "StopSignal", "SIGTERM", "Healthcheck", "Test", "NONE",
			 "ExposedPorts", exposed_ports(spec), "Labels",
			 labels(spec), "HostConfig", host_config(spec));
}
