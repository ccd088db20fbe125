// SPDX-License-Identifier: MIT
// The name of a segment's file, MM:SS[.f{1,6}]-DURATION-TYPE-HASH.ts, and of its tombstone (.tombstone for .ts).
// The format is wubloader's (docs/DATA_FORMATS.md). A name that is not of this form is no segment.
#ifndef SEGMENT_NAME_H
#define SEGMENT_NAME_H

#include <glib.h>

#define SEGMENT_HASH_SIZE 32 // SHA-256
#define SEGMENT_HASH_TEXT_LENGTH 43 // the same in URL-safe base64 (RFC 4648 5), unpadded
#define SEGMENT_NAME_MAX 255

typedef enum {
    SEGMENT_FULL,
    SEGMENT_SUSPECT, // complete as far as we know, but its end may be missing
    SEGMENT_PARTIAL, // known to be incomplete
    SEGMENT_TEMP, // being written: a UUID stands for the hash
} SegmentType;

typedef struct {
    gint64 offset; // of its start from the hour's, in microseconds: 0 to 3,599,999,999
    gint64 duration; // microseconds
    SegmentType type;
    gboolean tombstone;
    guint8 hash[SEGMENT_HASH_SIZE]; // zeros for a temp
    gsize stem_length; // of the text up to the suffix, which a segment and its tombstone share
} SegmentName;

// Reads TEXT, a file's name, into *NAME. FALSE where it is not the name of a segment or tombstone; *NAME is then
// undefined.
gboolean segment_name_parse(const char *text, SegmentName *name);

// "full", "suspect", "partial" or "temp".
const char *segment_type_to_string(SegmentType type);

// The name of the tombstone for the segment named TEXT, or of the segment for the tombstone named TEXT. Free it.
char *segment_name_to_tombstone(const char *text);
char *segment_name_from_tombstone(const char *text);

// The colon-free spelling of a segment's or tombstone's name in the hour that starts at HOUR:
// 20191113T024551.608000-2.0-full-HASH.ts. Only the time's spelling changes, so that the way back is exact. Free it.
char *segment_name_to_portable(const char *text, gint64 hour);

// The name in the store of the one spelled TEXT, in the hour that starts at HOUR: TEXT itself where it has the
// store's form, the store's form where it is colon-free, NULL where it is neither or of another hour. Free it.
char *segment_name_from_portable(const char *text, gint64 hour);

// Hashes as text and back. The text must be canonical: its last two bits are zero.
gboolean segment_hash_parse(const char *text, guint8 hash[SEGMENT_HASH_SIZE]);
char *segment_hash_format(const guint8 hash[SEGMENT_HASH_SIZE]); // free it
void segment_hash_to_hex(const guint8 hash[SEGMENT_HASH_SIZE], char text[2 * SEGMENT_HASH_SIZE + 1]);

// For hash tables whose keys are hashes.
guint segment_hash_hash(gconstpointer hash);
gboolean segment_hash_equal(gconstpointer a, gconstpointer b);

#endif
