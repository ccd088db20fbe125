// SPDX-License-Identifier: MIT
// Lookups and readdirs of one directory at the same time. libfuse before 3.17.1 offers FUSE_CAP_PARALLEL_DIROPS but never
// asks the kernel for it, so that one slow lookup keeps its whole directory waiting. Until then the bit is set in the
// INIT reply on its way to the kernel (FUSE protocol 7.25, <linux/fuse.h>).
#include "fs/server.h"

#include <errno.h>
#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#include "segment/error.h"

#if FUSE_VERSION < FUSE_MAKE_VERSION(3, 17)

static ssize_t read_request(int fd, void *buffer, size_t size, void *userdata)
{
    FsServer *server = userdata;
    ssize_t n = read(fd, buffer, size);
    const struct fuse_in_header *in = buffer;
    if (n >= (ssize_t) sizeof *in && in->opcode == FUSE_INIT)
        server->init_unique = in->unique;
    return n;
}

static ssize_t write_reply(int fd, struct iovec *iov, int count, void *userdata)
{
    FsServer *server = userdata;
    if (server->init_unique != 0 && count == 2 && iov[0].iov_len == sizeof(struct fuse_out_header)) {
        const struct fuse_out_header *out = iov[0].iov_base;
        struct fuse_init_out *init = iov[1].iov_base;
        // The first word of a reply of this protocol's age is always there.
        if (out->unique == server->init_unique && out->error == 0 && iov[1].iov_len >= FUSE_COMPAT_22_INIT_OUT_SIZE) {
            init->flags |= FUSE_PARALLEL_DIROPS;
            server->init_unique = 0;
        }
    }
    return writev(fd, iov, count);
}

gboolean fs_parallel_enable(FsServer *server, GError **error)
{
    static const struct fuse_custom_io io = {.read = read_request, .writev = write_reply};
    int result = fuse_session_custom_io(server->session, &io, fuse_session_fd(server->session));
    return result == 0 || segment_error_set_errno(error, -result, "cannot take over the session of",
                                                  server->tree->options.mountpoint);
}

#else

gboolean fs_parallel_enable(FsServer *server, GError **error)
{
    return TRUE;
}

#endif
