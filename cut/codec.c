// SPDX-License-Identifier: MIT
// Decoding, and what both directions share.
#include "cut/codec.h"

#include <libavutil/log.h>

#include "cut/request.h"

// Pictures that are larger than any level of H.264 or HEVC allows (table A-6: 139,264 macroblocks) are not decoded: a
// parameter set that is broken would have memory taken for them.
#ifndef CUT_MAX_PIXELS
#define CUT_MAX_PIXELS (139264 * 256)
#endif
#define MAX_ERRORS 64 // of a decoder, without a frame or an end

struct CutDecoder {
    AVCodecContext *context;
    AVPacket *packet;
    AVFrame *frame;
};

G_GNUC_PRINTF(3, 0)
static void log_quietly(void *context, int level, const char *format, va_list arguments)
{
    if (level > AV_LOG_WARNING)
        return;
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    g_debug("libav: %s", g_strchomp(text));
}

void cut_codec_quiet(void)
{
    static gsize once = 0;
    if (g_once_init_enter(&once)) {
        av_log_set_callback(log_quietly);
        g_once_init_leave(&once, 1);
    }
}

gboolean cut_codec_fail(GError **error, int code, const char *what)
{
    char reason[AV_ERROR_MAX_STRING_SIZE];
    av_strerror(code, reason, sizeof reason);
    g_set_error(error, CUT_ERROR, CUT_ERROR_CODEC, "%s: %s", what, reason);
    return FALSE;
}

enum AVCodecID cut_codec_id(const CutPsiStream *stream)
{
    switch (stream->type) {
    case 0x01:
        return AV_CODEC_ID_MPEG1VIDEO;
    case CUT_TYPE_MPEG2:
        return AV_CODEC_ID_MPEG2VIDEO;
    case 0x10:
        return AV_CODEC_ID_MPEG4;
    case CUT_TYPE_H264:
        return AV_CODEC_ID_H264;
    case CUT_TYPE_HEVC:
        return AV_CODEC_ID_HEVC;
    case 0x03:
    case 0x04:
        return AV_CODEC_ID_MP3; // its decoder knows all layers
    case CUT_TYPE_AAC:
        return AV_CODEC_ID_AAC;
    case 0x11:
        return AV_CODEC_ID_AAC_LATM;
    case 0x81:
        return AV_CODEC_ID_AC3;
    case 0x87:
        return AV_CODEC_ID_EAC3;
    default:
        return stream->registration == 0x41563031 ? AV_CODEC_ID_AV1 : AV_CODEC_ID_NONE;
    }
}

CutDecoder *cut_decoder_new(const CutPsiStream *stream, guint threads, GError **error)
{
    cut_codec_quiet();
    const AVCodec *codec = avcodec_find_decoder(cut_codec_id(stream));
    if (codec == NULL) {
        g_set_error(error, CUT_ERROR, CUT_ERROR_UNSUPPORTED, "streams of type 0x%02x cannot be decoded", stream->type);
        return NULL;
    }
    CutDecoder *decoder = g_new0(CutDecoder, 1);
    decoder->context = avcodec_alloc_context3(codec);
    decoder->packet = av_packet_alloc();
    decoder->frame = av_frame_alloc();
    if (decoder->context == NULL || decoder->packet == NULL || decoder->frame == NULL)
        g_error("no memory for a decoder");
    decoder->context->thread_count = (int) threads;
    decoder->context->max_pixels = CUT_MAX_PIXELS;
    // Behind a key frame that is no IDR all is shown that is wanted, whatever the decoder thinks of it.
    decoder->context->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
    decoder->context->pkt_timebase = (AVRational){1, CUT_STAMP_HZ};
    int result = avcodec_open2(decoder->context, codec, NULL);
    if (result < 0) {
        cut_codec_fail(error, result, codec->name);
        g_clear_pointer(&decoder, cut_decoder_free);
    }
    return decoder;
}

void cut_decoder_free(CutDecoder *decoder)
{
    if (decoder == NULL)
        return;
    avcodec_free_context(&decoder->context);
    av_packet_free(&decoder->packet);
    av_frame_free(&decoder->frame);
    g_free(decoder);
}

static gboolean receive(CutDecoder *decoder, CutFrameFunc func, gpointer data, GError **error)
{
    for (guint errors = 0; errors < MAX_ERRORS;) {
        int result = avcodec_receive_frame(decoder->context, decoder->frame);
        if (result == AVERROR(EAGAIN) || result == AVERROR_EOF)
            return TRUE;
        if (result < 0) {
            errors++; // of one frame; the next call goes on
            continue;
        }
        errors = 0;
        gboolean ok = func(decoder->frame, data, error);
        av_frame_unref(decoder->frame);
        if (!ok)
            return FALSE;
    }
    return TRUE;
}

gboolean cut_decoder_send(CutDecoder *decoder, const guint8 *data, gsize size, gint64 pts, gboolean is_skipped,
                          CutFrameFunc func, gpointer func_data, GError **error)
{
    if (size == 0 || size > G_MAXINT / 2)
        return TRUE;
    int result = av_new_packet(decoder->packet, (int) size);
    if (result < 0)
        return cut_codec_fail(error, result, "a packet");
    memcpy(decoder->packet->data, data, size);
    decoder->packet->pts = decoder->packet->dts = pts;
    decoder->context->skip_frame = is_skipped ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
    do {
        result = avcodec_send_packet(decoder->context, decoder->packet);
        if (!receive(decoder, func, func_data, error)) {
            av_packet_unref(decoder->packet);
            return FALSE;
        }
    } while (result == AVERROR(EAGAIN));
    av_packet_unref(decoder->packet);
    return TRUE;
}

gboolean cut_decoder_flush(CutDecoder *decoder, CutFrameFunc func, gpointer func_data, GError **error)
{
    avcodec_send_packet(decoder->context, NULL);
    return receive(decoder, func, func_data, error);
}

const AVCodecContext *cut_decoder_context(const CutDecoder *decoder)
{
    return decoder->context;
}
