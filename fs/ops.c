// SPDX-License-Identifier: MIT
// The thin layer between FUSE's low-level protocol and the tree: names, attributes, reading. Directories and the few
// things that may be written have files of their own.
#include "fs/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fs/errno.h"
#include "fs/file.h"
#include "fs/id.h"
#include "fs/xattr.h"

#define GENERATION 0 // of every node, always: an id is never used for something else

static FsFile *get_file(const struct fuse_file_info *fi)
{
    return (FsFile *) (uintptr_t) fi->fh;
}

// ---- lookup

gboolean fs_ops_fill_entry(FsCall *call, FsNode *node, struct fuse_entry_param *entry, GError **error)
{
    FsTree *tree = call->server->tree;
    g_autofree char *path = g_strdup(node->path);
    const guintptr own = (guintptr) node;
    g_autoptr(FsNode) known = fs_node_table_remember(tree->nodes, node);
    if (known == NULL)
        return segment_error_set_errno(error, EIO, "two nodes with one id:", path);
    // It is the one that was there where there was an equal one.
    if ((guintptr) known == own)
        fs_tree_remembered(tree, known);

    memset(entry, 0, sizeof *entry);
    entry->ino = known->id;
    entry->generation = GENERATION;
    if (!fs_tree_getattr(tree, known, &entry->attr, &entry->attr_timeout, &call->wait, error)) {
        fs_node_table_forget(tree->nodes, known->id, 1);
        return FALSE;
    }
    entry->entry_timeout = fs_tree_entry_timeout(tree, known);
    return TRUE;
}

// "." and ".." are asked for by NFS servers, of nodes that may not be known (FUSE_EXPORT_SUPPORT).
static FsNode *look_up(FsCall *call, FsNode *parent, GError **error)
{
    if (strcmp(call->name, ".") == 0)
        return fs_node_ref(parent);
    if (strcmp(call->name, "..") == 0)
        return fs_node_ref(parent->parent != NULL ? parent->parent : parent);
    return fs_tree_lookup(call->server->tree, parent, call->name, &call->wait, error);
}

static gboolean run_lookup(FsCall *call)
{
    FsServer *server = call->server;
    g_autoptr(GError) error = NULL;
    g_autoptr(FsNode) parent = fs_tree_resolve(server->tree, call->id, &call->wait, &error);
    if (parent == NULL)
        return fs_call_fail(call, error);
    SegmentStream *stream = parent->stream;
    int generation = stream != NULL ? segment_stream_generation(stream) : 0;
    guint64 id = parent->id;

    FsNode *node = look_up(call, parent, &error);
    struct fuse_entry_param entry;
    if (node == NULL || !fs_ops_fill_entry(call, node, &entry, &error))
        return fs_call_fail(call, error);
    if (!fs_call_claim(call)) {
        fs_node_table_forget(server->tree->nodes, entry.ino, 1);
        return TRUE;
    }
    if (fuse_reply_entry(call->req, &entry) == -ENOENT)
        fs_node_table_forget(server->tree->nodes, entry.ino, 1);
    // A change that came meanwhile was told before the kernel had the name.
    if (stream != NULL && segment_stream_generation(stream) != generation)
        fs_notify_entry(server->notify, id, call->name, NULL);
    return TRUE;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    FsCall call = {.func = run_lookup, .req = req, .server = fs_server(req), .id = parent};
    fs_call_run(&call, name);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n_lookups)
{
    if (ino != FS_ID_ROOT)
        fs_node_table_forget(fs_server(req)->tree->nodes, ino, n_lookups);
    fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t n, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < n; i++) {
        if (forgets[i].ino != FS_ID_ROOT)
            fs_node_table_forget(fs_server(req)->tree->nodes, forgets[i].ino, forgets[i].nlookup);
    }
    fuse_reply_none(req);
}

// ---- attributes

static gboolean run_getattr(FsCall *call)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(FsNode) node = fs_tree_resolve(call->server->tree, call->id, &call->wait, &error);
    struct stat st;
    double timeout;
    if (node == NULL)
        return fs_call_fail(call, error);
    // After ESTALE the kernel looks the name up again, and finds nothing. Once it has forgotten the name, only those
    // ask who have the file open.
    if (fs_tree_is_revoked(call->server->tree, node))
        segment_error_set_errno(&error, g_atomic_int_get(&node->nameless) ? EIO : ESTALE, "a tombstone hides",
                                node->path);
    else if (fs_tree_getattr(call->server->tree, node, &st, &timeout, &call->wait, &error) && fs_call_claim(call))
        fuse_reply_attr(call->req, &st, timeout);
    return error == NULL || fs_call_fail(call, error);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    FsCall call = {.func = run_getattr, .req = req, .server = fs_server(req), .id = ino};
    fs_call_run(&call, NULL);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct statvfs st;
    if (fstatvfs(segment_store_fd(fs_server(req)->tree->store), &st) < 0) {
        fuse_reply_err(req, errno);
        return;
    }
    st.f_namemax = SEGMENT_NAME_MAX;
    fuse_reply_statfs(req, &st);
}

static void reply_xattr(fuse_req_t req, const char *value, gsize length, size_t size)
{
    if (size == 0)
        fuse_reply_xattr(req, length);
    else if (size < length)
        fuse_reply_err(req, ERANGE);
    else
        fuse_reply_buf(req, value, length);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    int code = ESTALE;
    g_autoptr(FsNode) node = fs_node_table_get(fs_server(req)->tree->nodes, ino);
    g_autofree char *value = node != NULL ? fs_xattr_get(node, name, &code) : NULL;
    if (value == NULL)
        fuse_reply_err(req, code);
    else
        reply_xattr(req, value, strlen(value), size);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    gsize length;
    g_autoptr(FsNode) node = fs_node_table_get(fs_server(req)->tree->nodes, ino);
    if (node == NULL) {
        fuse_reply_err(req, ESTALE);
        return;
    }
    g_autofree char *names = fs_xattr_list(node, &length);
    reply_xattr(req, names, length, size);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
    char target[PATH_MAX + 1];
    FsTree *tree = fs_server(req)->tree;
    g_autoptr(FsNode) node = fs_node_table_get(tree->nodes, ino);
    ssize_t length = -1;
    errno = ESTALE;
    if (node != NULL && node->kind == FS_ENTRY)
        length = readlinkat(segment_store_fd(tree->store), node->store_path, target, sizeof target - 1);
    if (length < 0) {
        fuse_reply_err(req, errno);
        return;
    }
    target[length] = '\0';
    fuse_reply_readlink(req, target);
}

// ---- files

static gboolean run_open(FsCall *call)
{
    FsServer *server = call->server;
    struct fuse_file_info *fi = &call->fi;
    g_autoptr(GError) error = NULL;
    g_autoptr(FsNode) node = fs_node_table_get(server->tree->nodes, call->id);
    FsFile *file = NULL;
    if (node == NULL)
        segment_error_set_errno(&error, ESTALE, "cannot open", "a node");
    // A tombstone may be touched again; a write to it is refused when it comes.
    else if ((fi->flags & (O_ACCMODE | O_TRUNC)) != O_RDONLY && node->kind != FS_TOMBSTONE)
        segment_error_set_errno(&error, EPERM, "cannot write to", node->path);
    else
        file = fs_file_open(server->tree, node, &call->wait, &error);
    if (file == NULL)
        return fs_call_fail(call, error);
    fi->fh = (uintptr_t) file;
    fi->keep_cache = node->kind == FS_SEGMENT || node->kind == FS_CUT;
    fi->direct_io = node->kind == FS_STATUS;
    fi->noflush = 1;
    if (!fs_call_claim(call)) {
        fs_file_unref(file);
        return TRUE;
    }
    fs_server_hold(server, file, (GDestroyNotify) fs_file_unref);
    // Its size is known from now on.
    if (node->kind == FS_CUT && node->plan->request->format == CUT_FORMAT_MKV)
        fs_notify_node(server->notify, node->id);
    if (fuse_reply_open(call->req, fi) == -ENOENT)
        fs_server_release(server, file);
    return TRUE;
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    FsCall call = {.func = run_open, .req = req, .server = fs_server(req), .id = ino, .fi = *fi};
    fs_call_run(&call, NULL);
}

// A buffer of the thread's own, as large as any read so far.
static void *read_buffer(size_t size)
{
    static GPrivate key = G_PRIVATE_INIT((GDestroyNotify) g_byte_array_unref);
    GByteArray *buffer = g_private_get(&key);
    if (buffer == NULL) {
        buffer = g_byte_array_new();
        g_private_set(&key, buffer);
    }
    if (buffer->len < size)
        g_byte_array_set_size(buffer, (guint) size);
    return buffer->data;
}

static void reply_read(FsCall *call, FsFile *file, const void *buffer, gssize n)
{
    if (!fs_call_claim(call))
        return;
    if (n < 0 || fs_file_is_revoked(file))
        fuse_reply_err(call->req, n < 0 ? (int) -n : EIO);
    else
        fuse_reply_buf(call->req, buffer, (size_t) n);
}

static gboolean run_read(FsCall *call)
{
    FsTree *tree = call->server->tree;
    FsFile *file = call->handle;
    FsNode *node = fs_file_node(file);
    void *buffer = read_buffer(call->size);
    gssize n = 0;
    // What is waited for is waited for before: a tombstone waits for all reads that are under way.
    if (call->deferred)
        n = fs_file_read(file, buffer, call->size, call->offset, &call->wait);
    // The reply is part of it: pages that come after a tombstone's invalidation would stay.
    fs_tree_begin_read(tree, node);
    if (!call->deferred)
        n = fs_file_read(file, buffer, call->size, call->offset, &call->wait);
    gboolean done = call->deferred || n != -EAGAIN;
    if (done)
        reply_read(call, file, buffer, n);
    fs_tree_end_read(tree, node);
    return done;
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    // An interrupted read may go on for a moment after its file was closed.
    FsCall call = {.func = run_read,
                   .req = req,
                   .server = fs_server(req),
                   .size = size,
                   .offset = offset,
                   .handle = fs_file_ref(get_file(fi)),
                   .release = (void (*)(gpointer)) fs_file_unref};
    fs_call_run(&call, NULL);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    fs_server_release(fs_server(req), get_file(fi));
    fuse_reply_err(req, 0);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
    // A tombstone is on disk before its create returns, and nothing else is written.
    fuse_reply_err(req, 0);
}

// ---- the session

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
    conn->want |= conn->capable & (FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_READDIRPLUS | FUSE_CAP_PARALLEL_DIROPS |
                                   FUSE_CAP_ASYNC_READ | FUSE_CAP_AUTO_INVAL_DATA);
    // Not the kernel's choice when: `ls -l` would ask for each file of an hour but the first few by itself.
    conn->want &= ~(unsigned) FUSE_CAP_READDIRPLUS_AUTO;
    conn->max_background = 64;
    conn->congestion_threshold = 48;
    conn->time_gran = 1;
}

const struct fuse_lowlevel_ops fs_ops = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .setattr = fs_op_setattr,
    .readlink = op_readlink,
    .mknod = fs_op_mknod,
    .mkdir = fs_op_mkdir,
    .unlink = fs_op_unlink,
    .rmdir = fs_op_unlink,
    .symlink = fs_op_symlink,
    .rename = fs_op_rename,
    .link = fs_op_link,
    .open = op_open,
    .read = op_read,
    .write = fs_op_write,
    .release = op_release,
    .fsync = op_fsync,
    .opendir = fs_op_opendir,
    .readdir = fs_op_readdir,
    .readdirplus = fs_op_readdirplus,
    .releasedir = fs_op_releasedir,
    .fsyncdir = op_fsync,
    .statfs = op_statfs,
    .setxattr = fs_op_setxattr,
    .getxattr = op_getxattr,
    .listxattr = op_listxattr,
    .removexattr = fs_op_removexattr,
    .create = fs_op_create,
};
