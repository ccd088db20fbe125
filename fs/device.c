// SPDX-License-Identifier: MIT
// What passes between libfuse and the kernel's device. Two things are put right on the way:
//
// A connection that ends while a request is being read from it is reported as aborted. That is the end of the mount,
// like ENODEV. libfuse takes it for a failure and prints it by perror(3), and its threads may be cancelled there, when
// another one has noticed the end: such a thread keeps the lock of stderr, and whoever writes to it next waits for
// ever.
//
// Lookups and readdirs of one directory run at the same time. libfuse before 3.17.1 offers FUSE_CAP_PARALLEL_DIROPS but
// never asks the kernel for it, so that one slow lookup keeps its whole directory waiting. Until then the bit is set in
// the INIT reply (FUSE protocol 7.25, <linux/fuse.h>).
#include "fs/server.h"

#include <errno.h>
#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#include "segment/error.h"

static ssize_t read_request(int fd, void *buffer, size_t size, void *userdata)
{
    FsServer *server = userdata;
    ssize_t n = read(fd, buffer, size);
    const struct fuse_in_header *in = buffer;
    if (n < 0 && errno == ECONNABORTED)
        errno = ENODEV;
    if (n >= (ssize_t) sizeof *in && in->opcode == FUSE_INIT)
        server->init_unique = in->unique;
    return n;
}

static void ask_for_parallel_lookups(FsServer *server, const struct iovec *iov, int count)
{
    if (server->init_unique == 0 || count != 2 || iov[0].iov_len != sizeof(struct fuse_out_header))
        return;
    const struct fuse_out_header *out = iov[0].iov_base;
    struct fuse_init_out *init = iov[1].iov_base;
    // The first word of a reply of this protocol's age is always there.
    if (out->unique == server->init_unique && out->error == 0 && iov[1].iov_len >= FUSE_COMPAT_22_INIT_OUT_SIZE) {
        init->flags |= FUSE_PARALLEL_DIROPS;
        server->init_unique = 0;
    }
}

static ssize_t write_reply(int fd, struct iovec *iov, int count, void *userdata)
{
    if (FUSE_VERSION < FUSE_MAKE_VERSION(3, 17))
        ask_for_parallel_lookups(userdata, iov, count);
    return writev(fd, iov, count);
}

gboolean fs_device_enable(FsServer *server, GError **error)
{
    static const struct fuse_custom_io io = {.read = read_request, .writev = write_reply};
    int result = fuse_session_custom_io(server->session, &io, fuse_session_fd(server->session));
    return result == 0 ||
           segment_error_set_errno(error, -result, "cannot take over the session of", server->tree->options.mountpoint);
}
