// SPDX-License-Identifier: MIT
// One file on its way: a temporary name, its bytes and their SHA-256, then the steps of a commit, which writer.c has in
// order. A temp that is left by a writer that died is for repair: it is nobody's as soon as nobody has it open.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/beneath.h"
#include "segment/fd.h"
#include "segment/lock.h"
#include "segment/quarantine.h"
#include "segment/time.h"
#include "segment/writer-private.h"

#define ROOM_INTERVAL (4 * 1024 * 1024) // bytes of a draft of no known size between two looks at what is free

static gboolean fail(GError **error, int code, const char *what, const SegmentDraft *draft)
{
    g_autofree char *path = g_build_filename(draft->directory->path, draft->file, NULL);
    return segment_error_set_errno(error, code, what, path);
}

static gboolean mismatch(GError **error, const SegmentDraft *draft, const char *what)
{
    g_set_error(error, SEGMENT_ERROR, SEGMENT_ERROR_MISMATCH, "%s/%s: %s", draft->directory->path, draft->file, what);
    return FALSE;
}

// ---- directories

static DraftDirectory *use_directory(SegmentWriter *writer, const char *path, GError **error)
{
    g_mutex_lock(&writer->lock);
    DraftDirectory *directory = g_hash_table_lookup(writer->directories, path);
    if (directory != NULL)
        directory->n_users++;
    g_mutex_unlock(&writer->lock);
    if (directory != NULL)
        return directory;

    segment_autofd int fd = segment_beneath_open(segment_store_fd(writer->store), path, TRUE, error);
    if (fd < 0)
        return NULL;
    SEGMENT_LOCK_SCOPE(&writer->lock);
    directory = g_hash_table_lookup(writer->directories, path);
    if (directory == NULL) {
        directory = g_new0(DraftDirectory, 1);
        directory->path = g_strdup(path);
        directory->fd = segment_fd_steal(&fd);
        g_hash_table_insert(writer->directories, directory->path, directory);
    }
    directory->n_users++;
    return directory;
}

static void leave_directory(SegmentWriter *writer, DraftDirectory *directory)
{
    SEGMENT_LOCK_SCOPE(&writer->lock);
    if (--directory->n_users > 0)
        return;
    g_hash_table_remove(writer->directories, directory->path);
    close(directory->fd);
    g_free(directory->path);
    g_free(directory);
}

// ---- tombstones

gboolean segment_draft_is_barred(SegmentWriter *writer, const char *stream, int dir_fd, const char *file,
                                 const guint8 hash[SEGMENT_HASH_SIZE], GError **error)
{
    g_autofree char *tombstone = segment_name_to_tombstone(file);
    // The disk is asked first: the watch may be a little late.
    gboolean barred = faccessat(dir_fd, tombstone, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (!barred) {
        SegmentStream *known = segment_store_stream(writer->store, stream, NULL, error);
        // That has all its tombstones known.
        g_autoptr(GArray) hours = known != NULL ? segment_stream_hours(known, NULL, error) : NULL;
        if (hours == NULL)
            return TRUE;
        barred = segment_stream_is_barred(known, hash);
    }
    if (barred)
        g_set_error(error, SEGMENT_ERROR, SEGMENT_ERROR_BARRED, "%s, %s: a tombstone bars it", stream, file);
    return barred;
}

// ---- a draft

// A segment's has the form that wubloader gives to its own (docs/DATA_FORMATS.md), so that it is known for what it is.
static char *temp_name(const char *file, gboolean is_segment)
{
    g_autofree char *uuid = g_uuid_string_random();
    if (!is_segment)
        return g_strconcat(SEGMENT_TEMP_PREFIX, uuid, NULL);
    const char *type = strchr(strchr(file, '-') + 1, '-');
    return g_strdup_printf("%.*s-temp-%s.ts", (int) (type - file), file, uuid);
}

// HOUR counts where there is a STREAM.
static SegmentDraft *begin(SegmentWriter *writer, const char *path, const char *file, const char *stream, gint64 hour,
                           const guint8 *hash, gint64 size, GError **error)
{
    if (size > writer->options.max_size) {
        g_set_error(error, SEGMENT_ERROR, SEGMENT_ERROR_MISMATCH,
                    "%s/%s: %" G_GINT64_FORMAT " bytes are more than a file may have", path, file, size);
        return NULL;
    }
    if (!segment_writer_has_room(writer, MAX(size, 0), error))
        return NULL;
    DraftDirectory *directory = use_directory(writer, path, error);
    if (directory == NULL)
        return NULL;

    g_autoptr(SegmentDraft) draft = g_new0(SegmentDraft, 1);
    *draft = (SegmentDraft){
        .writer = writer,
        .directory = directory,
        .file = g_strdup(file),
        .fd = -1,
        .size = size,
        .stream = g_strdup(stream),
        .has_hash = hash != NULL,
        .digest = EVP_MD_CTX_new(),
    };
    if (hash != NULL)
        memcpy(draft->hash, hash, sizeof draft->hash);
    g_mutex_lock(&writer->lock);
    writer->reserved += MAX(size, 0);
    g_mutex_unlock(&writer->lock);
    if (!EVP_DigestInit_ex2(draft->digest, writer->sha256, NULL))
        g_error("no SHA-256");
    if (stream != NULL)
        segment_store_expect_hour(writer->store, stream, hour);
    if (stream != NULL && segment_draft_is_barred(writer, stream, directory->fd, file, hash, error))
        return NULL;

    g_autofree char *temp = temp_name(file, stream != NULL);
    draft->fd = openat(directory->fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (draft->fd < 0) {
        fail(error, errno, "cannot create a temporary file for", draft);
        return NULL;
    }
    draft->temp = g_steal_pointer(&temp);
    return g_steal_pointer(&draft);
}

SegmentDraft *segment_draft_new(SegmentWriter *writer, const char *stream, gint64 hour, const char *file, gint64 size,
                                GError **error)
{
    SegmentName name;
    char hour_name[SEGMENT_HOUR_TEXT_SIZE];
    if (!segment_beneath_path_is_stream(stream) || !segment_name_parse(file, &name) || name.tombstone ||
        name.type == SEGMENT_TEMP || hour != segment_time_hour(hour)) {
        g_autofree char *shown = g_strescape(file, NULL), *shown_stream = g_strescape(stream, NULL);
        g_set_error(error, SEGMENT_ERROR, SEGMENT_ERROR_BAD_NAME, "\"%s\", \"%s\": not the name of a segment",
                    shown_stream, shown);
        return NULL;
    }
    g_autofree char *path = g_build_filename(stream, segment_hour_name_format(hour, hour_name), NULL);
    return begin(writer, path, file, stream, hour, name.hash, size, error);
}

SegmentDraft *segment_draft_new_file(SegmentWriter *writer, const char *directory, const char *file, const guint8 *hash,
                                     gint64 size, GError **error)
{
    if (!segment_beneath_name_is_plain(file)) {
        g_autofree char *shown = g_strescape(file, NULL);
        g_set_error(error, SEGMENT_ERROR, SEGMENT_ERROR_BAD_NAME, "\"%s\": not the name of a file", shown);
        return NULL;
    }
    return begin(writer, directory, file, NULL, 0, hash, size, error);
}

gboolean segment_draft_write(SegmentDraft *draft, gconstpointer data, gsize size, GError **error)
{
    gint64 limit = draft->size >= 0 ? draft->size : draft->writer->options.max_size;
    if ((gint64) size > limit - draft->written)
        return mismatch(error, draft, "more bytes than it may have");
    if (draft->size < 0 && (draft->written + (gint64) size) / ROOM_INTERVAL > draft->written / ROOM_INTERVAL &&
        !segment_writer_has_room(draft->writer, ROOM_INTERVAL, error))
        return FALSE;
    if (!segment_fd_write(draft->fd, data, size))
        return fail(error, errno, "cannot write", draft);
    if (!EVP_DigestUpdate(draft->digest, data, size))
        g_error("SHA-256 fails");
    draft->written += (gint64) size;
    return TRUE;
}

static gboolean verify(SegmentDraft *draft, GError **error)
{
    guint8 hash[SEGMENT_HASH_SIZE];
    if (draft->size >= 0 && draft->written != draft->size)
        return mismatch(error, draft, "fewer bytes than it should have");
    if (!EVP_DigestFinal_ex(draft->digest, hash, NULL))
        g_error("SHA-256 fails");
    if (draft->has_hash && !segment_hash_equal(hash, draft->hash))
        return mismatch(error, draft, "its bytes have another hash");
    return TRUE;
}

void segment_draft_publish(SegmentDraft *draft, SegmentPublishedFunc func, gpointer data)
{
    SegmentWriter *writer = draft->writer;
    draft->func = func;
    draft->data = data;
    verify(draft, &draft->error);
    SEGMENT_LOCK_SCOPE(&writer->lock);
    g_queue_push_tail(&writer->queue, draft);
    g_cond_signal(&writer->wake);
}

void segment_draft_drop_temp(SegmentDraft *draft)
{
    if (draft->temp != NULL)
        unlinkat(draft->directory->fd, draft->temp, 0);
    g_clear_pointer(&draft->temp, g_free);
}

void segment_draft_free(SegmentDraft *draft)
{
    if (draft == NULL)
        return;
    segment_draft_drop_temp(draft);
    if (draft->fd >= 0)
        close(draft->fd);
    g_mutex_lock(&draft->writer->lock);
    draft->writer->reserved -= MAX(draft->size, 0);
    g_mutex_unlock(&draft->writer->lock);
    leave_directory(draft->writer, draft->directory);
    EVP_MD_CTX_free(draft->digest);
    g_clear_error(&draft->error);
    g_free(draft->stream);
    g_free(draft->file);
    g_free(draft);
}

// ---- the steps of a commit

// Some file systems cannot. That is no failure of the file: fsync(2) does all of it.
static void sync_range(SegmentDraft *draft, unsigned int flags)
{
    if (draft->error == NULL && sync_file_range(draft->fd, 0, 0, flags) < 0 && errno != ENOSYS && errno != EINVAL &&
        errno != ESPIPE)
        fail(&draft->error, errno, "cannot write", draft);
}

void segment_draft_begin_sync(SegmentDraft *draft)
{
    sync_range(draft, SYNC_FILE_RANGE_WRITE);
}

// A failure is final: a second fsync(2) would succeed, with the pages gone.
void segment_draft_sync(SegmentDraft *draft)
{
    sync_range(draft, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    if (draft->error == NULL && fsync(draft->fd) < 0)
        fail(&draft->error, errno, "cannot sync", draft);
}

// Makes sure of the file that has the final name. FALSE where it cannot be whole, or is none.
static gboolean keep_present(SegmentDraft *draft, gboolean *whole)
{
    struct stat st;
    segment_autofd int fd = openat(draft->directory->fd, draft->file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return fail(&draft->error, errno, "cannot open", draft);
    *whole = S_ISREG(st.st_mode) && st.st_size == draft->written;
    return !*whole || fsync(fd) == 0 || fail(&draft->error, errno, "cannot sync", draft);
}

void segment_draft_place(SegmentDraft *draft)
{
    int dir_fd = draft->directory->fd;
    if (draft->error != NULL ||
        (draft->stream != NULL &&
         segment_draft_is_barred(draft->writer, draft->stream, dir_fd, draft->file, draft->hash, &draft->error)))
        return;
    for (int tries = 0; tries < 2; tries++) {
        if (renameat2(dir_fd, draft->temp, dir_fd, draft->file, RENAME_NOREPLACE) == 0) {
            g_clear_pointer(&draft->temp, g_free);
            draft->news = TRUE;
            return;
        }
        gboolean whole = FALSE;
        if (errno != EEXIST || tries > 0) {
            fail(&draft->error, errno, "cannot rename to", draft);
            return;
        }
        if (!keep_present(draft, &whole) || whole)
            return;
        g_message("%s/%s: has another size than its bytes had; goes into quarantine", draft->directory->path,
                  draft->file);
        if (!segment_quarantine_move(segment_store_fd(draft->writer->store), draft->directory->path, draft->file,
                                     &draft->error))
            return;
    }
}
