// SPDX-License-Identifier: MIT
// The source of cuts: its stream decoded once, and kept in a file beside the manifest: what each frame looks like,
// where it and each sound belong. The file has a header, luma planes, frames and sounds, as they are in memory.
#include "tests/judge.h"

#include <json-glib/json-glib.h>
#include <libavcodec/avcodec.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "segment/time.h"

#define MAGIC "judge 2"

typedef struct {
    JudgeHeader header;
    GArray *frames, *sounds;
    JsonObject *manifest;
    char *folder; // the store
    FILE *file;
    guint64 at; // where the next plane goes
    gint64 zero; // the stamp in this segment that is flow 0
    gint64 first_flow, first_time; // of this segment
    guint segment;
    gboolean is_faulty, has_faults; // something is wrong with this segment; with any
    AVCodecContext *decoder;
    AVFrame *frame;
    AVPacket *packet;
} Builder;

static void builder_clear(Builder *builder)
{
    g_clear_pointer(&builder->frames, g_array_unref);
    g_clear_pointer(&builder->sounds, g_array_unref);
    g_clear_pointer(&builder->manifest, json_object_unref);
    g_free(builder->folder);
    if (builder->file != NULL)
        fclose(builder->file);
    avcodec_free_context(&builder->decoder);
    av_frame_free(&builder->frame);
    av_packet_free(&builder->packet);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Builder, builder_clear)

static gboolean fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean fail(GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, text);
    return FALSE;
}

static char *beside(const char *manifest, const char *suffix)
{
    gsize length = strlen(manifest);
    if (g_str_has_suffix(manifest, ".manifest.json"))
        length -= strlen(".manifest.json");
    return g_strdup_printf("%.*s%s", (int) length, manifest, suffix);
}

// ---- making it

// Where the clock of PTS in this segment is.
static gint64 get_flow(const Builder *builder, gint64 pts)
{
    return judge_distance(pts, builder->zero);
}

static gint64 get_time(const Builder *builder, gint64 flow)
{
    return builder->first_time + 100 * (flow - builder->first_flow);
}

static gboolean add_picture(Builder *builder, GError **error)
{
    const AVFrame *picture = builder->frame;
    JudgeFrame frame = {
        .number = judge_picture_number(picture),
        .flow = picture->pts,
        .luma = builder->at,
        .width = (guint32) picture->width,
        .height = (guint32) picture->height,
    };
    if (!judge_picture_hash(picture, frame.hash))
        return fail(error, "a picture of an unknown format");
    for (int y = 0; y < picture->height; y++)
        fwrite(picture->data[0] + (gssize) y * picture->linesize[0], 1, (size_t) picture->width, builder->file);
    builder->at += (guint64) picture->width * (guint64) picture->height;
    g_array_append_val(builder->frames, frame);
    return TRUE;
}

static gboolean drain(Builder *builder, GError **error)
{
    while (avcodec_receive_frame(builder->decoder, builder->frame) >= 0) {
        if (!add_picture(builder, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean end_decoder(Builder *builder, GError **error)
{
    if (builder->decoder == NULL)
        return TRUE;
    avcodec_send_packet(builder->decoder, NULL);
    gboolean good = drain(builder, error);
    avcodec_free_context(&builder->decoder);
    return good;
}

static gboolean open_decoder(Builder *builder, guint8 type, GError **error)
{
    enum AVCodecID id = type == JUDGE_AV1 ? AV_CODEC_ID_AV1 : type == 0x24 ? AV_CODEC_ID_HEVC : AV_CODEC_ID_H264;
    if (builder->decoder != NULL && builder->decoder->codec_id == id)
        return TRUE;
    if (!end_decoder(builder, error))
        return FALSE;
    builder->decoder = avcodec_alloc_context3(avcodec_find_decoder(id));
    if (avcodec_open2(builder->decoder, NULL, NULL) < 0)
        return fail(error, "the decoder does not open");
    return TRUE;
}

// One picture in each PES packet.
static gboolean decode_pictures(Builder *builder, const JudgePid *pid, GHashTable *stamps, GError **error)
{
    if (!open_decoder(builder, pid->type, error))
        return FALSE;
    for (guint i = 0; i < pid->units->len; i++) {
        const JudgeUnit *unit = &g_array_index(pid->units, JudgeUnit, i);
        if (unit->pts == JUDGE_NO_STAMP || av_new_packet(builder->packet, (int) unit->size) < 0)
            continue;
        JudgeFrame *stamp = g_new0(JudgeFrame, 1);
        memcpy(builder->packet->data, pid->bytes->data + unit->offset, unit->size);
        stamp->flow = get_flow(builder, unit->pts);
        stamp->time = get_time(builder, stamp->flow);
        stamp->pts = unit->pts;
        stamp->segment = builder->segment;
        stamp->is_faulty = (guint32) builder->is_faulty;
        builder->packet->pts = stamp->flow;
        g_hash_table_replace(stamps, &stamp->flow, stamp);
        // A decoder may refuse a packet until its pictures are taken; what is corrupt it may refuse for good.
        if (avcodec_send_packet(builder->decoder, builder->packet) == AVERROR(EAGAIN)) {
            if (!drain(builder, error))
                return FALSE;
            avcodec_send_packet(builder->decoder, builder->packet);
        }
        av_packet_unref(builder->packet);
        if (!drain(builder, error))
            return FALSE;
    }
    return TRUE;
}

static void add_sounds(Builder *builder, const JudgePid *pid, guint track)
{
    g_autoptr(GArray) frames = judge_pid_adts(pid, NULL);
    for (guint i = 0; i < frames->len; i++) {
        const JudgeAdts *adts = &g_array_index(frames, JudgeAdts, i);
        JudgeSound sound = {track, builder->segment, get_flow(builder, adts->pts), 0, adts->pts};
        sound.time = get_time(builder, sound.flow);
        memcpy(sound.hash, adts->hash, sizeof sound.hash);
        sound.samples = adts->samples;
        sound.rate = adts->rate;
        sound.is_faulty = (guint32) builder->is_faulty;
        g_array_append_val(builder->sounds, sound);
    }
}

// Finds the place of a segment's stamps on the stream's line.
static gboolean place_segment(Builder *builder, JsonObject *entry, GError **error)
{
    gint64 name, first = json_object_get_int_member(entry, "first_frame");
    gint64 wanted = first * JUDGE_SECOND * builder->header.scale / builder->header.rate;
    gint64 pts = json_object_get_int_member(entry, "first_pts");
    if (!segment_time_parse_all(json_object_get_string_member(entry, "start"), &name))
        return fail(error, "a segment without a start");
    builder->first_flow = get_flow(builder, pts);
    if (builder->segment == 0 || ABS(builder->first_flow - wanted) > JUDGE_SECOND / 10) {
        builder->zero = pts - wanted;
        builder->first_flow = get_flow(builder, pts);
    }
    builder->first_time = (name - builder->header.start) * 9;
    return TRUE;
}

static gboolean read_segment(Builder *builder, JsonObject *entry, GHashTable *stamps, GError **error)
{
    g_autofree char *path = g_build_filename(builder->folder, json_object_get_string_member(entry, "path"), NULL);
    g_autofree char *bytes = NULL;
    gsize size;
    if (!place_segment(builder, entry, error))
        return FALSE;
    builder->is_faulty = json_object_has_member(entry, "fault");
    builder->has_faults |= builder->is_faulty;
    if (g_strcmp0(json_object_get_string_member_with_default(entry, "fault", ""), "hole") == 0)
        return TRUE;
    if (!g_file_get_contents(path, &bytes, &size, error))
        return FALSE;
    g_autoptr(JudgeTs) ts = judge_ts_read((const guint8 *) bytes, size, 0, NULL);
    guint track = 0;
    for (guint i = 0; i < ts->pids->len; i++) {
        const JudgePid *pid = g_ptr_array_index(ts->pids, i);
        if (judge_pid_is_audio(pid))
            add_sounds(builder, pid, track++);
        else if (judge_pid_is_video(pid) && !decode_pictures(builder, pid, stamps, error))
            return FALSE;
    }
    return TRUE;
}

static int compare_sounds(gconstpointer a, gconstpointer b)
{
    const JudgeSound *x = a, *y = b;
    if (x->track != y->track)
        return x->track < y->track ? -1 : 1;
    return x->flow < y->flow ? -1 : x->flow > y->flow;
}

// The stream has to be what the manifest says, or no cut could be judged.
static gboolean check_frames(const Builder *builder, GError **error)
{
    JsonObject *manifest = builder->manifest;
    JsonArray *numbers =
        json_object_has_member(manifest, "numbers") ? json_object_get_array_member(manifest, "numbers") : NULL;
    guint wanted =
        numbers != NULL ? json_array_get_length(numbers) : (guint) json_object_get_int_member(manifest, "frames");
    gint64 tolerance = json_object_get_boolean_member(manifest, "ms") ? 90 : 1;
    if (builder->has_faults)
        return TRUE;
    if (builder->frames->len != wanted)
        return fail(error, "%u frames instead of %u", builder->frames->len, wanted);
    for (guint i = 0; i < wanted; i++) {
        const JudgeFrame *frame = &g_array_index(builder->frames, JudgeFrame, i);
        gint64 number = numbers != NULL ? json_array_get_int_element(numbers, i) : i;
        gint64 flow = number * JUDGE_SECOND * builder->header.scale / builder->header.rate;
        if (frame->number != number || ABS(frame->flow - flow) > tolerance)
            return fail(error,
                        "frame %" G_GINT64_FORMAT " is %d and at %" G_GINT64_FORMAT " instead of %" G_GINT64_FORMAT,
                        number, frame->number, frame->flow, flow);
    }
    return TRUE;
}

static gboolean write_file(Builder *builder, GError **error)
{
    static const guint8 padding[16];
    JudgeHeader *header = &builder->header;
    fwrite(padding, 1, (16 - builder->at % 16) % 16, builder->file);
    builder->at += (16 - builder->at % 16) % 16;
    strcpy(header->magic, MAGIC);
    header->n_frames = builder->frames->len;
    header->n_sounds = builder->sounds->len;
    header->has_video = header->n_frames > 0;
    header->frames = builder->at;
    header->sounds = builder->at + header->n_frames * sizeof(JudgeFrame);
    if (header->n_frames > 0)
        fwrite(builder->frames->data, sizeof(JudgeFrame), header->n_frames, builder->file);
    if (header->n_sounds > 0)
        fwrite(builder->sounds->data, sizeof(JudgeSound), header->n_sounds, builder->file);
    if (fseek(builder->file, 0, SEEK_SET) != 0 || fwrite(header, sizeof *header, 1, builder->file) != 1 ||
        fflush(builder->file) != 0 || ferror(builder->file))
        return fail(error, "cannot write");
    return TRUE;
}

static gboolean read_manifest(Builder *builder, const char *path, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    if (!json_parser_load_from_file(parser, path, error))
        return FALSE;
    JsonObject *manifest = builder->manifest = json_object_ref(json_node_get_object(json_parser_get_root(parser)));
    g_autofree char *folder = g_path_get_dirname(path);
    builder->folder = g_build_filename(folder, json_object_get_string_member(manifest, "store"), NULL);
    JsonArray *tracks = json_object_get_array_member(manifest, "audio");
    builder->header.n_tracks = MIN(json_array_get_length(tracks), G_N_ELEMENTS(builder->header.base));
    for (guint i = 0; i < builder->header.n_tracks; i++)
        builder->header.base[i] =
            (guint32) json_object_get_int_member(json_array_get_object_element(tracks, i), "base");
    if (!segment_time_parse_all(json_object_get_string_member(manifest, "start"), &builder->header.start) ||
        sscanf(json_object_get_string_member(manifest, "fps"), "%d/%d", &builder->header.rate,
               &builder->header.scale) != 2)
        return fail(error, "%s: no start or frame rate", path);
    return TRUE;
}

// The frames came out of the decoder with their flow only: what it held back was of an earlier segment.
static void complete_frames(Builder *builder, GHashTable *stamps)
{
    for (guint i = 0; i < builder->frames->len; i++) {
        JudgeFrame *frame = &g_array_index(builder->frames, JudgeFrame, i);
        const JudgeFrame *stamp = g_hash_table_lookup(stamps, &frame->flow);
        if (stamp == NULL)
            continue;
        frame->segment = stamp->segment;
        frame->time = stamp->time;
        frame->pts = stamp->pts;
        frame->is_faulty = stamp->is_faulty;
    }
}

static gboolean build(Builder *builder, const char *manifest, GError **error)
{
    g_autoptr(GHashTable) stamps = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    if (!read_manifest(builder, manifest, error))
        return FALSE;
    builder->at = sizeof(JudgeHeader);
    fwrite(&builder->header, sizeof(JudgeHeader), 1, builder->file);
    JsonArray *segments = json_object_get_array_member(builder->manifest, "segments");
    for (guint i = 0; i < json_array_get_length(segments); i++) {
        builder->segment = i;
        if (!read_segment(builder, json_array_get_object_element(segments, i), stamps, error))
            return FALSE;
    }
    if (!end_decoder(builder, error))
        return FALSE;
    complete_frames(builder, stamps);
    g_array_sort(builder->sounds, compare_sounds);
    return check_frames(builder, error) && write_file(builder, error);
}

gboolean judge_source_prepare(const char *manifest, GError **error)
{
    g_autofree char *path = beside(manifest, ".judge"),
                    *temporary = g_strdup_printf("%s.%d", path, g_random_int() & 0xFFFFFF);
    g_auto(Builder) builder = {
        .frames = g_array_new(FALSE, TRUE, sizeof(JudgeFrame)),
        .sounds = g_array_new(FALSE, TRUE, sizeof(JudgeSound)),
        .file = fopen(temporary, "wb"),
        .frame = av_frame_alloc(),
        .packet = av_packet_alloc(),
    };
    if (builder.file == NULL)
        return fail(error, "%s: cannot be made", temporary);
    av_log_set_level(AV_LOG_QUIET); // a source may be broken on purpose
    gboolean good = build(&builder, manifest, error);
    av_log_set_level(AV_LOG_INFO);
    if (!good) {
        g_prefix_error(error, "%s: ", manifest);
        remove(temporary);
        return FALSE;
    }
    if (rename(temporary, path) != 0)
        return fail(error, "%s: cannot be made", path);
    return TRUE;
}

// ---- using it

static gboolean is_current(const char *manifest, const char *path)
{
    struct stat source, made;
    return stat(manifest, &source) == 0 && stat(path, &made) == 0 &&
           (made.st_mtim.tv_sec != source.st_mtim.tv_sec ? made.st_mtim.tv_sec > source.st_mtim.tv_sec
                                                         : made.st_mtim.tv_nsec >= source.st_mtim.tv_nsec);
}

static gboolean map_file(JudgeSource *source, const char *path, GError **error)
{
    g_clear_pointer(&source->file, g_mapped_file_unref);
    source->file = g_mapped_file_new(path, FALSE, error);
    if (source->file == NULL)
        return FALSE;
    source->bytes = (const guint8 *) g_mapped_file_get_contents(source->file);
    source->header = (const JudgeHeader *) source->bytes;
    return TRUE;
}

static gboolean is_readable(const JudgeSource *source)
{
    return g_mapped_file_get_length(source->file) >= sizeof(JudgeHeader) && strcmp(source->header->magic, MAGIC) == 0;
}

JudgeSource *judge_source_open(const char *manifest, GError **error)
{
    g_autofree char *path = beside(manifest, ".judge");
    g_autoptr(JudgeSource) source = g_new0(JudgeSource, 1);
    if (!is_current(manifest, path) && !judge_source_prepare(manifest, error))
        return NULL;
    if (!map_file(source, path, error))
        return NULL;
    // An older judge may have made it.
    if (!is_readable(source) && (!judge_source_prepare(manifest, error) || !map_file(source, path, error)))
        return NULL;
    source->frames = (const JudgeFrame *) (source->bytes + source->header->frames);
    source->sounds = (const JudgeSound *) (source->bytes + source->header->sounds);
    source->step = JUDGE_SECOND * source->header->scale / source->header->rate;
    return g_steal_pointer(&source);
}

void judge_source_free(JudgeSource *source)
{
    if (source == NULL)
        return;
    g_clear_pointer(&source->file, g_mapped_file_unref);
    g_free(source);
}
