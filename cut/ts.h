// SPDX-License-Identifier: MIT
// MPEG transport stream packets, PES headers and time stamps (ISO 13818-1, 2.4.3): read, write, patch in place.
//
// Time stamps (PTS, DTS) count 90 kHz and wrap at 2³³; clock references (PCR) count 27 MHz and wrap at 300 · 2³³.
#ifndef CUT_TS_H
#define CUT_TS_H

#include <glib.h>

#define CUT_TS_PACKET 188
#define CUT_TS_PAYLOAD 184
#define CUT_TS_SYNC 0x47
#define CUT_TS_PIDS 8192
#define CUT_TS_NULL_PID 0x1FFF

#define CUT_STAMP_HZ 90000
#define CUT_STAMP_WRAP (G_GINT64_CONSTANT(1) << 33)
#define CUT_PCR_SCALE 300
#define CUT_PCR_WRAP (CUT_PCR_SCALE * CUT_STAMP_WRAP)
#define CUT_NO_STAMP G_MININT64

typedef struct {
    guint16 pid;
    gboolean unit_start; // payload_unit_start_indicator
    gboolean random_access; // random_access_indicator
    guint8 counter; // continuity_counter
    gint64 pcr; // 27 MHz, or CUT_NO_STAMP
    guint payload; // where it begins; CUT_TS_PACKET where there is none
} CutTsPacket;

// Reads the 188 bytes at DATA. FALSE where they are no packet.
gboolean cut_ts_parse(const guint8 *data, CutTsPacket *packet);

typedef struct {
    guint8 stream_id;
    gsize length; // of what follows the first six bytes; 0: not said
    gsize header; // bytes before the payload
    gint64 pts, dts; // or CUT_NO_STAMP; the DTS is the PTS where there is none of its own
} CutPesHeader;

typedef enum { CUT_PES_OK, CUT_PES_SHORT, CUT_PES_BAD } CutPesResult;

// Reads the header of the PES packet that begins with the SIZE bytes at DATA. CUT_PES_SHORT: more of them are needed.
CutPesResult cut_pes_parse(const guint8 *data, gsize size, CutPesHeader *header);

// A stamp is five bytes; MARK are the four bits before it, which are kept when it is patched.
gint64 cut_stamp_read(const guint8 *data);
void cut_stamp_write(guint8 *data, guint mark, gint64 stamp);
void cut_pcr_write(guint8 *data, gint64 pcr); // six bytes

// A - B, the shorter way round: for stamps, and for PCRs.
gint64 cut_stamp_difference(gint64 a, gint64 b);
gint64 cut_pcr_difference(gint64 a, gint64 b);

// What is added to the packets of a part. Slots stand for PIDs.
#define CUT_PATCH_SLOTS 15
#define CUT_PATCH_NO_SLOT 0xFF

typedef struct {
    gint64 pcr; // 27 MHz
    gint64 stamps[CUT_PATCH_SLOTS]; // 90 kHz, of each slot
    gboolean any; // not all of them are zero
} CutPatchStamps;

typedef struct {
    const guint8 *slots; // of each PID (CUT_TS_PIDS)
    const CutPatchStamps *stamps;
    const guint8 *counters; // of each slot
} CutPatch;

// Patches whole packets in place. Those of PIDs without a slot stay as they are, and so does what is no packet.
void cut_ts_patch(guint8 *data, gsize n_packets, const CutPatch *patch);

// The same for a whole segment in which stamps straddle packets.
void cut_ts_patch_straddling(guint8 *data, gsize n_packets, const CutPatch *patch);

// Fills DATA with null packets.
void cut_ts_fill(guint8 *data, gsize n_packets);

#endif
