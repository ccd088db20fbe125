// SPDX-License-Identifier: MIT
// What is in memory is dropped by the hour, the one used longest ago first. A file on disk is written anew when some
// more of its hour are known; that it holds nothing of a segment but sizes is why a tombstone does not matter to it.
#include "cut/sample-cache.h"

#include <openssl/evp.h>
#include <string.h>

#include "cut/blob-files.h"
#include "cut/blobs.h"
#include "cut/samples.h"
#include "cut/sources.h"
#include "segment/error.h"
#include "segment/lock.h"
#include "segment/name.h"

#define FORMAT 1 // of the files
#define MEMORY (24 * 1024 * 1024) // bytes
#define FEW 8 // that are new in an hour are not worth a file
#define POLL (20 * 1000) // microseconds between two looks whether a caller is still there
#define OVERHEAD 96 // bytes of memory of each segment, beside what is packed

typedef struct {
    char *stream;
    gint64 start;
} HourKey;

typedef struct {
    HourKey key;
    GHashTable *table; // Known, by hash
    gsize memory;
    guint n_new; // that are not in its file
    gboolean was_loaded; // from its file
    GList link;
} Hour;

typedef struct {
    guint8 hash[SEGMENT_HASH_SIZE];
    GBytes *packed;
} Known;

struct CutSampleCache {
    CutBatchPool *pool;
    CutSampleFunc func;
    gpointer data;
    CutBlobFiles *files; // or NULL
    GMutex lock; // guards all below
    GCond changed;
    gboolean is_busy; // somebody reads segments: all processors work for him
    GHashTable *hours; // Hour, by its key
    GQueue lru; // Hour, the one used last first
    gsize memory;
};

static guint hash_key(gconstpointer data)
{
    const HourKey *key = data;
    return g_str_hash(key->stream) ^ g_int64_hash(&key->start);
}

static gboolean keys_are_equal(gconstpointer a, gconstpointer b)
{
    const HourKey *x = a, *y = b;
    return x->start == y->start && strcmp(x->stream, y->stream) == 0;
}

static void known_free(gpointer data)
{
    Known *known = data;
    g_bytes_unref(known->packed);
    g_free(known);
}

static void hour_free(gpointer data)
{
    Hour *hour = data;
    g_hash_table_unref(hour->table);
    g_free(hour->key.stream);
    g_free(hour);
}

// ---- memory; with the lock held

static Hour *find_hour(CutSampleCache *cache, const char *stream, gint64 start)
{
    HourKey key = {.stream = (char *) stream, .start = start};
    Hour *hour = g_hash_table_lookup(cache->hours, &key);
    if (hour == NULL) {
        hour = g_new0(Hour, 1);
        hour->key = (HourKey){.stream = g_strdup(stream), .start = start};
        hour->table = g_hash_table_new_full(segment_hash_hash, segment_hash_equal, NULL, known_free);
        hour->link.data = hour;
        g_hash_table_insert(cache->hours, &hour->key, hour);
    } else {
        g_queue_unlink(&cache->lru, &hour->link);
    }
    g_queue_push_head_link(&cache->lru, &hour->link);
    return hour;
}

static void keep(CutSampleCache *cache, Hour *hour, const guint8 *hash, GBytes *packed)
{
    if (g_hash_table_contains(hour->table, hash))
        return;
    Known *known = g_new(Known, 1);
    memcpy(known->hash, hash, sizeof known->hash);
    known->packed = g_bytes_ref(packed);
    g_hash_table_insert(hour->table, known->hash, known);
    gsize size = g_bytes_get_size(packed) + sizeof *known + OVERHEAD;
    hour->memory += size;
    cache->memory += size;
    while (cache->memory > MEMORY && cache->lru.length > 1) {
        Hour *oldest = cache->lru.tail->data;
        g_queue_unlink(&cache->lru, &oldest->link);
        cache->memory -= oldest->memory;
        g_hash_table_remove(cache->hours, &oldest->key);
    }
}

// ---- files: of each segment its hash, how many bytes there are, and those

static void find_file_key(const char *stream, gint64 start, guint8 *key)
{
    const gint64 numbers[] = {FORMAT, start};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    EVP_DigestUpdate(context, numbers, sizeof numbers);
    EVP_DigestUpdate(context, stream, strlen(stream));
    EVP_DigestFinal_ex(context, key, NULL);
    EVP_MD_CTX_free(context);
}

static void load_hour(CutSampleCache *cache, const char *stream, gint64 start)
{
    guint8 key[CUT_BLOB_KEY];
    find_file_key(stream, start, key);
    g_autoptr(GBytes) bytes = cut_blob_files_read(cache->files, key);
    gsize size = 0;
    const guint8 *data = bytes != NULL ? g_bytes_get_data(bytes, &size) : NULL;
    SEGMENT_LOCK_SCOPE(&cache->lock);
    Hour *hour = find_hour(cache, stream, start);
    hour->was_loaded = TRUE;
    for (gsize at = 0; at + SEGMENT_HASH_SIZE + sizeof(guint32) <= size;) {
        guint32 length;
        const guint8 *hash = data + at;
        memcpy(&length, hash + SEGMENT_HASH_SIZE, sizeof length);
        at += SEGMENT_HASH_SIZE + sizeof length;
        if (length > size - at)
            return;
        g_autoptr(GBytes) packed = g_bytes_new(data + at, length);
        keep(cache, hour, hash, packed);
        at += length;
    }
}

static void store_hour(CutSampleCache *cache, const char *stream, gint64 start)
{
    guint8 key[CUT_BLOB_KEY];
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GByteArray) no_hashes = g_byte_array_new();
    g_mutex_lock(&cache->lock);
    Hour *hour = find_hour(cache, stream, start);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, hour->table);
    while (hour->n_new >= FEW && g_hash_table_iter_next(&iter, NULL, &value)) {
        const Known *known = value;
        gsize size;
        const guint8 *data = g_bytes_get_data(known->packed, &size);
        guint32 length = (guint32) size;
        g_byte_array_append(bytes, known->hash, sizeof known->hash);
        g_byte_array_append(bytes, (const guint8 *) &length, sizeof length);
        g_byte_array_append(bytes, data, length);
    }
    if (bytes->len > 0)
        hour->n_new = 0;
    g_mutex_unlock(&cache->lock);
    if (bytes->len == 0)
        return;
    find_file_key(stream, start, key);
    g_autoptr(GBytes) all = g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
    cut_blob_files_write(cache->files, key, stream, no_hashes, all);
}

// ---- reading segments

typedef struct {
    CutSampleCache *cache;
    SegmentStream *stream;
    const SegmentRange *range;
    guint first;
    GBytes **packed;
    const guint *missing; // numbers, of those that are read
} Task;

static void name_of(const SegmentRange *range, guint ref, SegmentName *name)
{
    if (!segment_name_parse(segment_hour_name(segment_range_hour(range, ref), segment_range_entry(range, ref)), name))
        g_assert_not_reached();
}

static gboolean read_one(guint i, gpointer data, GError **error)
{
    Task *task = data;
    guint number = task->missing[i], ref = task->first + number;
    SegmentName name;
    g_autoptr(CutBuffer) buffer = cut_read_segment(task->stream, task->range, ref, error);
    if (buffer == NULL)
        return FALSE;
    g_autoptr(CutSamples) samples = cut_samples_new();
    cut_samples_scan(samples, buffer->data, buffer->size);
    task->packed[number] = cut_samples_pack(samples);
    name_of(task->range, ref, &name);
    task->cache->func(&name, buffer->data, buffer->size, task->cache->data);
    SEGMENT_LOCK_SCOPE(&task->cache->lock);
    Hour *hour = find_hour(task->cache, segment_stream_path(task->stream), segment_range_hour(task->range, ref)->start);
    keep(task->cache, hour, name.hash, task->packed[number]);
    hour->n_new++;
    return TRUE;
}

// ---- all of it

// Fills in what is in memory, and adds the numbers of the others to MISSING.
static void find_all(const Task *task, guint n, GArray *missing)
{
    CutSampleCache *cache = task->cache;
    SEGMENT_LOCK_SCOPE(&cache->lock);
    const SegmentHour *before = NULL;
    Hour *hour = NULL;
    for (guint i = 0; i < n; i++) {
        SegmentName name;
        const SegmentHour *own = segment_range_hour(task->range, task->first + i);
        if (task->packed[i] != NULL)
            continue;
        if (own != before)
            hour = find_hour(cache, segment_stream_path(task->stream), own->start);
        before = own;
        name_of(task->range, task->first + i, &name);
        const Known *known = g_hash_table_lookup(hour->table, name.hash);
        if (known != NULL)
            task->packed[i] = g_bytes_ref(known->packed);
        else
            g_array_append_val(missing, i);
    }
}

// Loads the files of the hours of those that are MISSING; or stores them.
static void for_hours(const Task *task, const GArray *missing, gboolean stores)
{
    CutSampleCache *cache = task->cache;
    const char *stream = segment_stream_path(task->stream);
    gint64 before = G_MININT64;
    for (guint i = 0; i < missing->len && cache->files != NULL; i++) {
        gint64 start = segment_range_hour(task->range, task->first + g_array_index(missing, guint, i))->start;
        if (start == before)
            continue;
        before = start;
        g_mutex_lock(&cache->lock);
        gboolean was_loaded = find_hour(cache, stream, start)->was_loaded;
        g_mutex_unlock(&cache->lock);
        if (stores)
            store_hour(cache, stream, start);
        else if (!was_loaded)
            load_hour(cache, stream, start);
    }
}

static gboolean begin(CutSampleCache *cache, const SegmentWait *wait, GError **error)
{
    SEGMENT_LOCK_SCOPE(&cache->lock);
    while (cache->is_busy) {
        if (segment_wait_is_over(wait, error))
            return FALSE;
        g_cond_wait_until(&cache->changed, &cache->lock, g_get_monotonic_time() + POLL);
    }
    return cache->is_busy = TRUE;
}

static void end(CutSampleCache *cache)
{
    SEGMENT_LOCK_SCOPE(&cache->lock);
    cache->is_busy = FALSE;
    g_cond_broadcast(&cache->changed);
}

static gboolean read_missing(Task *task, guint n, const SegmentWait *wait, GError **error)
{
    g_autoptr(GArray) unloaded = g_array_new(FALSE, FALSE, sizeof(guint));
    g_autoptr(GArray) missing = g_array_new(FALSE, FALSE, sizeof(guint));
    // Somebody else may have read them meanwhile.
    find_all(task, n, unloaded);
    for_hours(task, unloaded, FALSE);
    find_all(task, n, missing);
    task->missing = (const guint *) (const void *) missing->data;
    gboolean ok = cut_batch_run(task->cache->pool, missing->len, read_one, task, wait, error);
    for_hours(task, missing, TRUE);
    return ok;
}

gboolean cut_sample_cache_get(CutSampleCache *cache, SegmentStream *stream, const SegmentRange *range, guint first,
                              guint n, GBytes **packed, const SegmentWait *wait, GError **error)
{
    g_autoptr(GArray) missing = g_array_new(FALSE, FALSE, sizeof(guint));
    Task task = {.cache = cache, .stream = stream, .range = range, .first = first, .packed = packed};
    memset(packed, 0, n * sizeof *packed);
    find_all(&task, n, missing);
    if (missing->len == 0)
        return TRUE;
    gboolean ok = FALSE;
    if (!segment_wait_may_block(wait)) {
        g_set_error_literal(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK, "samples of segments");
    } else if (begin(cache, wait, error)) {
        ok = read_missing(&task, n, wait, error);
        end(cache);
    }
    for (guint i = 0; i < n && !ok; i++)
        g_clear_pointer(&packed[i], g_bytes_unref);
    return ok;
}

CutSampleCache *cut_sample_cache_new(const char *directory, gint64 limit, CutBatchPool *pool, CutSampleFunc func,
                                     gpointer data)
{
    CutSampleCache *cache = g_new0(CutSampleCache, 1);
    g_autofree char *samples = directory != NULL ? g_build_filename(directory, "samples", NULL) : NULL;
    cache->pool = pool;
    cache->func = func;
    cache->data = data;
    cache->files = samples != NULL ? cut_blob_files_new(samples, limit) : NULL;
    g_mutex_init(&cache->lock);
    g_cond_init(&cache->changed);
    cache->hours = g_hash_table_new_full(hash_key, keys_are_equal, NULL, hour_free);
    g_queue_init(&cache->lru);
    return cache;
}

void cut_sample_cache_free(CutSampleCache *cache)
{
    if (cache == NULL)
        return;
    cut_blob_files_free(cache->files);
    g_hash_table_unref(cache->hours);
    g_mutex_clear(&cache->lock);
    g_cond_clear(&cache->changed);
    g_free(cache);
}
