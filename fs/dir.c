// SPDX-License-Identifier: MIT
// Snapshots of directories. An hour's is the shared listing itself; others are small and copied.
#include "fs/dir.h"

#include <fcntl.h>
#include <string.h>

#include "cut/archive.h"
#include "fs/id.h"
#include "fs/status.h"
#include "segment/directory.h"
#include "segment/time.h"

// Keys: 1 and 2 are "." and "..". In an hour a segment's is its offset + 3: there is one for each start time.
// Elsewhere there come first the names that the tree makes up, then hours by time, then all others by hash.
#define KEY_DOT 1
#define KEY_DOT_DOT 2
#define KEY_FIRST 3
#define KEY_HOURS (G_GUINT64_CONSTANT(1) << 40)
#define KEY_NAMES (G_GUINT64_CONSTANT(1) << 50)

typedef struct {
    char *name;
    guint64 id, key;
    mode_t type;
} Name;

struct FsDir {
    FsTree *tree;
    FsNode *node; // a reference
    int generation; // of the stream when it was made
    SegmentHour *hour; // FS_HOUR; a reference
    GArray *names; // Name, by key; elsewhere
};

static void clear_name(gpointer data)
{
    g_free(((Name *) data)->name);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    const Name *x = a, *y = b;
    return x->key != y->key ? (x->key > y->key) - (x->key < y->key) : strcmp(x->name, y->name);
}

static void add(FsDir *dir, const char *name, mode_t type, guint64 key)
{
    Name n = {
        .name = g_strdup(name),
        .id = fs_id_make(fs_node_prefix(dir->node), dir->node->path, name, NULL, 0),
        .type = type,
        .key = key,
    };
    if (key == 0)
        n.key = KEY_NAMES | (n.id & G_GUINT64_CONSTANT(0xffffffffffff));
    g_array_append_val(dir->names, n);
}

static mode_t type_of(int fd, const struct dirent *entry, gboolean follow, gboolean all)
{
    struct stat st;
    if (all && entry->d_type != DT_UNKNOWN)
        return DTTOIF(entry->d_type);
    if (entry->d_type == DT_REG || entry->d_type == DT_DIR || (entry->d_type == DT_LNK && !follow))
        return DTTOIF(entry->d_type);
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return 0; // FIFOs and the like
    // A link to a directory stands for it where channels, streams and hours are; any other is shown as a link.
    if (follow && fstatat(fd, entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode))
        return S_IFDIR;
    if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    return all || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode) ? st.st_mode & S_IFMT : 0;
}

// The names in the store's directory behind NODE, but for those that the tree has another meaning for.
static gboolean add_store_names(FsDir *dir, GError **error)
{
    const FsNode *node = dir->node;
    const char *path = node->kind == FS_ENTRY ? node->store_path : *node->path == '\0' ? "." : node->path;
    gboolean all = g_str_has_prefix(node->path, ".segfs/");
    g_autoptr(SegmentDirectory) stream = segment_directory_open(segment_store_fd(dir->tree->store), path, path, error);
    if (stream == NULL)
        return FALSE;
    g_autoptr(GError) failure = NULL;
    const struct dirent *entry;
    while ((entry = segment_directory_next(stream, path, &failure)) != NULL) {
        const char *name = entry->d_name;
        gint64 hour;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (*name == '.' && !all))
            continue;
        if (node->kind == FS_STREAM && (segment_hour_name_parse(name, &hour) || strcmp(name, "range") == 0 ||
                                        strcmp(name, "frame") == 0 || strcmp(name, "playlist.m3u8") == 0))
            continue;
        mode_t type = type_of(dirfd(stream), entry, node->kind != FS_ENTRY, all);
        if (type != 0)
            add(dir, name, type, 0);
    }
    if (failure == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean add_stream(FsDir *dir, const SegmentWait *wait, GError **error)
{
    g_autoptr(GArray) hours = segment_stream_hours(dir->node->stream, wait, error);
    if (hours == NULL)
        return FALSE;
    add(dir, "range", S_IFDIR, KEY_FIRST);
    add(dir, "playlist.m3u8", S_IFREG, KEY_FIRST + 1);
    add(dir, "frame", S_IFDIR, KEY_FIRST + 2);
    for (guint i = 0; i < hours->len; i++) {
        char name[SEGMENT_HOUR_TEXT_SIZE];
        gint64 hour = g_array_index(hours, gint64, i);
        // Hours before 1970 count, too.
        guint64 number = (guint64) (hour / SEGMENT_HOUR_LENGTH + (G_GINT64_CONSTANT(1) << 32));
        add(dir, segment_hour_name_format(hour, name), S_IFDIR, KEY_HOURS + number);
    }
    return add_store_names(dir, error);
}

static void add_recent(FsDir *dir)
{
    g_autoptr(GPtrArray) names = fs_recent_list(dir->tree->recent, dir->node->path);
    for (guint i = 0; i < names->len; i++)
        add(dir, g_ptr_array_index(names, i), g_str_has_suffix(g_ptr_array_index(names, i), ".d") ? S_IFDIR : S_IFREG,
            0);
}

static gboolean add_archives(FsDir *dir, const SegmentWait *wait, GError **error)
{
    g_autoptr(CutRequest) request = cut_request_parse_archives(fs_node_name(dir->node), error);
    g_autoptr(GArray) spans = request != NULL ? cut_archive_spans(dir->node->stream, request, wait, error) : NULL;
    for (guint i = 0; spans != NULL && i < spans->len; i++) {
        g_autofree char *name = g_strdup_printf("%u.mkv", i + 1);
        add(dir, name, S_IFREG, KEY_FIRST + i);
    }
    return spans != NULL;
}

static gboolean fill(FsDir *dir, const SegmentWait *wait, GError **error)
{
    switch (dir->node->kind) {
    case FS_HOUR:
        dir->hour = segment_stream_hour(dir->node->stream, dir->node->hour, TRUE, wait, error);
        return dir->hour != NULL;
    case FS_RANGES:
    case FS_FRAMES:
        add_recent(dir);
        return TRUE;
    case FS_ARCHIVES:
        return add_archives(dir, wait, error);
    case FS_CONTROL:
        add(dir, "status.json", S_IFREG, KEY_FIRST);
        add(dir, "all", S_IFDIR, KEY_FIRST + 1);
        if (fs_status_has(dir->tree, "peers.json"))
            add(dir, "peers.json", S_IFREG, KEY_FIRST + 2);
        if (fs_status_has(dir->tree, "metrics"))
            add(dir, "metrics", S_IFREG, KEY_FIRST + 3);
        return TRUE;
    default:
        break;
    }
    if (!segment_wait_may_block(wait)) {
        g_set_error_literal(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK, dir->node->path);
        return FALSE;
    }
    if (dir->node->kind == FS_STREAM)
        return add_stream(dir, wait, error);
    if (dir->node->kind == FS_ROOT)
        add(dir, ".segfs", S_IFDIR, KEY_FIRST);
    return add_store_names(dir, error);
}

FsDir *fs_dir_open(FsTree *tree, FsNode *node, const SegmentWait *wait, GError **error)
{
    g_autoptr(FsDir) dir = g_new0(FsDir, 1);
    dir->tree = tree;
    dir->node = fs_node_ref(node);
    dir->names = g_array_new(FALSE, FALSE, sizeof(Name));
    g_array_set_clear_func(dir->names, clear_name);
    if (node->stream != NULL)
        dir->generation = segment_stream_generation(node->stream);
    if (!fill(dir, wait, error))
        return NULL;
    g_array_sort(dir->names, compare_names);
    for (guint i = 1; i < dir->names->len; i++) {
        Name *n = &g_array_index(dir->names, Name, i), *before = n - 1;
        n->key = MAX(n->key, before->key + 1);
    }
    return g_steal_pointer(&dir);
}

void fs_dir_free(FsDir *dir)
{
    if (dir == NULL)
        return;
    segment_hour_unref(dir->hour);
    g_array_unref(dir->names);
    fs_node_unref(dir->node);
    g_free(dir);
}

static void set_entry(FsDirEntry *entry, const char *name, guint64 id, mode_t type, guint64 key)
{
    g_strlcpy(entry->name, name, sizeof entry->name);
    entry->id = id;
    entry->type = type;
    entry->key = key;
    entry->segment = NULL;
}

static gboolean next_segment(const FsDir *dir, guint64 after, FsDirEntry *entry)
{
    const SegmentHour *hour = dir->hour;
    guint i = after < KEY_FIRST ? 0 : segment_hour_search(hour, (gint64) (after - KEY_FIRST) + 1);
    if (i >= hour->n_entries)
        return FALSE;
    const SegmentEntry *segment = &hour->entries[i];
    const char *name = segment_hour_name(hour, segment);
    set_entry(entry, name, fs_node_segment_id(dir->node, name, segment->size), S_IFREG, segment->offset + KEY_FIRST);
    entry->segment = segment;
    if (dir->tree->options.portable_names) {
        g_autofree char *portable = segment_name_to_portable(name, hour->start);
        g_strlcpy(entry->name, portable, sizeof entry->name);
    }
    return TRUE;
}

gboolean fs_dir_next(const FsDir *dir, guint64 after, FsDirEntry *entry)
{
    const FsNode *node = dir->node, *parent = node->parent != NULL ? node->parent : node;
    if (after < KEY_DOT)
        return set_entry(entry, ".", node->id, S_IFDIR, KEY_DOT), TRUE;
    if (after < KEY_DOT_DOT)
        return set_entry(entry, "..", parent->id, S_IFDIR, KEY_DOT_DOT), TRUE;
    if (dir->hour != NULL)
        return next_segment(dir, after, entry);

    guint low = 0, high = dir->names->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(dir->names, Name, middle).key <= after)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == dir->names->len)
        return FALSE;
    const Name *name = &g_array_index(dir->names, Name, low);
    set_entry(entry, name->name, name->id, name->type, name->key);
    return TRUE;
}

// A stream is scanned when it is looked up.
static void warm_up(FsTree *tree, FsNode *node, const SegmentWait *wait)
{
    g_autoptr(FsDir) dir = fs_dir_open(tree, node, wait, NULL);
    FsDirEntry entry = {.key = KEY_DOT_DOT};
    while (dir != NULL && fs_dir_next(dir, entry.key, &entry) && !segment_wait_is_over(wait, NULL)) {
        g_autoptr(FsNode) child = entry.type == S_IFDIR ? fs_tree_lookup(tree, node, entry.name, wait, NULL) : NULL;
        if (child != NULL && child->kind == FS_CHANNEL)
            warm_up(tree, child, wait);
    }
}

static gboolean is_barred(const char *path, const guint8 *hash, gpointer data)
{
    SegmentStream *stream = segment_store_stream(((FsTree *) data)->store, path, NULL, NULL);
    return stream != NULL && segment_stream_is_barred(stream, hash);
}

void fs_tree_warm_up(FsTree *tree, const SegmentWait *wait)
{
    warm_up(tree, tree->root, wait);
    // Tombstones may have come while nobody was looking.
    if (!segment_wait_is_over(wait, NULL))
        cut_blobs_drop(cut_engine_blobs(tree->engine), is_barred, tree);
}

const SegmentHour *fs_dir_hour(const FsDir *dir)
{
    return dir->hour;
}

gboolean fs_dir_is_stale(const FsDir *dir)
{
    return dir->node->stream == NULL || segment_stream_generation(dir->node->stream) != dir->generation ||
           !segment_stream_is_watched(dir->node->stream) || dir->node->kind == FS_RANGES ||
           dir->node->kind == FS_ARCHIVES || dir->node->kind == FS_FRAMES;
}
