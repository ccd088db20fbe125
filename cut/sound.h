// SPDX-License-Identifier: MIT
// The sound of segments, decoded: of each the first track. Segments are read through a small buffer and their pictures
// passed over, so that a reader takes the same memory for any number of them.
#ifndef CUT_SOUND_H
#define CUT_SOUND_H

#include "cut/codec.h"
#include "segment/error.h"

typedef struct CutSoundReader CutSoundReader;

typedef enum {
    CUT_SOUND_NONE, // there is no such track
    CUT_SOUND_SOME,
    CUT_SOUND_NO_STREAM, // it is no transport stream
} CutSoundResult;

// Called with decoded sound, N samples in each channel; POSITION is that of the first, in microseconds from the
// segment's start by its own clock.
typedef void (*CutSoundFunc)(const float *const *channels, guint n_channels, guint n, guint rate, gint64 position,
                             gpointer data);

CutSoundReader *cut_sound_reader_new(CutSoundFunc func, gpointer data);
void cut_sound_reader_free(CutSoundReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutSoundReader, cut_sound_reader_free)

typedef struct {
    int fd; // the caller's
    gint64 size; // bytes
    const char *path; // for messages
    gint64 begin, end; // microseconds from its start: what is wanted; more may be given
    gboolean only_tail; // read its last part alone: for the decoder to be ready for what follows
} CutSoundSource;

// Reads and decodes one segment. The decoder goes on from the one before, unless cut_sound_reader_restart() was called.
// What does not decode is left out. FALSE with ERROR: SEGMENT_ERRNO, SEGMENT_ERROR_CANCELLED, or CUT_ERROR_UNSUPPORTED
// where nobody has a decoder for it.
gboolean cut_sound_read(CutSoundReader *reader, const CutSoundSource *source, const SegmentWait *wait,
                        CutSoundResult *result, GError **error);

// What is read next does not follow what was read last.
void cut_sound_reader_restart(CutSoundReader *reader);

#endif
