/* SPDX-License-Identifier: MIT */
#include "init/direct.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "init/out.h"

void sbx_direct_open(struct sbx_init *init, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t size = strlen(path) + 1;

	if (size > sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return;
	}
	memcpy(address.sun_path, path, size);
	init->direct =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (init->direct >= 0 &&
	    connect(init->direct, (struct sockaddr *)&address,
		    sizeof(address)) < 0)
		sbx_close(&init->direct);
}

/* Whatever was still to be said on the streams is said here already. */
static int choose(struct sbx_init *init)
{
	if (dup2(init->direct, STDIN_FILENO) < 0 ||
	    dup2(init->direct, STDOUT_FILENO) < 0)
		return sbx_abort(init, "direct channel", errno);
	sbx_close(&init->direct);
	sbx_out_forget();
	init->is_direct = true;
	sbx_heard(init);
	return 0;
}

int sbx_direct_instead(struct sbx_init *init)
{
	return init->direct < 0 ? SBX_GONE : choose(init);
}

int sbx_direct_heard(struct sbx_init *init)
{
	char byte;
	ssize_t there = recv(init->direct, &byte, 1, MSG_PEEK);

	if (there > 0)
		return choose(init);
	if (there < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	sbx_close(&init->direct);
	sbx_heard(init);
	return 0;
}

#define FDS_SIZE (3 * sizeof(int))

/* All three at once, with RUN, and no more of them; or one, with FORWARD. */
static int take_fds(struct sbx_init *init, const struct msghdr *message)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	bool are_fds;

	if (!header)
		return 0;
	are_fds = !(message->msg_flags & MSG_CTRUNC) &&
		  header->cmsg_level == SOL_SOCKET &&
		  header->cmsg_type == SCM_RIGHTS;
	if (are_fds && header->cmsg_len == CMSG_LEN(FDS_SIZE) &&
	    init->given[0] < 0 && init->phase == SBX_WAITING)
		memcpy(init->given, CMSG_DATA(header), FDS_SIZE);
	else if (are_fds && header->cmsg_len == CMSG_LEN(sizeof(int)) &&
		 init->forward_given < 0 && init->session != 0)
		memcpy(&init->forward_given, CMSG_DATA(header), sizeof(int));
	else
		return sbx_abort(init, "unexpected descriptors", 0);
	return 0;
}

ssize_t sbx_direct_read(struct sbx_init *init, void *data, size_t size)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FDS_SIZE)];
	} control;
	struct iovec vec = { .iov_base = data, .iov_len = size };
	struct msghdr message = { .msg_iov = &vec,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(STDIN_FILENO, &message, MSG_CMSG_CLOEXEC);

	if (got > 0 && take_fds(init, &message) < 0)
		return SBX_ABORT;
	return got;
}
