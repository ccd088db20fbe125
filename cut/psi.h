// SPDX-License-Identifier: MIT
// Program specific information (ISO 13818-1 2.4.4): which PIDs there are and what they carry. Of the tables only what
// fits into one packet is read, which is all that HLS segments have.
#ifndef CUT_PSI_H
#define CUT_PSI_H

#include <glib.h>

#include "cut/ts.h"

#define CUT_PSI_STREAMS 12

typedef enum { CUT_STREAM_VIDEO, CUT_STREAM_AUDIO, CUT_STREAM_OTHER } CutStreamKind;

// stream_type values (ISO 13818-1 table 2-34)
enum {
    CUT_TYPE_MPEG2 = 0x02,
    CUT_TYPE_AAC = 0x0F, // in ADTS
    CUT_TYPE_PRIVATE = 0x06, // what it is, a registration descriptor says
    CUT_TYPE_METADATA = 0x15,
    CUT_TYPE_H264 = 0x1B,
    CUT_TYPE_HEVC = 0x24,
};

typedef struct {
    guint16 pid;
    guint8 type; // stream_type
    CutStreamKind kind;
    guint32 registration; // format_identifier of its registration descriptor (2.6.8); 0: none
} CutPsiStream;

typedef struct {
    guint16 pmt_pid, pcr_pid;
    guint n_streams;
    CutPsiStream streams[CUT_PSI_STREAMS];
    guint8 pat[CUT_TS_PACKET], pmt[CUT_TS_PACKET]; // the packets, as they were read
    gboolean has_pat, has_pmt;
} CutPsi;

// Takes notice of a packet that may be a PAT or PMT. TRUE where it was one.
gboolean cut_psi_read(CutPsi *psi, const guint8 *data, const CutTsPacket *packet);

static inline gboolean cut_psi_is_complete(const CutPsi *psi)
{
    return psi->has_pat && psi->has_pmt;
}

// The stream on PID, or NULL; and the first of a kind.
const CutPsiStream *cut_psi_find(const CutPsi *psi, guint pid);
const CutPsiStream *cut_psi_first(const CutPsi *psi, CutStreamKind kind);

// Makes the stream on PID one of H.264, in the packet, too.
void cut_psi_set_h264(CutPsi *psi, guint pid);

// CRC-32 of MPEG-2 (ISO 13818-1 annex A).
guint32 cut_psi_crc(const guint8 *data, gsize size);

#endif
