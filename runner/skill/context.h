/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_CONTEXT_H
#define SBX_SKILL_CONTEXT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "codec/hash.h"

/*
 * A build context: the files of a directory that its .dockerignore leaves, as
 * a tar that depends on nothing but their names, contents and executable
 * bits.  In the order of context_walk.h, owner 0, mtime 0, modes 0644 and
 * 0755, symlinks as symlinks.  Written by libarchive, never whole in memory.
 *
 * It is read twice: once for the hash that goes into the image's key, once,
 * when the image is not there, to be sent.  The second reading is hashed too
 * and fails when it is not what the first one was.
 */
struct sbx_context;

/*
 * Opens @directory and reads its .dockerignore ("DOCKERFILE.dockerignore"
 * instead when there is one) and @dockerfile, a path relative to it.  The
 * Dockerfile is part of the context even when a rule leaves it out; Docker
 * then hides it from COPY, which is not possible with a context of one tar.
 * INVALID: no Dockerfile, or a wrong .dockerignore.
 *
 * With @dockerfile NULL there is none until sbx_context_generate() makes one,
 * which has to come next.
 */
int sbx_context_open(struct sbx_context **out, const char *directory,
		     const char *dockerfile, struct sbx_error *err);
void sbx_context_free(struct sbx_context **context);

/*
 * Has @text (copied) as the Dockerfile @path, a name at the top, in place of
 * what the directory has there.  It is hashed and sent with the rest.
 */
void sbx_context_generate(struct sbx_context *context, const char *path,
			  const char *text);

/* The Dockerfile as it was when the context was opened, and stays. */
const struct sbx_buf *sbx_context_dockerfile(const struct sbx_context *context);

/* The directory, O_DIRECTORY; borrowed. */
int sbx_context_directory(const struct sbx_context *context);

/*
 * Reads everything and gives its hash.  It covers names, executable bits,
 * contents and link targets, not the tar's own bytes, which are libarchive's
 * business.  INVALID with the path for what cannot be packed: sockets, FIFOs,
 * devices, unreadable files, names that are not UTF-8, more than 4 GiB in all.
 * BUILD_FAILED when a file changed its size or vanished since it was opened.
 */
int sbx_context_hash(struct sbx_context *context,
		     char hex[static SBX_HASH_HEX_SIZE], struct sbx_error *err);

/*
 * Changes what is sent, not what is hashed: another text for the Dockerfile
 * (copied), and the file @fd (taken, size as it is now) as @path, a name at
 * the top, in place of what the directory has there.
 */
void sbx_context_replace_dockerfile(struct sbx_context *context,
				    const void *text, size_t size);
int sbx_context_add(struct sbx_context *context, const char *path, int fd,
		    struct sbx_error *err);

/*
 * The next bytes of the tar; *@got is 0 at its end and after it.  An
 * sbx_http_source.  Fails as sbx_context_hash() does, and with BUILD_FAILED
 * in place of the end when the hash was taken before and is another now.
 */
int sbx_context_read(void *context, void *data, size_t size, size_t *got,
		     struct sbx_error *err);

/* The next that is read is the beginning. */
void sbx_context_rewind(struct sbx_context *context);

#endif
