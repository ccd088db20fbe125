// SPDX-License-Identifier: MIT
// Transport streams for tests: made here byte by byte, without what is tested, or out of the fuzzers' corpus.
#ifndef TESTS_MEDIA_H
#define TESTS_MEDIA_H

#include <glib.h>

#include "cut/ts.h"

#define MEDIA_PMT 0x1000
#define MEDIA_VIDEO 0x100
#define MEDIA_AUDIO 0x101

typedef struct {
    GByteArray *bytes;
    guint8 counters[CUT_TS_PIDS]; // of the next packet
} Media;

Media *media_new(void);
void media_free(Media *media);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Media, media_free)

// PAT and PMT: a stream of video, or none, of one stream_type, and one of AAC; PCRs are on the first one.
void media_add_tables(Media *media, guint8 video_type);

// A PES packet of SIZE bytes at DATA; with stamps, and with a PCR (27 MHz), unless those are CUT_NO_STAMP. The first packet has FIRST bytes
// of it, its header included; 0: as many as go into it.
void media_add_pes(Media *media, guint pid, gint64 pts, gint64 dts, gint64 pcr, const guint8 *data, gsize size,
                   guint first);

// N frames of AAC in ADTS, at 48 kHz, of 60 bytes each, which are numbered from FIRST_NUMBER on; one PES packet each
// where STRADDLING is not 0: then that many bytes of it are in its first packet; else eight in one.
#define MEDIA_FRAME 60
void media_add_sound(Media *media, gint64 pts, guint n, guint first_number, guint straddling);

// The packets of a seed of the fuzzer of edges. 64x48 H.264 at 25 frames a second with AAC; its key frames are eight
// frames apart.
GBytes *media_load(const char *seed);

// Checks that all PIDs of a stream are numbered from 0 to 15, and that it has nothing but packets.
void media_check_counters(const guint8 *data, gsize size);

#endif
