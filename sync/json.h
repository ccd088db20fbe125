// SPDX-License-Identifier: MIT
// JSON (RFC 8259) from a peer, which is not trusted: bounds are looked at before json-glib, which has none, sees it.
#ifndef SYNC_JSON_H
#define SYNC_JSON_H

#include <json-glib/json-glib.h>

#define SYNC_JSON_MAX_DEPTH 8
#define SYNC_JSON_MAX_VALUES 100000 // an hour has some 1,800 segments, each in up to three types

// Reads LENGTH bytes of TEXT. Free the root with json_node_unref(). Errors: SYNC_ERROR_PEER, for what is deeper, or has
// more values; for a NUL in a string, also escaped, as it would end it for C.
JsonNode *sync_json_parse(const char *text, gsize length, GError **error);

// The strings in the list ROOT, to be freed. NULL where it is no list. What is not a string, or is one that is not UTF-8
// (a surrogate by itself), is counted in *N_BAD.
GPtrArray *sync_json_strings(JsonNode *root, guint *n_bad, GError **error);

// The same for the member NAME of the object ROOT.
GPtrArray *sync_json_member_strings(JsonNode *root, const char *name, guint *n_bad, GError **error);

// The strings in the object ROOT by their names, as a table of char * to char *. What is none is left out.
GHashTable *sync_json_object(JsonNode *root, GError **error);

#endif
