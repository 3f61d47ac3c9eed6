/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_COPY_OUT_H
#define SBX_INIT_COPY_OUT_H

/*
 * Writes the file or tree at @path, through links or not, to standard output as
 * an archive (init/cpio.h).  The names begin with @path's last component, or
 * "." where that is none ("DIR/.", "/").
 *
 * Links in the tree come as they are if they stay in it.  They are left out
 * else, as are FIFOs, sockets, devices, and the kernel's own file systems, with
 * a line on standard error.  A file that changes meanwhile has the size it had
 * at first, with zeros for what is missing, and a line as well.
 *
 * The child's exit status, enum sbx_copy_status: FAILED also when something
 * could not be read, and all the rest has been written.
 */
int sbx_copy_out(const char *path);

#endif
