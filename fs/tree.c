// SPDX-License-Identifier: MIT
// Names to nodes, and nodes to attributes. What is in memory is answered at once; what needs the disk fails with
// SEGMENT_ERROR_WOULD_BLOCK where the caller may not wait.
#include "fs/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cut/archive.h"
#include "cut/movie.h"
#include "fs/status.h"
#include "segment/time.h"

#define FOREVER 1e9 // seconds: as long as the kernel is told of changes
#define UNWATCHED 1.0 // seconds: where it cannot be
#define MAX_PLANS (64 * 1024 * 1024) // bytes of plans of cuts that nobody may have open
#define BLOCK_SIZE 512 // of st_blocks (stat(2))

static gboolean fail(GError **error, int code, const char *path)
{
    return segment_error_set_errno(error, code, "cannot look up", path);
}

static gboolean may_block(const SegmentWait *wait, GError **error, const char *path)
{
    if (segment_wait_may_block(wait))
        return TRUE;
    g_set_error_literal(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK, path);
    return FALSE;
}

char *fs_tree_store_path(const FsNode *parent, const char *name)
{
    const char *path = parent->kind == FS_ENTRY ? parent->store_path : parent->path;
    if (*path == '\0' || strcmp(path, ".") == 0)
        return g_strdup(name);
    return g_strconcat(path, "/", name, NULL);
}

static void set_owner(const FsTree *tree, FsNode *node, const struct stat *st)
{
    node->uid = tree->options.has_uid ? tree->options.uid : st->st_uid;
    node->gid = tree->options.has_gid ? tree->options.gid : st->st_gid;
    node->mode = st->st_mode & 0777 & ~tree->options.umask;
}

// ---- what is passed through

static FsNode *entry_node(FsTree *tree, FsNode *parent, const char *name, const char *store_path, const struct stat *st)
{
    FsNode *node = fs_node_new(FS_ENTRY, parent, name);
    node->store_path = g_strdup(store_path);
    set_owner(tree, node, st);
    return node;
}

// Where the store is shown as it is, hidden names and special files included.
static gboolean shows_all(const FsNode *node)
{
    return g_str_has_prefix(node->path, ".segfs/");
}

// A file, directory or link of the store that means nothing to segfs.
static FsNode *lookup_entry(FsTree *tree, FsNode *parent, const char *name, GError **error)
{
    g_autofree char *path = fs_tree_store_path(parent, name);
    struct stat st;
    if (fstatat(segment_store_fd(tree->store), path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(error, errno, path), NULL;
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode) && !shows_all(parent))
        return fail(error, ENOENT, path), NULL;
    return entry_node(tree, parent, name, path, &st);
}

// ---- directories of the tree's own

static FsNode *lookup_in_root(FsTree *tree, FsNode *root, const char *name, const SegmentWait *wait, GError **error)
{
    struct stat st;
    if (strcmp(name, ".segfs") == 0) {
        FsNode *node = fs_node_new(FS_CONTROL, root, name);
        // The daemon's user's, whoever owns the rest: it shows what tombstones hide.
        node->uid = geteuid();
        node->gid = getegid();
        node->mode = 0500;
        return node;
    }
    if (*name == '.')
        return fail(error, ENOENT, name), NULL;
    if (!may_block(wait, error, name))
        return NULL;
    // A channel may be a link to another disk.
    if (fstatat(segment_store_fd(tree->store), name, &st, 0) == 0 && S_ISDIR(st.st_mode)) {
        FsNode *node = fs_node_new(FS_CHANNEL, root, name);
        set_owner(tree, node, &st);
        return node;
    }
    return lookup_entry(tree, root, name, error);
}

static FsNode *lookup_in_channel(FsTree *tree, FsNode *channel, const char *name, const SegmentWait *wait,
                                 GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autofree char *path = fs_tree_store_path(channel, name);
    struct stat st;

    if (*name == '.')
        return fail(error, ENOENT, path), NULL;
    if (!may_block(wait, error, path))
        return NULL;
    SegmentStream *stream = segment_store_stream(tree->store, path, wait, &failure);
    if (stream == NULL && !segment_error_is_errno(failure, ENOENT)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    if (stream == NULL || fstatat(segment_store_fd(tree->store), path, &st, 0) < 0)
        return lookup_entry(tree, channel, name, error);
    FsNode *node = fs_node_new(FS_STREAM, channel, name);
    node->stream = stream;
    set_owner(tree, node, &st);
    return node;
}

static FsNode *lookup_hour(FsTree *tree, FsNode *stream, const char *name, gint64 hour, const SegmentWait *wait,
                           GError **error)
{
    g_autofree char *path = fs_tree_store_path(stream, name);
    struct stat st;
    g_autoptr(GArray) hours = segment_stream_hours(stream->stream, wait, error);
    if (hours == NULL)
        return NULL;
    if (bsearch(&hour, hours->data, hours->len, sizeof(gint64), segment_time_compare) == NULL)
        return fail(error, ENOENT, path), NULL;
    if (!may_block(wait, error, path))
        return NULL;
    if (fstatat(segment_store_fd(tree->store), path, &st, 0) < 0)
        return fail(error, errno, path), NULL;
    FsNode *node = fs_node_new(FS_HOUR, stream, name);
    node->hour = hour;
    set_owner(tree, node, &st);
    return node;
}

static FsNode *cut_node(FsTree *tree, FsNode *parent, const char *name, CutRequest *request, const char *base,
                        const SegmentWait *wait, GError **error)
{
    CutTextOptions text = {
        .base = base,
        .uris = tree->options.portable_names ? SEGMENT_URI_PORTABLE : SEGMENT_URI_FILE,
        .inspect = cut_engine_inspect,
        .render = cut_engine_render,
        .lay_out_movie = cut_movie_lay_out,
        .data = tree->engine,
    };
    CutPlan *plan = cut_plan_new(parent->stream, request, &text, wait, error);
    if (plan == NULL)
        return NULL;
    FsNode *node = fs_node_new(FS_CUT, parent, name);
    fs_node_set_plan(node, plan);
    return node;
}

// From the first hour to the end of the last.
static FsNode *lookup_playlist(FsTree *tree, FsNode *stream, const char *name, const SegmentWait *wait, GError **error)
{
    g_autoptr(GArray) hours = segment_stream_hours(stream->stream, wait, error);
    if (hours == NULL)
        return NULL;
    if (hours->len == 0)
        return fail(error, ENOENT, stream->path), NULL;
    gint64 first = g_array_index(hours, gint64, 0), last = g_array_index(hours, gint64, hours->len - 1);
    CutSpan span = {.start = first, .end = last + SEGMENT_HOUR_LENGTH};
    return cut_node(tree, stream, name, cut_request_new(&span, 1, CUT_FORMAT_M3U8), "", wait, error);
}

static FsNode *lookup_in_stream(FsTree *tree, FsNode *stream, const char *name, const SegmentWait *wait, GError **error)
{
    gint64 hour;
    if (segment_hour_name_parse(name, &hour))
        return lookup_hour(tree, stream, name, hour, wait, error);
    if (strcmp(name, "range") == 0)
        return fs_node_new(FS_RANGES, stream, name);
    if (strcmp(name, "frame") == 0)
        return fs_node_new(FS_FRAMES, stream, name);
    if (strcmp(name, "playlist.m3u8") == 0)
        return lookup_playlist(tree, stream, name, wait, error);
    if (*name == '.')
        return fail(error, ENOENT, name), NULL;
    return may_block(wait, error, name) ? lookup_entry(tree, stream, name, error) : NULL;
}

// range/NAME.rough.d, with a file for each run of NAME without a hole in it.
static FsNode *lookup_archives(FsTree *tree, FsNode *ranges, const char *name, const SegmentWait *wait, GError **error)
{
    g_autoptr(CutRequest) request = cut_request_parse_archives(name, error);
    g_autoptr(GArray) spans = request != NULL ? cut_archive_spans(ranges->stream, request, wait, error) : NULL;
    if (spans == NULL)
        return NULL;
    if (spans->len == 0)
        return fail(error, ENODATA, name), NULL;
    FsNode *node = fs_node_new(FS_ARCHIVES, ranges, name);
    fs_recent_add(tree->recent, node->id, node->path);
    return node;
}

// N.mkv
static FsNode *lookup_in_archives(FsTree *tree, FsNode *archives, const char *name, const SegmentWait *wait,
                                  GError **error)
{
    guint64 number;
    g_auto(GStrv) parts = g_strsplit(name, ".", 2);
    if (*name == '0' || g_strcmp0(parts[0] != NULL ? parts[1] : NULL, "mkv") != 0 ||
        !g_ascii_string_to_unsigned(parts[0], 10, 1, G_MAXUINT, &number, NULL))
        return fail(error, ENOENT, name), NULL;
    g_autoptr(CutRequest) request = cut_request_parse_archives(fs_node_name(archives), error);
    g_autoptr(GArray) spans = request != NULL ? cut_archive_spans(archives->stream, request, wait, error) : NULL;
    if (spans == NULL)
        return NULL;
    if (number > spans->len)
        return fail(error, ENOENT, name), NULL;
    CutRequest *own = cut_request_new(&g_array_index(spans, CutSpan, number - 1), 1, CUT_FORMAT_MKV);
    own->mode = CUT_MODE_ROUGH;
    own->accept_holes = TRUE; // what is not full has one behind it
    FsNode *node = cut_node(tree, archives, name, own, "", wait, error);
    if (node != NULL)
        fs_recent_add(tree->recent, node->id, node->path);
    return node;
}

// In range/ and in frame/
static FsNode *lookup_cut(FsTree *tree, FsNode *parent, const char *name, const SegmentWait *wait, GError **error)
{
    if (parent->kind == FS_RANGES && g_str_has_suffix(name, ".d"))
        return lookup_archives(tree, parent, name, wait, error);
    CutRequest *request =
        parent->kind == FS_FRAMES ? cut_request_parse_frame(name, error) : cut_request_parse(name, error);
    if (request == NULL)
        return NULL;
    FsNode *node = cut_node(tree, parent, name, request, "../", wait, error);
    if (node != NULL)
        fs_recent_add(tree->recent, node->id, node->path);
    return node;
}

// ---- in an hour

FsNode *fs_tree_segment(FsTree *tree, FsNode *parent, const SegmentHour *hour, const SegmentEntry *entry)
{
    SegmentName name;
    const char *text = segment_hour_name(hour, entry);
    if (!segment_name_parse(text, &name))
        g_assert_not_reached();
    // Asked for before the node can be seen: whatever is barred later will be checked again.
    int checked = segment_store_revocations(tree->store);
    FsNode *node = fs_node_new(FS_SEGMENT, parent, text);
    node->start = segment_entry_start(hour, entry);
    node->duration = entry->duration;
    fs_node_set_size(node, entry->size);
    memcpy(node->hash, name.hash, sizeof node->hash);
    node->checked = segment_stream_is_barred(node->stream, node->hash) ? checked - 1 : checked;
    return node;
}

static FsNode *tombstone_node(FsTree *tree, FsNode *hour, const char *name, const char *path, GError **error)
{
    struct stat st;
    if (fstatat(segment_store_fd(tree->store), path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(error, errno, path), NULL;
    SegmentName parsed;
    if (!segment_name_parse(name, &parsed))
        g_assert_not_reached();
    FsNode *node = fs_node_new(FS_TOMBSTONE, hour, name);
    node->start = hour->hour + parsed.offset;
    set_owner(tree, node, &st);
    node->mode &= 0666;
    return node;
}

static FsNode *lookup_in_hour(FsTree *tree, FsNode *parent, const char *name, const SegmentWait *wait, GError **error)
{
    g_autofree char *native = segment_name_from_portable(name, parent->hour);
    if (native == NULL)
        return fail(error, ENOENT, name), NULL;
    g_autofree char *path = fs_tree_store_path(parent, native);
    if (g_str_has_suffix(native, ".tombstone"))
        return may_block(wait, error, path) ? tombstone_node(tree, parent, native, path, error) : NULL;

    g_autoptr(SegmentHour) hour = segment_stream_hour(parent->stream, parent->hour, TRUE, wait, error);
    if (hour == NULL)
        return NULL;
    const SegmentEntry *entry = segment_hour_find(hour, native);
    return entry != NULL ? fs_tree_segment(tree, parent, hour, entry) : (fail(error, ENOENT, path), NULL);
}

FsNode *fs_tree_bury(FsTree *tree, FsNode *parent, const char *name, uid_t uid, gid_t gid, mode_t mode, GError **error)
{
    g_autofree char *native = parent->kind == FS_HOUR ? segment_name_from_portable(name, parent->hour) : NULL;
    if (parent->kind != FS_HOUR || (native == NULL && !g_str_has_suffix(name, ".tombstone")) ||
        (native != NULL && !g_str_has_suffix(native, ".tombstone")))
        return fail(error, EPERM, name), NULL;
    if (native == NULL)
        return fail(error, EINVAL, name), NULL;
    if (!segment_stream_bury(parent->stream, parent->hour, native, uid, gid, mode, error))
        return NULL;
    g_autofree char *path = fs_tree_store_path(parent, native);
    return tombstone_node(tree, parent, native, path, error);
}

// ---- the rest

static FsNode *lookup_in_control(FsTree *tree, FsNode *control, const char *name, const SegmentWait *wait,
                                 GError **error)
{
    struct stat st;
    if (fs_status_has(tree, name))
        return fs_node_new(FS_STATUS, control, name);
    if (strcmp(name, "all") != 0)
        return fail(error, ENOENT, name), NULL;
    if (!may_block(wait, error, name))
        return NULL;
    if (fstat(segment_store_fd(tree->store), &st) < 0)
        return fail(error, errno, name), NULL;
    return entry_node(tree, control, name, ".", &st);
}

static FsNode *lookup_in_entry(FsTree *tree, FsNode *parent, const char *name, const SegmentWait *wait, GError **error)
{
    if (*name == '.' && !shows_all(parent))
        return fail(error, ENOENT, name), NULL;
    return may_block(wait, error, name) ? lookup_entry(tree, parent, name, error) : NULL;
}

FsNode *fs_tree_lookup(FsTree *tree, FsNode *parent, const char *name, const SegmentWait *wait, GError **error)
{
    if (strlen(name) > SEGMENT_NAME_MAX)
        return fail(error, ENAMETOOLONG, name), NULL;
    switch (parent->kind) {
    case FS_ROOT:
        return lookup_in_root(tree, parent, name, wait, error);
    case FS_CHANNEL:
        return lookup_in_channel(tree, parent, name, wait, error);
    case FS_STREAM:
        return lookup_in_stream(tree, parent, name, wait, error);
    case FS_HOUR:
        return lookup_in_hour(tree, parent, name, wait, error);
    case FS_RANGES:
    case FS_FRAMES:
        return lookup_cut(tree, parent, name, wait, error);
    case FS_ARCHIVES:
        return lookup_in_archives(tree, parent, name, wait, error);
    case FS_CONTROL:
        return lookup_in_control(tree, parent, name, wait, error);
    case FS_ENTRY:
        return lookup_in_entry(tree, parent, name, wait, error);
    default:
        return fail(error, ENOTDIR, parent->path), NULL;
    }
}

// ---- attributes

static void set_time(struct stat *st, gint64 time, guint32 nsec)
{
    gint64 seconds = time / SEGMENT_SECOND - (time % SEGMENT_SECOND < 0 ? 1 : 0);
    st->st_mtim.tv_sec = (time_t) seconds;
    st->st_mtim.tv_nsec = nsec;
    st->st_atim = st->st_ctim = st->st_mtim;
}

static void set_media_time(struct stat *st, gint64 time)
{
    gint64 usec = time % SEGMENT_SECOND;
    set_time(st, time, (guint32) (usec < 0 ? usec + SEGMENT_SECOND : usec) * 1000);
}

static void set_size(struct stat *st, mode_t mode, gint64 size)
{
    st->st_mode = S_IFREG | mode;
    st->st_size = size;
    st->st_blocks = (size + BLOCK_SIZE - 1) / BLOCK_SIZE;
}

// The newest segment's time, with a digest of the listing for nanoseconds: the same on every node, and another one
// whenever the listing changes, which is what caches look at.
static gboolean stat_hour(FsNode *node, struct stat *st, const SegmentWait *wait, GError **error)
{
    g_autoptr(SegmentHour) hour = segment_stream_hour(node->stream, node->hour, FALSE, wait, error);
    if (hour == NULL)
        return FALSE;
    const SegmentEntry *last = hour->n_entries > 0 ? &hour->entries[hour->n_entries - 1] : NULL;
    gint64 newest = last != NULL ? segment_entry_start(hour, last) : hour->start;
    set_time(st, newest, (guint32) (segment_hour_digest(hour) % 1000000000));
    return TRUE;
}

// The same of the hours that there are.
static gboolean stat_stream(FsNode *node, struct stat *st, const SegmentWait *wait, GError **error)
{
    g_autoptr(GArray) hours = segment_stream_hours(node->stream, wait, error);
    if (hours == NULL)
        return FALSE;
    guint64 digest = hours->len;
    for (guint i = 0; i < hours->len; i++)
        digest = digest * 31 + (guint64) (g_array_index(hours, gint64, i) / SEGMENT_HOUR_LENGTH);
    gint64 newest = hours->len > 0 ? g_array_index(hours, gint64, hours->len - 1) : 0;
    set_time(st, newest, (guint32) (digest % 1000000000));
    return TRUE;
}

// As in the store.
static gboolean stat_entry(FsTree *tree, FsNode *node, struct stat *st, const SegmentWait *wait, GError **error)
{
    const char *path = node->kind == FS_ENTRY ? node->store_path : *node->path != '\0' ? node->path : ".";
    struct stat own;
    if (!may_block(wait, error, path))
        return FALSE;
    if (fstatat(segment_store_fd(tree->store), path, &own, node->kind == FS_ENTRY ? AT_SYMLINK_NOFOLLOW : 0) < 0)
        return fail(error, errno == ENOENT ? ESTALE : errno, path);
    if (S_ISDIR(own.st_mode)) {
        st->st_mode = S_IFDIR | (own.st_mode & 0777 & ~tree->options.umask);
    } else if (S_ISLNK(own.st_mode)) {
        set_size(st, 0777, own.st_size);
        st->st_mode = S_IFLNK | 0777;
    } else {
        set_size(st, 0, own.st_size);
        st->st_mode = (own.st_mode & S_IFMT) | (own.st_mode & 0555 & ~tree->options.umask);
        st->st_rdev = own.st_rdev;
    }
    st->st_mtim = own.st_mtim;
    st->st_atim = st->st_ctim = st->st_mtim;
    return TRUE;
}

static void stat_status(FsTree *tree, FsNode *node, struct stat *st)
{
    g_autoptr(GBytes) text = fs_status_text(tree, node->path);
    fs_node_table_set_text(tree->nodes, node, text);
    set_size(st, 0400, (gint64) g_bytes_get_size(text));
    set_time(st, g_get_real_time(), 0);
}

// Of an archive that is not written yet nobody knows how large it will be; about as large as what it is made of.
static void stat_cut(FsTree *tree, const FsNode *node, struct stat *st, double *timeout)
{
    const CutPlan *plan = node->plan;
    gint64 size = plan->size;
    *timeout = segment_stream_is_watched(node->stream) ? FOREVER : UNWATCHED;
    if (plan->request->format == CUT_FORMAT_MKV) {
        gint64 exact = cut_archives_find_size(cut_engine_archives(tree->engine), plan);
        size = exact >= 0 ? exact : size;
        *timeout = 0;
    }
    set_size(st, 0444 & ~tree->options.umask, size);
    set_media_time(st, plan->mtime);
}

gboolean fs_tree_getattr(FsTree *tree, FsNode *node, struct stat *st, double *timeout, const SegmentWait *wait,
                         GError **error)
{
    mode_t read_only = 0444 & ~tree->options.umask;

    memset(st, 0, sizeof *st);
    st->st_ino = node->id;
    st->st_nlink = 1; // of a directory: "do not count on it" (as of btrfs)
    st->st_uid = node->uid;
    st->st_gid = node->gid;
    st->st_mode = S_IFDIR | node->mode;
    st->st_blksize = 128 * 1024;
    *timeout = UNWATCHED;

    switch (node->kind) {
    case FS_SEGMENT:
        set_size(st, read_only, node->size);
        set_media_time(st, node->start);
        *timeout = segment_stream_hour_is_watched(node->stream, node->hour) ? FOREVER : UNWATCHED;
        return TRUE;
    case FS_TOMBSTONE:
        set_size(st, g_atomic_int_get(&node->mode), 0);
        set_media_time(st, node->start);
        return TRUE;
    case FS_CUT:
        stat_cut(tree, node, st, timeout);
        return TRUE;
    case FS_HOUR:
        *timeout = segment_stream_hour_is_watched(node->stream, node->hour) ? FOREVER : UNWATCHED;
        return stat_hour(node, st, wait, error);
    case FS_STREAM:
        return stat_stream(node, st, wait, error);
    case FS_RANGES:
    case FS_ARCHIVES:
    case FS_FRAMES:
        set_time(st, tree->started, fs_recent_generation(tree->recent) % 1000000000);
        return TRUE;
    case FS_CONTROL:
        set_time(st, tree->started, 0);
        return TRUE;
    case FS_STATUS:
        stat_status(tree, node, st);
        *timeout = 0;
        return TRUE;
    default:
        return stat_entry(tree, node, st, wait, error);
    }
}

static void forget_name(guint64 parent, const char *name, gpointer data)
{
    const FsTree *tree = data;
    if (tree->kernel.invalidate_entry != NULL)
        tree->kernel.invalidate_entry(parent, name, NULL, tree->kernel.data);
}

void fs_tree_remembered(FsTree *tree, FsNode *node)
{
    if (node->kind == FS_CUT)
        fs_plans_add(tree->plans, node, forget_name, tree);
}

double fs_tree_entry_timeout(FsTree *tree, const FsNode *node)
{
    gboolean watched = FALSE;
    switch (node->kind) {
    case FS_SEGMENT:
    case FS_TOMBSTONE:
        watched = segment_stream_hour_is_watched(node->stream, node->hour);
        break;
    case FS_HOUR:
    case FS_CUT:
        watched = segment_stream_is_watched(node->stream);
        break;
    default:
        break;
    }
    return watched ? FOREVER : UNWATCHED;
}

// ---- the tree itself

FsTree *fs_tree_new(SegmentStore *store, const FsTreeOptions *options, const char *cache_dir)
{
    FsTree *tree = g_new0(FsTree, 1);
    struct stat st = {0};

    tree->store = store;
    tree->options = *options;
    tree->options.mountpoint = g_strdup(options->mountpoint);
    tree->nodes = fs_node_table_new();
    tree->recent = fs_recent_new(cache_dir);
    tree->plans = fs_plans_new(MAX_PLANS);
    tree->engine = cut_engine_new(cache_dir, options->cache_size);
    tree->started = g_get_real_time();
    tree->once = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_mutex_init(&tree->once_lock);
    g_mutex_init(&tree->drain_lock);
    g_cond_init(&tree->drained);

    if (fstat(segment_store_fd(store), &st) < 0)
        g_warning("%s: %s", segment_store_path(store), g_strerror(errno));
    tree->root = fs_node_new_root();
    set_owner(tree, tree->root, &st);
    // The kernel never forgets its root.
    tree->root = fs_node_table_remember(tree->nodes, tree->root);
    segment_store_add_listener(store, fs_tree_changed, tree);
    return tree;
}

void fs_tree_free(FsTree *tree)
{
    if (tree == NULL)
        return;
    // The watch ends first: it tells the tree.
    segment_store_stop(tree->store);
    fs_node_unref(tree->root);
    fs_node_table_free(tree->nodes);
    cut_engine_free(tree->engine);
    segment_store_free(tree->store);
    fs_recent_free(tree->recent);
    fs_plans_free(tree->plans);
    g_hash_table_unref(tree->once);
    g_mutex_clear(&tree->once_lock);
    g_mutex_clear(&tree->drain_lock);
    g_cond_clear(&tree->drained);
    g_free(tree->options.mountpoint);
    g_free(tree);
}

void fs_tree_lost_file(FsTree *tree, const char *path, const char *why)
{
    g_mutex_lock(&tree->once_lock);
    gboolean first = g_hash_table_add(tree->once, g_strdup(path));
    g_mutex_unlock(&tree->once_lock);
    if (first)
        g_warning("%s: %s", path, why);
}
