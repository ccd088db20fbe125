// SPDX-License-Identifier: MIT
// Reading.
#include "fs/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cut/archive.h"
#include "cut/reader.h"
#include "fs/errno.h"
#include "segment/fd.h"

struct FsFile {
    FsTree *tree;
    FsNode *node; // a reference
    int fd; // of one file; -1 for others
    GBytes *text; // or NULL
    CutReader *reader; // of a cut that is no text; or NULL
    CutArchive *archive; // of one in another container; or NULL
    int revoked; // atomic
    gatomicrefcount references;
};

static int check_size(FsFile *file, int fd, gint64 size, const char *path)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && st.st_size == size)
        return 0;
    fs_tree_lost_file(file->tree, path, "its size is not what it was when it was listed");
    return EIO;
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

// What is wrong with a segment is logged once.
static gssize read_cut(FsFile *file, char *buffer, gsize size, gint64 offset, const SegmentWait *wait)
{
    g_autoptr(GError) error = NULL;
    gssize n = cut_reader_read(file->reader, (guint8 *) buffer, size, offset, wait, &error);
    if (n >= 0)
        return n;
    if (segment_error_would_block(error))
        return -EAGAIN;
    int code = fs_errno(error);
    if (code != EINTR)
        fs_tree_lost_file(file->tree, error->message, file->node->path);
    return -code;
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

gssize fs_file_read(FsFile *file, void *buffer, gsize size, gint64 offset, const SegmentWait *wait)
{
    if (fs_file_is_revoked(file))
        return -EIO;
    if (file->text != NULL)
        return read_text(file->text, buffer, size, offset);
    if (file->archive != NULL)
        return read_all(cut_archive_fd(file->archive), buffer, size, offset);
    switch (file->node->kind) {
    case FS_CUT:
        return read_cut(file, buffer, size, offset, wait);
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

// A cut that cannot be made is refused here, not when it is read.
static gboolean open_cut(FsFile *file, const SegmentWait *wait, GError **error)
{
    CutPlan *plan = file->node->plan;
    CutEngine *engine = file->tree->engine;
    if (plan->request->format == CUT_FORMAT_MKV) {
        file->archive = cut_archives_get(cut_engine_archives(engine), engine, plan, wait, error);
        return file->archive != NULL;
    }
    file->reader = cut_reader_new(engine, plan);
    return cut_reader_prepare(file->reader, wait, error);
}

FsFile *fs_file_open(FsTree *tree, FsNode *node, const SegmentWait *wait, GError **error)
{
    if (fs_tree_is_revoked(tree, node)) {
        segment_error_set_errno(error, ESTALE, "cannot open", node->path);
        return NULL;
    }
    FsFile *file = g_new0(FsFile, 1);
    file->tree = tree;
    file->node = fs_node_ref(node);
    file->fd = -1;
    g_atomic_ref_count_init(&file->references);
    gboolean ok = TRUE;
    if (node->kind == FS_SEGMENT || node->kind == FS_ENTRY)
        ok = open_fd(file, error);
    else if (node->kind == FS_CUT && node->plan->text != NULL)
        file->text = g_bytes_ref(node->plan->text);
    else if (node->kind == FS_CUT)
        ok = open_cut(file, wait, error);
    else if (node->kind == FS_STATUS)
        file->text = fs_node_table_get_text(tree->nodes, node);
    if (!ok)
        g_clear_pointer(&file, fs_file_unref);
    return file;
}

FsFile *fs_file_ref(FsFile *file)
{
    g_atomic_ref_count_inc(&file->references);
    return file;
}

void fs_file_unref(FsFile *file)
{
    if (file == NULL || !g_atomic_ref_count_dec(&file->references))
        return;
    cut_reader_free(file->reader);
    cut_archive_unref(file->archive);
    segment_fd_close(&file->fd);
    g_clear_pointer(&file->text, g_bytes_unref);
    fs_node_unref(file->node);
    g_free(file);
}

FsNode *fs_file_node(FsFile *file)
{
    return file->node;
}
