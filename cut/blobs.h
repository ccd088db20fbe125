// SPDX-License-Identifier: MIT
// Edges that were made: the last ones in memory, more on disk. One that is not there yet is made once, by a thread of
// the pool, however many wait for it; when nobody waits any more it is given up.
//
// On disk an edge is a file with its own digest: after a crash it is whole, or it counts as missing. The oldest ones go
// when all together are too large, and those with a segment that a tombstone hides go at once.
#ifndef CUT_BLOBS_H
#define CUT_BLOBS_H

#include <glib.h>

#include "cut/plan.h"

#define CUT_BLOB_KEY 32

typedef struct CutBlobs CutBlobs;

// Makes part NUMBER of PLAN. Called from the pool.
typedef GBytes *(*CutBlobFunc)(CutPlan *plan, guint number, const int *cancelled, gpointer data, GError **error);

typedef struct {
    guint8 key[CUT_BLOB_KEY]; // of all that decides its bytes
    CutPlan *plan;
    guint number;
    GByteArray *hashes; // of the plan's segments that it is made of, for when one is barred: SegmentName.hash
} CutBlobRequest;

// Keeps files in DIRECTORY, which is made if need be, up to LIMIT bytes; where it cannot be, or is NULL, in memory
// alone.
CutBlobs *cut_blobs_new(const char *directory, gint64 limit, CutBlobFunc make, gpointer data);
// Nobody may wait any more. What is being made is given up.
void cut_blobs_free(CutBlobs *blobs);

// The blob that REQUEST asks for. Errors: SEGMENT_ERROR_WOULD_BLOCK, SEGMENT_ERROR_CANCELLED, those of its making.
GBytes *cut_blobs_get(CutBlobs *blobs, const CutBlobRequest *request, const SegmentWait *wait, GError **error);

// Has it made, for somebody who will want it; until cut_blobs_unwish(). NULL where it is there already.
typedef struct CutBlobJob CutBlobJob;
CutBlobJob *cut_blobs_wish(CutBlobs *blobs, const CutBlobRequest *request);
void cut_blobs_unwish(CutBlobs *blobs, CutBlobJob *job);

// Forgets all that are made of a segment for which IS_BARRED says so.
void cut_blobs_drop(CutBlobs *blobs, gboolean (*is_barred)(const char *stream, const guint8 *hash, gpointer data),
                    gpointer data);

typedef struct {
    guint n_files, n_made, n_making;
    guint n_given_up; // that nobody wanted any more while they were made
    gint64 size; // bytes on disk
} CutBlobsStatus;
void cut_blobs_get_status(CutBlobs *blobs, CutBlobsStatus *status);

#endif
