// SPDX-License-Identifier: MIT
// What a decoded picture says of itself, and how it differs from another.
#include "tests/judge.h"

#include <libavutil/frame.h>
#include <libavutil/murmur3.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <string.h>

#define CELLS 27
#define CONTRAST 60 // between the white cell and the black one; halfway is the threshold

// The mean of the middle of cell I.
static guint cell_mean(const AVFrame *frame, guint cell, guint i)
{
    guint sum = 0, n = 0, margin = MAX(cell / 4, 1);
    for (guint y = margin; y < cell - margin; y++) {
        const guint8 *line = frame->data[0] + (gssize) y * frame->linesize[0] + i * cell;
        for (guint x = margin; x < cell - margin; x++, n++)
            sum += line[x];
    }
    return n == 0 ? 0 : sum / n;
}

gint judge_picture_number(const AVFrame *frame)
{
    guint cell = (guint) frame->width / 32, number = 0, parity = 0;
    if (cell < 4 || (guint) frame->height < cell)
        return -1;
    guint white = cell_mean(frame, cell, 0), black = cell_mean(frame, cell, 1), half = (white + black) / 2;
    if (white < black + CONTRAST)
        return -1;
    for (guint i = 0; i < CELLS - 2; i++) {
        guint bit = cell_mean(frame, cell, i + 2) > half;
        parity ^= bit;
        if (i < 24)
            number |= bit << i;
    }
    return parity == 0 ? (gint) number : -1;
}

gboolean judge_picture_hash(const AVFrame *frame, guint64 hash[2])
{
    static _Thread_local struct AVMurMur3 *context;
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    guint8 digest[16];
    if (format == NULL || format->nb_components != 3 || format->comp[0].depth != 8 || format->comp[1].plane != 1)
        return FALSE;
    if (context == NULL)
        context = av_murmur3_alloc();
    av_murmur3_init(context);
    for (guint i = 0; i < 3; i++) {
        int width = i == 0 ? frame->width : AV_CEIL_RSHIFT(frame->width, format->log2_chroma_w);
        int height = i == 0 ? frame->height : AV_CEIL_RSHIFT(frame->height, format->log2_chroma_h);
        for (int y = 0; y < height; y++)
            av_murmur3_update(context, frame->data[i] + (gssize) y * frame->linesize[i], (size_t) width);
    }
    av_murmur3_final(context, digest);
    memcpy(hash, digest, sizeof digest);
    return TRUE;
}

static guint8 *scale_luma(const guint8 *luma, guint width, guint height, int to_width, int to_height)
{
    guint8 *scaled = g_malloc((gsize) to_width * (gsize) to_height);
    struct SwsContext *context = sws_getContext((int) width, (int) height, AV_PIX_FMT_GRAY8, to_width, to_height,
                                                AV_PIX_FMT_GRAY8, SWS_BICUBIC, NULL, NULL, NULL);
    const guint8 *from[4] = {luma};
    guint8 *to[4] = {scaled};
    int from_stride[4] = {(int) width}, to_stride[4] = {to_width};
    sws_scale(context, from, from_stride, 0, (int) height, to, to_stride);
    sws_freeContext(context);
    return scaled;
}

double judge_picture_psnr(const AVFrame *frame, const guint8 *luma, guint width, guint height)
{
    g_autofree guint8 *scaled = NULL;
    guint64 error = 0;
    if ((guint) frame->width != width || (guint) frame->height != height)
        luma = scaled = scale_luma(luma, width, height, frame->width, frame->height);
    for (int y = 0; y < frame->height; y++) {
        const guint8 *a = frame->data[0] + (gssize) y * frame->linesize[0], *b = luma + (gssize) y * frame->width;
        guint32 line = 0;
        for (int x = 0; x < frame->width; x++)
            line += (guint32) ((a[x] - b[x]) * (a[x] - b[x]));
        error += line;
    }
    double mean = (double) error / ((double) frame->width * frame->height);
    return error == 0 ? 100 : 10 * log10(255 * 255 / mean);
}
