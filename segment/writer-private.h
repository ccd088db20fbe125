// SPDX-License-Identifier: MIT
// What writer.c and draft.c share.
//
// LOCKS. SegmentWriter.lock guards what is below it; nothing is called with it held, but the closing of a directory.
#ifndef SEGMENT_WRITER_PRIVATE_H
#define SEGMENT_WRITER_PRIVATE_H

#include <openssl/evp.h>

#include "segment/writer.h"

// A directory that drafts are in: open once, however many they are.
typedef struct {
    char *path; // from the store's root
    int fd;
    guint n_users;
    gboolean rooted; // what leads to it is on disk; the writer's thread alone knows
    int sync_result; // of the batch that is committed: -1 not yet, 0, or an errno
} DraftDirectory;

struct SegmentDraft {
    SegmentWriter *writer;
    DraftDirectory *directory;
    char *file, *temp; // names in it; temp is NULL once there is no such file
    int fd;
    gint64 size; // bytes that it has to have; negative where it may be any
    gint64 written;
    char *stream; // NULL where it is no segment
    gboolean has_hash;
    guint8 hash[SEGMENT_HASH_SIZE];
    EVP_MD_CTX *digest;

    // Once it is published:
    GError *error;
    gboolean news;
    SegmentPublishedFunc func;
    gpointer data;
};

struct SegmentWriter {
    SegmentStore *store;
    SegmentWriterOptions options;
    EVP_MD *sha256;
    GThread *thread;

    GMutex lock;
    GCond wake;
    GQueue queue; // SegmentDraft, published
    gboolean stopping;
    GHashTable *directories; // path → DraftDirectory
    gint64 reserved; // bytes of the drafts whose size is known
};

// draft.c: the steps of a commit, in their order. Each sets the draft's error, and does nothing where it is set.
void segment_draft_begin_sync(SegmentDraft *draft);
void segment_draft_sync(SegmentDraft *draft);
void segment_draft_place(SegmentDraft *draft);
void segment_draft_drop_temp(SegmentDraft *draft); // what was not placed

// Whether a tombstone bars the segment FILE with HASH, as its hour, open at DIR_FD, or its stream has it; the error
// says so, or why that is not known.
gboolean segment_draft_is_barred(SegmentWriter *writer, const char *stream, int dir_fd, const char *file,
                                 const guint8 hash[SEGMENT_HASH_SIZE], GError **error);

#endif
