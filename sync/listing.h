// SPDX-License-Identifier: MIT
// A text that answers a request, JSON mostly, with its entity tag. Immutable, and shared by all who send it.
#ifndef SYNC_LISTING_H
#define SYNC_LISTING_H

#include <glib.h>

#include "segment/name.h"

#define SYNC_DIGEST_SIZE (SEGMENT_HASH_TEXT_LENGTH + 1) // a digest as text, URL-safe base64, and its NUL

typedef struct {
    char *text;
    gsize length;
    char etag[SYNC_DIGEST_SIZE + 2]; // of the text, with its quotes
    gatomicrefcount references;
} SyncListing;

// Takes TEXT.
SyncListing *sync_listing_new(GString *text);
SyncListing *sync_listing_ref(SyncListing *listing);
void sync_listing_unref(SyncListing *listing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncListing, sync_listing_unref)

// The SHA-256 of SIZE bytes, as text.
void sync_digest(gconstpointer data, gsize size, char digest[SYNC_DIGEST_SIZE]);

// Appends TEXT, which has to be UTF-8, as a string of JSON (RFC 8259 7).
void sync_json_append(GString *json, const char *text);

// NAMES (of char *) as a list. What is not UTF-8 cannot be said in JSON, and is left out.
SyncListing *sync_listing_of_names(const GPtrArray *names);

#endif
