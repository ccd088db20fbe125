// SPDX-License-Identifier: MIT
// From a transport stream to samples, in one pass over its packets: the same pass tells how large they are and, where
// it is given room, writes them.
//
// NAL units are found in the bytes of the elementary stream as they come, packet by packet. Zeros at the end of a
// packet are held back until it is known whether they begin a start code (ITU-T H.264 annex B).
#include <string.h>

#include "cut/adts.h"
#include "cut/nal.h"
#include "cut/psi.h"
#include "cut/samples.h"

#define PES_HEAD 512 // bytes in which a PES packet's header has to end
#define MAX_SIDE 2048 // bytes of a parameter set, or of SEI, that are looked at
#define MAX_SET 512 // bytes of a parameter set that is kept
#define MAX_SETS 64
#define MAX_SOUND_PES (1024 * 1024) // bytes
#define LENGTH 4 // bytes before each NAL unit
#define MAX_PICTURE G_MAXINT32 // bytes

// Table 7-1
enum {
    NAL_SLICE = 1,
    NAL_IDR = 5,
    NAL_SEI = 6,
    NAL_SPS = 7,
    NAL_PPS = 8,
    NAL_DELIMITER = 9,
    NAL_FILLER = 12,
};

// Where samples go, as far as there is room: of what is taken back at its end there may be more.
typedef struct {
    guint8 *data; // NULL: they are only counted
    gsize size, at;
} Output;

typedef struct {
    guint8 bytes[PES_HEAD];
    gsize size;
    gboolean is_open; // its end is to come
    gint64 left; // bytes of the packet's payload that are to come; -1: not said
} PesHead;

// One picture, and the NAL unit of it that is at hand.
typedef struct {
    Output output;
    PesHead head;
    gboolean is_begun, has_slice, is_sync;
    gint64 pts, dts;
    gsize size; // bytes of its NAL units so far, with their lengths
    gsize begin; // of the picture in the output

    gboolean in_nal, is_kept;
    guint8 type;
    guint zeros; // held back
    gsize nal; // bytes of the NAL unit so far
    gsize length; // where its length goes
    guint8 side[MAX_SIDE]; // of a parameter set or SEI
    gsize n_side;
} Video;

typedef struct {
    guint16 pid;
    CutSampleTrack *track;
    Output output;
    GByteArray *pes;
    gboolean is_open, is_odd;
    CutAdts adts;
} Sound;

typedef struct {
    CutSamples *samples; // what is found; NULL while it is written
    CutPsi psi;
    guint16 video_pid; // 0: not known yet, or there is none
    Video video;
    guint n_sounds;
    Sound sounds[CUT_SAMPLE_TRACKS];
    const CutSamples *known; // while it is written: what there is, and where it goes
    guint8 *out;
} Scan;

static void fault(Scan *scan, CutSamplesFault what)
{
    if (scan->samples != NULL && scan->samples->fault == CUT_SAMPLES_OK)
        scan->samples->fault = what;
}

static void write_bytes(Output *output, const guint8 *data, gsize size)
{
    if (output->at < output->size)
        memcpy(output->data + output->at, data, MIN(size, output->size - output->at));
    output->at += size;
}

// ---- NAL units

static void write_length(const Output *output, gsize at, gsize size)
{
    for (guint i = 0; i < LENGTH && at + i < output->size; i++)
        output->data[at + i] = (guint8) (size >> 8 * (LENGTH - 1 - i));
}

static void keep_set(Scan *scan, const guint8 *data, gsize size)
{
    CutSamples *samples = scan->samples;
    if (samples == NULL)
        return;
    if (size > MAX_SET || samples->sets->len >= MAX_SETS) {
        fault(scan, CUT_SAMPLES_SETS);
        return;
    }
    for (guint i = 0; i < samples->sets->len; i++) {
        gsize other_size;
        const guint8 *other = g_bytes_get_data(g_ptr_array_index(samples->sets, i), &other_size);
        if (other_size == size && memcmp(other, data, size) == 0)
            return;
        if (cut_nal_set_key(other, other_size) == cut_nal_set_key(data, size))
            fault(scan, CUT_SAMPLES_SETS);
    }
    g_ptr_array_add(samples->sets, g_bytes_new(data, size));
}

static void begin_nal(Video *video)
{
    video->in_nal = TRUE;
    video->is_kept = FALSE;
    video->nal = video->n_side = 0;
}

static void end_nal(Scan *scan)
{
    Video *video = &scan->video;
    video->zeros = 0; // trailing_zero_8bits
    if (!video->in_nal)
        return;
    video->in_nal = FALSE;
    if (video->nal == 0)
        return;
    if (video->is_kept)
        write_length(&video->output, video->length, video->nal);
    if (video->type == NAL_SPS || video->type == NAL_PPS)
        keep_set(scan, video->side, video->nal);
    else if (video->type == NAL_SEI && !video->has_slice)
        video->is_sync = video->is_sync || cut_nal_has_recovery_point(video->side, video->n_side);
}

// The first byte of a NAL unit says what it is.
static void classify(Video *video, guint8 first)
{
    static const guint8 length[LENGTH] = {0};
    video->type = first & 0x1F;
    video->is_kept =
        video->type != NAL_DELIMITER && video->type != NAL_SPS && video->type != NAL_PPS && video->type != NAL_FILLER;
    if (video->type >= NAL_SLICE && video->type <= NAL_IDR) {
        video->has_slice = TRUE;
        video->is_sync = video->is_sync || video->type == NAL_IDR;
    }
    if (!video->is_kept)
        return;
    video->length = video->output.at;
    write_bytes(&video->output, length, LENGTH);
    video->size += LENGTH;
}

static void add_nal_bytes(Video *video, const guint8 *data, gsize size)
{
    if (!video->in_nal || size == 0)
        return;
    if (video->nal == 0)
        classify(video, data[0]);
    video->nal += size;
    if (video->is_kept) {
        video->size += size;
        write_bytes(&video->output, data, size);
    }
    if (video->type >= NAL_SEI && video->type <= NAL_PPS && video->n_side < MAX_SIDE) {
        gsize n = MIN(size, MAX_SIDE - video->n_side);
        memcpy(video->side + video->n_side, data, n);
        video->n_side += n;
    }
}

static void add_zeros(Video *video)
{
    static const guint8 zeros[64] = {0};
    for (; video->zeros > 0; video->zeros -= MIN(video->zeros, sizeof zeros))
        add_nal_bytes(video, zeros, MIN(video->zeros, sizeof zeros));
}

// The byte behind the zeros that are held back. Whether it ended a start code, and is taken.
static gboolean end_zeros(Scan *scan, guint8 byte)
{
    Video *video = &scan->video;
    if (byte == 1 && video->zeros >= 2) {
        end_nal(scan);
        begin_nal(video);
        return TRUE;
    }
    add_zeros(video);
    return FALSE;
}

static gsize count_zeros_before(const guint8 *data, gsize begin, gsize end)
{
    gsize n = 0;
    while (end - n > begin && data[end - n - 1] == 0)
        n++;
    return n;
}

static void add_video_bytes(Scan *scan, const guint8 *data, gsize size)
{
    Video *video = &scan->video;
    gsize at = 0;
    while (at < size) {
        if (video->zeros > 0 && data[at] == 0) {
            video->zeros++;
            at++;
            continue;
        }
        if (video->zeros > 0 && end_zeros(scan, data[at])) {
            at++;
            continue;
        }
        gsize next = cut_nal_start(data, size, at); // behind a start code that is all in here
        gsize end = next < size || (size - at >= 3 && next == size && data[size - 1] == 1 && data[size - 2] == 0 &&
                                    data[size - 3] == 0)
                        ? next - 3
                        : size;
        gsize zeros = count_zeros_before(data, at, end);
        add_nal_bytes(video, data + at, end - zeros - at);
        if (end == size) {
            video->zeros = (guint) zeros;
            return;
        }
        end_nal(scan);
        begin_nal(video);
        at = next;
    }
}

// ---- pictures

static void end_picture(Scan *scan)
{
    Video *video = &scan->video;
    end_nal(scan);
    if (!video->is_begun)
        return;
    video->is_begun = FALSE;
    // Parameter sets alone, or less, are no picture.
    if (!video->has_slice || video->size > MAX_PICTURE) {
        video->output.at = video->begin;
        return;
    }
    if (scan->samples == NULL)
        return;
    CutPictureSample picture = {
        .pts = video->pts, .dts = video->dts, .size = (guint32) video->size, .is_sync = video->is_sync};
    scan->samples->picture_size += picture.size;
    scan->samples->n_sync += picture.is_sync ? 1 : 0;
    g_array_append_val(scan->samples->pictures, picture);
}

static gint64 unwrap(gint64 stamp, gint64 before)
{
    return before + cut_stamp_difference(stamp, before & (CUT_STAMP_WRAP - 1));
}

static void begin_picture(Scan *scan, const CutPesHeader *header, gint64 before)
{
    Video *video = &scan->video;
    video->is_begun = TRUE;
    video->has_slice = video->is_sync = FALSE;
    video->dts = before != CUT_NO_STAMP ? unwrap(header->dts, before) : header->dts;
    video->pts = video->dts + cut_stamp_difference(header->pts, header->dts);
    video->size = 0;
    video->begin = video->output.at;
}

// A PES packet without a time goes on with the picture before it.
static void begin_video_pes(Scan *scan, const CutPesHeader *header)
{
    Video *video = &scan->video;
    video->head.left = header->length > 0 ? (gint64) header->length + 6 - (gint64) header->header : -1;
    if (header->pts == CUT_NO_STAMP)
        return;
    gint64 before = video->is_begun ? video->dts : CUT_NO_STAMP;
    if (before == CUT_NO_STAMP && scan->samples != NULL && scan->samples->pictures->len > 0)
        before = g_array_index(scan->samples->pictures, CutPictureSample, scan->samples->pictures->len - 1).dts;
    end_picture(scan);
    begin_picture(scan, header, before);
}

static void add_video_payload(Scan *scan, const guint8 *data, gsize size)
{
    PesHead *head = &scan->video.head;
    if (head->left >= 0) {
        size = (gsize) MIN((gint64) size, head->left);
        head->left -= (gint64) size;
    }
    if (scan->video.is_begun)
        add_video_bytes(scan, data, size);
}

static void read_video(Scan *scan, const guint8 *data, const CutTsPacket *packet)
{
    PesHead *head = &scan->video.head;
    const guint8 *payload = data + packet->payload;
    gsize n = CUT_TS_PACKET - packet->payload;
    CutPesHeader header;
    if (packet->unit_start) {
        head->size = 0;
        head->is_open = TRUE;
    }
    if (!head->is_open) {
        add_video_payload(scan, payload, n);
        return;
    }
    if (head->size + n > PES_HEAD) {
        head->is_open = FALSE;
        head->left = 0;
        return;
    }
    memcpy(head->bytes + head->size, payload, n);
    head->size += n;
    CutPesResult result = cut_pes_parse(head->bytes, head->size, &header);
    if (result == CUT_PES_SHORT)
        return;
    head->is_open = FALSE;
    head->left = 0;
    if (result != CUT_PES_OK)
        return;
    begin_video_pes(scan, &header);
    if (header.header < head->size)
        add_video_payload(scan, head->bytes + header.header, head->size - header.header);
}

// ---- sound

// A frame of AAC, with its ADTS header (ISO 13818-7 6.2).
static void add_frame(const guint8 *frame, gsize size, gint64 pts, guint duration, gpointer data)
{
    Sound *sound = data;
    gsize header = (frame[1] & 1) != 0 ? CUT_ADTS_HEADER : CUT_ADTS_HEADER + 2; // protection_absent
    if (pts == CUT_NO_STAMP || size <= header)
        return;
    write_bytes(&sound->output, frame + header, size - header);
    if (sound->track == NULL)
        return;
    CutSampleTrack *track = sound->track;
    guint rate, samples;
    cut_adts_read(frame, &rate, &samples);
    // audioObjectType, samplingFrequencyIndex, channelConfiguration
    guint channels = (frame[2] & 1U) << 2 | frame[3] >> 6;
    guint16 config = (guint16) (((frame[2] >> 6) + 1U) << 11 | (frame[2] >> 2 & 0x0FU) << 7 | channels << 3);
    if (track->frames->len == 0) {
        track->config = config;
        track->rate = rate;
    } else {
        pts = unwrap(pts, g_array_index(track->frames, CutSoundSample, track->frames->len - 1).pts);
    }
    // 0 channels: they are described in the frame. More than one block to a frame would have to be taken apart.
    sound->is_odd = sound->is_odd || config != track->config || channels == 0 || samples != 1024;
    CutSoundSample sample = {.pts = pts, .size = (guint32) (size - header)};
    track->size += sample.size;
    g_array_append_val(track->frames, sample);
}

static void close_pes(Sound *sound)
{
    CutPesHeader header;
    if (!sound->is_open)
        return;
    sound->is_open = FALSE;
    if (cut_pes_parse(sound->pes->data, sound->pes->len, &header) != CUT_PES_OK)
        return;
    gsize size = sound->pes->len - header.header;
    if (header.length != 0)
        size = MIN(size, header.length + 6 - header.header);
    cut_adts_push(&sound->adts, sound->pes->data + header.header, size, header.pts, add_frame, sound);
}

static void read_sound(Sound *sound, const guint8 *data, const CutTsPacket *packet)
{
    if (packet->unit_start) {
        close_pes(sound);
        sound->is_open = TRUE;
        g_byte_array_set_size(sound->pes, 0);
    }
    if (!sound->is_open)
        return;
    if (sound->pes->len > MAX_SOUND_PES) {
        sound->is_open = FALSE;
        return;
    }
    g_byte_array_append(sound->pes, data + packet->payload, CUT_TS_PACKET - packet->payload);
}

// ---- streams

// Where the pictures go, and the sound of PID: as the segment's samples say.
static Output place_of_video(const Scan *scan, guint pid)
{
    const CutSamples *known = scan->known;
    return pid == known->video_pid ? (Output){.data = scan->out, .size = (gsize) known->picture_size} : (Output){0};
}

static Output place_of_sound(const Scan *scan, guint pid)
{
    const CutSamples *known = scan->known;
    guint8 *out = scan->out + known->picture_size;
    for (guint i = 0; i < known->n_tracks; i++) {
        if (known->tracks[i].pid == pid)
            return (Output){.data = out, .size = (gsize) known->tracks[i].size};
        out += known->tracks[i].size;
    }
    return (Output){0};
}

static Sound *find_sound(Scan *scan, guint pid)
{
    for (guint i = 0; i < scan->n_sounds; i++) {
        if (scan->sounds[i].pid == pid)
            return &scan->sounds[i];
    }
    const CutPsiStream *stream = cut_psi_find(&scan->psi, pid);
    if (stream == NULL || stream->kind != CUT_STREAM_AUDIO)
        return NULL;
    if (stream->type != CUT_TYPE_AAC || scan->n_sounds == CUT_SAMPLE_TRACKS) {
        fault(scan, CUT_SAMPLES_SOUND);
        return NULL;
    }
    Sound *sound = &scan->sounds[scan->n_sounds];
    sound->pid = (guint16) pid;
    sound->pes = g_byte_array_new();
    cut_adts_init(&sound->adts);
    if (scan->samples != NULL) {
        sound->track = &scan->samples->tracks[scan->n_sounds];
        sound->track->pid = (guint16) pid;
    } else {
        sound->output = place_of_sound(scan, pid);
    }
    scan->n_sounds++;
    return sound;
}

static gboolean is_video(Scan *scan, guint pid)
{
    if (scan->video_pid != 0 || !cut_psi_is_complete(&scan->psi))
        return scan->video_pid != 0 && scan->video_pid == pid;
    const CutPsiStream *stream = cut_psi_first(&scan->psi, CUT_STREAM_VIDEO);
    if (stream == NULL || stream->pid != pid)
        return FALSE;
    if (stream->type != CUT_TYPE_H264) {
        fault(scan, CUT_SAMPLES_VIDEO);
        return FALSE;
    }
    scan->video_pid = (guint16) pid;
    if (scan->samples != NULL)
        scan->samples->video_pid = (guint16) pid;
    else
        scan->video.output = place_of_video(scan, pid);
    return TRUE;
}

static void read_packet(Scan *scan, const guint8 *data)
{
    CutTsPacket packet;
    if (!cut_ts_parse(data, &packet) || packet.pid == CUT_TS_NULL_PID || cut_psi_read(&scan->psi, data, &packet) ||
        packet.payload >= CUT_TS_PACKET)
        return;
    if (is_video(scan, packet.pid)) {
        read_video(scan, data, &packet);
        return;
    }
    Sound *sound = find_sound(scan, packet.pid);
    if (sound != NULL)
        read_sound(sound, data, &packet);
}

static void read_all(Scan *scan, const guint8 *data, gsize size)
{
    for (gsize at = 0; at + CUT_TS_PACKET <= size; at += CUT_TS_PACKET)
        read_packet(scan, data + at);
    end_picture(scan);
    for (guint i = 0; i < scan->n_sounds; i++)
        close_pes(&scan->sounds[i]);
}

static void clear(Scan *scan)
{
    for (guint i = 0; i < scan->n_sounds; i++) {
        g_byte_array_unref(scan->sounds[i].pes);
        cut_adts_clear(&scan->sounds[i].adts);
    }
    g_free(scan);
}

void cut_samples_scan(CutSamples *samples, const guint8 *data, gsize size)
{
    Scan *scan = g_new0(Scan, 1);
    cut_samples_clear(samples);
    scan->samples = samples;
    read_all(scan, data, size);
    // Tracks without a frame are none.
    for (guint i = 0; i < scan->n_sounds; i++) {
        if (scan->sounds[i].is_odd)
            fault(scan, CUT_SAMPLES_SOUND);
        CutSampleTrack track = samples->tracks[i];
        samples->tracks[i] = samples->tracks[samples->n_tracks];
        samples->tracks[samples->n_tracks] = track;
        samples->n_tracks += track.frames->len > 0 ? 1 : 0;
    }
    clear(scan);
}

gboolean cut_samples_write(const CutSamples *samples, const guint8 *data, gsize size, guint8 *out)
{
    Scan *scan = g_new0(Scan, 1);
    scan->known = samples;
    scan->out = out;
    read_all(scan, data, size);
    gboolean ok = scan->video.output.at == scan->video.output.size;
    gsize written = scan->video.output.at;
    for (guint i = 0; i < scan->n_sounds; i++) {
        const Output *output = &scan->sounds[i].output;
        ok = ok && output->at == output->size;
        written += output->at;
    }
    clear(scan);
    return ok && written == (gsize) cut_samples_size(samples);
}
