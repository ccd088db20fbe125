// SPDX-License-Identifier: MIT
// What a store tells its listener, to be waited for. One store at a time.
#ifndef TESTS_CHANGES_H
#define TESTS_CHANGES_H

#include "segment/store.h"
#include "tests/scratch.h"

typedef struct Changes Changes;

// Becomes the listener of STORE, which has to be freed first.
Changes *changes_new(SegmentStore *store);
void changes_free(Changes *changes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Changes, changes_free)

// Waits for a change of TYPE in HOUR and, unless it is NULL, of FILE; those before it are forgotten. Fails the test
// where none comes in a long time.
void changes_wait(Changes *changes, SegmentChangeType type, gint64 hour, const char *file);

// The same without waiting: whether it was told already.
gboolean changes_take(Changes *changes, SegmentChangeType type, gint64 hour, const char *file);

// Waits until everything is known that happened on disk before: events come in order, and HOUR, which has to be
// watched, is given a file that is removed again.
void changes_settle(Changes *changes, const Scratch *scratch, const char *stream, gint64 hour);

// Holds the thread that watches up in the listener, until changes_go_on().
void changes_hold(Changes *changes);
void changes_go_on(Changes *changes);

#endif
