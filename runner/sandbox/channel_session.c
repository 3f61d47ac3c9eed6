/* SPDX-License-Identifier: MIT */
/* What only sessions are told: LEARN, KEEP, ASK and FORWARD of init/wire.h. */
#include "sandbox/channel_state.h"

#include <string.h>

#include "secret/memory.h"

void sbx_channel_forget_order(struct sbx_channel *channel)
{
	sbx_secret_free(&channel->order);
	sbx_close(&channel->forward);
	channel->order_goes = false;
}

void sbx_channel_set_session(struct sbx_channel *channel)
{
	channel->is_session = true;
}

/* In pieces, behind a KEEP of nothing. */
int sbx_channel_keep(struct sbx_channel *channel, const void *data, size_t size,
		     struct sbx_error *err)
{
	size_t n = (size + SBX_WIRE_DATA_MAX - 1) / SBX_WIRE_DATA_MAX;
	const unsigned char *from = data;
	unsigned char *at;

	if (size > SBX_WIRE_KEPT_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "what the session was given has %zu "
				     "bytes, at most %d can be kept",
				     size, SBX_WIRE_KEPT_MAX);
	sbx_channel_forget_order(channel);
	channel->order_size = (n + 1) * SBX_WIRE_HEADER_SIZE + size;
	if (sbx_secret_alloc(&channel->order, channel->order_size, err) < 0)
		return -1;
	at = channel->order;
	sbx_wire_put_header(at, SBX_WIRE_KEEP, 0);
	at += SBX_WIRE_HEADER_SIZE;
	while (size > 0) {
		size_t piece = size < SBX_WIRE_DATA_MAX ? size
							: SBX_WIRE_DATA_MAX;

		sbx_wire_put_header(at, SBX_WIRE_KEEP, (uint32_t)piece);
		memcpy(at + SBX_WIRE_HEADER_SIZE, from, piece);
		at += SBX_WIRE_HEADER_SIZE + piece;
		from += piece;
		size -= piece;
	}
	return 0;
}

bool sbx_channel_has_order(const struct sbx_channel *channel)
{
	return channel->order != NULL;
}

static unsigned char *begin_order(struct sbx_channel *channel, uint8_t type,
				  uint32_t size)
{
	sbx_channel_forget_order(channel);
	channel->order_size = SBX_WIRE_HEADER_SIZE + size;
	channel->order =
		sbx_secret_alloc_plain(SBX_SECRET_ALIGN(channel->order_size));
	sbx_wire_put_header(channel->order, type, size);
	return channel->order + SBX_WIRE_HEADER_SIZE;
}

void sbx_channel_ask(struct sbx_channel *channel,
		     enum sbx_wire_question question)
{
	sbx_wire_put32(begin_order(channel, SBX_WIRE_ASK, 4), question);
	channel->question = question;
	channel->told = 0;
}

void sbx_channel_signal_detached(struct sbx_channel *channel, int signal)
{
	*begin_order(channel, SBX_WIRE_SIGNAL_DETACHED, 1) =
		(unsigned char)signal;
}

void sbx_channel_forward(struct sbx_channel *channel, int *fd)
{
	begin_order(channel, SBX_WIRE_FORWARD, 0);
	channel->forward = sbx_take_fd(fd);
}

void sbx_channel_learn(struct sbx_channel *channel, const char *random)
{
	memcpy(begin_order(channel, SBX_WIRE_LEARN, SBX_WIRE_SYNC_RANDOM),
	       random, SBX_WIRE_SYNC_RANDOM);
}

void sbx_channel_sync(struct sbx_channel *channel, const char *random)
{
	char *sync = channel->sync;

	memcpy(sync, SBX_WIRE_SYNC, sizeof(SBX_WIRE_SYNC) - 1);
	memcpy(sync + sizeof(SBX_WIRE_SYNC) - 1, random, SBX_WIRE_SYNC_RANDOM);
	sbx_channel_forget_order(channel);
	channel->order_size = SBX_WIRE_SYNC_SIZE;
	channel->order =
		sbx_secret_alloc_plain(SBX_SECRET_ALIGN(SBX_WIRE_SYNC_SIZE));
	memcpy(channel->order, sync, SBX_WIRE_SYNC_SIZE);
}
