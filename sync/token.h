// SPDX-License-Identifier: MIT
// The secret that a request has to name, by "Authorization: Bearer TOKEN" (RFC 6750 2.1).
#ifndef SYNC_TOKEN_H
#define SYNC_TOKEN_H

#include <glib.h>

// The token in the file at PATH: its first line, of printable characters, without space around it. Errors:
// SYNC_ERROR_FILE. Free it.
char *sync_token_read(const char *path, GError **error);

// Whether FIELD, the value of Authorization or NULL, names TOKEN. Takes the same time however much of it is right.
gboolean sync_token_matches(const char *token, const char *field);

#endif
