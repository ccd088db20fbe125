// SPDX-License-Identifier: MIT
// The key of an edge is the digest of all that decides its bytes; what is left out of it here must not change them.
#include "cut/make.h"

#include <libavcodec/avcodec.h>
#include <openssl/evp.h>
#include <string.h>

#include "cut/run.h"

void cut_make_spec(const CutPlan *plan, const CutPart *part, const CutSources *sources, CutEdgeSpec *spec)
{
    *spec = (CutEdgeSpec){
        .n_before = sources->n_before,
        .n_covered = sources->n_covered,
        // The one that touches a whole segment.
        .anchor = sources->n_before + (part->is_head ? sources->n_covered - 1 : 0),
        .start = part->is_head ? part->run->start : CUT_EDGE_OPEN,
        .end = part->is_tail ? part->run->end : CUT_EDGE_OPEN,
        .encodes_all = plan->request->mode == CUT_MODE_FULL,
        .keeps_stamps = plan->request->mode == CUT_MODE_FAST,
        .size = (gsize) part->size,
    };
}

GBytes *cut_make_part(CutEngine *engine, CutPlan *plan, guint number, const int *cancelled, GError **error)
{
    CutPart part;
    CutEdgeSpec spec;
    SegmentWait wait = {.may_block = TRUE, .cancelled = cancelled};
    const CutTimeline *timeline = cut_timeline_get(engine, plan, &wait, error);
    if (timeline == NULL)
        return NULL;
    cut_plan_part(plan, number, &part);
    g_autoptr(CutSources) sources = cut_sources_load(plan, &part, cancelled, error);
    if (sources == NULL)
        return NULL;
    cut_make_spec(plan, &part, sources, &spec);
    const CutTimelineSound *sound = cut_timeline_sound(timeline, number);
    if (sound != NULL) {
        spec.n_audio = sound->n_audio;
        memcpy(spec.audio, sound->audio, sizeof spec.audio);
    }
    cut_timeline_picture(timeline, &spec.width, &spec.height, &spec.format);
    g_autoptr(CutEdge) edge = cut_edge_new(sources->items, sources->n, &spec, error);
    cut_sources_drop_bytes(sources);
    GBytes *bytes = edge != NULL ? cut_edge_make(edge, cancelled, error) : NULL;
    if (bytes == NULL) {
        g_autofree char *path = cut_segment_path(plan->stream, part.run->range, part.first_ref);
        g_prefix_error(error, "%s: ", path);
    }
    return bytes;
}

static void digest_sound(EVP_MD_CTX *context, const CutTimelineSound *sound)
{
    for (guint i = 0; sound != NULL && i < sound->n_audio; i++) {
        gint64 numbers[] = {sound->audio[i].pid, sound->audio[i].start, sound->audio[i].end};
        EVP_DigestUpdate(context, numbers, sizeof numbers);
    }
}

void cut_make_request(CutPlan *plan, const CutTimeline *timeline, guint number, CutBlobRequest *request)
{
    CutPart part;
    guint width, height;
    int format;
    g_autoptr(GByteArray) identity = g_byte_array_new();
    cut_plan_part(plan, number, &part);
    *request = (CutBlobRequest){.plan = plan, .number = number, .hashes = g_byte_array_new()};
    cut_part_identify(&part, identity, request->hashes);
    cut_timeline_picture(timeline, &width, &height, &format);
    gint64 numbers[] = {CUT_EDGE_VERSION,
                        avcodec_version(),
                        plan->request->mode == CUT_MODE_FULL,
                        part.is_head,
                        part.is_head ? part.run->start : 0,
                        part.is_tail,
                        part.is_tail ? part.run->end : 0,
                        part.size,
                        width,
                        height,
                        format};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    EVP_DigestUpdate(context, numbers, sizeof numbers);
    EVP_DigestUpdate(context, identity->data, identity->len);
    digest_sound(context, cut_timeline_sound(timeline, number));
    EVP_DigestFinal_ex(context, request->key, NULL);
    EVP_MD_CTX_free(context);
}

void cut_make_request_clear(CutBlobRequest *request)
{
    g_clear_pointer(&request->hashes, g_byte_array_unref);
}
