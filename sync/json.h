// SPDX-License-Identifier: MIT
// JSON (RFC 8259) from a peer, which is not trusted: a list of strings, or an object of strings and such lists. That is
// all that peers say to each other.
//
// It is read by our own code because json-glib, which writes and reads ours elsewhere, calls itself for each bracket,
// takes NUL for the end of a string, and loses the memory of what is malformed (the fuzzer's "[[]][[").
#ifndef SYNC_JSON_H
#define SYNC_JSON_H

#include <glib.h>

#define SYNC_JSON_MAX_DEPTH 8
#define SYNC_JSON_MAX_VALUES 100000 // an hour has some 1,800 segments, each in up to three types

typedef struct {
    gboolean is_object;
    GPtrArray *strings; // (char *) of a list
    GHashTable *members; // (char *) by name, those of an object that are strings
    GHashTable *lists; // (GPtrArray of char *) by name, those that are lists
    guint n_bad; // values that are something else, or strings with a NUL, a surrogate by itself, or no UTF-8
} SyncJson;

// Reads LENGTH bytes of TEXT. Errors: SYNC_ERROR_PEER, for what is malformed, deeper, or has more values.
SyncJson *sync_json_parse(const char *text, gsize length, GError **error);
void sync_json_free(SyncJson *json);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncJson, sync_json_free)

// The same where it has to be a list, or an object.
SyncJson *sync_json_parse_list(const char *text, gsize length, GError **error);
SyncJson *sync_json_parse_object(const char *text, gsize length, GError **error);

#endif
