// SPDX-License-Identifier: MIT
// Reading directories. An hour is given with attributes (READDIRPLUS), all from one listing; elsewhere attributes cost
// a look at the disk for each name, and the kernel asks for those that it wants.
#include <errno.h>
#include <string.h>

#include "fs/dir.h"
#include "fs/errno.h"
#include "fs/ops.h"
#include "segment/lock.h"

// A directory handle. Shared with calls that were interrupted but still run when it is released.
typedef struct {
    FsNode *node; // a reference
    GMutex lock; // guards what follows
    FsDir *dir;
    gboolean was_read;
    gatomicrefcount references;
} OpenDir;

static void open_dir_unref(gpointer data)
{
    OpenDir *open = data;
    if (!g_atomic_ref_count_dec(&open->references))
        return;
    fs_dir_free(open->dir);
    fs_node_unref(open->node);
    g_mutex_clear(&open->lock);
    g_free(open);
}

static OpenDir *get_open_dir(const struct fuse_file_info *fi)
{
    return (OpenDir *) (uintptr_t) fi->fh;
}

static gboolean run_opendir(FsCall *call)
{
    g_autoptr(GError) error = NULL;
    FsTree *tree = call->server->tree;
    g_autoptr(FsNode) node = fs_tree_resolve(tree, call->id, &call->wait, &error);
    if (node == NULL)
        return fs_call_fail(call, error);
    FsDir *dir = fs_dir_open(tree, node, &call->wait, &error);
    if (dir == NULL)
        return fs_call_fail(call, error);

    OpenDir *open = g_new0(OpenDir, 1);
    open->node = g_steal_pointer(&node);
    open->dir = dir;
    g_mutex_init(&open->lock);
    g_atomic_ref_count_init(&open->references);
    gboolean watched =
        open->node->kind == FS_HOUR && segment_stream_hour_is_watched(open->node->stream, open->node->hour);
    call->fi.fh = (uintptr_t) open;
    call->fi.cache_readdir = watched;
    call->fi.keep_cache = watched;
    fs_server_hold(call->server, open, open_dir_unref);
    if (!fs_call_claim(call) || fuse_reply_open(call->req, &call->fi) == -ENOENT)
        fs_server_release(call->server, open);
    return TRUE;
}

void fs_op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    FsCall call = {.func = run_opendir, .req = req, .server = fs_server(req), .id = ino, .fi = *fi};
    fs_call_run(&call, NULL);
}

// From the beginning again: what there is by now.
static gboolean refresh(FsCall *call, OpenDir *open, GError **error)
{
    if (call->offset != 0 || !open->was_read || !fs_dir_is_stale(open->dir))
        return TRUE;
    FsDir *dir = fs_dir_open(call->server->tree, open->node, &call->wait, error);
    if (dir == NULL)
        return FALSE;
    fs_dir_free(open->dir);
    open->dir = dir;
    return TRUE;
}

// Describes an entry of an hour with its attributes; of another directory with its id and type alone.
static gboolean describe(FsCall *call, OpenDir *open, const FsDirEntry *entry, struct fuse_entry_param *param)
{
    memset(param, 0, sizeof *param);
    param->attr.st_ino = entry->id;
    param->attr.st_mode = entry->type;
    if (entry->segment == NULL)
        return TRUE;
    FsNode *node = fs_tree_segment(call->server->tree, open->node, fs_dir_hour(open->dir), entry->segment);
    return fs_ops_fill_entry(call, node, param, NULL);
}

static gsize add(FsCall *call, OpenDir *open, const FsDirEntry *entry, char *buffer, gsize room)
{
    struct fuse_entry_param param;
    if (!call->plus) {
        struct stat st = {.st_ino = entry->id, .st_mode = entry->type};
        return fuse_add_direntry(call->req, buffer, room, entry->name, &st, (off_t) entry->key);
    }
    // Asked for its size first: a node that does not fit must not count as looked up.
    gsize needed = fuse_add_direntry_plus(call->req, NULL, 0, entry->name, NULL, 0);
    if (needed > room || !describe(call, open, entry, &param))
        return needed > room ? needed : 0;
    return fuse_add_direntry_plus(call->req, buffer, room, entry->name, &param, (off_t) entry->key);
}

// What the kernel was not told it need not forget.
static void take_back(FsCall *call, OpenDir *open, guint64 last)
{
    FsDirEntry entry = {.key = (guint64) call->offset};
    while (call->plus && entry.key < last && fs_dir_next(open->dir, entry.key, &entry)) {
        if (entry.segment != NULL)
            fs_node_table_forget(call->server->tree->nodes, entry.id, 1);
    }
}

// A change that came meanwhile was told before the kernel had the names.
static void forget_again(FsCall *call, OpenDir *open, guint64 last)
{
    FsDirEntry entry = {.key = (guint64) call->offset};
    while (entry.key < last && fs_dir_next(open->dir, entry.key, &entry)) {
        if (entry.segment != NULL)
            fs_notify_entry(call->server->notify, open->node->id, entry.name, NULL);
    }
}

static gboolean run_readdir(FsCall *call)
{
    g_autoptr(GError) error = NULL;
    OpenDir *open = call->handle;
    SegmentStream *stream = open->node->stream;
    SEGMENT_LOCK_SCOPE(&open->lock);
    if (!refresh(call, open, &error))
        return fs_call_fail(call, error);
    open->was_read = TRUE;

    g_autofree char *buffer = g_malloc(call->size);
    FsDirEntry entry = {.key = (guint64) call->offset};
    guint64 last = entry.key;
    gsize length = 0;
    while (fs_dir_next(open->dir, last, &entry)) {
        gsize n = add(call, open, &entry, buffer + length, call->size - length);
        if (n > call->size - length)
            break;
        length += n;
        last = entry.key;
    }
    if (!fs_call_claim(call)) {
        take_back(call, open, last);
        return TRUE;
    }
    if (fuse_reply_buf(call->req, buffer, length) == -ENOENT)
        take_back(call, open, last);
    else if (call->plus && stream != NULL && fs_dir_is_stale(open->dir))
        forget_again(call, open, last);
    return TRUE;
}

static void read_directory(fuse_req_t req, size_t size, off_t offset, const struct fuse_file_info *fi, gboolean plus)
{
    OpenDir *open = get_open_dir(fi);
    g_atomic_ref_count_inc(&open->references);
    FsCall call = {
        .func = run_readdir,
        .req = req,
        .server = fs_server(req),
        .size = size,
        .offset = offset,
        .plus = plus,
        .handle = open,
        .release = open_dir_unref,
    };
    fs_call_run(&call, NULL);
}

void fs_op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    read_directory(req, size, offset, fi, FALSE);
}

void fs_op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    read_directory(req, size, offset, fi, TRUE);
}

void fs_op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    fs_server_release(fs_server(req), get_open_dir(fi));
    fuse_reply_err(req, 0);
}
