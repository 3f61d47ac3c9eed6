/* SPDX-License-Identifier: MIT */
/*
 * Docker's multiplexed stream: a plain reading of it, all bytes at hand, gives
 * the same as feeding it in pieces of whatever size.
 */
#include "fuzz.h"

#include "codec/frames.h"

/* @refuse_at: the sink says no to what comes behind so many bytes. */
struct heard {
	struct sbx_buf streams[3];
	size_t total;
	size_t refuse_at;
};

static int on_data(void *ctx, int stream, const void *data, size_t size,
		   struct sbx_error *err)
{
	struct heard *heard = ctx;

	must(stream == SBX_FRAMES_STDOUT || stream == SBX_FRAMES_STDERR);
	must(size > 0);
	if (heard->total >= heard->refuse_at)
		return sbx_error_set(err, SBX_OUTCOME_BUSY, "no");
	must(sbx_buf_append(&heard->streams[stream], data, size) == size);
	heard->total += size;
	return 0;
}

static void heard_init(struct heard *heard, size_t size)
{
	*heard = (struct heard){ .refuse_at = SIZE_MAX };
	for (int i = 0; i < 3; i++)
		heard->streams[i].max = size;
}

static void heard_free(struct heard *heard)
{
	for (int i = 0; i < 3; i++)
		sbx_buf_free(&heard->streams[i]);
}

/* False when this is no such stream. */
static bool read_plainly(struct heard *heard, const uint8_t *data, size_t size)
{
	while (size >= 8) {
		size_t length = (size_t)data[4] << 24 | (size_t)data[5] << 16 |
				(size_t)data[6] << 8 | data[7];
		struct sbx_error ignored = SBX_ERROR_INIT;

		if (data[0] < 1 || data[0] > 2 || data[1] || data[2] || data[3])
			return false;
		data += 8;
		size -= 8;
		if (length > size)
			length = size;
		if (length > 0)
			on_data(heard, data[-8], data, length, &ignored);
		data += length;
		size -= length;
	}
	return true;
}

static int feed(struct heard *heard, const uint8_t *data, size_t size,
		unsigned int kind, struct sbx_error *err)
{
	struct sbx_frames frames = SBX_FRAMES_INIT;
	struct fuzz_pieces pieces = fuzz_pieces(kind);

	while (size > 0) {
		size_t piece = fuzz_piece(&pieces, size);
		char *exact = fuzz_exact(data, piece);
		int result = sbx_frames_feed(&frames, exact, piece, on_data,
					     heard, err);

		free(exact);
		if (result < 0)
			return -1;
		data += piece;
		size -= piece;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard plain;
	bool valid;

	heard_init(&plain, size);
	valid = read_plainly(&plain, data, size);
	for (unsigned int kind = 0; kind < FUZZ_PIECES; kind++) {
		struct sbx_error err = fuzz_error();
		struct heard heard;
		int result;

		heard_init(&heard, size);
		result = feed(&heard, data, size, kind, &err);
		must_fit(result, &err);
		must(result == 0 || err.outcome == SBX_OUTCOME_SANDBOX_FAILED);
		must((result == 0) == valid);
		for (int i = 1; i < 3; i++) {
			must(heard.streams[i].len == plain.streams[i].len);
			must(heard.streams[i].len == 0 ||
			     memcmp(heard.streams[i].data,
				    plain.streams[i].data,
				    heard.streams[i].len) == 0);
		}
		heard_free(&heard);
		heard_init(&heard, size);
		heard.refuse_at = 0;
		err = fuzz_error();
		result = feed(&heard, data, size, kind, &err);
		must_fit(result, &err);
		must(plain.total == 0 || result == -1);
		heard_free(&heard);
	}
	heard_free(&plain);
	return 0;
}
