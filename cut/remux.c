// SPDX-License-Identifier: MIT
// Remultiplexing. libavformat reads the cut and writes the file through callbacks; the first failure of one of them is
// what is reported, whatever libavformat makes of it.
#include "cut/remux.h"

#include <errno.h>
#include <libavformat/avformat.h>
#include <unistd.h>

#include "cut/codec.h"
#include "cut/request.h"
#include "segment/fd.h"
#include "segment/time.h"

#define BUFFER (256 * 1024)

typedef struct {
    CutReader *reader;
    gint64 size, position; // of the cut
    int fd;
    const SegmentWait *wait;
    GError *error;
    AVFormatContext *input, *output;
    int *streams; // of the output, for each of the input; -1: it is left out
} Remux;

#if LIBAVFORMAT_VERSION_MAJOR >= 61
typedef const uint8_t WrittenByte;
#else
typedef uint8_t WrittenByte;
#endif

static int read_cut(void *opaque, uint8_t *buffer, int size)
{
    Remux *remux = opaque;
    if (remux->error != NULL || segment_wait_is_over(remux->wait, &remux->error))
        return AVERROR_EXIT;
    gssize n = cut_reader_read(remux->reader, buffer, (gsize) size, remux->position, remux->wait, &remux->error);
    if (n < 0)
        return AVERROR_EXIT;
    remux->position += n;
    return n > 0 ? (int) n : AVERROR_EOF;
}

static int64_t seek_cut(void *opaque, int64_t offset, int whence)
{
    Remux *remux = opaque;
    if (whence == AVSEEK_SIZE)
        return remux->size;
    if (whence != SEEK_SET || offset < 0)
        return AVERROR(EINVAL);
    return remux->position = offset;
}

static int write_file(void *opaque, WrittenByte *buffer, int size)
{
    Remux *remux = opaque;
    if (!segment_fd_write(remux->fd, buffer, (gsize) size)) {
        if (remux->error == NULL)
            segment_error_set_errno(&remux->error, errno, "cannot write", "the spool file");
        return AVERROR_EXIT;
    }
    return size;
}

static int64_t seek_file(void *opaque, int64_t offset, int whence)
{
    Remux *remux = opaque;
    return whence == AVSEEK_SIZE ? AVERROR(ENOSYS) : lseek(remux->fd, offset, whence & ~AVSEEK_FORCE);
}

static AVIOContext *new_io(Remux *remux, gboolean writes)
{
    return avio_alloc_context(av_malloc(BUFFER), BUFFER, writes, remux, writes ? NULL : read_cut,
                              writes ? write_file : NULL, writes ? seek_file : seek_cut);
}

static void free_io(AVIOContext *io)
{
    if (io != NULL)
        av_freep(&io->buffer);
    avio_context_free(&io);
}

static gboolean fail(Remux *remux, int code, const char *what, GError **error)
{
    if (remux->error == NULL)
        return cut_codec_fail(error, code, what);
    g_propagate_error(error, g_steal_pointer(&remux->error));
    return FALSE;
}

static int open_input(Remux *remux)
{
    remux->input = avformat_alloc_context();
    remux->input->pb = new_io(remux, FALSE);
    remux->input->flags |= AVFMT_FLAG_CUSTOM_IO;
    int result = avformat_open_input(&remux->input, NULL, av_find_input_format("mpegts"), NULL);
    return result < 0 ? result : avformat_find_stream_info(remux->input, NULL);
}

// Pictures and sound; what else there is has no place in the container.
static int add_streams(Remux *remux)
{
    remux->streams = g_new(int, remux->input->nb_streams);
    for (unsigned i = 0; i < remux->input->nb_streams; i++) {
        const AVStream *from = remux->input->streams[i];
        remux->streams[i] = -1;
        if ((from->codecpar->codec_type != AVMEDIA_TYPE_VIDEO && from->codecpar->codec_type != AVMEDIA_TYPE_AUDIO) ||
            from->codecpar->codec_id == AV_CODEC_ID_NONE)
            continue;
        AVStream *to = avformat_new_stream(remux->output, NULL);
        int result = to != NULL ? avcodec_parameters_copy(to->codecpar, from->codecpar) : AVERROR(ENOMEM);
        if (result < 0)
            return result;
        to->codecpar->codec_tag = 0;
        to->time_base = from->time_base;
        to->avg_frame_rate = from->avg_frame_rate;
        remux->streams[i] = to->index;
    }
    return remux->output->nb_streams > 0 ? 0 : AVERROR_STREAM_NOT_FOUND;
}

static int open_output(Remux *remux, gint64 start)
{
    char text[SEGMENT_TIME_TEXT_SIZE];
    g_autofree char *time = g_strconcat(segment_time_format(start, text), "Z", NULL);
    int result = avformat_alloc_output_context2(&remux->output, NULL, "matroska", NULL);
    if (result < 0)
        return result;
    remux->output->pb = new_io(remux, TRUE);
    remux->output->avoid_negative_ts = AVFMT_AVOID_NEG_TS_MAKE_ZERO;
    remux->output->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    av_dict_set(&remux->output->metadata, "creation_time", time, 0);
    result = add_streams(remux);
    return result < 0 ? result : avformat_write_header(remux->output, NULL);
}

static int copy_packets(Remux *remux)
{
    g_autoptr(CutAvPacket) packet = av_packet_alloc();
    int result;
    while ((result = av_read_frame(remux->input, packet)) >= 0) {
        int to = (unsigned) packet->stream_index < remux->input->nb_streams ? remux->streams[packet->stream_index] : -1;
        // One without a time is the broken rest of a picture.
        if (to < 0 || packet->pts == AV_NOPTS_VALUE) {
            av_packet_unref(packet);
            continue;
        }
        av_packet_rescale_ts(packet, remux->input->streams[packet->stream_index]->time_base,
                             remux->output->streams[to]->time_base);
        packet->stream_index = to;
        packet->pos = -1;
        result = av_interleaved_write_frame(remux->output, packet);
        if (result < 0)
            return result;
    }
    return result == AVERROR_EOF ? av_write_trailer(remux->output) : result;
}

gboolean cut_remux_matroska(CutReader *reader, gint64 size, gint64 start, int fd, const SegmentWait *wait,
                            GError **error)
{
    cut_codec_quiet();
    Remux remux = {.reader = reader, .size = size, .fd = fd, .wait = wait};
    const char *what = "reading the cut";
    int result = open_input(&remux);
    if (result >= 0) {
        what = "making Matroska of it";
        result = open_output(&remux, start);
    }
    if (result >= 0)
        result = copy_packets(&remux);
    // libavformat may have gone on in spite of a failure.
    gboolean ok = result >= 0 && remux.error == NULL;
    if (remux.input != NULL) {
        AVIOContext *io = remux.input->pb;
        avformat_close_input(&remux.input);
        free_io(io);
    }
    if (remux.output != NULL) {
        free_io(remux.output->pb);
        avformat_free_context(remux.output);
    }
    g_free(remux.streams);
    return ok || fail(&remux, result, what, error);
}
