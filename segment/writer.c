// SPDX-License-Identifier: MIT
// Commits drafts, all that wait at once: the more come, the more share a journal's commit.
//
// The order is what makes it safe: all bytes on disk and synced; a last look for tombstones; renames, which replace
// nothing; the directories synced, and once what leads to them; only then is anybody told. All write-backs are begun
// before one is waited for, and all are waited for before the first fsync(2): that one commits the journal for the
// others, too (ext4, XFS).
#include "segment/writer.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "segment/beneath.h"
#include "segment/fd.h"
#include "segment/lock.h"
#include "segment/time.h"
#include "segment/writer-private.h"

#define DEFAULT_MAX_SIZE (64 * 1024 * 1024)
#define DEFAULT_MAX_BATCH 128

// ---- room

gboolean segment_writer_has_room(SegmentWriter *writer, gint64 size, GError **error)
{
    struct statvfs st;
    const char *path = segment_store_path(writer->store);
    if (fstatvfs(segment_store_fd(writer->store), &st) < 0)
        return segment_error_set_errno(error, errno, "cannot tell what is free on", path);
    g_mutex_lock(&writer->lock);
    gint64 reserved = writer->reserved;
    g_mutex_unlock(&writer->lock);
    gint64 left = (gint64) (st.f_bavail * st.f_frsize);
    // A file system that does not count its inodes has none.
    gboolean has_inodes = st.f_files == 0 || st.f_favail > 0;
    if (has_inodes && left - reserved - size >= writer->options.min_free)
        return TRUE;
    g_set_error(error, SEGMENT_ERROR, SEGMENT_ERROR_NO_ROOM,
                "%s: %" G_GINT64_FORMAT " MB and %s inodes are free, %" G_GINT64_FORMAT " MB have to stay so", path,
                left / 1000000, has_inodes ? "enough" : "no", writer->options.min_free / 1000000);
    return FALSE;
}

// ---- commits

static void each(GPtrArray *drafts, void (*step)(SegmentDraft *draft))
{
    for (guint i = 0; i < drafts->len; i++)
        step(g_ptr_array_index(drafts, i));
}

static void forget_result(SegmentDraft *draft)
{
    draft->directory->sync_result = -1;
}

// An errno, or 0. XFS that has shut itself down finds nothing left to do in a directory whose changes it has dropped,
// and says that this went well; of a file it tells the truth.
static int sync_entries(const SegmentDraft *draft)
{
    DraftDirectory *directory = draft->directory;
    g_autoptr(GError) error = NULL;
    if (fsync(directory->fd) < 0)
        return errno;
    if (!directory->rooted) {
        directory->rooted = segment_beneath_sync(segment_store_fd(draft->writer->store), directory->path, &error);
        if (!directory->rooted)
            return error->domain == SEGMENT_ERRNO ? error->code : EIO;
    }
    return fsync(draft->fd) < 0 ? errno : 0;
}

// Once for all drafts in a directory, and so is a failure: asked again, fsync(2) would not tell of it.
static void sync_directory(SegmentDraft *draft)
{
    DraftDirectory *directory = draft->directory;
    if (draft->error != NULL)
        return;
    if (directory->sync_result < 0)
        directory->sync_result = sync_entries(draft);
    if (directory->sync_result > 0)
        segment_error_set_errno(&draft->error, directory->sync_result, "cannot sync", directory->path);
}

static void tell(SegmentDraft *draft)
{
    if (draft->func != NULL)
        draft->func(draft->error == NULL && draft->news, draft->error, draft->data);
}

static void commit(GPtrArray *drafts)
{
    each(drafts, forget_result);
    each(drafts, segment_draft_begin_sync);
    each(drafts, segment_draft_sync);
    each(drafts, segment_draft_place);
    each(drafts, segment_draft_drop_temp);
    each(drafts, sync_directory);
    each(drafts, tell);
}

static gpointer run(gpointer data)
{
    SegmentWriter *writer = data;
    for (;;) {
        g_autoptr(GPtrArray) drafts = g_ptr_array_new_with_free_func((GDestroyNotify) segment_draft_free);
        g_mutex_lock(&writer->lock);
        while (g_queue_is_empty(&writer->queue) && !writer->stopping)
            g_cond_wait(&writer->wake, &writer->lock);
        while (drafts->len < writer->options.max_batch && !g_queue_is_empty(&writer->queue))
            g_ptr_array_add(drafts, g_queue_pop_head(&writer->queue));
        g_mutex_unlock(&writer->lock);
        if (drafts->len == 0)
            return NULL;
        commit(drafts);
    }
}

typedef struct {
    GMutex lock;
    GCond told;
    gboolean done, news;
    GError *error;
} Waiting;

static void end_waiting(gboolean news, const GError *error, gpointer data)
{
    Waiting *waiting = data;
    SEGMENT_LOCK_SCOPE(&waiting->lock);
    waiting->done = TRUE;
    waiting->news = news;
    waiting->error = error != NULL ? g_error_copy(error) : NULL;
    g_cond_signal(&waiting->told);
}

gboolean segment_draft_publish_wait(SegmentDraft *draft, gboolean *news, GError **error)
{
    Waiting waiting = {0};
    g_mutex_init(&waiting.lock);
    g_cond_init(&waiting.told);
    segment_draft_publish(draft, end_waiting, &waiting);
    g_mutex_lock(&waiting.lock);
    while (!waiting.done)
        g_cond_wait(&waiting.told, &waiting.lock);
    g_mutex_unlock(&waiting.lock);
    g_mutex_clear(&waiting.lock);
    g_cond_clear(&waiting.told);
    if (news != NULL)
        *news = waiting.news;
    if (waiting.error != NULL)
        g_propagate_error(error, waiting.error);
    return waiting.error == NULL;
}

// ---- tombstones

gboolean segment_writer_bury(SegmentWriter *writer, const char *stream, gint64 hour, const char *file, GError **error)
{
    char hour_name[SEGMENT_HOUR_TEXT_SIZE];
    SegmentName name;
    if (!segment_beneath_path_is_stream(stream) || !segment_name_parse(file, &name) || !name.tombstone ||
        hour != segment_time_hour(hour)) {
        g_autofree char *shown = g_strescape(file, NULL), *shown_stream = g_strescape(stream, NULL);
        g_set_error(error, SEGMENT_ERROR, SEGMENT_ERROR_BAD_NAME, "\"%s\", \"%s\": not the name of a tombstone",
                    shown_stream, shown);
        return FALSE;
    }
    int root = segment_store_fd(writer->store);
    g_autofree char *path = g_build_filename(stream, segment_hour_name_format(hour, hour_name), NULL);
    segment_autofd int fd = segment_beneath_open(root, path, TRUE, error);
    if (fd < 0)
        return FALSE;
    segment_store_expect_hour(writer->store, stream, hour);
    SegmentStream *known = segment_store_stream(writer->store, stream, NULL, error);
    return known != NULL && segment_stream_bury(known, hour, file, geteuid(), getegid(), 0644, error) &&
           segment_beneath_sync(root, path, error);
}

// ---- the writer

SegmentWriter *segment_writer_new(SegmentStore *store, const SegmentWriterOptions *options)
{
    SegmentWriter *writer = g_new0(SegmentWriter, 1);
    writer->store = store;
    writer->options = *options;
    if (writer->options.max_size == 0)
        writer->options.max_size = DEFAULT_MAX_SIZE;
    if (writer->options.max_batch == 0)
        writer->options.max_batch = DEFAULT_MAX_BATCH;
    writer->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    writer->directories = g_hash_table_new(g_str_hash, g_str_equal);
    g_mutex_init(&writer->lock);
    g_cond_init(&writer->wake);
    g_queue_init(&writer->queue);
    writer->thread = g_thread_new("writer", run, writer);
    return writer;
}

void segment_writer_free(SegmentWriter *writer)
{
    if (writer == NULL)
        return;
    g_mutex_lock(&writer->lock);
    writer->stopping = TRUE;
    g_cond_signal(&writer->wake);
    g_mutex_unlock(&writer->lock);
    g_thread_join(writer->thread);
    g_assert(g_hash_table_size(writer->directories) == 0);
    g_hash_table_unref(writer->directories);
    EVP_MD_free(writer->sha256);
    g_mutex_clear(&writer->lock);
    g_cond_clear(&writer->wake);
    g_free(writer);
}
