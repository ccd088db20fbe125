// SPDX-License-Identifier: MIT
// Compares names: first all tombstones, as they decide about segments, then the rest.
#include "sync/diff.h"

#include <string.h>

#include "segment/beneath.h"

typedef struct {
    SyncDiff *diff;
    const SyncDiffOptions *options;
    GHashTable *ours; // names of ours
    GHashTable *segments; // hash → SegmentName of ours, linked by the list
    GHashTable *barred; // hashes of their tombstones
    GHashTable *seen; // names of theirs
} Comparison;

static GHashTable *names_of_segments(const GPtrArray *names)
{
    GHashTable *table =
        g_hash_table_new_full(segment_hash_hash, segment_hash_equal, NULL, (GDestroyNotify) g_ptr_array_unref);
    for (guint i = 0; i < names->len; i++) {
        SegmentName name;
        if (!segment_name_parse(g_ptr_array_index(names, i), &name) || name.tombstone)
            continue;
        SegmentName *copy = g_memdup2(&name, sizeof name);
        GPtrArray *same = g_hash_table_lookup(table, name.hash);
        if (same == NULL) {
            same = g_ptr_array_new_with_free_func(g_free);
            g_hash_table_insert(table, copy->hash, same);
        }
        g_ptr_array_add(same, copy);
    }
    return table;
}

static gboolean have_same(const Comparison *comparison, const SegmentName *name)
{
    const GPtrArray *same = g_hash_table_lookup(comparison->segments, name->hash);
    for (guint i = 0; same != NULL && i < same->len; i++) {
        const SegmentName *ours = g_ptr_array_index(same, i);
        if (ours->type == name->type && ours->duration == name->duration &&
            ABS(ours->offset - name->offset) <= SYNC_SAME_TIME)
            return TRUE;
    }
    return FALSE;
}

static gboolean is_barred(const Comparison *comparison, const guint8 hash[SEGMENT_HASH_SIZE])
{
    const SyncDiffOptions *options = comparison->options;
    return g_hash_table_contains(comparison->barred, hash) ||
           (options->barred != NULL && options->barred(hash, options->data));
}

static void add_tombstone(Comparison *comparison, const char *text)
{
    SegmentName name;
    if (!segment_name_parse(text, &name) || !name.tombstone || name.type == SEGMENT_TEMP)
        return;
    g_hash_table_add(comparison->barred, g_memdup2(name.hash, sizeof name.hash));
    if (!g_hash_table_contains(comparison->ours, text) && g_hash_table_add(comparison->seen, (gpointer) text))
        g_ptr_array_add(comparison->diff->tombstones, g_strdup(text));
}

static void add_bad(SyncDiff *diff, const char *text)
{
    g_autofree char *start = g_strndup(text, 100);
    if (diff->n_bad++ == 0)
        diff->bad = g_strescape(start, NULL);
}

static void add_file(Comparison *comparison, const char *text)
{
    if (!segment_beneath_name_is_plain(text))
        add_bad(comparison->diff, text);
    else if (!g_str_has_suffix(text, ".json"))
        add_bad(comparison->diff, text);
    else if (!g_hash_table_contains(comparison->ours, text) && g_hash_table_add(comparison->seen, (gpointer) text))
        g_ptr_array_add(comparison->diff->files, g_strdup(text));
}

static void add_segment(Comparison *comparison, const char *text)
{
    SegmentName name;
    if (!segment_name_parse(text, &name)) {
        add_file(comparison, text);
        return;
    }
    if (name.tombstone || name.type == SEGMENT_TEMP || g_hash_table_contains(comparison->ours, text) ||
        is_barred(comparison, name.hash) || have_same(comparison, &name))
        return;
    if (comparison->options->hour + name.offset > comparison->options->newest)
        comparison->diff->n_recent++;
    else if (g_hash_table_add(comparison->seen, (gpointer) text))
        g_ptr_array_add(comparison->diff->segments, g_strdup(text));
}

SyncDiff *sync_diff_new(const GPtrArray *theirs, const GPtrArray *ours, const SyncDiffOptions *options)
{
    SyncDiff *diff = g_new0(SyncDiff, 1);
    g_autoptr(GHashTable) our_names = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) segments = names_of_segments(ours);
    g_autoptr(GHashTable) barred = g_hash_table_new_full(segment_hash_hash, segment_hash_equal, g_free, NULL);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    Comparison comparison = {diff, options, our_names, segments, barred, seen};
    diff->tombstones = g_ptr_array_new_with_free_func(g_free);
    diff->segments = g_ptr_array_new_with_free_func(g_free);
    diff->files = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < ours->len; i++)
        g_hash_table_add(our_names, g_ptr_array_index(ours, i));
    for (guint i = 0; i < theirs->len; i++)
        add_tombstone(&comparison, g_ptr_array_index(theirs, i));
    for (guint i = 0; i < theirs->len; i++)
        add_segment(&comparison, g_ptr_array_index(theirs, i));
    return diff;
}

void sync_diff_free(SyncDiff *diff)
{
    if (diff == NULL)
        return;
    g_ptr_array_unref(diff->tombstones);
    g_ptr_array_unref(diff->segments);
    g_ptr_array_unref(diff->files);
    g_free(diff->bad);
    g_free(diff);
}

guint sync_diff_size(const SyncDiff *diff)
{
    return diff->tombstones->len + diff->segments->len + diff->files->len;
}

gboolean sync_file_name_hash(const char *file, guint8 hash[SEGMENT_HASH_SIZE])
{
    // A '-' before it, and ".json" behind.
    gsize length = strlen(file), tail = SEGMENT_HASH_TEXT_LENGTH + strlen(".json");
    if (length <= tail || file[length - tail - 1] != '-')
        return FALSE;
    g_autofree char *text = g_strndup(file + length - tail, SEGMENT_HASH_TEXT_LENGTH);
    return segment_hash_parse(text, hash);
}
