// SPDX-License-Identifier: MIT
// Edges: making one. Decoded pictures go straight into the encoder; when all is written but does not fit, the encoder
// is asked for less.
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <string.h>

#include "cut/codec.h"
#include "cut/edge-private.h"
#include "cut/mux.h"
#include "cut/request.h"
#include "segment/error.h"

#define DECODER_THREADS 1 // it waits for the encoder, whose frames take memory enough
#define QUALITY 24 // the quantiser, 0 to 51
#define QUALITY_OF_ALL 24 // where all is encoded
#define QUALITY_LAST 40 // of the last try, in which the encoder has to stay within what there is
#define TRIES 4

// One run of pictures that are decoded and encoded.
typedef struct {
    CutEdge *edge;
    const GArray *stamps; // what is wanted, in order
    guint next; // of them
    guint second_idr; // the number of another IDR than the first picture; 0: there is none
    CutDecoder *decoder;
    CutEncoder *encoder;
    CutEncoderSettings settings;
    GPtrArray *pictures; // where they go
    CutAvFrame *last; // the one encoded last, for where one is missing
    struct SwsContext *scaler;
    const int *cancelled;
} Run;

static gboolean is_cancelled(const int *cancelled, GError **error)
{
    SegmentWait wait = {.may_block = TRUE, .cancelled = cancelled};
    return segment_wait_is_over(&wait, error);
}

// Frames of the size that is wanted, and that the first one had.
static gboolean scale(Run *run, AVFrame **frame, GError **error)
{
    int width = run->edge->spec.width != 0 ? (int) run->edge->spec.width : run->last != NULL ? run->last->width : 0;
    int height = run->edge->spec.height != 0 ? (int) run->edge->spec.height : run->last != NULL ? run->last->height : 0;
    int format = run->edge->spec.width != 0 ? run->edge->spec.format
                 : run->last != NULL        ? run->last->format
                                            : (*frame)->format;
    if (width == 0 || ((*frame)->width == width && (*frame)->height == height && (*frame)->format == format)) {
        *frame = av_frame_clone(*frame);
        return TRUE;
    }
    AVFrame *scaled = av_frame_alloc();
    scaled->format = format;
    scaled->width = width;
    scaled->height = height;
    run->scaler = sws_getCachedContext(run->scaler, (*frame)->width, (*frame)->height, (*frame)->format, width, height,
                                       format, SWS_BICUBIC, NULL, NULL, NULL);
    int result = run->scaler != NULL ? av_frame_get_buffer(scaled, 0) : AVERROR(EINVAL);
    if (result >= 0)
        result = sws_scale(run->scaler, (const guint8 *const *) (*frame)->data, (*frame)->linesize, 0, (*frame)->height,
                           scaled->data, scaled->linesize);
    if (result < 0) {
        av_frame_free(&scaled);
        return cut_codec_fail(error, result, "scaling");
    }
    av_frame_copy_props(scaled, *frame);
    scaled->sample_aspect_ratio = (AVRational){0, 1};
    *frame = scaled;
    return TRUE;
}

static gboolean begin(Run *run, const AVFrame *frame, GError **error)
{
    const AVCodecContext *context = cut_decoder_context(run->decoder);
    gboolean is_h264 = context->codec_id == AV_CODEC_ID_H264;
    run->settings.profile = is_h264 ? context->profile : 0;
    run->settings.level = is_h264 && run->edge->spec.width == 0 ? context->level : 0;
    run->settings.refs = is_h264 ? context->refs : 0;
    run->settings.reorder = context->has_b_frames;
    // Programs guess a stream's rate by what its parameter sets say: all have to say the same.
    if (context->framerate.num > 0 && context->framerate.den > 0) {
        run->settings.rate_num = (guint) context->framerate.num;
        run->settings.rate_den = (guint) context->framerate.den;
    }
    run->encoder = cut_encoder_new(frame, &run->settings, error);
    return run->encoder != NULL;
}

// FRAME takes the place of the next one that is wanted.
static gboolean encode(Run *run, AVFrame *frame, GError **error)
{
    frame->pts = g_array_index(run->stamps, gint64, run->next);
    if (is_cancelled(run->cancelled, error))
        return FALSE;
    gboolean is_idr = run->next == run->second_idr;
    run->next++;
    return cut_encoder_send(run->encoder, frame, is_idr, run->pictures, error);
}

static gboolean take_frame(AVFrame *frame, gpointer data, GError **error)
{
    Run *run = data;
    if (is_cancelled(run->cancelled, error))
        return FALSE;
    if (run->next >= run->stamps->len || frame->pts < g_array_index(run->stamps, gint64, run->next))
        return TRUE;
    gint64 pts = frame->pts;
    AVFrame *own = frame;
    if (!scale(run, &own, error))
        return FALSE;
    gboolean ok = run->encoder != NULL || begin(run, own, error);
    // What did not decode is shown as what came before it, or, at the beginning, after it.
    while (ok && run->next < run->stamps->len && g_array_index(run->stamps, gint64, run->next) < pts)
        ok = encode(run, run->last != NULL ? run->last : own, error);
    if (ok && run->next < run->stamps->len && g_array_index(run->stamps, gint64, run->next) == pts)
        ok = encode(run, own, error);
    av_frame_free(&run->last);
    run->last = own;
    return ok;
}

// The key frame to begin decoding with: the last one from which on all that is shown from FIRST on is known.
static guint find_decoding(const CutEdge *edge, gint64 first)
{
    guint best = 0;
    for (guint i = 0; i < edge->pictures->len; i++) {
        const CutUnit *unit = cut_edge_picture(edge, i);
        if (unit->is_key && unit->pts <= first)
            best = i;
    }
    return best;
}

// Where the codec changes another decoder goes on.
static gboolean choose_decoder(Run *run, const CutUnit *unit, GError **error)
{
    const CutPsiStream *stream =
        cut_psi_first(&cut_demux_source(run->edge->demux, unit->source)->psi, CUT_STREAM_VIDEO);
    if (run->decoder != NULL && cut_decoder_context(run->decoder)->codec_id == cut_codec_id(stream))
        return TRUE;
    if (run->decoder != NULL && !cut_decoder_flush(run->decoder, take_frame, run, error))
        return FALSE;
    cut_decoder_free(run->decoder);
    run->decoder = cut_decoder_new(stream, DECODER_THREADS, error);
    return run->decoder != NULL;
}

static gboolean decode(Run *run, GError **error)
{
    const CutEdge *edge = run->edge;
    gint64 first = g_array_index(run->stamps, gint64, 0);
    for (guint i = find_decoding(edge, first); i < edge->pictures->len && run->next < run->stamps->len; i++) {
        const CutUnit *unit = cut_edge_picture(edge, i);
        if (!choose_decoder(run, unit, error) ||
            !cut_decoder_send(run->decoder, cut_demux_data(edge->demux, unit), unit->size, unit->pts, unit->pts < first,
                              take_frame, run, error))
            return FALSE;
    }
    return run->decoder == NULL || cut_decoder_flush(run->decoder, take_frame, run, error);
}

static gboolean finish(Run *run, GError **error)
{
    if (run->encoder == NULL) {
        g_set_error_literal(error, CUT_ERROR, CUT_ERROR_CODEC, "no picture can be decoded");
        return FALSE;
    }
    while (run->next < run->stamps->len) {
        if (!encode(run, run->last, error))
            return FALSE;
    }
    return cut_encoder_send(run->encoder, NULL, FALSE, run->pictures, error);
}

// Encodes the pictures at STAMPS into PICTURES.
static gboolean encode_run(CutEdge *edge, const GArray *stamps, gsize budget, int quality, GPtrArray *pictures,
                           const int *cancelled, GError **error)
{
    if (stamps->len == 0)
        return TRUE;
    gint64 span = edge->times.end - edge->times.pts;
    Run run = {
        .edge = edge,
        .stamps = stamps,
        .pictures = pictures,
        .cancelled = cancelled,
        .second_idr = stamps == edge->head ? stamps->len - edge->n_continued : 0,
        .settings = {.rate_num = CUT_STAMP_HZ,
                     .rate_den = (guint) CLAMP(span / MAX(1, (gint64) edge->times.n_shown), 1, CUT_STAMP_HZ * 10),
                     .n_frames = stamps->len,
                     .is_fast = edge->spec.encodes_all,
                     .budget = budget,
                     .quality = quality},
    };
    guint before = pictures->len;
    gboolean ok = decode(&run, error) && finish(&run, error);
    if (ok && pictures->len - before != stamps->len) {
        g_set_error(error, CUT_ERROR, CUT_ERROR_CODEC, "the encoder gave %u pictures for %u", pictures->len - before,
                    stamps->len);
        ok = FALSE;
    }
    cut_decoder_free(run.decoder);
    cut_encoder_free(run.encoder);
    av_frame_free(&run.last);
    sws_freeContext(run.scaler);
    return ok;
}

static void write_item(CutEdge *edge, CutMux *mux, const CutEdgeItem *item, const GPtrArray *encoded, gint64 pcr)
{
    CutMuxPes pes = {
        .pid = item->pid,
        .stream_id = item->stream_id,
        .pts = item->pts,
        .dts = item->dts,
        .pcr = pcr,
        .is_random_access = item->is_random_access,
        .is_video = item->is_video,
        .is_last = item->is_last,
        .data = edge->demux->bytes->data + item->data,
        .size = item->size,
    };
    if (item->is_psi) {
        cut_mux_psi(mux);
        return;
    }
    if (item->is_packet) {
        cut_mux_packet(mux, pes.data);
        return;
    }
    if (item->encoded >= 0)
        pes.data = g_bytes_get_data(g_ptr_array_index(encoded, (guint) item->encoded), &pes.size);
    cut_mux_pes(mux, &pes);
}

// All of it; what is not encoded yet counts as nothing.
static CutMux *write_items(CutEdge *edge, const GPtrArray *encoded)
{
    CutMux *mux = cut_mux_new(&edge->psi);
    cut_mux_psi(mux);
    for (guint i = 0; i < edge->items->len; i++) {
        const CutEdgeItem *item = &g_array_index(edge->items, CutEdgeItem, i);
        if (item->encoded >= 0 && encoded == NULL)
            continue;
        // The first is told at once, and none after the last, whatever sound there is.
        gint64 pcr = edge->times.first_pcr;
        if (item->pcr != CUT_NO_STAMP && pcr != CUT_NO_STAMP)
            pcr = CLAMP(item->pcr, pcr, edge->times.last_pcr);
        write_item(edge, mux, item, encoded, pcr);
    }
    return mux;
}

// Bytes that encoded pictures may take, in packets.
static gsize find_budget(CutEdge *edge)
{
    g_autoptr(CutMux) mux = write_items(edge, NULL);
    // What the end takes, and each picture's header and last packet.
    gsize taken =
        cut_mux_size(mux) + 16 * CUT_TS_PACKET * (4 + CUT_EDGE_AUDIO) + edge->times.n_encoded * (gsize) CUT_TS_PACKET;
    return taken < edge->spec.size ? MAX(1, (edge->spec.size - taken) / CUT_TS_PACKET * 180) : 1;
}

// Gives the last pictures of the head the numbers that the copied ones count on from.
static gboolean continue_numbers(CutEdge *edge, GPtrArray *encoded, GError **error)
{
    g_autoptr(CutSliceRewriter) rewriter = cut_slice_rewriter_new(&edge->place);
    for (guint k = edge->n_continued; k > 0; k--) {
        guint i = edge->head->len - k;
        GBytes *picture = cut_slice_rewrite(rewriter, g_ptr_array_index(encoded, i), k);
        if (picture == NULL) {
            g_set_error_literal(error, CUT_ERROR, CUT_ERROR_CODEC, "the encoder's pictures are not understood");
            return FALSE;
        }
        g_bytes_unref(g_ptr_array_index(encoded, i));
        g_ptr_array_index(encoded, i) = picture;
    }
    return TRUE;
}

// Encodes all, and writes it. NULL, without the error, where it does not fit; *TAKEN are the bytes of what was encoded.
// Where it IS_BOUND, the encoder is told how much there is room for.
static GBytes *try(CutEdge *edge, int quality, gsize budget, gboolean is_bound, gsize *taken, const int *cancelled,
                   GError **error)
{
    g_autoptr(GPtrArray) encoded = g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref);
    // Each of two runs has an IDR, which is as much as several others.
    gsize head = edge->tail->len == 0 ? budget : budget / (edge->times.n_encoded + 16) * (edge->head->len + 8);
    if (!encode_run(edge, edge->head, is_bound ? head : 0, quality, encoded, cancelled, error) ||
        !encode_run(edge, edge->tail, is_bound ? budget - MIN(head, budget - 1) : 0, quality, encoded, cancelled,
                    error) ||
        !continue_numbers(edge, encoded, error))
        return NULL;
    *taken = 0;
    for (guint i = 0; i < encoded->len; i++)
        *taken += g_bytes_get_size(g_ptr_array_index(encoded, i));
    g_debug("an edge of %u pictures: %u encoded with quantiser %d in %" G_GSIZE_FORMAT " bytes, of %" G_GSIZE_FORMAT,
            edge->times.n_shown, edge->times.n_encoded, quality, *taken, budget);
    g_autoptr(CutMux) mux = write_items(edge, encoded);
    return cut_mux_finish(mux, edge->spec.size);
}

GBytes *cut_edge_make(CutEdge *edge, const int *cancelled, GError **error)
{
    cut_edge_collect_items(edge);
    gsize budget = find_budget(edge), taken = 0;
    int quality = edge->spec.encodes_all ? QUALITY_OF_ALL : QUALITY;
    for (guint i = 0; i < TRIES; i++) {
        g_autoptr(GError) failure = NULL;
        GBytes *bytes = try(edge, quality, budget, i + 1 == TRIES, &taken, cancelled, &failure);
        if (bytes != NULL)
            return bytes;
        if (failure != NULL) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return NULL;
        }
        if (edge->times.n_encoded == 0)
            break;
        // Six more are half as many bytes.
        quality += MAX(1, (int) ceil(6 * log2((double) taken / (double) budget)) + 1);
        quality = i + 2 == TRIES ? QUALITY_LAST : MIN(quality, QUALITY_LAST);
    }
    g_set_error(error, CUT_ERROR, CUT_ERROR_CODEC, "an edge of %u pictures does not fit into %" G_GSIZE_FORMAT " bytes",
                edge->times.n_shown, edge->spec.size);
    return NULL;
}
