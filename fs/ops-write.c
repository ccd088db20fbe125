// SPDX-License-Identifier: MIT
// What may be written: a new tombstone in an hour. Everything else is refused, and says so with EPERM.
#include <errno.h>
#include <sys/stat.h>

#include "fs/errno.h"
#include "fs/file.h"
#include "fs/ops.h"
#include "fs/xattr.h"

static gboolean run_create(FsCall *call)
{
    FsServer *server = call->server;
    const struct fuse_ctx *caller = fuse_req_ctx(call->req);
    g_autoptr(GError) error = NULL;
    struct fuse_entry_param entry;

    g_autoptr(FsNode) parent = fs_tree_resolve(server->tree, call->id, &call->wait, &error);
    if (parent == NULL)
        return fs_call_fail(call, error);
    FsNode *node =
        fs_tree_bury(server->tree, parent, call->name, caller->uid, caller->gid, call->mode & ~caller->umask, &error);
    if (node == NULL) {
        int code = fs_errno(error);
        if (code != EPERM && code != EINVAL)
            g_warning("%s", error->message);
        return fs_call_fail(call, error);
    }
    g_message("%s: buried by user %u", node->path, (guint) caller->uid);
    g_autoptr(FsNode) opened = fs_node_ref(node);
    if (!fs_ops_fill_entry(call, node, &entry, &error))
        return fs_call_fail(call, error);

    FsFile *file = NULL;
    int result;
    if (call->plus) {
        file = fs_file_open(server->tree, opened, NULL, NULL);
        fs_server_hold(server, file, (GDestroyNotify) fs_file_unref);
        call->fi.fh = (uintptr_t) file;
        call->fi.noflush = 1;
        result = fuse_reply_create(call->req, &entry, &call->fi);
    } else {
        result = fuse_reply_entry(call->req, &entry);
    }
    if (result == -ENOENT) {
        if (file != NULL)
            fs_server_release(server, file);
        fs_node_table_forget(server->tree->nodes, entry.ino, 1);
    }
    return TRUE;
}

static void create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, const struct fuse_file_info *fi)
{
    FsCall call = {
        .func = run_create,
        .req = req,
        .server = fs_server(req),
        .id = parent,
        .mode = mode,
        .plus = fi != NULL,
    };
    if (fi != NULL)
        call.fi = *fi;
    fs_call_run_uninterrupted(&call, name);
}

void fs_op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
    create(req, parent, name, mode, fi);
}

void fs_op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
    if (S_ISREG(mode))
        create(req, parent, name, mode, NULL);
    else
        fuse_reply_err(req, EPERM);
}

// touch(1) sets times, and a shell's ">" a size of 0: a tombstone has neither to change. NFS and Samba servers set the
// mode of what they created, and an owner that it has already.
static int change_tombstone(FsTree *tree, FsNode *node, const struct stat *attr, int to_set)
{
    if ((to_set & FUSE_SET_ATTR_SIZE) != 0 && attr->st_size != 0)
        return EPERM;
    if (((to_set & FUSE_SET_ATTR_UID) != 0 && attr->st_uid != node->uid) ||
        ((to_set & FUSE_SET_ATTR_GID) != 0 && attr->st_gid != node->gid))
        return EPERM;
    if ((to_set & FUSE_SET_ATTR_MODE) != 0) {
        mode_t mode = attr->st_mode & 0666;
        if (fchmodat(segment_store_fd(tree->store), node->path, mode, 0) < 0)
            return errno;
        g_atomic_int_set(&node->mode, mode & ~tree->options.umask);
    }
    return 0;
}

void fs_op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
    FsTree *tree = fs_server(req)->tree;
    struct stat st;
    double timeout;

    g_autoptr(FsNode) node = fs_node_table_get(tree->nodes, ino);
    int code = node == NULL ? ESTALE : node->kind != FS_TOMBSTONE ? EPERM : change_tombstone(tree, node, attr, to_set);
    if (code == 0 && !fs_tree_getattr(tree, node, &st, &timeout, &segment_no_wait, NULL))
        code = EIO;
    if (code == 0)
        fuse_reply_attr(req, &st, timeout);
    else
        fuse_reply_err(req, code);
}

void fs_op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    fuse_reply_err(req, EPERM);
}

void fs_op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    fuse_reply_err(req, EPERM);
}

void fs_op_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
    fuse_reply_err(req, EPERM);
}

void fs_op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
                  unsigned int flags)
{
    fuse_reply_err(req, EPERM);
}

void fs_op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
    fuse_reply_err(req, EPERM);
}

void fs_op_write(fuse_req_t req, fuse_ino_t ino, const char *buffer, size_t size, off_t offset,
                 struct fuse_file_info *fi)
{
    fuse_reply_err(req, EPERM);
}

void fs_op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
    FsTree *tree = fs_server(req)->tree;
    g_autoptr(FsNode) node = fs_node_table_get(tree->nodes, ino);
    fuse_reply_err(req, node != NULL ? fs_xattr_set(tree, node, name, value, size) : ESTALE);
}

void fs_op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
    fuse_reply_err(req, EPERM);
}
