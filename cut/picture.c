// SPDX-License-Identifier: MIT
// Colours: JPEG is always in the matrix of BT.601 and in full range (JFIF 1.02), so that all pictures become RGB first.
#include "cut/picture.h"

#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#define COMPRESSION 1 // zlib's: more of it takes several times as long
#define JPEG_QUALITY 2 // quantiser scale, from 1: the best that is common
// Chroma for every pixel, rounded.
#define SCALER_FLAGS (SWS_BICUBIC | SWS_FULL_CHR_H_INT | SWS_ACCURATE_RND)

// The matrix of SD, and of HD, where the stream does not say.
static int find_matrix(const AVFrame *frame)
{
    switch (frame->colorspace) {
    case AVCOL_SPC_BT709:
        return SWS_CS_ITU709;
    case AVCOL_SPC_FCC:
        return SWS_CS_FCC;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
        return SWS_CS_ITU601;
    case AVCOL_SPC_SMPTE240M:
        return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return SWS_CS_BT2020;
    default:
        return frame->width >= 1280 || frame->height > 576 ? SWS_CS_ITU709 : SWS_CS_ITU601;
    }
}

static gboolean is_full_range(const AVFrame *frame)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    return frame->color_range == AVCOL_RANGE_JPEG || frame->format == AV_PIX_FMT_YUVJ420P ||
           frame->format == AV_PIX_FMT_YUVJ422P || frame->format == AV_PIX_FMT_YUVJ444P ||
           (format != NULL && (format->flags & AV_PIX_FMT_FLAG_RGB) != 0);
}

static gboolean convert_into(AVFrame *to, const AVFrame *from, int matrix, GError **error)
{
    to->width = from->width;
    to->height = from->height;
    to->sample_aspect_ratio = from->sample_aspect_ratio;
    struct SwsContext *scaler = sws_getContext(from->width, from->height, from->format, to->width, to->height,
                                               to->format, SCALER_FLAGS, NULL, NULL, NULL);
    int result = scaler != NULL ? av_frame_get_buffer(to, 0) : AVERROR(EINVAL);
    if (result >= 0) {
        // Formats without a matrix have none to be set.
        sws_setColorspaceDetails(scaler, sws_getCoefficients(matrix), is_full_range(from), sws_getCoefficients(matrix),
                                 1, 0, 1 << 16, 1 << 16);
        result = sws_scale(scaler, (const guint8 *const *) from->data, from->linesize, 0, from->height, to->data,
                           to->linesize);
    }
    sws_freeContext(scaler);
    return result >= 0 || cut_codec_fail(error, result, "converting a picture");
}

static AVFrame *convert(const AVFrame *from, int format, int matrix, GError **error)
{
    AVFrame *to = av_frame_alloc();
    to->format = format;
    to->color_range = AVCOL_RANGE_JPEG;
    if (!convert_into(to, from, matrix, error))
        av_frame_free(&to);
    return to;
}

AVFrame *cut_picture_to_rgb(const AVFrame *frame, GError **error)
{
    return convert(frame, AV_PIX_FMT_RGB24, find_matrix(frame), error);
}

static GBytes *encode_with(AVCodecContext *context, AVFrame *frame, GError **error)
{
    g_autoptr(CutAvPacket) packet = av_packet_alloc();
    context->width = frame->width;
    context->height = frame->height;
    context->pix_fmt = frame->format;
    context->color_range = frame->color_range;
    context->sample_aspect_ratio = frame->sample_aspect_ratio;
    context->time_base = (AVRational){1, 25};
    context->thread_count = 1;
    int result = avcodec_open2(context, context->codec, NULL);
    if (result >= 0)
        result = avcodec_send_frame(context, frame);
    if (result >= 0)
        result = avcodec_send_frame(context, NULL);
    if (result >= 0)
        result = avcodec_receive_packet(context, packet);
    if (result >= 0)
        return g_bytes_new(packet->data, (gsize) packet->size);
    cut_codec_fail(error, result, context->codec->name);
    return NULL;
}

static AVCodecContext *new_encoder(enum AVCodecID id, GError **error)
{
    cut_codec_quiet();
    const AVCodec *codec = avcodec_find_encoder(id);
    AVCodecContext *context = codec != NULL ? avcodec_alloc_context3(codec) : NULL;
    if (context == NULL)
        cut_codec_fail(error, AVERROR_ENCODER_NOT_FOUND, avcodec_get_name(id));
    return context;
}

GBytes *cut_picture_to_png(const AVFrame *frame, GError **error)
{
    AVCodecContext *context = new_encoder(AV_CODEC_ID_PNG, error);
    if (context == NULL)
        return NULL;
    g_autoptr(CutAvFrame) own = av_frame_clone(frame);
    context->compression_level = COMPRESSION;
    GBytes *bytes = encode_with(context, own, error);
    avcodec_free_context(&context);
    return bytes;
}

GBytes *cut_picture_to_jpeg(const AVFrame *frame, GError **error)
{
    g_autoptr(CutAvFrame) yuv = convert(frame, AV_PIX_FMT_YUVJ420P, SWS_CS_ITU601, error);
    AVCodecContext *context = yuv != NULL ? new_encoder(AV_CODEC_ID_MJPEG, error) : NULL;
    if (context == NULL)
        return NULL;
    context->flags |= AV_CODEC_FLAG_QSCALE;
    context->global_quality = yuv->quality = JPEG_QUALITY * FF_QP2LAMBDA;
    GBytes *bytes = encode_with(context, yuv, error);
    avcodec_free_context(&context);
    return bytes;
}
