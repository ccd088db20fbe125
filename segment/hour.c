// SPDX-License-Identifier: MIT
// Reads an hour's directory. All that is kept of it is an array of entries and one block of names: a week of
// two-second segments is 302,400 of them.
#include "segment/hour.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/best.h"
#include "segment/directory.h"
#include "segment/error.h"
#include "segment/lock.h"
#include "segment/time.h"

// What readdir gave, before the best are chosen.
typedef struct {
    GArray *entries; // SegmentEntry; name: offset into names
    GString *names;
    GHashTable *barred; // hashes of the tombstones here; NULL where there is none
} Reading;

static void reading_clear(Reading *reading)
{
    g_array_unref(reading->entries);
    g_string_free(reading->names, TRUE);
    g_clear_pointer(&reading->barred, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reading, reading_clear)

// A link to a file counts as one; a directory, FIFO, or a link to nothing that is named like a segment does not.
static gboolean is_file(int dir_fd, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type == DT_REG)
        return TRUE;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return FALSE;
    return fstatat(dir_fd, entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode);
}

static void skip(SegmentHour *hour, const char *name)
{
    if (hour->n_skipped++ == 0)
        hour->skipped = g_strdup(name);
}

static void add_tombstone(SegmentHour *hour, Reading *reading, const char *text, const SegmentName *name)
{
    if (hour->tombstones == NULL)
        hour->tombstones = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(hour->tombstones, g_strdup(text));
    if (name->type == SEGMENT_TEMP)
        return;
    if (reading->barred == NULL)
        reading->barred = g_hash_table_new_full(segment_hash_hash, segment_hash_equal, g_free, NULL);
    g_hash_table_add(reading->barred, g_memdup2(name->hash, SEGMENT_HASH_SIZE));
}

static void add_entry(SegmentHour *hour, Reading *reading, int dir_fd, const struct dirent *entry,
                      SegmentBarredFunc barred, gpointer data)
{
    const char *text = entry->d_name;
    SegmentName name;

    if (text[0] == '.')
        return;
    if (!segment_name_parse(text, &name)) {
        skip(hour, text);
    } else if (name.tombstone) {
        add_tombstone(hour, reading, text, &name);
    } else if (name.type == SEGMENT_TEMP) {
        hour->n_temp++;
    } else if (!is_file(dir_fd, entry)) {
        skip(hour, text);
    } else if (barred != NULL && barred(name.hash, data)) {
        hour->n_barred++;
    } else {
        SegmentEntry e = {
            .duration = name.duration,
            .size = -1,
            .offset = (guint32) name.offset,
            .name = (guint32) reading->names->len,
            .type = (guint8) name.type,
        };
        memcpy(&e.hash, name.hash, sizeof e.hash);
        g_array_append_val(reading->entries, e);
        g_string_append_len(reading->names, text, (gssize) strlen(text) + 1);
    }
}

static int compare_offsets(gconstpointer a, gconstpointer b)
{
    const SegmentEntry *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static gint64 size_of(int dir_fd, const char *name)
{
    struct stat st;
    return fstatat(dir_fd, name, &st, 0) == 0 && S_ISREG(st.st_mode) ? (gint64) st.st_size : -1;
}

// The better of *BEST and the entry OTHER. Sizes are asked for only where they decide; a file that is gone by then
// loses.
static void choose(SegmentHour *hour, const Reading *reading, int dir_fd, SegmentEntry *best, SegmentEntry *other)
{
    SegmentCandidate a = {.text = reading->names->str + best->name, .size = best->size};
    SegmentCandidate b = {.text = reading->names->str + other->name, .size = other->size};
    if (!segment_name_parse(a.text, &a.name) || !segment_name_parse(b.text, &b.name))
        g_assert_not_reached();
    if (segment_best_needs_size(&a, &b)) {
        if (a.size < 0)
            a.size = best->size = size_of(dir_fd, a.text);
        if (b.size < 0)
            b.size = other->size = size_of(dir_fd, b.text);
    }
    if (segment_best_compare(&a, &b) < 0)
        *best = *other;
    hour->n_worse++;
}

static gboolean is_barred_here(const Reading *reading, const SegmentEntry *entry)
{
    SegmentName name;
    return reading->barred != NULL && segment_name_parse(reading->names->str + entry->name, &name) &&
           g_hash_table_contains(reading->barred, name.hash);
}

static void keep_best(SegmentHour *hour, Reading *reading, int dir_fd)
{
    GArray *all = reading->entries;
    g_array_sort(all, compare_offsets);

    guint n = 0;
    for (guint i = 0; i < all->len; i++) {
        SegmentEntry *entry = &g_array_index(all, SegmentEntry, i);
        if (is_barred_here(reading, entry)) {
            hour->n_barred++;
            continue;
        }
        SegmentEntry *last = n > 0 ? &g_array_index(all, SegmentEntry, n - 1) : NULL;
        if (last != NULL && last->offset == entry->offset)
            choose(hour, reading, dir_fd, last, entry);
        else
            g_array_index(all, SegmentEntry, n++) = *entry;
    }

    // Copied, so that neither the worse ones nor spare room of the buffers stays.
    gsize length = 0;
    for (guint i = 0; i < n; i++)
        length += strlen(reading->names->str + g_array_index(all, SegmentEntry, i).name) + 1;
    hour->n_entries = n;
    hour->entries = g_memdup2(all->data, n * sizeof(SegmentEntry));
    hour->names = g_malloc(length);
    char *p = hour->names;
    for (guint i = 0; i < n; i++) {
        const char *name = reading->names->str + hour->entries[i].name;
        hour->entries[i].name = (guint32) (p - hour->names);
        p = stpcpy(p, name) + 1;
    }
    hour->memory = sizeof *hour + n * sizeof(SegmentEntry) + length;
}

SegmentHour *segment_hour_read(int dir_fd, const char *path, gint64 start, SegmentBarredFunc barred, gpointer data,
                               GError **error)
{
    g_autoptr(SegmentDirectory) dir = segment_directory_open(dir_fd, ".", path, error);
    if (dir == NULL)
        return NULL;

    g_autoptr(SegmentHour) hour = g_new0(SegmentHour, 1);
    hour->start = start;
    g_atomic_ref_count_init(&hour->references);
    g_mutex_init(&hour->sizes_lock);

    g_auto(Reading) reading = {
        .entries = g_array_sized_new(FALSE, FALSE, sizeof(SegmentEntry), 2048),
        .names = g_string_sized_new(2048 * 80),
    };
    g_autoptr(GError) failure = NULL;
    const struct dirent *entry;
    while ((entry = segment_directory_next(dir, path, &failure)) != NULL)
        add_entry(hour, &reading, dir_fd, entry, barred, data);
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    keep_best(hour, &reading, dir_fd);
    return g_steal_pointer(&hour);
}

gboolean segment_hour_load_sizes(SegmentHour *hour, int dir_fd, const char *path, GError **error)
{
    if (segment_hour_has_sizes(hour))
        return TRUE;
    SEGMENT_LOCK_SCOPE(&hour->sizes_lock);
    for (guint i = 0; i < hour->n_entries && !hour->has_sizes; i++) {
        SegmentEntry *entry = &hour->entries[i];
        if (entry->size < 0)
            entry->size = size_of(dir_fd, segment_hour_name(hour, entry));
        if (entry->size < 0) {
            g_autofree char *file = g_build_filename(path, segment_hour_name(hour, entry), NULL);
            return segment_error_set_errno(error, ENOENT, "cannot stat", file);
        }
    }
    g_atomic_int_set(&hour->has_sizes, 1);
    return TRUE;
}

guint segment_hour_search(const SegmentHour *hour, gint64 offset)
{
    guint low = 0, high = hour->n_entries;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (hour->entries[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const SegmentEntry *segment_hour_find(const SegmentHour *hour, const char *name)
{
    SegmentName parsed;
    if (!segment_name_parse(name, &parsed) || parsed.tombstone)
        return NULL;
    guint i = segment_hour_search(hour, parsed.offset);
    if (i == hour->n_entries || strcmp(segment_hour_name(hour, &hour->entries[i]), name) != 0)
        return NULL;
    return &hour->entries[i];
}

// FNV-1a, 64 bits (draft-eastlake-fnv-17).
guint64 segment_hour_digest(const SegmentHour *hour)
{
    guint64 digest = G_GUINT64_CONSTANT(0xcbf29ce484222325);
    for (guint i = 0; i < hour->n_entries; i++) {
        for (const char *p = segment_hour_name(hour, &hour->entries[i]); *p != '\0'; p++)
            digest = (digest ^ (guint8) *p) * G_GUINT64_CONSTANT(0x100000001b3);
    }
    return digest;
}

SegmentHour *segment_hour_ref(SegmentHour *hour)
{
    g_atomic_ref_count_inc(&hour->references);
    return hour;
}

void segment_hour_unref(SegmentHour *hour)
{
    if (hour == NULL || !g_atomic_ref_count_dec(&hour->references))
        return;
    g_clear_pointer(&hour->tombstones, g_ptr_array_unref);
    g_mutex_clear(&hour->sizes_lock);
    g_free(hour->skipped);
    g_free(hour->entries);
    g_free(hour->names);
    g_free(hour);
}
