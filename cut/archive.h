// SPDX-License-Identifier: MIT
// Archives: cuts in another container, which are written when they are first opened, into files without a name: nothing
// is left of them after a crash. The ones used last are kept, within a limit; who has one open keeps it.
#ifndef CUT_ARCHIVE_H
#define CUT_ARCHIVE_H

#include <glib.h>

#include "cut/engine.h"
#include "cut/plan.h"

typedef struct CutArchives CutArchives;
typedef struct CutArchive CutArchive;

// Spools into DIRECTORY, which is made if need be; NULL: into the system's. LIMIT: bytes of those that nobody has open.
CutArchives *cut_archives_new(const char *directory, gint64 limit);
void cut_archives_free(CutArchives *archives);

// The archive of PLAN, written by the first caller while others wait for it.
CutArchive *cut_archives_get(CutArchives *archives, CutEngine *engine, CutPlan *plan, const SegmentWait *wait,
                             GError **error);

// How large it is, in bytes; -1 where it is not written (any more).
gint64 cut_archives_find_size(CutArchives *archives, const CutPlan *plan);

// Lets go of all that have a segment which a tombstone hides.
void cut_archives_drop_barred(CutArchives *archives);

int cut_archive_fd(const CutArchive *archive);
gint64 cut_archive_size(const CutArchive *archive);
void cut_archive_unref(CutArchive *archive);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutArchive, cut_archive_unref)

// The contiguous runs of what REQUEST asks for, each as a span of its own (CutSpan).
GArray *cut_archive_spans(SegmentStream *stream, const CutRequest *request, const SegmentWait *wait, GError **error);

#endif
