// SPDX-License-Identifier: MIT
// Texts and their digests.
#include "sync/listing.h"

#include <openssl/sha.h>
#include <string.h>

void sync_digest(gconstpointer data, gsize size, char digest[SYNC_DIGEST_SIZE])
{
    guint8 hash[SEGMENT_HASH_SIZE];
    SHA256(data, size, hash);
    g_autofree char *text = segment_hash_format(hash);
    g_strlcpy(digest, text, SYNC_DIGEST_SIZE);
}

SyncListing *sync_listing_new(GString *text)
{
    SyncListing *listing = g_new0(SyncListing, 1);
    char digest[SYNC_DIGEST_SIZE];
    g_atomic_ref_count_init(&listing->references);
    sync_digest(text->str, text->len, digest);
    g_snprintf(listing->etag, sizeof listing->etag, "\"%s\"", digest);
    listing->length = text->len;
    listing->text = g_string_free(text, FALSE);
    return listing;
}

SyncListing *sync_listing_ref(SyncListing *listing)
{
    g_atomic_ref_count_inc(&listing->references);
    return listing;
}

void sync_listing_unref(SyncListing *listing)
{
    if (listing == NULL || !g_atomic_ref_count_dec(&listing->references))
        return;
    g_free(listing->text);
    g_free(listing);
}

void sync_json_append(GString *json, const char *text)
{
    g_string_append_c(json, '"');
    for (const char *p = text; *p != '\0';) {
        // Most names need nothing: as much as possible at once.
        gsize plain = strcspn(p, "\"\\\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020\021\022\023\024"
                                 "\025\026\027\030\031\032\033\034\035\036\037");
        g_string_append_len(json, p, (gssize) plain);
        p += plain;
        if (*p == '"' || *p == '\\')
            g_string_append_printf(json, "\\%c", *p++);
        else if (*p != '\0')
            g_string_append_printf(json, "\\u%04x", (guint) (guint8) *p++);
    }
    g_string_append_c(json, '"');
}

SyncListing *sync_listing_of_names(const GPtrArray *names)
{
    GString *json = g_string_new("[");
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        if (!g_utf8_validate(name, -1, NULL))
            continue;
        if (json->len > 1)
            g_string_append(json, ", ");
        sync_json_append(json, name);
    }
    g_string_append(json, "]\n");
    return sync_listing_new(json);
}
