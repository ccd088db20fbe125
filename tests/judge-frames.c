// SPDX-License-Identifier: MIT
// The pictures of a cut, as libav gives them: which there are, when they are shown, and whether they look as in the
// source. libav must have nothing to say, not even a warning.
#include "tests/judge.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdio.h>
#include <string.h>

// A fault that may be the source's own.
#define judge_broken(cut, ...) judge_fault((cut)->is_broken ? NULL : (cut)->report, __VA_ARGS__)

#define MIN_PSNR 42.0 // dB, of what was encoded again
#define MIN_PSNR_SCALED 28.0 // of what was scaled, too: twice, for this comparison

typedef struct {
    guint frame; // of the source
    guint range;
} Expected;

typedef struct {
    JudgeCut *cut;
    AVFormatContext *format;
    AVCodecContext **decoders;
    AVPacket *packet;
    AVFrame *frame;
    gint video; // the stream; -1 for none
    GArray *expected; // Expected; a frame of a broken segment leaves it when another comes instead
    GArray *numbers; // gint: what the barcodes say
} Decoding;

// ---- what libav says

static GMutex said_lock;
static GPtrArray *said;

// libav wonders at a sparse stream, of which nothing comes in what it reads first: timed ID3 once a second.
#define SPARSE "start time for stream"

static void listen_to_libav(void *object, int level, const char *format, va_list arguments)
{
    if (level > AV_LOG_WARNING)
        return;
    char line[512];
    int prefix = 1;
    av_log_format_line2(object, level, format, arguments, line, sizeof line, &prefix);
    g_mutex_lock(&said_lock);
    if (said != NULL && said->len < 100 && strstr(line, SPARSE) == NULL)
        g_ptr_array_add(said, g_strdup(g_strchomp(line)));
    g_mutex_unlock(&said_lock);
}

static void begin_listening(void)
{
    said = g_ptr_array_new_with_free_func(g_free);
    av_log_set_callback(listen_to_libav);
}

static void end_listening(const JudgeCut *cut)
{
    av_log_set_callback(av_log_default_callback);
    for (guint i = 0; i < said->len; i++) {
        const char *line = g_ptr_array_index(said, i);
        if (!cut->is_broken && (cut->n_jumps == 0 || strstr(line, "DTS discontinuity") == NULL))
            judge_fault(cut->report, "libav", "%s", line);
    }
    g_clear_pointer(&said, g_ptr_array_unref);
}

// ---- runs

// Whether something is missing before frame I; in a fast cut also where the source's stamps jump.
static gboolean is_gap(const JudgeCut *cut, guint i)
{
    const JudgeFrame *a = &cut->source->frames[i - 1], *b = a + 1;
    gint64 step = b->flow - a->flow;
    return b->segment > a->segment + 1 || step > 4 * cut->source->step ||
           (cut->mode == JUDGE_FAST && ABS(judge_distance(b->pts, a->pts) - step) > JUDGE_TOLERANCE);
}

// How long the source shows frame I; to the stream's end there is one frame's time.
static gint64 length_of(const JudgeCut *cut, guint i)
{
    const JudgeFrame *frame = &cut->source->frames[i];
    if (i + 1 == cut->source->header->n_frames || is_gap(cut, i + 1))
        return cut->source->step;
    return frame[1].flow - frame->flow;
}

static void add_run(JudgeCut *cut, guint range, guint first, guint n, guint at)
{
    const JudgeRange *ends = &g_array_index(cut->ranges, JudgeRange, range);
    const JudgeFrame *begin = &cut->source->frames[first], *last = begin + n - 1;
    JudgeRun run = {.range = range, .first = first, .n = n, .at = at, .flow = begin->flow};
    gint64 length = length_of(cut, first + n - 1), far = JUDGE_SECOND / 10;
    run.low = begin->flow - CLAMP((begin->time - ends->start) / 100, 0, far);
    run.high = last->flow + CLAMP((ends->end - last->time) / 100, length, length + far);
    g_array_append_val(cut->runs, run);
}

// Which frames the ranges are made of.
static GArray *expect_frames(const JudgeCut *cut)
{
    const JudgeSource *source = cut->source;
    GArray *expected = g_array_new(FALSE, FALSE, sizeof(Expected));
    for (guint range = 0; range < cut->ranges->len; range++) {
        const JudgeRange *ends = &g_array_index(cut->ranges, JudgeRange, range);
        for (guint i = 0; i < source->header->n_frames; i++) {
            Expected one = {i, range};
            if (source->frames[i].time >= ends->start && source->frames[i].time < ends->end)
                g_array_append_val(expected, one);
        }
    }
    return expected;
}

static void find_runs(JudgeCut *cut, const GArray *expected)
{
    guint at = 0;
    for (guint i = 1; i <= expected->len; i++) {
        const Expected *one = &g_array_index(expected, Expected, i - 1);
        if (i < expected->len && one[1].range == one->range && one[1].frame == one->frame + 1 &&
            !is_gap(cut, one[1].frame))
            continue;
        add_run(cut, one->range, g_array_index(expected, Expected, at).frame, i - at, at);
        at = i;
    }
}

// ---- decoding

// Whether NUMBER is that of a frame that comes later, and is whole.
static gboolean is_expected(const Decoding *decoding, guint at, gint number)
{
    for (; at < decoding->expected->len; at++) {
        guint i = g_array_index(decoding->expected, Expected, at).frame;
        const JudgeFrame *frame = &decoding->cut->source->frames[i];
        if (frame->number == number && !frame->is_faulty)
            return TRUE;
    }
    return FALSE;
}

// The frame of the source that picture AT should be. Of a broken segment any picture will do that is not known to be
// another one.
static const JudgeFrame *expect_frame(Decoding *decoding, guint at, gint number)
{
    while (at < decoding->expected->len) {
        guint i = g_array_index(decoding->expected, Expected, at).frame;
        const JudgeFrame *frame = &decoding->cut->source->frames[i];
        if (!frame->is_faulty || frame->number == number || !is_expected(decoding, at + 1, number))
            return frame;
        g_array_remove_index(decoding->expected, at);
    }
    return NULL;
}

// A picture that is not the one that is expected here is compared with nothing.
static void judge_picture(Decoding *decoding)
{
    JudgeCut *cut = decoding->cut;
    const JudgeSource *source = cut->source;
    const AVFrame *picture = decoding->frame;
    guint at = decoding->numbers->len;
    gint number = judge_picture_number(picture);
    gint64 pts = picture->pts;
    guint64 hash[2];
    if (picture->pts == AV_NOPTS_VALUE)
        judge_fault(cut->report, "stamp", "picture %u has no stamp", at);
    if (picture->decode_error_flags != 0 || (picture->flags & AV_FRAME_FLAG_CORRUPT) != 0)
        judge_broken(cut, "corrupt", "picture %u", at);
    g_array_append_val(decoding->numbers, number);
    g_array_append_val(cut->stamps, pts);
    if (!judge_picture_hash(picture, hash)) {
        judge_fault(cut->report, "format", "picture %u has pixel format %d", at, picture->format);
        return;
    }
    const JudgeFrame *frame = expect_frame(decoding, at, number);
    if (frame == NULL || (frame->number != number && !frame->is_faulty))
        return;
    if (memcmp(hash, frame->hash, sizeof hash) == 0) {
        cut->n_copied++;
        return;
    }
    if (frame->is_faulty)
        return;
    gboolean is_scaled = (guint) picture->width != frame->width || (guint) picture->height != frame->height;
    double psnr = judge_picture_psnr(picture, source->bytes + frame->luma, frame->width, frame->height);
    cut->n_encoded++;
    if (!is_scaled)
        cut->least_psnr = MIN(cut->least_psnr, psnr);
    if (psnr < (is_scaled ? MIN_PSNR_SCALED : MIN_PSNR))
        judge_fault(cut->report, "PSNR", "picture %u, frame %d: %.1f dB", at, number, psnr);
}

static void hear(JudgeTrack *track, const AVFrame *frame)
{
    JudgePcm chunk = {frame->pts, track->samples->len, (guint) frame->nb_samples};
    if (frame->format != AV_SAMPLE_FMT_FLTP || frame->pts == AV_NOPTS_VALUE)
        return;
    track->rate = (guint) frame->sample_rate;
    g_array_append_val(track->chunks, chunk);
    g_array_append_vals(track->samples, frame->data[0], (guint) frame->nb_samples);
}

static void drain(Decoding *decoding, guint stream, JudgeTrack *track)
{
    AVCodecContext *decoder = decoding->decoders[stream];
    for (;;) {
        int result = avcodec_receive_frame(decoder, decoding->frame);
        if (result < 0) {
            if (result != AVERROR(EAGAIN) && result != AVERROR_EOF)
                judge_broken(decoding->cut, "decode", "stream %u: %s", stream, av_err2str(result));
            return;
        }
        if (track != NULL)
            hear(track, decoding->frame);
        else
            judge_picture(decoding);
    }
}

static void decode(Decoding *decoding, guint stream, const AVPacket *packet, JudgeTrack *track)
{
    int result = avcodec_send_packet(decoding->decoders[stream], packet);
    if (result == AVERROR(EAGAIN)) {
        drain(decoding, stream, track);
        result = avcodec_send_packet(decoding->decoders[stream], packet);
    }
    if (result < 0 && result != AVERROR_EOF)
        judge_broken(decoding->cut, "decode", "stream %u: %s", stream, av_err2str(result));
    drain(decoding, stream, track);
}

static gboolean open_decoder(Decoding *decoding, guint i)
{
    AVCodecParameters *parameters = decoding->format->streams[i]->codecpar;
    const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);
    if (codec == NULL)
        return FALSE;
    AVCodecContext *decoder = decoding->decoders[i] = avcodec_alloc_context3(codec);
    avcodec_parameters_to_context(decoder, parameters);
    decoder->pkt_timebase = decoding->format->streams[i]->time_base;
    decoder->err_recognition = AV_EF_EXPLODE;
    return avcodec_open2(decoder, codec, NULL) >= 0;
}

// FFmpeg before 7.1 does not know AV1 by its registration.
static void name_av1(AVFormatContext *format)
{
    for (guint i = 0; i < format->nb_streams; i++) {
        AVCodecParameters *parameters = format->streams[i]->codecpar;
        if (parameters->codec_tag == MKTAG('A', 'V', '0', '1')) {
            parameters->codec_type = AVMEDIA_TYPE_VIDEO;
            parameters->codec_id = AV_CODEC_ID_AV1;
        }
    }
}

// The tracks of sound by PID, as those of the source.
static void open_decoders(Decoding *decoding, JudgeTrack **tracks)
{
    AVFormatContext *format = decoding->format;
    for (guint i = 0; i < format->nb_streams; i++) {
        enum AVMediaType type = format->streams[i]->codecpar->codec_type;
        if (type != AVMEDIA_TYPE_VIDEO && type != AVMEDIA_TYPE_AUDIO)
            continue;
        if (!open_decoder(decoding, i)) {
            judge_fault(decoding->cut->report, "decode", "stream %u: no decoder", i);
            continue;
        }
        if (type == AVMEDIA_TYPE_VIDEO && decoding->video >= 0)
            judge_fault(decoding->cut->report, "decode", "a second video stream");
        if (type == AVMEDIA_TYPE_VIDEO) {
            decoding->video = (gint) i;
            continue;
        }
        tracks[i] = g_new0(JudgeTrack, 1);
        tracks[i]->chunks = g_array_new(FALSE, FALSE, sizeof(JudgePcm));
        tracks[i]->samples = g_array_new(FALSE, FALSE, sizeof(float));
    }
}

static void collect_tracks(Decoding *decoding, JudgeTrack **tracks)
{
    for (int pid = 0; pid < 0x2000; pid++) {
        for (guint i = 0; i < decoding->format->nb_streams; i++) {
            if (tracks[i] != NULL && decoding->format->streams[i]->id == pid)
                g_ptr_array_add(decoding->cut->tracks, tracks[i]);
        }
    }
}

static void decode_all(Decoding *decoding)
{
    guint n = decoding->format->nb_streams;
    g_autofree JudgeTrack **tracks = g_new0(JudgeTrack *, n);
    decoding->decoders = g_new0(AVCodecContext *, n);
    name_av1(decoding->format);
    open_decoders(decoding, tracks);
    int result;
    while ((result = av_read_frame(decoding->format, decoding->packet)) >= 0) {
        guint stream = (guint) decoding->packet->stream_index;
        if ((decoding->packet->flags & AV_PKT_FLAG_CORRUPT) != 0)
            judge_broken(decoding->cut, "corrupt", "a packet of stream %u", stream);
        if (stream >= n)
            judge_fault(decoding->cut->report, "decode", "a stream that begins later");
        else if (decoding->decoders[stream] != NULL)
            decode(decoding, stream, decoding->packet, tracks[stream]);
        av_packet_unref(decoding->packet);
    }
    if (result != AVERROR_EOF)
        judge_fault(decoding->cut->report, "demux", "%s", av_err2str(result));
    for (guint i = 0; i < n; i++) {
        if (decoding->decoders[i] != NULL)
            decode(decoding, i, NULL, tracks[i]);
        avcodec_free_context(&decoding->decoders[i]);
    }
    collect_tracks(decoding, tracks);
    g_free(decoding->decoders);
}

static void read_file(Decoding *decoding, const char *file)
{
    begin_listening();
    decoding->format = avformat_alloc_context();
    decoding->format->error_recognition = AV_EF_EXPLODE;
    int result = avformat_open_input(&decoding->format, file, NULL, NULL);
    if (result >= 0)
        result = avformat_find_stream_info(decoding->format, NULL);
    if (result < 0)
        judge_fault(decoding->cut->report, "demux", "%s: %s", file, av_err2str(result));
    else
        decode_all(decoding);
    avformat_close_input(&decoding->format);
    end_listening(decoding->cut);
}

// ---- which frames

static gboolean check_numbers(Decoding *decoding)
{
    const JudgeSource *source = decoding->cut->source;
    GArray *expected = decoding->expected, *numbers = decoding->numbers;
    while (expected->len > numbers->len &&
           source->frames[g_array_index(expected, Expected, expected->len - 1).frame].is_faulty)
        g_array_set_size(expected, expected->len - 1);
    for (guint i = 0; i < MAX(expected->len, numbers->len); i++) {
        const JudgeFrame *frame = NULL;
        gint got = i < numbers->len ? g_array_index(numbers, gint, i) : -2;
        if (i < expected->len)
            frame = &source->frames[g_array_index(expected, Expected, i).frame];
        if (frame != NULL && (frame->number == got || (frame->is_faulty && got != -2)))
            continue;
        judge_fault(decoding->cut->report, "frames",
                    "%u frames instead of %u; the first that differs is picture %u: %d instead of %d", numbers->len,
                    expected->len, i, got, frame != NULL ? frame->number : -2);
        return FALSE;
    }
    return TRUE;
}

// ---- when they are shown

static gint64 stamp_of(const JudgeCut *cut, guint i)
{
    return g_array_index(cut->stamps, gint64, i);
}

static void check_run(JudgeCut *cut, JudgeRun *run)
{
    const JudgeFrame *frames = cut->source->frames + run->first;
    run->start = stamp_of(cut, run->at);
    for (guint i = 0; i < run->n; i++) {
        gint64 stamp = stamp_of(cut, run->at + i), wanted = run->start + frames[i].flow - frames[0].flow;
        if (cut->mode == JUDGE_FAST)
            wanted = frames[i].pts;
        // What a broken segment still shows may be any of its frames.
        if (!frames[i].is_faulty && ABS(judge_distance(stamp, wanted)) > JUDGE_TOLERANCE)
            judge_fault(cut->report, "step", "frame %d is shown %.1f ms from where it should be", frames[i].number,
                        (double) judge_distance(stamp, wanted) / 90);
        if (i > 0 && judge_distance(stamp, stamp_of(cut, run->at + i - 1)) <= 0)
            judge_fault(cut->report, "step", "frame %d is shown no later than the one before it", frames[i].number);
    }
    run->end = stamp_of(cut, run->at + run->n - 1) + length_of(cut, run->first + run->n - 1);
}

// From one run to the next it is one frame, or, where frames are missing in the source, as long as there.
static void check_joins(JudgeCut *cut)
{
    for (guint i = 1; i < cut->runs->len && cut->mode != JUDGE_FAST; i++) {
        JudgeRun *before = &g_array_index(cut->runs, JudgeRun, i - 1), *after = before + 1;
        gint64 step = judge_distance(after->start, stamp_of(cut, after->at - 1));
        gint64 least = MIN(cut->source->step, judge_distance(before->end, stamp_of(cut, after->at - 1)));
        gint64 most = MAX(cut->source->step, judge_distance(before->end, stamp_of(cut, after->at - 1)));
        if (before->range == after->range)
            most = cut->source->frames[after->first].flow - cut->source->frames[after->first - 1].flow;
        if (step < least - JUDGE_TOLERANCE || step > most + JUDGE_TOLERANCE)
            judge_fault(cut->report, "join", "the step to run %u, frame %d, is %.1f ms", i,
                        cut->source->frames[after->first].number, (double) step / 90);
        before->end = after->start;
    }
}

gboolean judge_frames(JudgeCut *cut, const char *file, const JudgeTs *ts)
{
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(gint));
    g_autoptr(GArray) expected = expect_frames(cut);
    Decoding decoding = {
        .cut = cut,
        .packet = av_packet_alloc(),
        .frame = av_frame_alloc(),
        .video = -1,
        .expected = expected,
        .numbers = numbers,
    };
    read_file(&decoding, file);
    av_packet_free(&decoding.packet);
    av_frame_free(&decoding.frame);
    cut->n_frames = numbers->len;
    if (!check_numbers(&decoding))
        return FALSE;
    find_runs(cut, expected);
    for (guint i = 0; i < cut->runs->len; i++)
        check_run(cut, &g_array_index(cut->runs, JudgeRun, i));
    check_joins(cut);
    if (cut->mode != JUDGE_FAST && ts->first_pcr != 0)
        judge_fault(cut->report, "PCR", "the first is %" G_GINT64_FORMAT " instead of 0", ts->first_pcr);
    return TRUE;
}
