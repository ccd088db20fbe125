// SPDX-License-Identifier: MIT
// Packets of sound are picked out by hand. A segment's head is looked through first, for its tables and for its first
// picture, which its name's time stands for; then it is read from the beginning, mostly out of the same buffer.
#include "cut/sound.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cut/adts.h"
#include "cut/request.h"
#include "segment/fd.h"
#include "segment/time.h"

#define BUFFER (1360 * CUT_TS_PACKET) // bytes: 250 KiB
#define TAIL BUFFER // enough for some frames of sound at any rate
#define MAX_PES (256 * 1024) // bytes: of sound it is at most 64 KiB
#define PRIMING (SEGMENT_SECOND / 10) // what is decoded before what is wanted

struct CutSoundReader {
    CutSoundFunc func;
    gpointer data;
    guint8 *buffer;
    gint64 buffered; // where in the file the buffer begins
    gsize n_buffered; // bytes in it
    GByteArray *pes; // the PES packet that is put together
    gboolean is_open; // it has begun
    CutAdts adts;
    CutDecoder *decoder;
    guint8 decoded_type; // stream_type that the decoder is for
    // of the segment at hand
    const CutSoundSource *source;
    CutPsi psi;
    const CutPsiStream *stream; // the track, in psi
    guint16 video_pid; // 0: none
    gint64 first; // 90 kHz: the first stamp of the track
    gint64 origin; // 90 kHz: the stamp that the segment's start stands for: of its first picture, else of its sound
    gint64 next; // microseconds: where sound without a stamp goes
    gboolean is_past; // END was reached
};

// ---- bytes

static gboolean fill(CutSoundReader *reader, gint64 at, GError **error)
{
    const CutSoundSource *source = reader->source;
    gsize size = (gsize) MIN(BUFFER, source->size - at);
    if (at == reader->buffered && size == reader->n_buffered)
        return TRUE;
    reader->n_buffered = 0;
    if (!segment_fd_read(source->fd, reader->buffer, size, at))
        return segment_error_set_errno(error, errno, "cannot read", source->path);
    reader->buffered = at;
    reader->n_buffered = size;
    return TRUE;
}

// Called with a packet; FALSE ends it.
typedef gboolean (*PacketFunc)(CutSoundReader *reader, const guint8 *data, GError **error);

// Where the next packet begins; so near the end that there is no room for one where there is none.
static gsize find_sync(const guint8 *data, gsize size, gsize at)
{
    for (; at + CUT_TS_PACKET <= size; at++) {
        if (data[at] == CUT_TS_SYNC && (at + CUT_TS_PACKET == size || data[at + CUT_TS_PACKET] == CUT_TS_SYNC))
            return at;
    }
    return at;
}

// Gives the packets from AT on to FUNC.
static gboolean read_packets(CutSoundReader *reader, gint64 at, PacketFunc func, const SegmentWait *wait,
                             GError **error)
{
    GError *failure = NULL;
    gboolean goes_on = TRUE;
    while (goes_on && at + CUT_TS_PACKET <= reader->source->size) {
        if (segment_wait_is_over(wait, &failure) || !fill(reader, at, &failure))
            break;
        gsize i = 0, size = reader->n_buffered;
        while (goes_on && i + CUT_TS_PACKET <= size) {
            if (G_UNLIKELY(reader->buffer[i] != CUT_TS_SYNC)) {
                i = find_sync(reader->buffer, size, i);
                continue;
            }
            goes_on = func(reader, reader->buffer + i, &failure);
            i += CUT_TS_PACKET;
        }
        at += (gint64) MAX(i, 1);
    }
    if (failure == NULL)
        return TRUE;
    g_propagate_error(error, failure);
    return FALSE;
}

// ---- the head

static gint64 read_stamp(const guint8 *data, const CutTsPacket *packet)
{
    CutPesHeader header;
    if (!packet->unit_start || packet->payload >= CUT_TS_PACKET ||
        cut_pes_parse(data + packet->payload, CUT_TS_PACKET - packet->payload, &header) != CUT_PES_OK)
        return CUT_NO_STAMP;
    return header.pts;
}

static gboolean read_head(CutSoundReader *reader, const guint8 *data, GError **error)
{
    CutTsPacket packet;
    if (!cut_ts_parse(data, &packet))
        return TRUE;
    if (!cut_psi_is_complete(&reader->psi)) {
        cut_psi_read(&reader->psi, data, &packet);
        if (!cut_psi_is_complete(&reader->psi))
            return TRUE;
        const CutPsiStream *video = cut_psi_first(&reader->psi, CUT_STREAM_VIDEO);
        reader->stream = cut_psi_first(&reader->psi, CUT_STREAM_AUDIO);
        reader->video_pid = video != NULL ? video->pid : 0;
    }
    if (reader->stream == NULL)
        return FALSE;
    if (packet.pid == reader->stream->pid && reader->first == CUT_NO_STAMP)
        reader->first = read_stamp(data, &packet);
    if (packet.pid == reader->video_pid)
        reader->origin = read_stamp(data, &packet);
    return reader->origin == CUT_NO_STAMP && (reader->video_pid != 0 || reader->first == CUT_NO_STAMP);
}

// ---- sound

static gboolean take_frame(AVFrame *frame, gpointer data, GError **error)
{
    CutSoundReader *reader = data;
    const float *channels[AV_NUM_DATA_POINTERS];
    guint n = 0;
    gint64 position = reader->next;
    if (frame->pts != AV_NOPTS_VALUE)
        position = cut_stamp_difference(frame->pts, reader->origin) * 100 / 9;
    if (frame->sample_rate <= 0 || frame->nb_samples <= 0 || position == CUT_NO_STAMP)
        return TRUE;
    reader->next = position + (gint64) frame->nb_samples * SEGMENT_SECOND / frame->sample_rate;
    // All of libavcodec's decoders for what is in transport streams give this.
    if (frame->format != AV_SAMPLE_FMT_FLTP || reader->source->only_tail)
        return TRUE;
    for (; n < AV_NUM_DATA_POINTERS && frame->data[n] != NULL; n++)
        channels[n] = (const float *) (const void *) frame->data[n];
    reader->func(channels, n, (guint) frame->nb_samples, (guint) frame->sample_rate, position, reader->data);
    return TRUE;
}

static void decode(const guint8 *data, gsize size, gint64 pts, guint duration, gpointer user_data)
{
    CutSoundReader *reader = user_data;
    if (pts != CUT_NO_STAMP) {
        gint64 position = cut_stamp_difference(pts, reader->origin) * 100 / 9;
        reader->is_past = !reader->source->only_tail && position >= reader->source->end;
        if (reader->is_past || (!reader->source->only_tail && position + PRIMING < reader->source->begin))
            return;
        pts &= CUT_STAMP_WRAP - 1;
    }
    cut_decoder_send(reader->decoder, data, size, pts, FALSE, take_frame, reader, NULL);
}

static void close_pes(CutSoundReader *reader)
{
    CutPesHeader header;
    if (!reader->is_open)
        return;
    reader->is_open = FALSE;
    if (cut_pes_parse(reader->pes->data, reader->pes->len, &header) != CUT_PES_OK)
        return;
    const guint8 *payload = reader->pes->data + header.header;
    gsize size = reader->pes->len - header.header;
    if (header.length != 0)
        size = MIN(size, header.length + 6 - header.header);
    if (reader->stream->type == CUT_TYPE_AAC)
        cut_adts_push(&reader->adts, payload, size, header.pts, decode, reader);
    else
        decode(payload, size, header.pts, 0, reader);
}

static gboolean read_sound(CutSoundReader *reader, const guint8 *data, GError **error)
{
    CutTsPacket packet;
    guint pid = (guint) (data[1] & 0x1F) << 8 | data[2];
    if (G_LIKELY(pid != reader->stream->pid) || !cut_ts_parse(data, &packet) || packet.payload >= CUT_TS_PACKET)
        return TRUE;
    if (packet.unit_start) {
        close_pes(reader);
        g_byte_array_set_size(reader->pes, 0);
        reader->is_open = TRUE;
    }
    if (reader->is_open && reader->pes->len < MAX_PES)
        g_byte_array_append(reader->pes, data + packet.payload, CUT_TS_PACKET - packet.payload);
    return !reader->is_past;
}

static gboolean set_decoder(CutSoundReader *reader, GError **error)
{
    if (reader->decoder != NULL && reader->decoded_type == reader->stream->type)
        return TRUE;
    cut_sound_reader_restart(reader);
    reader->decoder = cut_decoder_new(reader->stream, 1, error);
    reader->decoded_type = reader->stream->type;
    return reader->decoder != NULL;
}

// ---- all of it

CutSoundReader *cut_sound_reader_new(CutSoundFunc func, gpointer data)
{
    CutSoundReader *reader = g_new0(CutSoundReader, 1);
    reader->func = func;
    reader->data = data;
    reader->buffer = g_malloc(BUFFER);
    reader->pes = g_byte_array_new();
    cut_adts_init(&reader->adts);
    return reader;
}

void cut_sound_reader_free(CutSoundReader *reader)
{
    if (reader == NULL)
        return;
    cut_decoder_free(reader->decoder);
    cut_adts_clear(&reader->adts);
    g_byte_array_unref(reader->pes);
    g_free(reader->buffer);
    g_free(reader);
}

void cut_sound_reader_restart(CutSoundReader *reader)
{
    g_clear_pointer(&reader->decoder, cut_decoder_free);
    cut_adts_reset(&reader->adts);
}

gboolean cut_sound_read(CutSoundReader *reader, const CutSoundSource *source, const SegmentWait *wait,
                        CutSoundResult *result, GError **error)
{
    memset(&reader->psi, 0, sizeof reader->psi);
    reader->source = source;
    reader->stream = NULL;
    reader->first = reader->origin = reader->next = CUT_NO_STAMP;
    reader->n_buffered = 0;
    reader->is_open = reader->is_past = FALSE;
    if (!read_packets(reader, 0, read_head, wait, error))
        return FALSE;
    if (reader->origin == CUT_NO_STAMP)
        reader->origin = reader->first;
    *result = !cut_psi_is_complete(&reader->psi) ? CUT_SOUND_NO_STREAM
              : reader->stream == NULL           ? CUT_SOUND_NONE
                                                 : CUT_SOUND_SOME;
    if (*result != CUT_SOUND_SOME || reader->origin == CUT_NO_STAMP)
        return TRUE;
    gint64 from = source->only_tail ? MAX(0, source->size - TAIL) / CUT_TS_PACKET * CUT_TS_PACKET : 0;
    if (!set_decoder(reader, error) || !read_packets(reader, from, read_sound, wait, error))
        return FALSE;
    if (!reader->is_past)
        close_pes(reader);
    return TRUE;
}
