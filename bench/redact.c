/* SPDX-License-Identifier: MIT */
/*
 * usage: redact SECRETS [MIB]
 *
 * How fast streams pass when so many secrets are looked for: text of a log,
 * JSON with escapes, and base64, of 64 MiB, next to memcpy(3).
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "secret/memory.h"
#include "secret/redact.h"

#define PIECE ((size_t)64 * 1024)

struct sample {
	const char *name;
	char *data;
	size_t size;
	size_t len;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Where passed on bytes go: copied once, as into the record. */
struct target {
	char *data;
	size_t len;
};

static void copy(void *ctx, const void *data, size_t size)
{
	struct target *target = ctx;

	memcpy(target->data + target->len, data, size);
	target->len += size;
}

static void add_secret(struct sbx_secrets *secrets, size_t number)
{
	struct sbx_error err = SBX_ERROR_INIT;
	unsigned char bytes[24];
	unsigned char *value = NULL;
	char name[32];
	char text[64];

	randombytes_buf_deterministic(
		bytes, sizeof(bytes),
		(unsigned char[32]){ (unsigned char)(number + 1) });
	sodium_bin2base64(text, sizeof(text), bytes, sizeof(bytes),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	snprintf(name, sizeof(name), "S%zu", number);
	if (sbx_secret_alloc(&value, strlen(text), &err) < 0)
		abort();
	memcpy(value, text, strlen(text));
	sbx_secrets_set(secrets, name, &value, strlen(text));
}

static void fill_log(struct sample *sample)
{
	size_t line = 0;

	while (sample->len + 200 < sample->size)
		sample->len += (size_t)snprintf(
			sample->data + sample->len, 200,
			"2026-11-20T15:%02zu:%02zu.%03zuZ INFO  "
			"[worker-%zu] request %08zx from 10.0.%zu.%zu: GET "
			"/api/v1/items/%zu?page=%zu 200 in %zu ms\n",
			line / 60 % 60, line % 60, line % 1000, line % 7,
			line * 2654435761u % 0xffffffffu, line % 256,
			line * 7 % 256, line * 31 % 100000, line % 13,
			line * 17 % 900),
			line++;
}

static void fill_json(struct sample *sample)
{
	size_t line = 0;

	while (sample->len + 300 < sample->size)
		sample->len += (size_t)snprintf(
			sample->data + sample->len, 300,
			"{\"id\": %zu, \"path\": \"C:\\\\files\\\\%zx\", "
			"\"name\": \"\\u0411\\u043e\\u0440\\u0438\\u0441 "
			"\\u00e9\\n\", \"url\": "
			"\"https:\\/\\/x.example\\/?q=%%D0%%91%%20%zu\"}\n",
			line, line * 2654435761u % 0xffffffffu, line * 31),
			line++;
}

static void fill_base64(struct sample *sample)
{
	unsigned char bytes[57];
	size_t line = 0;

	while (sample->len + 100 < sample->size) {
		unsigned char state[32] = { [31] = 1 };

		memcpy(state, &line, sizeof(line));
		randombytes_buf_deterministic(bytes, sizeof(bytes), state);
		sodium_bin2base64(sample->data + sample->len, 100, bytes,
				  sizeof(bytes),
				  sodium_base64_VARIANT_ORIGINAL);
		sample->len += 76;
		sample->data[sample->len++] = '\n';
		line++;
	}
}

/* MiB/s; pieces as init sends them. */
static double pass(const struct sample *sample,
		   const struct sbx_redactor *redactor, struct target *target)
{
	struct sbx_redaction *redaction = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	double began = now();

	target->len = 0;
	if (sbx_redaction_new(&redaction, redactor, &err) < 0)
		abort();
	for (size_t at = 0; at < sample->len; at += PIECE) {
		size_t left = sample->len - at;

		sbx_redaction_feed(redaction, sample->data + at,
				   left < PIECE ? left : PIECE, copy, target,
				   &err);
	}
	sbx_redaction_end(redaction, false, copy, target);
	sbx_redaction_free(&redaction);
	if (target->len != sample->len)
		printf("changed: %zu of %zu\n", target->len, sample->len);
	return (double)sample->len / (1 << 20) / (now() - began);
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 4;
	size_t size = (argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 64)
		      << 20;
	struct sample samples[] = { { .name = "log" },
				    { .name = "json" },
				    { .name = "base64" } };
	struct target target = { .data = sbx_malloc(size) };
	struct sbx_secrets secrets = { .n = 0 };
	struct sbx_redactor *redactor = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	double began;

	memset(target.data, 1, size);
	for (size_t i = 0; i < n; i++)
		add_secret(&secrets, i);
	began = now();
	if (sbx_redactor_new(&redactor, &secrets, &err) < 0)
		return 1;
	printf("%zu secrets, prepared in %.3f ms\n", n, (now() - began) * 1e3);
	for (size_t i = 0; i < 3; i++) {
		struct sample *sample = &samples[i];

		sample->data = sbx_malloc(size);
		sample->size = size;
		(i == 0 ? fill_log : i == 1 ? fill_json : fill_base64)(sample);
		printf("%-8s memcpy %6.0f MiB/s, redacted %6.0f MiB/s\n",
		       sample->name, pass(sample, NULL, &target),
		       pass(sample, redactor, &target));
		free(sample->data);
	}
	sbx_redactor_free(&redactor);
	sbx_secrets_clear(&secrets);
	free(target.data);
	return 0;
}
