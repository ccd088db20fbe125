// SPDX-License-Identifier: MIT
// AAC in ADTS (ISO 13818-7 6.2): PES packets' payloads into frames. A frame may begin in one packet and end in the
// next.
#ifndef CUT_ADTS_H
#define CUT_ADTS_H

#include <glib.h>

#define CUT_ADTS_HEADER 7 // bytes

// The length of the frame whose header is at DATA, in bytes, its sample rate and how many samples it stands for. 0
// where there is no frame.
gsize cut_adts_read(const guint8 *data, guint *rate, guint *samples);

typedef struct {
    GByteArray *carry; // the beginning of a frame whose end is to come
    gint64 pts; // of that frame, 90 kHz
} CutAdts;

// Called with each frame: its header and all. PTS is CUT_NO_STAMP where no packet has said; DURATION is 90 kHz.
typedef void (*CutAdtsFunc)(const guint8 *frame, gsize size, gint64 pts, guint duration, gpointer data);

void cut_adts_init(CutAdts *adts);
void cut_adts_clear(CutAdts *adts);

// Forgets what was carried.
void cut_adts_reset(CutAdts *adts);

// Takes the payload of the next PES packet, whose PTS is that of the first frame that begins in it.
void cut_adts_push(CutAdts *adts, const guint8 *payload, gsize size, gint64 pts, CutAdtsFunc func, gpointer data);

#endif
