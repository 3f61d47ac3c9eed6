/* SPDX-License-Identifier: MIT */
#include "serve/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

/* --- tokens ---------------------------------------------------------------- */

static int bad_file(const char *path, const char *why, struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
			     "token file %s: %s", path, why);
}

static int check_file(const char *path, int fd, struct sbx_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return bad_file(path, strerror(errno), err);
	if (!S_ISREG(st.st_mode))
		return bad_file(path, "not a regular file", err);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return bad_file(path, "it belongs to another user", err);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return bad_file(path, "others can read it; chmod 600", err);
	return 0;
}

static void hash_token(const char *token, size_t size,
		       unsigned char out[static SBX_TOKEN_HASH_SIZE])
{
	crypto_generichash(out, SBX_TOKEN_HASH_SIZE,
			   (const unsigned char *)token, size, NULL, 0);
}

static int take_token(const char *path, const char *text, size_t size,
		      struct sbx_token *out, struct sbx_error *err)
{
	if (size && text[size - 1] == '\n')
		size--;
	if (size < SBX_TOKEN_SIZE_MIN)
		return bad_file(path, "the token must have 16 characters", err);
	for (size_t i = 0; i < size; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return bad_file(path,
					"expected one token of printable ASCII "
					"characters",
					err);
	}
	hash_token(text, size, out->hash);
	return 0;
}

int sbx_token_read(const char *path, struct sbx_token *out,
		   struct sbx_error *err)
{
	struct sbx_buf text = SBX_BUF_INIT(SBX_TOKEN_SIZE_MAX + 1);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int result = -1;

	if (fd < 0)
		bad_file(path, strerror(errno), err);
	else if (check_file(path, fd, err) == 0) {
		if (sbx_fd_read_all(fd, &text, err) < 0)
			bad_file(path, "it is too large", err);
		else
			result = take_token(path, sbx_buf_text(&text), text.len,
					    out, err);
	}
	if (text.data)
		sodium_memzero(text.data, text.cap);
	sbx_buf_free(&text);
	sbx_close(&fd);
	return result;
}

bool sbx_token_fits(const struct sbx_token *token, const char *header)
{
	static const char scheme[] = "Bearer ";
	unsigned char hash[SBX_TOKEN_HASH_SIZE];

	if (!header || strncasecmp(header, scheme, strlen(scheme)) != 0)
		return false;
	header += strlen(scheme);
	header += strspn(header, " ");
	hash_token(header, strlen(header), hash);
	return sodium_memcmp(hash, token->hash, sizeof(hash)) == 0;
}

/* --- peers ----------------------------------------------------------------- */

bool sbx_peer_uid(int fd, uid_t *uid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
	    size != sizeof(peer) || peer.uid == (uid_t)-1)
		return false;
	*uid = peer.uid;
	return true;
}

bool sbx_peer_may_ask(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

/* --- hosts ----------------------------------------------------------------- */

static bool is_one_of(const struct sbx_strv *hosts, const char *host)
{
	for (size_t i = 0; i < hosts->n; i++) {
		if (strcasecmp(hosts->v[i], host) == 0)
			return true;
	}
	return false;
}

bool sbx_host_is_ours(const struct sbx_strv *hosts, const char *host,
		      const char *origin)
{
	if (!host || !is_one_of(hosts, host))
		return false;
	if (!origin)
		return true;
	if (sbx_text_has_prefix(origin, "http://"))
		return is_one_of(hosts, origin + strlen("http://"));
	if (sbx_text_has_prefix(origin, "https://"))
		return is_one_of(hosts, origin + strlen("https://"));
	return false;
}
