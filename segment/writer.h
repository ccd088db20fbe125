// SPDX-License-Identifier: MIT
// The one way by which a file comes into the store. Until it is whole, verified and on disk it has a temporary name;
// what was reported published is still there after a loss of power, and nothing else ever has a final name.
//
// A file is a draft while its bytes come. It is used by one thread at a time. Published drafts are committed by the
// writer's own thread, all that wait at once, so that many small files share the disk's work.
#ifndef SEGMENT_WRITER_H
#define SEGMENT_WRITER_H

#include <glib.h>

#include "segment/name.h"
#include "segment/store.h"

// How the temporary name of what is no segment begins; a UUID follows. A segment's is a SEGMENT_TEMP's.
#define SEGMENT_TEMP_PREFIX ".temp-"

typedef struct SegmentWriter SegmentWriter;
typedef struct SegmentDraft SegmentDraft;

typedef struct {
    gint64 min_free; // bytes of the disk that are never written to
    gint64 max_size; // bytes of a file; 0: 64 MiB
    guint max_batch; // files that are committed together; 0: 128
} SegmentWriterOptions;

// Called from the writer's thread, once for each published draft. ERROR is NULL where the file is in the store, on
// disk; NEWS says whether it came by this draft, or was there before.
typedef void (*SegmentPublishedFunc)(gboolean news, const GError *error, gpointer data);

// A writer into STORE, which has to outlive it. Starts its thread.
SegmentWriter *segment_writer_new(SegmentStore *store, const SegmentWriterOptions *options);

// Commits what was published, and ends the thread. All drafts have to be published or freed before.
void segment_writer_free(SegmentWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SegmentWriter, segment_writer_free)

// Whether SIZE bytes more leave what has to be free, drafts whose size is known counted as written.
// SEGMENT_ERROR_NO_ROOM where not (segment_error_is_no_room()); ask again later.
gboolean segment_writer_has_room(SegmentWriter *writer, gint64 size, GError **error);

// Begins the segment FILE of the hour that starts at HOUR in STREAM, CHANNEL/QUALITY, and makes the directories that
// are missing. SIZE, in bytes, is what it has to have; negative where that is not known. Its hash is that of its name.
// Errors: BAD_NAME (also for a tombstone, a temp, and a path that leads elsewhere), BARRED, MISMATCH for a size over
// the limit, NO_ROOM, SEGMENT_ERRNO.
SegmentDraft *segment_draft_new(SegmentWriter *writer, const char *stream, gint64 hour, const char *file, gint64 size,
                                GError **error);

// The same for any other FILE, in DIRECTORY (from the store's root). HASH is NULL where its bytes may be any.
SegmentDraft *segment_draft_new_file(SegmentWriter *writer, const char *directory, const char *file, const guint8 *hash,
                                     gint64 size, GError **error);

// Adds SIZE bytes. After an error the draft can only be freed. MISMATCH where they are more than it may have.
gboolean segment_draft_write(SegmentDraft *draft, gconstpointer data, gsize size, GError **error);

// Takes the draft. FUNC is told of the end, whatever it is: MISMATCH where length or hash are not what they should be,
// BARRED where a tombstone came meanwhile. A file that is there already stays, and is made sure of; one of another size
// cannot be whole, and goes into quarantine.
void segment_draft_publish(SegmentDraft *draft, SegmentPublishedFunc func, gpointer data);

// The same, and waits for the end. NEWS may be NULL.
gboolean segment_draft_publish_wait(SegmentDraft *draft, gboolean *news, GError **error);

// Gives it up: nothing of it stays.
void segment_draft_free(SegmentDraft *draft);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SegmentDraft, segment_draft_free)

// Creates the tombstone named FILE, as segment_stream_bury() does, and its hour where that is missing.
gboolean segment_writer_bury(SegmentWriter *writer, const char *stream, gint64 hour, const char *file, GError **error);

#endif
