// SPDX-License-Identifier: MIT
// What a peer may know of a store: which files there are, all of them and not only the best, with the tombstones, but
// nothing that a tombstone bars, nothing temporary, and no hidden name.
//
// An hour's listing, or at least its digest, is remembered for as long as its directory's time proves that nothing was
// added or removed, and nothing was barred or set free in its stream. That an hour has a digest lets two nodes that
// agree find that out by one request.
//
// All functions may be called from any thread. An hour that several ask for is read once.
#ifndef SYNC_CATALOG_H
#define SYNC_CATALOG_H

#include "segment/store.h"
#include "sync/listing.h"

typedef struct SyncCatalog SyncCatalog;

// Of STORE, which has to outlive it. MEMORY: bytes for listings of hours; their digests, of some 200 bytes each, stay.
SyncCatalog *sync_catalog_new(SegmentStore *store, gsize memory);
void sync_catalog_free(SyncCatalog *catalog);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncCatalog, sync_catalog_free)

// All paths are plain names with slashes between them, from the store's root. What is not there has an empty list, as
// with wubloader. Errors: SEGMENT_ERRNO.

// The directories in PATH, NULL for the root; those of hours where it is CHANNEL/QUALITY.
SyncListing *sync_catalog_directories(SyncCatalog *catalog, const char *path, GError **error);

// The files of the hour PATH, CHANNEL/QUALITY/HOUR: segments, and what is JSON, as chat is.
SyncListing *sync_catalog_hour(SyncCatalog *catalog, const char *path, gboolean tombstones, GError **error);

// The hours of the stream PATH, CHANNEL/QUALITY, as an object of JSON: hour to digest. A digest is the SHA-256 of the
// names in the hour's listing with tombstones, in the order of their bytes, with a newline after each, in URL-safe
// base64 without padding.
SyncListing *sync_catalog_digests(SyncCatalog *catalog, const char *path, GError **error);

// All that have hours, as CHANNEL/QUALITY to digest: the SHA-256 of the object above, as it is sent.
SyncListing *sync_catalog_streams(SyncCatalog *catalog, GError **error);

// All files below the directory NAME of the root, as paths from there.
SyncListing *sync_catalog_extras(SyncCatalog *catalog, const char *name, GError **error);

// All names in the hour PATH, tombstones too, but for what is barred, for a comparison with a peer's; with *STREAM, the
// one that it is in, NULL where there is none here (yet).
GPtrArray *sync_catalog_names(SyncCatalog *catalog, const char *path, SegmentStream **stream, GError **error);

// The digest of the hour PATH; empty where there is no such hour.
gboolean sync_catalog_digest(SyncCatalog *catalog, const char *path, char digest[SYNC_DIGEST_SIZE], GError **error);

typedef struct {
    SegmentStream *stream; // whose tombstones can bar the file; NULL where none can
    guint8 hash[SEGMENT_HASH_SIZE];
    gboolean is_temp; // nobody's business until it is renamed
} SyncFile;

// What the name of the file PATH says of it, in whatever directory of a stream it is. FALSE where its tombstones cannot
// be known: it is not to be shown.
gboolean sync_catalog_find(SyncCatalog *catalog, const char *path, SyncFile *file, GError **error);

#endif
