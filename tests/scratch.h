// SPDX-License-Identifier: MIT
// A temporary store for one test, and the names and files that go into it. Every failure ends the test.
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <glib.h>

#include "segment/name.h"
#include "segment/time.h"

typedef struct {
    char *path; // of the directory, absolute
} Scratch;

Scratch *scratch_new(void);

// Removes the directory and all that is in it.
void scratch_free(Scratch *scratch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scratch, scratch_free)

// All PATHs are relative to the directory; what leads to one is made where it is missing.
char *scratch_path(const Scratch *scratch, const char *path);
void scratch_mkdir(const Scratch *scratch, const char *path);
void scratch_file(const Scratch *scratch, const char *path, gint64 size); // sparse
void scratch_remove(const Scratch *scratch, const char *path); // with all that is in it
void scratch_rename(const Scratch *scratch, const char *from, const char *to);
void scratch_set_mtime(const Scratch *scratch, const char *path, gint64 time); // microseconds since 1970
int scratch_open(const Scratch *scratch, const char *path); // a directory, for reading; the caller closes it

// The text of a hash that SEED alone decides.
char *scratch_hash(guint seed);

// "02:45.608000-DURATION-TYPE-HASH.ts". Free it.
char *scratch_name(gint64 offset, const char *duration, SegmentType type, guint seed);

// The same as a tombstone.
char *scratch_tombstone(gint64 offset, const char *duration, SegmentType type, guint seed);

// From now on a warning that contains PART is counted, and not fatal; any other still is.
void scratch_expect_warnings(const char *part);
guint scratch_count_warnings(void); // since the last time it was asked

// A time in either form that segment_time_parse_all() takes.
gint64 scratch_time(const char *text);

#endif
