// SPDX-License-Identifier: MIT
// The thread that reads inotify and tells the store what changed on disk. It sleeps in poll without a time limit.
#ifndef SEGMENT_WATCH_H
#define SEGMENT_WATCH_H

#include <glib.h>

typedef struct SegmentWatch SegmentWatch;
struct SegmentStream;
struct SegmentStore;

// Without inotify, NULL and the error set (SEGMENT_ERRNO).
SegmentWatch *segment_watch_new(struct SegmentStore *store, GError **error);

// Ends the thread.
void segment_watch_stop(SegmentWatch *watch);

// The same, if that was not done yet, and frees it. NULL is fine.
void segment_watch_free(SegmentWatch *watch);

// Watches the directory open at DIR_FD: the stream's own where HOUR is NULL, else that of one of its hours. Gives the
// watch's descriptor, or -1 where no more directories can be watched. The store's lock is not held.
int segment_watch_add(SegmentWatch *watch, int dir_fd, struct SegmentStream *stream, gpointer hour);

guint segment_watch_count(SegmentWatch *watch);

#endif
