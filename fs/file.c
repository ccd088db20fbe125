// SPDX-License-Identifier: MIT
// Reading. A cut has no descriptor of its own: the segments that were read last stay open, a few for each reader.
#include "fs/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cut/plan.h"
#include "fs/errno.h"
#include "segment/fd.h"
#include "segment/lock.h"
#include "segment/time.h"

#define N_SLOTS 4 // a kernel that reads ahead is in two segments at a time

// A segment that a cut has open.
typedef struct {
    guint part;
    int fd;
    gatomicrefcount references;
} OpenPart;

struct FsFile {
    FsTree *tree;
    FsNode *node; // a reference
    int fd; // of one file; -1 for others
    GBytes *text; // or NULL
    int revoked; // atomic

    GMutex lock; // guards the slots
    OpenPart *slots[N_SLOTS];
    guint next_slot;
};

static void part_unref(OpenPart *part)
{
    if (part != NULL && g_atomic_ref_count_dec(&part->references)) {
        close(part->fd);
        g_free(part);
    }
}

static OpenPart *find_part(FsFile *file, guint i)
{
    SEGMENT_LOCK_SCOPE(&file->lock);
    for (guint s = 0; s < N_SLOTS; s++) {
        OpenPart *part = file->slots[s];
        if (part != NULL && part->part == i) {
            g_atomic_ref_count_inc(&part->references);
            return part;
        }
    }
    return NULL;
}

static void keep_part(FsFile *file, OpenPart *part)
{
    g_atomic_ref_count_inc(&part->references);
    g_mutex_lock(&file->lock);
    OpenPart *oldest = file->slots[file->next_slot];
    file->slots[file->next_slot] = part;
    file->next_slot = (file->next_slot + 1) % N_SLOTS;
    g_mutex_unlock(&file->lock);
    part_unref(oldest);
}

static int check_size(FsFile *file, int fd, gint64 size, const char *path)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && st.st_size == size)
        return 0;
    fs_tree_lost_file(file->tree, path, "its size is not what it was when it was listed");
    return EIO;
}

// Opens segment ENTRY of HOUR; its size has to be what was promised. NULL, and the log has it, where it is not.
static OpenPart *open_part(FsFile *file, guint i, const SegmentHour *hour, const SegmentEntry *entry)
{
    g_autoptr(GError) error = NULL;
    const char *name = segment_hour_name(hour, entry);
    char hour_name[SEGMENT_HOUR_TEXT_SIZE];
    g_autofree char *path = g_build_filename(segment_stream_path(file->node->stream),
                                             segment_hour_name_format(hour->start, hour_name), name, NULL);
    segment_autofd int fd = segment_stream_open_file(file->node->stream, hour->start, name, &error);
    if (fd < 0) {
        fs_tree_lost_file(file->tree, path, error->message);
        return NULL;
    }
    if (check_size(file, fd, entry->size, path) != 0)
        return NULL;
    OpenPart *part = g_new0(OpenPart, 1);
    part->part = i;
    part->fd = segment_fd_steal(&fd);
    g_atomic_ref_count_init(&part->references);
    keep_part(file, part);
    return part;
}

static gssize read_all(int fd, char *buffer, gsize size, gint64 offset)
{
    gsize done = 0;
    while (done < size) {
        ssize_t n = pread(fd, buffer + done, size - done, offset + (gint64) done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (gsize) n;
    }
    return (gssize) done;
}

static gssize read_plan(FsFile *file, char *buffer, gsize size, gint64 offset)
{
    const CutPlan *plan = file->node->plan;
    if (offset >= plan->size)
        return 0;
    size = MIN(size, (gsize) (plan->size - offset));

    gsize done = 0;
    for (guint i = cut_plan_find(plan, offset); done < size; i++) {
        SegmentHour *hour;
        const SegmentEntry *entry = cut_plan_segment(plan, i, &hour);
        gint64 within = offset + (gint64) done - plan->offsets[i];
        gsize wanted = MIN(size - done, (gsize) (entry->size - within));
        if (wanted == 0)
            continue;
        OpenPart *part = find_part(file, i);
        if (part == NULL)
            part = open_part(file, i, hour, entry);
        if (part == NULL)
            return -EIO;
        gssize n = read_all(part->fd, buffer + done, wanted, within);
        part_unref(part);
        if (n < 0)
            return n;
        if ((gsize) n < wanted) {
            fs_tree_lost_file(file->tree, segment_hour_name(hour, entry), "it became shorter while it was read");
            return -EIO;
        }
        done += wanted;
    }
    return (gssize) done;
}

static gssize read_text(GBytes *text, char *buffer, gsize size, gint64 offset)
{
    gsize length;
    const char *data = g_bytes_get_data(text, &length);
    if (offset >= (gint64) length)
        return 0;
    size = MIN(size, length - (gsize) offset);
    memcpy(buffer, data + offset, size);
    return (gssize) size;
}

static gssize read_segment(FsFile *file, char *buffer, gsize size, gint64 offset)
{
    const FsNode *node = file->node;
    if (offset >= node->size)
        return 0;
    size = MIN(size, (gsize) (node->size - offset));
    gssize n = read_all(file->fd, buffer, size, offset);
    if (n >= 0 && (gsize) n < size) {
        fs_tree_lost_file(file->tree, node->path, "it became shorter while it was read");
        return -EIO;
    }
    return n;
}

gboolean fs_file_is_revoked(FsFile *file)
{
    if (g_atomic_int_get(&file->revoked) != 0)
        return TRUE;
    if (!fs_tree_is_revoked(file->tree, file->node))
        return FALSE;
    g_atomic_int_set(&file->revoked, 1);
    return TRUE;
}

gssize fs_file_read(FsFile *file, void *buffer, gsize size, gint64 offset)
{
    if (fs_file_is_revoked(file))
        return -EIO;
    if (file->text != NULL)
        return read_text(file->text, buffer, size, offset);
    switch (file->node->kind) {
    case FS_CUT:
        return read_plan(file, buffer, size, offset);
    case FS_SEGMENT:
        return read_segment(file, buffer, size, offset);
    case FS_ENTRY:
        return read_all(file->fd, buffer, size, offset);
    default:
        return 0;
    }
}

// FS_SEGMENT and FS_ENTRY.
static gboolean open_fd(FsFile *file, GError **error)
{
    FsNode *node = file->node;
    g_autoptr(GError) failure = NULL;
    if (node->kind == FS_ENTRY) {
        file->fd = openat(segment_store_fd(file->tree->store), node->store_path,
                          O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        return file->fd >= 0 || segment_error_set_errno(error, errno, "cannot open", node->store_path);
    }
    file->fd = segment_stream_open_file(node->stream, node->hour, fs_node_name(node), &failure);
    if (file->fd < 0) {
        // Listed, but gone, or a FIFO by now: the listing is about to change.
        fs_tree_lost_file(file->tree, node->path, failure->message);
        return segment_error_set_errno(error, fs_errno(failure) == ENOENT ? EIO : fs_errno(failure), "cannot open",
                                       node->path);
    }
    int code = check_size(file, file->fd, node->size, node->path);
    return code == 0 || segment_error_set_errno(error, code, "cannot open", node->path);
}

FsFile *fs_file_open(FsTree *tree, FsNode *node, GError **error)
{
    if (fs_tree_is_revoked(tree, node)) {
        segment_error_set_errno(error, ESTALE, "cannot open", node->path);
        return NULL;
    }
    FsFile *file = g_new0(FsFile, 1);
    file->tree = tree;
    file->node = fs_node_ref(node);
    file->fd = -1;
    g_mutex_init(&file->lock);
    gboolean ok = TRUE;
    if (node->kind == FS_SEGMENT || node->kind == FS_ENTRY)
        ok = open_fd(file, error);
    else if (node->kind == FS_CUT && node->plan->text != NULL)
        file->text = g_bytes_ref(node->plan->text);
    else if (node->kind == FS_STATUS)
        file->text = fs_node_table_get_text(tree->nodes, node);
    if (!ok)
        g_clear_pointer(&file, fs_file_free);
    return file;
}

void fs_file_free(FsFile *file)
{
    if (file == NULL)
        return;
    for (guint s = 0; s < N_SLOTS; s++)
        part_unref(file->slots[s]);
    segment_fd_close(&file->fd);
    g_clear_pointer(&file->text, g_bytes_unref);
    g_mutex_clear(&file->lock);
    fs_node_unref(file->node);
    g_free(file);
}

FsNode *fs_file_node(FsFile *file)
{
    return file->node;
}
