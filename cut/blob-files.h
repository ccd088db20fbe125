// SPDX-License-Identifier: MIT
// Blobs on disk: one file each, named after its key. A file is its digest, what it is made of, and its bytes.
#ifndef CUT_BLOB_FILES_H
#define CUT_BLOB_FILES_H

#include <glib.h>

typedef struct CutBlobFiles CutBlobFiles;

// Keeps them in DIRECTORY, which is made if need be, up to LIMIT bytes. NULL, and the log says why, where it cannot be
// used. All functions may be called from any thread.
CutBlobFiles *cut_blob_files_new(const char *directory, gint64 limit);
void cut_blob_files_free(CutBlobFiles *files);

// NULL where there is none that is whole.
GBytes *cut_blob_files_read(CutBlobFiles *files, const guint8 *key);
gboolean cut_blob_files_has(CutBlobFiles *files, const guint8 *key);

// A failure is logged: it is a cache. HASHES are those of the segments of STREAM that it is made of.
void cut_blob_files_write(CutBlobFiles *files, const guint8 *key, const char *stream, const GByteArray *hashes,
                          GBytes *bytes);

void cut_blob_files_drop(CutBlobFiles *files,
                         gboolean (*is_barred)(const char *stream, const guint8 *hash, gpointer data), gpointer data);

void cut_blob_files_remove(CutBlobFiles *files, const guint8 *key);

void cut_blob_files_get_size(CutBlobFiles *files, guint *n_files, gint64 *size);

#endif
