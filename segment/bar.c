// SPDX-License-Identifier: MIT
// The hashes that a stream's tombstones bar, and what a new one means for listings that are cached. All with the
// store's lock held, but for segment_stream_is_barred(), segment_stream_bars() and segment_stream_bar_changes().
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "segment/lock.h"
#include "segment/store-private.h"

gboolean segment_stream_is_barred(SegmentStream *stream, const guint8 hash[SEGMENT_HASH_SIZE])
{
    if (g_atomic_int_get(&stream->n_barred) == 0)
        return FALSE;
    g_rw_lock_reader_lock(&stream->barred_lock);
    gboolean barred = g_hash_table_contains(stream->barred, hash);
    g_rw_lock_reader_unlock(&stream->barred_lock);
    return barred;
}

gboolean segment_stream_bars(const guint8 hash[SEGMENT_HASH_SIZE], gpointer stream)
{
    return segment_stream_is_barred(stream, hash);
}

guint segment_stream_bar_changes(SegmentStream *stream)
{
    SEGMENT_LOCK_SCOPE(&stream->store->lock);
    return stream->n_bar_changes;
}

// Adds DELTA to the number of tombstones that bar HASH. TRUE where that bars it, or sets it free.
static gboolean count_bar(SegmentStream *stream, const guint8 hash[SEGMENT_HASH_SIZE], int delta)
{
    g_rw_lock_writer_lock(&stream->barred_lock);
    int before = GPOINTER_TO_INT(g_hash_table_lookup(stream->barred, hash)), after = before + delta;
    if (after > 0)
        g_hash_table_replace(stream->barred, g_memdup2(hash, SEGMENT_HASH_SIZE), GINT_TO_POINTER(after));
    else
        g_hash_table_remove(stream->barred, hash);
    g_atomic_int_set(&stream->n_barred, (int) g_hash_table_size(stream->barred));
    g_rw_lock_writer_unlock(&stream->barred_lock);
    gboolean changed = (before > 0) != (after > 0);
    stream->n_bar_changes += changed ? 1 : 0;
    return changed;
}

static gboolean lists_hash(const SegmentHour *hour, const guint8 hash[SEGMENT_HASH_SIZE])
{
    for (guint i = 0; i < hour->n_entries; i++) {
        SegmentName name;
        if (hour->entries[i].hash == segment_hash_hash(hash) &&
            segment_name_parse(segment_hour_name(hour, &hour->entries[i]), &name) &&
            segment_hash_equal(name.hash, hash))
            return TRUE;
    }
    return FALSE;
}

static gboolean lists_barred(SegmentStream *stream, const SegmentHour *hour, const GHashTable *first_bytes)
{
    for (guint i = 0; i < hour->n_entries; i++) {
        SegmentName name;
        if (g_hash_table_contains((GHashTable *) first_bytes, GUINT_TO_POINTER(hour->entries[i].hash)) &&
            segment_name_parse(segment_hour_name(hour, &hour->entries[i]), &name) &&
            segment_stream_is_barred(stream, name.hash))
            return TRUE;
    }
    return FALSE;
}

// Listings that HASH is in, or was kept out of, have to be read again.
static void drop_hours_with(SegmentStream *stream, const guint8 hash[SEGMENT_HASH_SIZE], gboolean barred)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, stream->hours);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        StreamHour *sh = value;
        if (sh->loading || (sh->hour != NULL && (barred ? lists_hash(sh->hour, hash) : sh->hour->n_barred > 0)))
            segment_stream_drop_hour(sh);
    }
}

// The listings that have any barred hash. One by one, each of a scan's thousands of tombstones would look at all of
// them.
void segment_stream_drop_barred(SegmentStream *stream)
{
    g_autoptr(GHashTable) first_bytes = g_hash_table_new(NULL, NULL);
    GHashTableIter iter;
    gpointer key, value;

    g_hash_table_iter_init(&iter, stream->barred);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        g_hash_table_add(first_bytes, GUINT_TO_POINTER(segment_hash_hash(key)));
    g_hash_table_iter_init(&iter, stream->hours);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        StreamHour *sh = value;
        if (sh->loading || (sh->hour != NULL && lists_barred(stream, sh->hour, first_bytes)))
            segment_stream_drop_hour(sh);
    }
    stream->has_new_bars = FALSE;
}

// DROP: at once what has its hash; else it is left to segment_stream_drop_barred().
static gboolean add_tombstone(StreamHour *sh, const char *file, gboolean drop)
{
    SegmentName name;
    if (!segment_name_parse(file, &name) || !name.tombstone)
        return FALSE;
    if (sh->tombstones == NULL)
        sh->tombstones = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (!g_hash_table_add(sh->tombstones, g_strdup(file)))
        return FALSE;
    if (name.type == SEGMENT_TEMP)
        return TRUE;
    if (count_bar(sh->stream, name.hash, 1)) {
        g_atomic_int_inc(&sh->stream->store->revocations);
        if (drop)
            drop_hours_with(sh->stream, name.hash, TRUE);
        else
            sh->stream->has_new_bars = TRUE;
    }
    return TRUE;
}

static gboolean remove_tombstone(StreamHour *sh, const char *file)
{
    SegmentName name;
    if (sh->tombstones == NULL || !g_hash_table_remove(sh->tombstones, file))
        return FALSE;
    if (segment_name_parse(file, &name) && name.type != SEGMENT_TEMP && count_bar(sh->stream, name.hash, -1))
        drop_hours_with(sh->stream, name.hash, FALSE);
    return TRUE;
}

// The disk is asked, since events and the calls of this process come in any order.
gboolean segment_stream_check_tombstone(StreamHour *sh, const char *file, gboolean *exists)
{
    g_autofree char *directory = segment_stream_hour_path(sh->stream, sh->start);
    g_autofree char *path = g_build_filename(directory, file, NULL);
    *exists = faccessat(sh->stream->store->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    return *exists ? add_tombstone(sh, file, TRUE) : remove_tombstone(sh, file);
}

// Makes NAMES, of which there are none where it is NULL, the hour's tombstones, as a part of a scan.
void segment_stream_set_tombstones(StreamHour *sh, GPtrArray *names)
{
    g_autoptr(GHashTable) now = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; names != NULL && i < names->len; i++)
        g_hash_table_add(now, g_ptr_array_index(names, i));

    if (sh->tombstones != NULL) {
        g_autoptr(GList) before = g_hash_table_get_keys(sh->tombstones);
        for (GList *l = before; l != NULL; l = l->next) {
            // A copy: the name goes with its entry.
            g_autofree char *name = g_strdup(l->data);
            if (!g_hash_table_contains(now, name))
                remove_tombstone(sh, name);
        }
    }
    for (guint i = 0; names != NULL && i < names->len; i++)
        add_tombstone(sh, g_ptr_array_index(names, i), FALSE);
}
