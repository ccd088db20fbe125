// SPDX-License-Identifier: MIT
// The table of archives, by the hashes of their plans.
#include "cut/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cut/reader.h"
#include "cut/remux.h"
#include "segment/fd.h"
#include "segment/lock.h"

#define POLL (50 * 1000) // microseconds between two looks whether a caller is still there

struct CutArchive {
    guint8 key[CUT_HASH_SIZE];
    CutPlan *plan;
    int fd;
    gint64 size; // bytes; -1 while it is written
    GList link; // in the queue, while in the table
    gatomicrefcount references;
};

struct CutArchives {
    char *directory;
    gint64 limit;
    GMutex lock; // guards all below
    GCond changed;
    GHashTable *table; // key → CutArchive, a reference
    GQueue lru; // CutArchive, the one used last first
    gint64 size; // of all that are written
};

void cut_archive_unref(CutArchive *archive)
{
    if (archive == NULL || !g_atomic_ref_count_dec(&archive->references))
        return;
    segment_fd_close(&archive->fd);
    cut_plan_unref(archive->plan);
    g_free(archive);
}

static CutArchive *archive_ref(CutArchive *archive)
{
    g_atomic_ref_count_inc(&archive->references);
    return archive;
}

// With the lock held.
static void forget(CutArchives *archives, CutArchive *archive)
{
    if (g_hash_table_lookup(archives->table, archive->key) != archive)
        return;
    g_hash_table_remove(archives->table, archive->key);
    g_queue_unlink(&archives->lru, &archive->link);
    archives->size -= MAX(0, archive->size);
    cut_archive_unref(archive);
}

static CutArchive *add(CutArchives *archives, const guint8 *key, CutPlan *plan)
{
    CutArchive *archive = g_new0(CutArchive, 1);
    memcpy(archive->key, key, sizeof archive->key);
    archive->plan = cut_plan_ref(plan);
    archive->fd = -1;
    archive->size = -1;
    archive->link.data = archive;
    g_atomic_ref_count_init(&archive->references);
    g_hash_table_insert(archives->table, archive->key, archive);
    g_queue_push_head_link(&archives->lru, &archive->link);
    return archive_ref(archive);
}

static void shrink(CutArchives *archives)
{
    for (GList *link = archives->lru.tail, *before; link != NULL && archives->size > archives->limit; link = before) {
        CutArchive *archive = link->data;
        before = link->prev;
        // The newest one stays, and what is being written.
        if (before != NULL && archive->size >= 0)
            forget(archives, archive);
    }
}

static int open_spool(const char *directory, GError **error)
{
    if (g_mkdir_with_parents(directory, 0700) < 0) {
        segment_error_set_errno(error, errno, "cannot make", directory);
        return -1;
    }
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    // Not every file system has files without a name.
    g_autofree char *path = g_build_filename(directory, ".spool-XXXXXX", NULL);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    else
        segment_error_set_errno(error, errno, "cannot make a file in", directory);
    return fd;
}

static gint64 start_of(const CutPlan *plan)
{
    const CutRun *run = &g_array_index(plan->runs, CutRun, 0);
    SegmentHour *hour;
    const SegmentEntry *entry = cut_run_entry(run, run->first_ref, &hour);
    return segment_entry_start(hour, entry);
}

static gboolean write_archive(CutArchives *archives, CutEngine *engine, CutArchive *archive, const SegmentWait *wait,
                              GError **error)
{
    CutPlan *plan = archive->plan;
    g_autoptr(CutReader) reader = cut_reader_new(engine, plan);
    segment_autofd int fd = cut_reader_prepare(reader, wait, error) ? open_spool(archives->directory, error) : -1;
    if (fd < 0 || !cut_remux_matroska(reader, plan->size, start_of(plan), fd, wait, error))
        return FALSE;
    gint64 size = lseek(fd, 0, SEEK_END);
    SEGMENT_LOCK_SCOPE(&archives->lock);
    archive->fd = segment_fd_steal(&fd);
    archive->size = size;
    if (g_hash_table_lookup(archives->table, archive->key) == archive)
        archives->size += size;
    return TRUE;
}

// Waits while somebody writes it. NULL where it is to be written, or, with the error set, nobody waits any more.
static CutArchive *find(CutArchives *archives, const guint8 *key, const SegmentWait *wait, GError **error)
{
    CutArchive *archive;
    while ((archive = g_hash_table_lookup(archives->table, key)) != NULL && archive->size < 0) {
        if (!segment_wait_may_block(wait)) {
            g_set_error_literal(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK, "an archive");
            return NULL;
        }
        if (segment_wait_is_over(wait, error))
            return NULL;
        g_cond_wait_until(&archives->changed, &archives->lock, g_get_monotonic_time() + POLL);
    }
    if (archive == NULL)
        return NULL;
    g_queue_unlink(&archives->lru, &archive->link);
    g_queue_push_head_link(&archives->lru, &archive->link);
    return archive_ref(archive);
}

CutArchive *cut_archives_get(CutArchives *archives, CutEngine *engine, CutPlan *plan, const SegmentWait *wait,
                             GError **error)
{
    guint8 key[CUT_HASH_SIZE];
    g_autoptr(GError) failure = NULL;
    cut_plan_hash(plan, key);
    g_mutex_lock(&archives->lock);
    CutArchive *archive = find(archives, key, wait, &failure);
    gboolean is_new = archive == NULL && failure == NULL && segment_wait_may_block(wait);
    if (is_new)
        archive = add(archives, key, plan);
    else if (archive == NULL && failure == NULL)
        g_set_error_literal(&failure, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK, "an archive");
    g_mutex_unlock(&archives->lock);
    if (failure != NULL)
        g_propagate_error(error, g_steal_pointer(&failure));
    if (!is_new)
        return archive;

    gboolean ok = write_archive(archives, engine, archive, wait, error);
    g_mutex_lock(&archives->lock);
    // A tombstone that came meanwhile found nothing to drop.
    if (!ok || cut_plan_is_barred(plan))
        forget(archives, archive);
    shrink(archives);
    g_cond_broadcast(&archives->changed);
    g_mutex_unlock(&archives->lock);
    if (!ok)
        g_clear_pointer(&archive, cut_archive_unref);
    return archive;
}

gint64 cut_archives_find_size(CutArchives *archives, const CutPlan *plan)
{
    guint8 key[CUT_HASH_SIZE];
    cut_plan_hash(plan, key);
    SEGMENT_LOCK_SCOPE(&archives->lock);
    const CutArchive *archive = g_hash_table_lookup(archives->table, key);
    return archive != NULL ? archive->size : -1;
}

void cut_archives_drop_barred(CutArchives *archives)
{
    SEGMENT_LOCK_SCOPE(&archives->lock);
    for (GList *link = archives->lru.head, *next; link != NULL; link = next) {
        CutArchive *archive = link->data;
        next = link->next;
        if (archive->size >= 0 && cut_plan_is_barred(archive->plan))
            forget(archives, archive);
    }
}

int cut_archive_fd(const CutArchive *archive)
{
    return archive->fd;
}

gint64 cut_archive_size(const CutArchive *archive)
{
    return archive->size;
}

CutArchives *cut_archives_new(const char *directory, gint64 limit)
{
    CutArchives *archives = g_new0(CutArchives, 1);
    archives->directory = g_strdup(directory != NULL ? directory : g_get_tmp_dir());
    archives->limit = limit;
    archives->table = g_hash_table_new(segment_hash_hash, segment_hash_equal);
    g_queue_init(&archives->lru);
    g_mutex_init(&archives->lock);
    g_cond_init(&archives->changed);
    return archives;
}

void cut_archives_free(CutArchives *archives)
{
    if (archives == NULL)
        return;
    while (archives->lru.length > 0)
        forget(archives, archives->lru.head->data);
    g_hash_table_unref(archives->table);
    g_mutex_clear(&archives->lock);
    g_cond_clear(&archives->changed);
    g_free(archives->directory);
    g_free(archives);
}

static void add_runs(GArray *spans, const SegmentRange *range)
{
    for (guint i = 0; i < range->refs->len; i++) {
        const SegmentEntry *entry = segment_range_entry(range, i);
        gint64 start = segment_entry_start(segment_range_hour(range, i), entry);
        CutSpan span = {.start = start, .end = start + entry->duration};
        if (i == 0 || g_array_index(range->refs, SegmentRef, i).after_hole)
            g_array_append_val(spans, span);
        else
            g_array_index(spans, CutSpan, spans->len - 1).end = span.end;
    }
}

GArray *cut_archive_spans(SegmentStream *stream, const CutRequest *request, const SegmentWait *wait, GError **error)
{
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(CutSpan));
    for (guint i = 0; i < request->n_spans; i++) {
        const CutSpan *span = &request->spans[i];
        g_autoptr(SegmentRange) range = segment_stream_range(stream, span->start, span->end, TRUE, TRUE, wait, error);
        if (range == NULL)
            return NULL;
        add_runs(spans, range);
    }
    return g_steal_pointer(&spans);
}
