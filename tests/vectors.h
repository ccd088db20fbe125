// SPDX-License-Identifier: MIT
// The worked cases in tests/data, and stores made of them.
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <json-glib/json-glib.h>

// Calls FUNC for every case of the file NAME in tests/data, with a directory in which the case's files are: HOUR/NAME,
// of the right sizes. The directory is DIRECTORY/channel/quality of a store at DIRECTORY.
void vectors_run(const char *name, void (*func)(JsonObject *test, const char *store, const char *stream));

// Removes a directory with all that is in it.
void vectors_remove(const char *path);

// A time as the cases have it; fails the test where it is none.
gint64 vectors_time(JsonObject *object, const char *member);

#endif
