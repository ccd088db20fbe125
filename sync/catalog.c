// SPDX-License-Identifier: MIT
// Listings, and when they are out of date.
//
// LOCKS. SyncCatalog.lock guards the table of hours and all that is in it. Nothing of the disk is read, and nothing of
// the store is asked, with it held.
#include "sync/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "segment/time.h"
#include "sync/names.h"

#define RACY_SECONDS 2 // a directory that changed so lately may change again within its time's granularity

// What a listing hangs on: where it is the same, so is the listing.
typedef struct {
    dev_t device;
    ino_t inode; // 0: there is no such directory
    struct timespec mtime;
    guint bar_changes; // of the stream
    gboolean racy; // proves nothing
} Stamp;

typedef struct {
    char *path; // CHANNEL/QUALITY/HOUR
    Stamp stamp; // when it was read
    gboolean loading; // somebody reads it; wait for SyncCatalog.loaded
    char digest[SYNC_DIGEST_SIZE];
    SyncListing *segments, *all; // NULL where they are not in memory; the same where there is no tombstone
    GList lru; // in SyncCatalog.lru while they are
} Hour;

struct SyncCatalog {
    SegmentStore *store;
    gsize limit;
    GMutex lock;
    GCond loaded;
    GHashTable *hours; // path → Hour
    GQueue lru; // Hour, the one used last first
    gsize memory; // bytes of listings
};

// ---- the table. With the lock held.

static gsize hour_memory(const Hour *hour)
{
    return hour->all->length + (hour->segments != hour->all ? hour->segments->length : 0);
}

static void drop_listings(SyncCatalog *catalog, Hour *hour)
{
    if (hour->all == NULL)
        return;
    catalog->memory -= hour_memory(hour);
    g_queue_unlink(&catalog->lru, &hour->lru);
    g_clear_pointer(&hour->all, sync_listing_unref);
    g_clear_pointer(&hour->segments, sync_listing_unref);
}

static void keep_listings(SyncCatalog *catalog, Hour *hour, SyncListing *segments, SyncListing *all)
{
    drop_listings(catalog, hour);
    hour->segments = sync_listing_ref(segments);
    hour->all = sync_listing_ref(all);
    hour->lru = (GList){.data = hour};
    g_queue_push_head_link(&catalog->lru, &hour->lru);
    catalog->memory += hour_memory(hour);
    while (catalog->memory > catalog->limit && catalog->lru.length > 1)
        drop_listings(catalog, g_queue_peek_tail(&catalog->lru));
}

static void hour_free(gpointer data)
{
    Hour *hour = data;
    sync_listing_unref(hour->all);
    sync_listing_unref(hour->segments);
    g_free(hour->path);
    g_free(hour);
}

static void forget_hour(SyncCatalog *catalog, const char *path)
{
    Hour *hour = g_hash_table_lookup(catalog->hours, path);
    if (hour == NULL || hour->loading)
        return;
    drop_listings(catalog, hour);
    g_hash_table_remove(catalog->hours, path);
}

SyncCatalog *sync_catalog_new(SegmentStore *store, gsize memory)
{
    SyncCatalog *catalog = g_new0(SyncCatalog, 1);
    catalog->store = store;
    catalog->limit = memory;
    catalog->hours = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, hour_free);
    g_mutex_init(&catalog->lock);
    g_cond_init(&catalog->loaded);
    g_queue_init(&catalog->lru);
    return catalog;
}

void sync_catalog_free(SyncCatalog *catalog)
{
    if (catalog == NULL)
        return;
    g_hash_table_unref(catalog->hours);
    g_mutex_clear(&catalog->lock);
    g_cond_clear(&catalog->loaded);
    g_free(catalog);
}

// ---- hours

// The stream that PATH, CHANNEL/QUALITY or longer, is in; NULL, without an error, where it is in none.
static SegmentStream *find_stream(SyncCatalog *catalog, const char *path, GError **error)
{
    const char *quality = strchr(path, '/'), *end = quality != NULL ? strchr(quality + 1, '/') : NULL;
    g_autofree char *name = end != NULL ? g_strndup(path, (gsize) (end - path)) : g_strdup(path);
    g_autoptr(GError) failure = NULL;
    SegmentStream *stream = segment_store_stream(catalog->store, name, NULL, &failure);
    if (stream == NULL && !segment_error_is_errno(failure, ENOENT) && !segment_error_is_errno(failure, ENOTDIR))
        g_propagate_error(error, g_steal_pointer(&failure));
    return stream;
}

static gboolean look(SyncCatalog *catalog, SegmentStream *stream, const char *path, Stamp *stamp, GError **error)
{
    struct stat st;
    memset(stamp, 0, sizeof *stamp);
    // Before the directory: what is barred after it was read makes the listing out of date.
    stamp->bar_changes = stream != NULL ? segment_stream_bar_changes(stream) : 0;
    if (fstatat(segment_store_fd(catalog->store), path, &st, 0) < 0)
        return errno == ENOENT || errno == ENOTDIR || segment_error_set_errno(error, errno, "cannot stat", path);
    stamp->device = st.st_dev;
    stamp->inode = st.st_ino;
    stamp->mtime = st.st_mtim;
    stamp->racy = st.st_mtim.tv_sec >= g_get_real_time() / G_TIME_SPAN_SECOND - RACY_SECONDS;
    return TRUE;
}

static gboolean stamps_agree(const Stamp *a, const Stamp *b)
{
    return !a->racy && a->device == b->device && a->inode == b->inode && a->mtime.tv_sec == b->mtime.tv_sec &&
           a->mtime.tv_nsec == b->mtime.tv_nsec && a->bar_changes == b->bar_changes;
}

typedef struct {
    char digest[SYNC_DIGEST_SIZE];
    SyncListing *segments, *all; // NULL where nobody asked for them
} Reading;

static void reading_clear(Reading *reading)
{
    sync_listing_unref(reading->segments);
    sync_listing_unref(reading->all);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reading, reading_clear)

// A and B, which are sorted, as one that is. Their names stay theirs.
static GPtrArray *merge(const GPtrArray *a, const GPtrArray *b)
{
    GPtrArray *merged = g_ptr_array_sized_new(a->len + b->len);
    for (guint i = 0, j = 0; i < a->len || j < b->len;) {
        gboolean from_a = j == b->len || (i < a->len && strcmp(g_ptr_array_index(a, i), g_ptr_array_index(b, j)) < 0);
        g_ptr_array_add(merged, from_a ? g_ptr_array_index(a, i++) : g_ptr_array_index(b, j++));
    }
    return merged;
}

static void digest_names(const GPtrArray *names, char digest[SYNC_DIGEST_SIZE])
{
    g_autoptr(GString) text = g_string_sized_new(names->len * 80);
    for (guint i = 0; i < names->len; i++) {
        g_string_append(text, g_ptr_array_index(names, i));
        g_string_append_c(text, '\n');
    }
    sync_digest(text->str, text->len, digest);
}

static gboolean read_hour(SyncCatalog *catalog, SegmentStream *stream, const char *path, gboolean listings,
                          Reading *reading, GError **error)
{
    g_autoptr(GPtrArray) segments = NULL, tombstones = NULL;
    if (stream != NULL)
        segments = sync_names_read_hour(stream, path, &tombstones, error);
    else
        segments = sync_names_read(catalog->store, path, SYNC_NAMES_JSON, error);
    if (segments == NULL)
        return FALSE;
    g_autoptr(GPtrArray) all =
        tombstones != NULL && tombstones->len > 0 ? merge(segments, tombstones) : g_ptr_array_ref(segments);
    digest_names(all, reading->digest);
    if (listings) {
        reading->segments = sync_listing_of_names(segments);
        reading->all = all == segments ? sync_listing_ref(reading->segments) : sync_listing_of_names(all);
    }
    return TRUE;
}

static void take_listings(SyncCatalog *catalog, Hour *hour, Reading *reading)
{
    g_strlcpy(reading->digest, hour->digest, sizeof reading->digest);
    if (hour->all == NULL)
        return;
    g_queue_unlink(&catalog->lru, &hour->lru);
    g_queue_push_head_link(&catalog->lru, &hour->lru);
    reading->segments = sync_listing_ref(hour->segments);
    reading->all = sync_listing_ref(hour->all);
}

// With the lock held: the hour in the table, where it is known as STAMP has it. Waits for who reads it. *MINE: it was
// not, and has to be read, by the caller.
static Hour *claim_hour(SyncCatalog *catalog, const char *path, const Stamp *stamp, gboolean listings, gboolean *mine)
{
    Hour *hour;
    while ((hour = g_hash_table_lookup(catalog->hours, path)) != NULL && hour->loading)
        g_cond_wait(&catalog->loaded, &catalog->lock);
    if (hour == NULL) {
        hour = g_new0(Hour, 1);
        hour->path = g_strdup(path);
        hour->stamp.racy = TRUE;
        g_hash_table_insert(catalog->hours, hour->path, hour);
    }
    *mine = !stamps_agree(&hour->stamp, stamp) || (listings && hour->all == NULL);
    hour->loading = *mine;
    return hour;
}

// The hour PATH's digest, and its listings where they are asked for.
static gboolean get_hour(SyncCatalog *catalog, SegmentStream *stream, const char *path, gboolean listings,
                         Reading *reading, GError **error)
{
    Stamp stamp;
    gboolean mine;
    if (!look(catalog, stream, path, &stamp, error))
        return FALSE;
    if (stamp.inode == 0) {
        // Whoever asks for what is not there leaves no trace.
        g_mutex_lock(&catalog->lock);
        forget_hour(catalog, path);
        g_mutex_unlock(&catalog->lock);
        return read_hour(catalog, stream, path, listings, reading, error);
    }

    g_mutex_lock(&catalog->lock);
    Hour *hour = claim_hour(catalog, path, &stamp, listings, &mine);
    if (!mine)
        take_listings(catalog, hour, reading);
    g_mutex_unlock(&catalog->lock);
    if (!mine)
        return TRUE;

    // Anew: it may have waited.
    gboolean ok =
        look(catalog, stream, path, &stamp, error) && read_hour(catalog, stream, path, listings, reading, error);
    g_mutex_lock(&catalog->lock);
    hour->loading = FALSE;
    hour->stamp = stamp;
    if (ok) {
        if (listings)
            keep_listings(catalog, hour, reading->segments, reading->all);
        else if (strcmp(hour->digest, reading->digest) != 0)
            drop_listings(catalog, hour);
        g_strlcpy(hour->digest, reading->digest, sizeof hour->digest);
    } else {
        hour->stamp.racy = TRUE;
    }
    g_cond_broadcast(&catalog->loaded);
    g_mutex_unlock(&catalog->lock);
    return ok;
}

SyncListing *sync_catalog_hour(SyncCatalog *catalog, const char *path, gboolean tombstones, GError **error)
{
    g_auto(Reading) reading = {0};
    g_autoptr(GError) failure = NULL;
    SegmentStream *stream = find_stream(catalog, path, &failure);
    if (failure == NULL)
        get_hour(catalog, stream, path, TRUE, &reading, &failure);
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    return sync_listing_ref(tombstones ? reading.all : reading.segments);
}

GPtrArray *sync_catalog_names(SyncCatalog *catalog, const char *path, SegmentStream **stream, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GPtrArray) segments = NULL, tombstones = NULL;
    *stream = find_stream(catalog, path, &failure);
    if (failure == NULL && *stream != NULL)
        segments = sync_names_read_hour(*stream, path, &tombstones, &failure);
    else if (failure == NULL)
        segments = sync_names_read(catalog->store, path, SYNC_NAMES_JSON, &failure);
    if (segments == NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    if (tombstones != NULL)
        g_ptr_array_extend_and_steal(segments, g_steal_pointer(&tombstones));
    return g_steal_pointer(&segments);
}

gboolean sync_catalog_digest(SyncCatalog *catalog, const char *path, char digest[SYNC_DIGEST_SIZE], GError **error)
{
    g_auto(Reading) reading = {0};
    g_autoptr(GError) failure = NULL;
    struct stat st;
    SegmentStream *stream = find_stream(catalog, path, &failure);
    digest[0] = '\0';
    if (failure == NULL && fstatat(segment_store_fd(catalog->store), path, &st, 0) == 0 &&
        get_hour(catalog, stream, path, FALSE, &reading, &failure))
        g_strlcpy(digest, reading.digest, SYNC_DIGEST_SIZE);
    if (failure == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

// ---- the rest

SyncListing *sync_catalog_directories(SyncCatalog *catalog, const char *path, GError **error)
{
    gboolean is_stream = path != NULL && strchr(path, '/') != NULL;
    g_autoptr(GPtrArray) names = sync_names_read(catalog->store, path != NULL ? path : ".",
                                                 is_stream ? SYNC_NAMES_HOURS : SYNC_NAMES_DIRECTORIES, error);
    return names != NULL ? sync_listing_of_names(names) : NULL;
}

static void add_member(GString *json, const char *name, const char *value)
{
    g_string_append(json, json->len > 1 ? ",\n" : "\n");
    sync_json_append(json, name);
    g_string_append(json, ": ");
    sync_json_append(json, value);
}

SyncListing *sync_catalog_digests(SyncCatalog *catalog, const char *path, GError **error)
{
    g_autoptr(GError) failure = NULL;
    SegmentStream *stream = find_stream(catalog, path, &failure);
    g_autoptr(GPtrArray) hours =
        failure == NULL ? sync_names_read(catalog->store, path, SYNC_NAMES_HOURS, &failure) : NULL;
    g_autoptr(GString) json = g_string_new("{");
    for (guint i = 0; failure == NULL && i < hours->len; i++) {
        const char *name = g_ptr_array_index(hours, i);
        g_autofree char *hour = g_build_filename(path, name, NULL);
        g_auto(Reading) reading = {0};
        if (get_hour(catalog, stream, hour, FALSE, &reading, &failure))
            add_member(json, name, reading.digest);
    }
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    g_string_append(json, "\n}\n");
    return sync_listing_new(g_steal_pointer(&json));
}

static gboolean add_streams(SyncCatalog *catalog, const char *channel, GString *json, GError **error)
{
    g_autoptr(GPtrArray) names = sync_names_read(catalog->store, channel, SYNC_NAMES_DIRECTORIES, error);
    for (guint i = 0; names != NULL && i < names->len; i++) {
        g_autofree char *path = g_build_filename(channel, g_ptr_array_index(names, i), NULL);
        g_autoptr(GPtrArray) hours = sync_names_read(catalog->store, path, SYNC_NAMES_HOURS, error);
        if (hours == NULL)
            return FALSE;
        if (hours->len == 0 || !g_utf8_validate(path, -1, NULL))
            continue;
        char digest[SYNC_DIGEST_SIZE];
        g_autoptr(SyncListing) digests = sync_catalog_digests(catalog, path, error);
        if (digests == NULL)
            return FALSE;
        sync_digest(digests->text, digests->length, digest);
        add_member(json, path, digest);
    }
    return names != NULL;
}

SyncListing *sync_catalog_streams(SyncCatalog *catalog, GError **error)
{
    g_autoptr(GPtrArray) channels = sync_names_read(catalog->store, ".", SYNC_NAMES_DIRECTORIES, error);
    g_autoptr(GString) json = g_string_new("{");
    for (guint i = 0; channels != NULL && i < channels->len; i++) {
        if (!add_streams(catalog, g_ptr_array_index(channels, i), json, error))
            return NULL;
    }
    g_string_append(json, "\n}\n");
    return channels != NULL ? sync_listing_new(g_steal_pointer(&json)) : NULL;
}

SyncListing *sync_catalog_extras(SyncCatalog *catalog, const char *name, GError **error)
{
    g_autoptr(GPtrArray) files = sync_names_walk(catalog->store, name, error);
    return files != NULL ? sync_listing_of_names(files) : NULL;
}

gboolean sync_catalog_find(SyncCatalog *catalog, const char *path, SyncFile *file, GError **error)
{
    SegmentName name;
    g_autoptr(GError) failure = NULL;
    const char *base = strrchr(path, '/');
    memset(file, 0, sizeof *file);
    if (base == NULL || !segment_name_parse(base + 1, &name) || name.tombstone)
        return TRUE;
    file->is_temp = name.type == SEGMENT_TEMP;
    memcpy(file->hash, name.hash, sizeof file->hash);
    file->stream = find_stream(catalog, path, &failure);
    if (failure == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}
