// SPDX-License-Identifier: MIT
// Encoding by libx264: an IDR, then P frames, of a bounded size. Its parameter sets have the number 1, so that they
// live beside the stream's own, and say the same of the order of frames as those, so that decoders need not begin anew.
#include <libavutil/opt.h>

#include "cut/codec.h"
#include "cut/request.h"

// Bytes differ between numbers of threads: it hangs on the number of frames alone.
#define THREADS 2
#define FEW_FRAMES 8 // for which one thread will do, and less memory

struct CutEncoder {
    AVCodecContext *context;
    AVPacket *packet;
    gint64 n_sent;
    gint64 first, last; // stamps: of the first frame, 90 kHz; of the last one, in time_base
};

// profile_idc (H.264 A.2), as libavcodec gives it, to x264's name for it; NULL: x264's choice.
static const char *profile_name(int profile)
{
    switch (profile & 0xFF) { // above that are constraint flags
    case 66:
        return "baseline";
    case 77:
        return "main";
    case 100:
        return "high";
    case 110:
        return "high10";
    case 122:
        return "high422";
    case 244:
        return "high444";
    default:
        return NULL;
    }
}

// The buffer model (H.264 annex C) bounds what all frames take: what is in the buffer at the beginning, and what comes.
static char *rate_options(const CutEncoderSettings *settings)
{
    if (settings->budget == 0)
        return g_strdup("");
    double seconds = (double) settings->n_frames * settings->rate_den / settings->rate_num;
    double kilobits = (double) settings->budget * 8 / 1000 * 0.9;
    double buffer = kilobits / (1 + MIN(seconds, 1.0));
    double rate = seconds > 0.2 ? (kilobits - buffer * 0.9) / seconds : buffer;
    return g_strdup_printf(":vbv-maxrate=%d:vbv-bufsize=%d:vbv-init=0.9", MAX(1, (int) rate), MAX(1, (int) buffer));
}

static void set_options(AVCodecContext *context, const CutEncoderSettings *settings, gboolean top_field_first)
{
    g_autofree char *rate = rate_options(settings);
    // What x264 writes into the SPS follows from these alone: POC type 0 and 2 reordered frames by a pyramid, 1 by B
    // frames, POC type 2 without. None of them is used: the type of every frame is given.
    const char *reorder = settings->is_fast        ? "bframes=0"
                          : settings->reorder >= 2 ? "bframes=3:b-pyramid=normal"
                          : settings->reorder == 1 ? "bframes=1:b-pyramid=none"
                                                   : "bframes=0";
    g_autofree char *options =
        g_strdup_printf("sps-id=1:scenecut=0:keyint=infinite:min-keyint=1:open-gop=0:aud=1:repeat-headers=1:"
                        "rc-lookahead=0:sync-lookahead=0:mbtree=0:b-adapt=0:weightp=0:psy=0:aq-mode=0:qcomp=1:%s%s%s",
                        reorder, rate, top_field_first ? ":tff=1" : "");
    const char *profile = profile_name(settings->profile);
    av_opt_set(context->priv_data, "preset", settings->is_fast ? "ultrafast" : "veryfast", 0);
    // A constant quantiser needs no look at each frame before it is encoded, which would take a fifth of the time.
    if (settings->budget == 0)
        av_opt_set_int(context->priv_data, "qp", settings->quality, 0);
    else
        av_opt_set_double(context->priv_data, "crf", settings->quality, 0);
    av_opt_set(context->priv_data, "forced-idr", "1", 0);
    av_opt_set(context->priv_data, "x264-params", options, 0);
    if (profile != NULL)
        av_opt_set(context->priv_data, "profile", profile, 0);
}

int cut_encoder_format(int format)
{
    // Its list of formats is one of the fields that FFmpeg 7.1 has a function for.
    static const enum AVPixelFormat known[] = {
        AV_PIX_FMT_YUV420P,  AV_PIX_FMT_YUVJ420P,  AV_PIX_FMT_YUV422P,   AV_PIX_FMT_YUVJ422P,  AV_PIX_FMT_YUV444P,
        AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUV420P10, AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV444P10, AV_PIX_FMT_NONE};
    return avcodec_find_best_pix_fmt_of_list(known, format, 0, NULL);
}

CutEncoder *cut_encoder_new(const AVFrame *frame, const CutEncoderSettings *settings, GError **error)
{
    cut_codec_quiet();
    const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
    if (codec == NULL) {
        g_set_error(error, CUT_ERROR, CUT_ERROR_UNSUPPORTED, "libavcodec has no encoder libx264");
        return NULL;
    }
    CutEncoder *encoder = g_new0(CutEncoder, 1);
    AVCodecContext *context = encoder->context = avcodec_alloc_context3(codec);
    encoder->packet = av_packet_alloc();
    if (context == NULL || encoder->packet == NULL)
        g_error("no memory for an encoder");
    context->width = frame->width;
    context->height = frame->height;
    context->pix_fmt = frame->format;
    context->sample_aspect_ratio = frame->sample_aspect_ratio;
    context->framerate = (AVRational){(int) settings->rate_num, (int) settings->rate_den};
    context->time_base = av_inv_q(context->framerate);
    context->color_range = frame->color_range;
    context->color_primaries = frame->color_primaries;
    context->color_trc = frame->color_trc;
    context->colorspace = frame->colorspace;
    context->chroma_sample_location = frame->chroma_location;
    context->thread_count = settings->n_frames < FEW_FRAMES || settings->is_fast ? 1 : THREADS;
    if (settings->level > 0)
        context->level = settings->level;
    if (settings->refs > 0 && !settings->is_fast)
        context->refs = settings->refs;
#ifdef AV_FRAME_FLAG_INTERLACED
    gboolean interlaced = (frame->flags & AV_FRAME_FLAG_INTERLACED) != 0;
    gboolean top = (frame->flags & AV_FRAME_FLAG_TOP_FIELD_FIRST) != 0;
#else
    gboolean interlaced = frame->interlaced_frame != 0, top = frame->top_field_first != 0;
#endif
    if (interlaced)
        context->flags |= AV_CODEC_FLAG_INTERLACED_DCT | AV_CODEC_FLAG_INTERLACED_ME;
    set_options(context, settings, interlaced && top);
    int result = avcodec_open2(context, codec, NULL);
    if (result < 0) {
        cut_codec_fail(error, result, codec->name);
        g_clear_pointer(&encoder, cut_encoder_free);
    }
    return encoder;
}

void cut_encoder_free(CutEncoder *encoder)
{
    if (encoder == NULL)
        return;
    avcodec_free_context(&encoder->context);
    av_packet_free(&encoder->packet);
    g_free(encoder);
}

gboolean cut_encoder_send(CutEncoder *encoder, AVFrame *frame, gboolean is_idr, GPtrArray *pictures, GError **error)
{
    if (frame != NULL) {
        if (encoder->n_sent == 0)
            encoder->first = frame->pts;
        // In the stream's own ticks, which are frames where its rate is constant.
        gint64 ticks =
            av_rescale_q(frame->pts - encoder->first, (AVRational){1, CUT_STAMP_HZ}, encoder->context->time_base);
        frame->pict_type = is_idr || encoder->n_sent == 0 ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_P;
        frame->pts = encoder->last = encoder->n_sent > 0 ? MAX(ticks, encoder->last + 1) : 0;
        encoder->n_sent++;
    }
    int result = avcodec_send_frame(encoder->context, frame);
    while (result >= 0) {
        result = avcodec_receive_packet(encoder->context, encoder->packet);
        if (result < 0)
            break;
        g_ptr_array_add(pictures, g_bytes_new(encoder->packet->data, (gsize) encoder->packet->size));
        av_packet_unref(encoder->packet);
    }
    return result >= 0 || result == AVERROR(EAGAIN) || result == AVERROR_EOF ||
           cut_codec_fail(error, result, "libx264");
}
