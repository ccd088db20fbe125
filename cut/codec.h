// SPDX-License-Identifier: MIT
// Pictures in and out of H.264 and its like, by libavcodec. What libavcodec has to say goes to the debug log.
#ifndef CUT_CODEC_H
#define CUT_CODEC_H

#include <glib.h>
#include <libavcodec/avcodec.h>

#include "cut/psi.h"

// For g_autoptr.
typedef AVFrame CutAvFrame;
typedef AVPacket CutAvPacket;
static inline void cut_av_frame_free(AVFrame *frame)
{
    av_frame_free(&frame);
}
static inline void cut_av_packet_free(AVPacket *packet)
{
    av_packet_free(&packet);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutAvFrame, cut_av_frame_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutAvPacket, cut_av_packet_free)

// Sends libavcodec's messages to the debug log; safe to call again.
void cut_codec_quiet(void);

// Sets ERROR (CUT_ERROR_CODEC) to "WHAT: reason of CODE" of libav. Returns FALSE.
gboolean cut_codec_fail(GError **error, int code, const char *what);

// What the codec of a stream is; AV_CODEC_ID_NONE where libavcodec has none for it.
enum AVCodecID cut_codec_id(const CutPsiStream *stream);

// ---- decoding

typedef struct CutDecoder CutDecoder;

// Called with each frame, in the order in which they are shown; FRAME stays the decoder's, and its pts is that of the
// packet. FALSE, and the error set, ends the decoding.
typedef gboolean (*CutFrameFunc)(AVFrame *frame, gpointer data, GError **error);

CutDecoder *cut_decoder_new(const CutPsiStream *stream, guint threads, GError **error);
void cut_decoder_free(CutDecoder *decoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutDecoder, cut_decoder_free)

// Decodes one coded picture, or frame of sound. Where it IS_SKIPPED nobody wants to see it: it is decoded only where
// others may refer to it. What does not decode is no error.
gboolean cut_decoder_send(CutDecoder *decoder, const guint8 *data, gsize size, gint64 pts, gboolean is_skipped,
                          CutFrameFunc func, gpointer func_data, GError **error);
// Gives the frames that are left.
gboolean cut_decoder_flush(CutDecoder *decoder, CutFrameFunc func, gpointer func_data, GError **error);

// For its profile, level, and order of frames, once something was decoded.
const AVCodecContext *cut_decoder_context(const CutDecoder *decoder);

// ---- encoding

typedef struct {
    int profile, level, refs; // as of AVCodecContext
    int reorder; // frames by which the stream's decoding runs ahead of its showing
    guint rate_num, rate_den; // frames a second, or ticks where they vary: as the stream says
    guint n_frames; // that will come
    gsize budget; // bytes that all of them together must not exceed; 0: as many as it takes
    int quality; // quantiser, 0 to 51
    gboolean is_fast; // larger pictures, made faster
} CutEncoderSettings;

typedef struct CutEncoder CutEncoder;

// The format of pixels (enum AVPixelFormat) that an encoder takes and that is most like FORMAT.
int cut_encoder_format(int format);

// An encoder of IDR and P frames like FRAME, into H.264 in Annex B form with parameter sets of its own number.
CutEncoder *cut_encoder_new(const AVFrame *frame, const CutEncoderSettings *settings, GError **error);
void cut_encoder_free(CutEncoder *encoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutEncoder, cut_encoder_free)

// Encodes FRAME, which is changed, and whose pts is in 90 kHz, as an IDR if asked for, as the first one is in any case;
// NULL at the end. What is ready is added to PICTURES (GBytes), in order.
gboolean cut_encoder_send(CutEncoder *encoder, AVFrame *frame, gboolean is_idr, GPtrArray *pictures, GError **error);

#endif
