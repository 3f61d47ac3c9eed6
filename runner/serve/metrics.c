/* SPDX-License-Identifier: MIT */
#include "serve/metrics.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "codec/json.h"

/* Names of skills and actions come from outside; so many are told apart. */
#define SERIES_MAX 10000
#define BUCKETS	   1024

enum stage { BUILD, WAIT, CREATE, START, ACTION, OVERHEAD, TOTAL, STAGES };

static const char *const stage_names[STAGES] = {
	[BUILD] = "build", [WAIT] = "wait",	[CREATE] = "create",
	[START] = "start", [ACTION] = "action", [OVERHEAD] = "overhead",
	[TOTAL] = "total",
};

/* Upper bounds, from a warm action to a long build. */
static const double bounds[] = {
	0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
	0.25,	0.5,   1,      2.5,   5,    10,	   30,	 120,
};

#define N_BOUNDS SBX_ARRAY_SIZE(bounds)

struct histogram {
	uint64_t counts[N_BOUNDS + 1]; /* the last: larger than all */
	double sum;
};

/* @labels	as they stand between the braces */
struct series {
	struct series *next;
	char *labels;
	uint64_t count;
};

struct sbx_metrics {
	pthread_mutex_t lock;
	struct series *buckets[BUCKETS];
	size_t n_series;
	struct histogram stages[STAGES];
};

void sbx_metrics_new(struct sbx_metrics **out)
{
	struct sbx_metrics *metrics = sbx_calloc(1, sizeof(*metrics));

	pthread_mutex_init(&metrics->lock, NULL);
	*out = metrics;
}

void sbx_metrics_free(struct sbx_metrics **metrics)
{
	if (!*metrics)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while ((*metrics)->buckets[i]) {
			struct series *series = (*metrics)->buckets[i];

			(*metrics)->buckets[i] = series->next;
			free(series->labels);
			free(series);
		}
	}
	pthread_mutex_destroy(&(*metrics)->lock);
	free(sbx_take(*metrics));
}

/* --- counting -------------------------------------------------------------- */

/* FNV-1a. */
static struct series **bucket_of(struct sbx_metrics *metrics,
				 const char *labels)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *labels; labels++)
		hash = (hash ^ (unsigned char)*labels) *
		       UINT64_C(1099511628211);
	return &metrics->buckets[hash % BUCKETS];
}

static void count(struct sbx_metrics *metrics, char *labels)
{
	struct series **bucket = bucket_of(metrics, labels);
	struct series *series = *bucket;

	while (series && strcmp(series->labels, labels) != 0)
		series = series->next;
	if (!series && metrics->n_series < SERIES_MAX) {
		series = sbx_calloc(1, sizeof(*series));
		series->labels = sbx_take(labels);
		series->next = *bucket;
		*bucket = series;
		metrics->n_series++;
	}
	if (series)
		series->count++;
	free(labels);
}

static void observe(struct histogram *histogram, double ms)
{
	double seconds = ms / 1000;
	size_t i = 0;

	if (ms < 0)
		return;
	while (i < N_BOUNDS && seconds > bounds[i])
		i++;
	histogram->counts[i]++;
	histogram->sum += seconds;
}

/*
 * A skill that could not be read, or is not there, has no name here: anybody
 * can make up names.
 */
static char *labels_of(const struct sbx_record *record)
{
	bool is_known = record->skill_version &&
			record->outcome != SBX_OUTCOME_NOT_FOUND;

	return sbx_asprintf(
		"skill=\"%s\",action=\"%s\",outcome=\"%s\",start=\"%s\"",
		is_known ? record->skill : "", is_known ? record->action : "",
		sbx_outcome_name(record->outcome),
		record->start ? record->start : "none");
}

void sbx_metrics_run(struct sbx_metrics *metrics,
		     const struct sbx_record *record)
{
	char *labels = labels_of(record);
	double overhead = -1;

	if (record->action_ms >= 0)
		overhead = record->duration_ms - record->action_ms;
	pthread_mutex_lock(&metrics->lock);
	count(metrics, labels);
	observe(&metrics->stages[BUILD], record->build_ms);
	observe(&metrics->stages[WAIT], record->wait_ms);
	observe(&metrics->stages[CREATE], record->create_ms);
	observe(&metrics->stages[START], record->start_ms);
	observe(&metrics->stages[ACTION], record->action_ms);
	observe(&metrics->stages[OVERHEAD], overhead);
	observe(&metrics->stages[TOTAL], record->duration_ms);
	pthread_mutex_unlock(&metrics->lock);
}

/* --- writing --------------------------------------------------------------- */

static void head(struct sbx_buf *out, const char *name, const char *type,
		 const char *help)
{
	sbx_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
		       type);
}

static void write_runs(const struct sbx_metrics *metrics, struct sbx_buf *out)
{
	head(out, "skillbox_runs_total", "counter",
	     "Runs that have ended, by how they got their sandbox.");
	for (size_t i = 0; i < BUCKETS; i++) {
		for (const struct series *series = metrics->buckets[i]; series;
		     series = series->next)
			sbx_buf_printf(out, "skillbox_runs_total{%s} %llu\n",
				       series->labels,
				       (unsigned long long)series->count);
	}
}

static void write_stage(const struct histogram *histogram, const char *stage,
			struct sbx_buf *out)
{
	unsigned long long sum = 0;

	for (size_t i = 0; i < N_BOUNDS; i++) {
		sum += histogram->counts[i];
		sbx_buf_printf(out,
			       "skillbox_stage_seconds_bucket{stage=\"%s\","
			       "le=\"%g\"} %llu\n",
			       stage, bounds[i], sum);
	}
	sum += histogram->counts[N_BOUNDS];
	sbx_buf_printf(out,
		       "skillbox_stage_seconds_bucket{stage=\"%s\",le=\"+Inf\"}"
		       " %llu\n"
		       "skillbox_stage_seconds_sum{stage=\"%s\"} %.9g\n"
		       "skillbox_stage_seconds_count{stage=\"%s\"} %llu\n",
		       stage, sum, stage, histogram->sum, stage, sum);
}

/* Numbers of the object @values, by label. */
static void write_members(struct sbx_buf *out, const char *name,
			  const char *label, const json_t *values,
			  const char *const *members)
{
	for (; *members; members++)
		sbx_buf_printf(
			out, "%s{%s=\"%s\"} %lld\n", name, label, *members,
			(long long)sbx_json_int_at(0, values, *members, NULL));
}

static void write_pool(const json_t *pool, struct sbx_buf *out)
{
	static const char *const states[] = { "waiting", "starting", "busy",
					      NULL };
	static const char *const results[] = { "warm", "reused", "cold", "dead",
					       NULL };

	head(out, "skillbox_sandboxes", "gauge", "Sandboxes that there are.");
	write_members(out, "skillbox_sandboxes", "state", pool, states);
	head(out, "skillbox_pool_takes_total", "counter",
	     "Where requests got their sandbox from.");
	write_members(out, "skillbox_pool_takes_total", "result",
		      json_object_get(pool, "takes"), results);
}

static void write_others(const struct sbx_metrics_now *now, struct sbx_buf *out)
{
	head(out, "skillbox_builds_total", "counter", "Images built.");
	sbx_buf_printf(out,
		       "skillbox_builds_total{outcome=\"ok\"} %llu\n"
		       "skillbox_builds_total{outcome=\"failed\"} %llu\n",
		       (unsigned long long)now->builds_ok,
		       (unsigned long long)now->builds_failed);
	head(out, "skillbox_engine_calls_total", "counter",
	     "Calls to the engine that have ended.");
	sbx_buf_printf(out, "skillbox_engine_calls_total %llu\n",
		       (unsigned long long)now->engine_calls);
	head(out, "skillbox_engine_calls_seconds_total", "counter",
	     "What they took, together.");
	sbx_buf_printf(out, "skillbox_engine_calls_seconds_total %.9g\n",
		       now->engine_seconds);
	head(out, "skillbox_requests_active", "gauge",
	     "Requests and runs that are under way.");
	sbx_buf_printf(out, "skillbox_requests_active %u\n", now->active);
}

void sbx_metrics_write(struct sbx_metrics *metrics,
		       const struct sbx_metrics_now *now, struct sbx_buf *out)
{
	pthread_mutex_lock(&metrics->lock);
	write_runs(metrics, out);
	head(out, "skillbox_stage_seconds", "histogram",
	     "What the stages of runs took.");
	for (int i = 0; i < STAGES; i++)
		write_stage(&metrics->stages[i], stage_names[i], out);
	pthread_mutex_unlock(&metrics->lock);
	write_pool(now->pool, out);
	write_others(now, out);
}
