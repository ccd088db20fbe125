// SPDX-License-Identifier: MIT
// Scans head and tail in growing steps, until both have shown what is looked for, or all of the file was read.
#include "cut/index.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cut/adts.h"
#include "cut/nal.h"
#include "cut/request.h"
#include "segment/error.h"
#include "segment/fd.h"

#define STEP (64 * 1024 / CUT_TS_PACKET * CUT_TS_PACKET) // bytes
#define TAIL_PICTURES 8 // at the end: more than are ever reordered
#define PICTURE_HEAD 8192 // bytes of the first picture: its parameter sets
#define DEFAULT_STEP (CUT_STAMP_HZ / 25)

#define PES_HEAD 512 // bytes of a PES packet whose header is looked for

// A PES packet's beginning.
typedef struct {
    guint8 bytes[PES_HEAD];
    guint size;
    gboolean is_open; // its header is not whole yet
    gboolean random_access;
} PesHead;

// AAC frames in PES packets, as far as they were seen.
typedef struct {
    guint8 header[CUT_ADTS_HEADER];
    guint n_header; // bytes of it
    gsize skip; // bytes of a frame that are to come
    gint64 pts; // of the first one that begins in the PES packet
    guint64 samples; // since that
    guint rate;
} Frames;

typedef struct {
    CutIndex *index;
    CutPsi psi;
    PesHead heads[CUT_INDEX_PIDS];
    guint n_pictures;
    gint64 second_dts;
    gboolean in_first; // the first picture's bytes are being gathered
    GByteArray *first;
    gint64 first_pts, first_dts;

    guint n_tail_pictures;
    gint64 max_pts, dts_before;
    guint seen; // bits of index->pids that were seen in the tail
    gint64 sound_before[CUT_INDEX_PIDS];
    Frames frames[CUT_INDEX_PIDS];
} Scan;

CutIndexPid *cut_index_find(CutIndex *index, guint pid)
{
    for (guint i = 0; i < index->n_pids; i++) {
        if (index->pids[i].pid == pid)
            return &index->pids[i];
    }
    return NULL;
}

static CutIndexPid *add_pid(Scan *scan, guint pid)
{
    CutIndex *index = scan->index;
    if (index->n_pids == CUT_INDEX_PIDS)
        return NULL;
    CutIndexPid *own = &index->pids[index->n_pids++];
    own->pid = (guint16) pid;
    own->kind = CUT_STREAM_OTHER;
    own->pts = own->end = CUT_NO_STAMP;
    return own;
}

// It may have begun before the tables.
static void describe(const Scan *scan, CutIndexPid *own)
{
    const CutPsiStream *stream = own->type == 0 ? cut_psi_find(&scan->psi, own->pid) : NULL;
    if (stream == NULL)
        return;
    own->type = stream->type;
    own->kind = (guint8) stream->kind;
}

static PesHead *head_of(Scan *scan, const CutIndexPid *own)
{
    return &scan->heads[own - scan->index->pids];
}

// TRUE with the packet in which the header of a PES packet ends, if that has stamps.
static gboolean read_stamps(Scan *scan, const CutIndexPid *own, const guint8 *data, const CutTsPacket *packet,
                            CutPesHeader *header)
{
    PesHead *head = head_of(scan, own);
    const guint n = CUT_TS_PACKET - packet->payload;
    if (packet->unit_start) {
        head->size = 0;
        head->is_open = TRUE;
        head->random_access = packet->random_access;
    }
    if (!head->is_open)
        return FALSE;
    head->is_open = head->size + n <= PES_HEAD;
    if (!head->is_open)
        return FALSE;
    memcpy(head->bytes + head->size, data + packet->payload, n);
    head->size += n;
    CutPesResult result = cut_pes_parse(head->bytes, head->size, header);
    head->is_open = result == CUT_PES_SHORT;
    scan->index->straddles = scan->index->straddles || head->is_open;
    return result == CUT_PES_OK && header->pts != CUT_NO_STAMP;
}

// ---- the head

static void finish_first(Scan *scan)
{
    CutIndex *index = scan->index;
    CutPicture picture = {0};
    CutPesHeader header;
    if (!scan->in_first)
        return;
    scan->in_first = FALSE;
    if (cut_pes_parse(scan->first->data, scan->first->len, &header) != CUT_PES_OK || header.header > scan->first->len)
        return;
    const guint8 *payload = scan->first->data + header.header;
    gsize size = scan->first->len - header.header;
    if (index->video_type == CUT_TYPE_H264)
        cut_nal_scan_h264(payload, size, &picture);
    else if (index->video_type == CUT_TYPE_HEVC)
        cut_nal_scan_hevc(payload, size, &picture);
    else
        return;
    index->is_idr = picture.is_idr;
    index->is_key = picture.is_key;
    if (picture.sps != NULL && picture.sps_size <= CUT_INDEX_SPS) {
        index->sps_size = (guint) picture.sps_size;
        memcpy(index->sps, picture.sps, picture.sps_size);
    }
}

static void head_picture(Scan *scan, const CutIndexPid *own, const guint8 *data, const CutTsPacket *packet)
{
    CutPesHeader header;
    const PesHead *head = head_of(scan, own);
    if (packet->unit_start && scan->n_pictures == 1)
        finish_first(scan);
    if (scan->in_first)
        g_byte_array_append(scan->first, data + packet->payload, CUT_TS_PACKET - packet->payload);
    if (read_stamps(scan, own, data, packet, &header)) {
        if (scan->n_pictures == 0) {
            scan->index->pts = header.pts;
            scan->index->dts = header.dts;
            scan->index->is_idr = scan->index->is_key = head->random_access;
            scan->in_first = TRUE;
            g_byte_array_append(scan->first, head->bytes, head->size);
        } else if (scan->n_pictures == 1) {
            scan->second_dts = header.dts;
        }
        scan->n_pictures++;
    }
    if (scan->in_first && scan->first->len >= PICTURE_HEAD)
        finish_first(scan);
}

static void head_packet(Scan *scan, const guint8 *data)
{
    CutTsPacket packet;
    CutPesHeader header;
    CutIndex *index = scan->index;
    if (!cut_ts_parse(data, &packet) || packet.pid == CUT_TS_NULL_PID)
        return;
    cut_psi_read(&scan->psi, data, &packet);
    if (packet.pcr != CUT_NO_STAMP && index->first_pcr == CUT_NO_STAMP)
        index->first_pcr = packet.pcr;
    if (packet.payload >= CUT_TS_PACKET)
        return;
    CutIndexPid *own = cut_index_find(index, packet.pid);
    if (own == NULL) {
        own = add_pid(scan, packet.pid);
        if (own == NULL)
            return;
        own->first = packet.counter;
    }
    describe(scan, own);
    if (index->video_pid == 0) {
        const CutPsiStream *video = cut_psi_first(&scan->psi, CUT_STREAM_VIDEO);
        index->video_pid = video != NULL ? video->pid : 0;
        index->video_type = video != NULL ? video->type : 0;
    }
    if (index->video_pid != 0 && packet.pid == index->video_pid)
        head_picture(scan, own, data, &packet);
    else if (own->kind == CUT_STREAM_AUDIO && !own->has_stamps && read_stamps(scan, own, data, &packet, &header)) {
        own->has_stamps = TRUE;
        own->pts = header.pts;
    }
}

// All streams that the PMT names were seen, and two pictures.
static gboolean head_is_done(const Scan *scan)
{
    if (!cut_psi_is_complete(&scan->psi) || scan->index->first_pcr == CUT_NO_STAMP)
        return FALSE;
    for (guint i = 0; i < scan->psi.n_streams; i++) {
        const CutPsiStream *stream = &scan->psi.streams[i];
        const CutIndexPid *own = cut_index_find(scan->index, stream->pid);
        if (own == NULL || (stream->kind == CUT_STREAM_AUDIO && !own->has_stamps))
            return FALSE;
    }
    return scan->index->video_pid == 0 || (scan->n_pictures >= 2 && !scan->in_first);
}

// ---- the tail

static void tail_picture(Scan *scan, const CutPesHeader *header)
{
    CutIndex *index = scan->index;
    scan->dts_before = scan->n_tail_pictures > 0 ? index->last_dts : CUT_NO_STAMP;
    index->last_dts = header->dts;
    if (scan->n_tail_pictures == 0 || cut_stamp_difference(header->pts, scan->max_pts) > 0)
        scan->max_pts = header->pts;
    scan->n_tail_pictures++;
}

// Counts the frames of AAC in SIZE bytes.
static void count_frames(Frames *frames, const guint8 *data, gsize size)
{
    for (gsize i = 0, n; i < size; i += n) {
        n = MIN(frames->skip, size - i);
        frames->skip -= n;
        if (n > 0)
            continue;
        n = 1;
        frames->header[frames->n_header++] = data[i];
        if (frames->n_header < CUT_ADTS_HEADER)
            continue;
        guint samples;
        gsize length = cut_adts_read(frames->header, &frames->rate, &samples);
        frames->n_header = 0;
        if (length > 0) {
            frames->skip = length - CUT_ADTS_HEADER;
            frames->samples += samples;
            continue;
        }
        memmove(frames->header, frames->header + 1, CUT_ADTS_HEADER - 1);
        frames->n_header = CUT_ADTS_HEADER - 1;
    }
}

static void tail_sound(Scan *scan, CutIndexPid *own, const guint8 *data, const CutTsPacket *packet)
{
    CutPesHeader header;
    const guint slot = (guint) (own - scan->index->pids);
    Frames *frames = &scan->frames[slot];
    if (read_stamps(scan, own, data, packet, &header)) {
        const PesHead *head = head_of(scan, own);
        // How long the last one is, is known of AAC alone; else it is as long as the one before it.
        gint64 length =
            scan->sound_before[slot] != CUT_NO_STAMP ? cut_stamp_difference(header.pts, scan->sound_before[slot]) : 0;
        scan->sound_before[slot] = header.pts;
        own->end = (header.pts + MAX(0, length)) & (CUT_STAMP_WRAP - 1);
        frames->pts = header.pts;
        frames->samples = 0;
        count_frames(frames, head->bytes + header.header, head->size - header.header);
    } else if (!packet->unit_start && frames->pts != CUT_NO_STAMP && !head_of(scan, own)->is_open) {
        count_frames(frames, data + packet->payload, CUT_TS_PACKET - packet->payload);
    }
    if (own->type == CUT_TYPE_AAC && frames->samples > 0) {
        gint64 ticks = (gint64) ((frames->samples * CUT_STAMP_HZ + frames->rate / 2) / frames->rate);
        own->end = (frames->pts + ticks) & (CUT_STAMP_WRAP - 1);
    }
}

static void tail_packet(Scan *scan, const guint8 *data)
{
    CutTsPacket packet;
    CutPesHeader header;
    CutIndex *index = scan->index;
    if (!cut_ts_parse(data, &packet) || packet.pid == CUT_TS_NULL_PID)
        return;
    if (packet.pcr != CUT_NO_STAMP && (index->pcr_pid == 0 || packet.pid == index->pcr_pid))
        index->last_pcr = packet.pcr;
    CutIndexPid *own = packet.payload < CUT_TS_PACKET ? cut_index_find(index, packet.pid) : NULL;
    if (own == NULL && packet.payload < CUT_TS_PACKET && (own = add_pid(scan, packet.pid)) != NULL)
        own->first = packet.counter; // it begins late
    if (own == NULL)
        return;
    describe(scan, own);
    own->last = packet.counter;
    scan->seen |= 1U << (own - index->pids);
    if (index->video_pid != 0 && packet.pid == index->video_pid) {
        if (read_stamps(scan, own, data, &packet, &header))
            tail_picture(scan, &header);
    } else if (own->kind == CUT_STREAM_AUDIO) {
        tail_sound(scan, own, data, &packet);
    }
}

static gboolean tail_is_done(const Scan *scan)
{
    return scan->seen == (1U << scan->index->n_pids) - 1 && scan->index->last_pcr != CUT_NO_STAMP &&
           (scan->index->video_pid == 0 || scan->n_tail_pictures >= TAIL_PICTURES);
}

static void begin_tail(Scan *scan)
{
    scan->n_tail_pictures = 0;
    scan->seen = 0;
    scan->index->last_pcr = CUT_NO_STAMP;
    for (guint i = 0; i < CUT_INDEX_PIDS; i++) {
        scan->sound_before[i] = CUT_NO_STAMP;
        scan->heads[i].is_open = FALSE;
        scan->frames[i] = (Frames){.pts = CUT_NO_STAMP};
    }
}

// ---- both

static gboolean finish(Scan *scan, const char *path, GError **error)
{
    CutIndex *index = scan->index;
    if (!cut_psi_is_complete(&scan->psi)) {
        g_set_error(error, CUT_ERROR, CUT_ERROR_CODEC, "%s: not a transport stream", path);
        return FALSE;
    }
    if (index->video_pid != 0 && scan->n_pictures > 0) {
        gint64 step = scan->n_pictures > 1 ? cut_stamp_difference(scan->second_dts, index->dts) : DEFAULT_STEP;
        if (scan->dts_before != CUT_NO_STAMP && cut_stamp_difference(index->last_dts, scan->dts_before) > 0)
            step = cut_stamp_difference(index->last_dts, scan->dts_before);
        index->end = (scan->max_pts + step) & (CUT_STAMP_WRAP - 1);
        return TRUE;
    }
    index->video_pid = 0;
    for (guint i = 0; i < index->n_pids; i++) {
        const CutIndexPid *own = &index->pids[i];
        if (!own->has_stamps || own->end == CUT_NO_STAMP)
            continue;
        index->pts = index->dts = own->pts;
        index->end = own->end;
        index->last_dts = (own->end - 1) & (CUT_STAMP_WRAP - 1); // what comes next may begin with the end
        return TRUE;
    }
    g_set_error(error, CUT_ERROR, CUT_ERROR_CODEC, "%s: there is nothing to be shown in it", path);
    return FALSE;
}

// Reads SIZE bytes at OFFSET.
typedef gboolean (*ReadFunc)(gpointer source, guint8 *buffer, gsize size, gint64 offset, GError **error);

static gboolean scan_all(ReadFunc read, gpointer source, gint64 size, const char *path, CutIndex *index, GError **error)
{
    memset(index, 0, sizeof *index);
    index->first_pcr = index->last_pcr = CUT_NO_STAMP;
    g_autoptr(GByteArray) first = g_byte_array_new();
    g_autofree guint8 *buffer = g_malloc(STEP);
    Scan scan = {.index = index, .first = first, .second_dts = CUT_NO_STAMP, .dts_before = CUT_NO_STAMP};
    gint64 whole = size / CUT_TS_PACKET * CUT_TS_PACKET;

    for (gint64 at = 0; at < whole && !head_is_done(&scan); at += STEP) {
        gsize n = (gsize) MIN(STEP, whole - at);
        if (!read(source, buffer, n, at, error))
            return FALSE;
        for (gsize i = 0; i < n; i += CUT_TS_PACKET)
            head_packet(&scan, buffer + i);
    }
    finish_first(&scan);
    index->pcr_pid = scan.psi.pcr_pid;
    // From ever further before the end, to the end: what counts is what comes last.
    for (gint64 length = 2 * STEP;; length *= 4) {
        gint64 from = MAX(0, whole - length);
        begin_tail(&scan);
        for (gint64 at = from; at < whole; at += STEP) {
            gsize n = (gsize) MIN(STEP, whole - at);
            if (!read(source, buffer, n, at, error))
                return FALSE;
            for (gsize i = 0; i < n; i += CUT_TS_PACKET)
                tail_packet(&scan, buffer + i);
        }
        if (from == 0 || tail_is_done(&scan))
            break;
    }
    return finish(&scan, path, error);
}

typedef struct {
    int fd;
    const guint8 *data;
    const char *path;
} Source;

static gboolean read_file(gpointer data, guint8 *buffer, gsize size, gint64 offset, GError **error)
{
    const Source *source = data;
    return segment_fd_read(source->fd, buffer, size, offset) ||
           segment_error_set_errno(error, errno, "cannot read", source->path);
}

static gboolean read_memory(gpointer data, guint8 *buffer, gsize size, gint64 offset, GError **error)
{
    memcpy(buffer, ((const Source *) data)->data + offset, size);
    return TRUE;
}

gboolean cut_index_read(int fd, gint64 size, const char *path, CutIndex *index, GError **error)
{
    Source source = {.fd = fd, .path = path};
    return scan_all(read_file, &source, size, path, index, error);
}

gboolean cut_index_scan(const guint8 *data, gsize size, const char *path, CutIndex *index, GError **error)
{
    Source source = {.data = data, .path = path};
    return scan_all(read_memory, &source, (gint64) size, path, index, error);
}
