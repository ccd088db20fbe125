// SPDX-License-Identifier: MIT
// Mounting, serving, and the orderly end of both.
#include "fs/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fs/call.h"
#include "segment/fd.h"

#define MAX_THREADS 64 // of libfuse; a read that waits for the disk takes one

static void invalidate_node(guint64 id, gpointer data)
{
    fs_notify_node(((FsServer *) data)->notify, id);
}

static void invalidate_entry(guint64 parent, const char *name, FsNode *node, gpointer data)
{
    fs_notify_entry(((FsServer *) data)->notify, parent, name, node);
}

// A comma in a name would end it.
static char *escape(const char *text)
{
    g_auto(GStrv) parts = g_strsplit_set(text, ",", -1);
    g_autofree char *escaped = g_strjoinv("\\,", parts);
    return g_steal_pointer(&escaped);
}

static char *mount_words(const FsTree *tree, const FsServerOptions *options)
{
    g_autofree char *store = escape(segment_store_path(tree->store));
    gboolean named = options->words != NULL && strstr(options->words, "fsname=") != NULL;
    GString *words = g_string_new("subtype=segfs,default_permissions");
    if (!named)
        g_string_append_printf(words, ",fsname=%s", store);
    if (options->read_only)
        g_string_append(words, ",ro");
    if (options->allow_other)
        g_string_append(words, ",allow_other");
    if (options->words != NULL && *options->words != '\0')
        g_string_append_printf(words, ",%s", options->words);
    return g_string_free(words, FALSE);
}

static gboolean mount_session(FsServer *server, const FsServerOptions *options, GError **error)
{
    g_autofree char *words = mount_words(server->tree, options);
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    fuse_opt_add_arg(&args, "segfs");
    fuse_opt_add_arg(&args, "-o");
    fuse_opt_add_arg(&args, words);
    if (options->debug)
        fuse_opt_add_arg(&args, "-d");
    server->session = fuse_session_new(&args, &fs_ops, sizeof fs_ops, server);
    fuse_opt_free_args(&args);
    if (server->session == NULL)
        return segment_error_set_errno(error, EINVAL, "cannot make a session for", options->mountpoint);
    errno = 0;
    if (fuse_session_mount(server->session, options->mountpoint) != 0)
        return segment_error_set_errno(error, errno != 0 ? errno : EIO, "cannot mount on", options->mountpoint);
    return fs_device_enable(server, error);
}

FsServer *fs_server_new(FsTree *tree, const FsServerOptions *options, GError **error)
{
    FsServer *server = g_new0(FsServer, 1);
    server->tree = tree;
    server->handles = g_hash_table_new(NULL, NULL);
    server->calls = g_hash_table_new(NULL, NULL);
    g_mutex_init(&server->handles_lock);
    if (!mount_session(server, options, error)) {
        fs_server_free(server);
        return NULL;
    }
    server->pool = fs_call_pool_new();
    server->notify = fs_notify_new(server->session);
    tree->kernel = (FsKernel){
        .invalidate_node = invalidate_node,
        .invalidate_entry = invalidate_entry,
        .data = server,
    };
    g_autoptr(GError) failure = NULL;
    if (!segment_store_start(tree->store, &failure))
        g_warning("%s; changes are seen a second late", failure->message);
    return server;
}

gboolean fs_server_run(FsServer *server, GError **error)
{
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    fuse_loop_cfg_set_max_threads(config, MAX_THREADS);
    fuse_loop_cfg_set_clone_fd(config, 0);
    int result = fuse_session_loop_mt(server->session, config);
    fuse_loop_cfg_destroy(config);
    return result >= 0 ||
           segment_error_set_errno(error, -result, "lost the session of", server->tree->options.mountpoint);
}

void fs_server_exit(FsServer *server)
{
    // While there is still somebody who answers: it may wait for a directory that a lookup holds.
    fs_notify_stop(server->notify);
    fuse_session_exit(server->session);
}

// Answers all requests that nobody will serve any more with an error. A thread of ours may be in the kernel, where it
// waits for a page or directory that such a request holds.
static void abort_connection(FsServer *server)
{
    const char *mountpoint = server->tree->options.mountpoint;
    struct pollfd device = {.fd = fuse_session_fd(server->session)};
    // Unmounted already; what is mounted there by now is not ours.
    if (poll(&device, 1, 0) == 1 && (device.revents & POLLERR) != 0)
        return;
    if (geteuid() == 0) {
        umount2(mountpoint, MNT_FORCE | MNT_DETACH);
        return;
    }
    guint connection = g_atomic_int_get(&server->connection);
    g_autofree char *path = g_strdup_printf("/sys/fs/fuse/connections/%u/abort", connection);
    segment_autofd int fd = connection != 0 ? open(path, O_WRONLY | O_CLOEXEC) : -1;
    if (fd < 0 || write(fd, "1", 1) != 1)
        return;
    // libfuse takes an aborted connection for an unmounted one.
    char *arguments[] = {"fusermount3", "-u", "-q", "-z", "--", (char *) mountpoint, NULL};
    g_spawn_sync(NULL, arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
}

void fs_server_unmount(FsServer *server)
{
    if (server->session == NULL || server->unmounted)
        return;
    server->unmounted = TRUE;
    if (fuse_session_fd(server->session) >= 0)
        abort_connection(server);
    // All who write to the device end before it is closed: its number may be another file's at once.
    segment_store_stop(server->tree->store);
    // Nobody waits for what calls wait for: reads ahead of somebody who is gone, or edges.
    fs_call_cancel_all(server);
    if (server->pool != NULL)
        g_thread_pool_free(server->pool, FALSE, TRUE);
    if (server->notify != NULL)
        fs_notify_stop(server->notify);
    fuse_session_unmount(server->session);
}

void fs_server_free(FsServer *server)
{
    if (server == NULL)
        return;
    fs_server_unmount(server);

    GHashTableIter iter;
    gpointer handle, destroy;
    g_hash_table_iter_init(&iter, server->handles);
    while (g_hash_table_iter_next(&iter, &handle, &destroy))
        ((GDestroyNotify) destroy)(handle);
    g_hash_table_unref(server->handles);
    g_hash_table_unref(server->calls);
    g_mutex_clear(&server->handles_lock);

    fs_tree_free(server->tree);
    fs_notify_free(server->notify);
    if (server->session != NULL)
        fuse_session_destroy(server->session);
    g_free(server);
}

void fs_server_hold(FsServer *server, gpointer handle, GDestroyNotify destroy)
{
    g_mutex_lock(&server->handles_lock);
    g_hash_table_insert(server->handles, handle, (gpointer) destroy);
    g_mutex_unlock(&server->handles_lock);
}

void fs_server_release(FsServer *server, gpointer handle)
{
    g_mutex_lock(&server->handles_lock);
    GDestroyNotify destroy = (GDestroyNotify) g_hash_table_lookup(server->handles, handle);
    g_hash_table_remove(server->handles, handle);
    g_mutex_unlock(&server->handles_lock);
    if (destroy != NULL)
        destroy(handle);
}

static void set_read_ahead(const struct stat *st, guint kilobytes)
{
    g_autofree char *path = g_strdup_printf("/sys/class/bdi/%u:%u/read_ahead_kb", major(st->st_dev), minor(st->st_dev));
    g_autofree char *text = g_strdup_printf("%u", kilobytes);
    segment_autofd int fd = open(path, O_WRONLY | O_CLOEXEC);
    // Not as another user than root: it is a matter of speed alone.
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        g_debug("cannot set %s: %s", path, g_strerror(errno));
}

gboolean fs_server_wait_ready(FsServer *server, const FsServerOptions *options, GError **error)
{
    struct statvfs vfs;
    struct stat st;
    // Answered by ourselves, once INIT is done.
    if (statvfs(options->mountpoint, &vfs) < 0 || stat(options->mountpoint, &st) < 0)
        return segment_error_set_errno(error, errno, "no answer from", options->mountpoint);
    g_atomic_int_set(&server->connection, minor(st.st_dev));
    if (options->read_ahead > 0)
        set_read_ahead(&st, options->read_ahead);
    return TRUE;
}
