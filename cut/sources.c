// SPDX-License-Identifier: MIT
// Which segments an edge needs beside those that it stands for: the one before it, where its first pictures or sound
// may refer to that or lie in it; the one after it, where some of its sound may lie in that.
#include "cut/sources.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cut/request.h"
#include "segment/fd.h"
#include "segment/time.h"

#define NEAR (SEGMENT_SECOND / 2) // how near START is to its segment's beginning for the one before it to matter
#define MAX_BEFORE 5 // segments that are searched for a key frame
#define MAX_SEGMENT (256 * 1024 * 1024) // bytes of one that is taken apart
#define MAX_SOURCES (1024 * 1024 * 1024) // bytes of all that an edge is made of

char *cut_segment_path(SegmentStream *stream, const SegmentRange *range, guint ref)
{
    char hour_name[SEGMENT_HOUR_TEXT_SIZE];
    const SegmentHour *hour = segment_range_hour(range, ref);
    return g_build_filename(segment_stream_path(stream), segment_hour_name_format(hour->start, hour_name),
                            segment_hour_name(hour, segment_range_entry(range, ref)), NULL);
}

int cut_open_segment(SegmentStream *stream, const SegmentRange *range, guint ref, GError **error)
{
    g_autoptr(GError) failure = NULL;
    const SegmentHour *hour = segment_range_hour(range, ref);
    const SegmentEntry *entry = segment_range_entry(range, ref);
    struct stat st;
    segment_autofd int fd = segment_stream_open_file(stream, hour->start, segment_hour_name(hour, entry), &failure);
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size == entry->size)
        return segment_fd_steal(&fd);
    g_autofree char *path = cut_segment_path(stream, range, ref);
    g_set_error(error, SEGMENT_ERRNO, EIO, "%s: %s", path,
                failure != NULL ? failure->message : "its size is not what it was when it was listed");
    return -1;
}

CutBuffer *cut_read_segment(SegmentStream *stream, const SegmentRange *range, guint ref, GError **error)
{
    gsize size = (gsize) segment_range_entry(range, ref)->size;
    segment_autofd int fd = cut_open_segment(stream, range, ref, error);
    if (fd < 0)
        return NULL;
    g_autoptr(CutBuffer) buffer = size <= MAX_SEGMENT ? cut_buffer_new(size) : NULL;
    errno = EFBIG;
    if (buffer != NULL && segment_fd_read(fd, buffer->data, size, 0))
        return g_steal_pointer(&buffer);
    int code = errno;
    g_autofree char *path = cut_segment_path(stream, range, ref);
    segment_error_set_errno(error, code, "cannot read", path);
    return NULL;
}

typedef struct {
    const SegmentRange *range;
    guint ref;
} Segment;

// AT: where it goes among the others.
static gboolean add(CutSources *sources, SegmentStream *stream, guint at, const Segment *segment, GError **error)
{
    const SegmentHour *hour = segment_range_hour(segment->range, segment->ref);
    const SegmentEntry *entry = segment_range_entry(segment->range, segment->ref);
    gint64 total = entry->size;
    for (guint i = 0; i < sources->n; i++)
        total += (gint64) sources->items[i].size;
    if (total > MAX_SOURCES) {
        g_autofree char *path = cut_segment_path(stream, segment->range, segment->ref);
        return segment_error_set_errno(error, EFBIG, "cannot load", path);
    }
    CutBuffer *buffer = cut_read_segment(stream, segment->range, segment->ref, error);
    if (buffer == NULL)
        return FALSE;
    g_ptr_array_add(sources->buffers, buffer);
    sources->items = g_renew(CutSource, sources->items, sources->n + 1);
    memmove(sources->items + at + 1, sources->items + at, (sources->n - at) * sizeof(CutSource));
    sources->items[at] = (CutSource){
        .data = buffer->data,
        .size = buffer->size,
        .start = segment_entry_start(hour, entry),
        .is_whole = entry->type == SEGMENT_FULL,
    };
    sources->n++;
    return TRUE;
}

// The segment N before those that the part stands for. FALSE where there is none that it follows without a hole.
static gboolean find_before(const CutPart *part, guint n, Segment *segment)
{
    const CutRun *run = part->run;
    guint inside = part->first_ref - run->first_ref;
    if (n <= inside) {
        *segment = (Segment){.range = run->range, .ref = part->first_ref - n};
        return TRUE;
    }
    *segment = (Segment){.range = run->before, .ref = 0};
    return run->before != NULL && n == inside + 1;
}

static void identify(const Segment *segment, GByteArray *identity, GByteArray *hashes)
{
    const SegmentHour *hour = segment_range_hour(segment->range, segment->ref);
    const SegmentEntry *entry = segment_range_entry(segment->range, segment->ref);
    SegmentName name;
    if (!segment_name_parse(segment_hour_name(hour, entry), &name))
        g_assert_not_reached();
    gint64 numbers[] = {segment_entry_start(hour, entry), entry->size, entry->type == SEGMENT_FULL};
    g_byte_array_append(hashes, name.hash, sizeof name.hash);
    g_byte_array_append(identity, name.hash, sizeof name.hash);
    g_byte_array_append(identity, (const guint8 *) numbers, sizeof numbers);
}

void cut_part_identify(const CutPart *part, GByteArray *identity, GByteArray *hashes)
{
    Segment segment;
    guint n_before = 0;
    while (n_before < MAX_BEFORE && find_before(part, n_before + 1, &segment)) {
        identify(&segment, identity, hashes);
        n_before++;
    }
    gboolean has_after = part->is_tail && part->run->after != NULL;
    guint numbers[] = {n_before, part->n_refs, has_after};
    for (guint i = 0; i < part->n_refs; i++) {
        segment = (Segment){.range = part->run->range, .ref = part->first_ref + i};
        identify(&segment, identity, hashes);
    }
    if (has_after) {
        segment = (Segment){.range = part->run->after, .ref = 0};
        identify(&segment, identity, hashes);
    }
    g_byte_array_append(identity, (const guint8 *) numbers, sizeof numbers);
}

// Whether the first source begins with a picture that refers to nothing before it.
static gboolean begins_clean(const CutSource *source, gboolean *is_key)
{
    CutIndex index;
    if (!cut_index_scan(source->data, source->size, "", &index, NULL) || index.video_pid == 0) {
        *is_key = TRUE;
        return TRUE;
    }
    *is_key = index.is_key;
    return index.is_idr;
}

static gboolean add_before(CutSources *sources, const CutPlan *plan, const CutPart *part, GError **error)
{
    Segment segment;
    gboolean is_key, is_clean = begins_clean(&sources->items[0], &is_key);
    gboolean is_near = part->is_head && part->run->start - sources->items[0].start < NEAR;
    // What comes before an edge at the end is copied, but its last pictures may have to be decoded.
    if (is_clean && !is_near)
        return TRUE;
    gboolean found_key = FALSE;
    for (guint n = 1; n <= MAX_BEFORE && !found_key && find_before(part, n, &segment); n++) {
        if (!add(sources, plan->stream, 0, &segment, error))
            return FALSE;
        sources->n_before++;
        begins_clean(&sources->items[0], &found_key);
    }
    return TRUE;
}

CutSources *cut_sources_load(const CutPlan *plan, const CutPart *part, const int *cancelled, GError **error)
{
    g_autoptr(CutSources) sources = g_new0(CutSources, 1);
    sources->buffers = g_ptr_array_new_with_free_func((GDestroyNotify) cut_buffer_free);
    SegmentWait wait = {.may_block = TRUE, .cancelled = cancelled};
    for (guint i = 0; i < part->n_refs; i++) {
        Segment segment = {.range = part->run->range, .ref = part->first_ref + i};
        if (segment_wait_is_over(&wait, error) || !add(sources, plan->stream, i, &segment, error))
            return NULL;
    }
    sources->n_covered = sources->n;
    if (!add_before(sources, plan, part, error))
        return NULL;
    if (part->is_tail && part->run->after != NULL) {
        Segment segment = {.range = part->run->after, .ref = 0};
        if (!add(sources, plan->stream, sources->n, &segment, error))
            return NULL;
    }
    return g_steal_pointer(&sources);
}

void cut_sources_drop_bytes(CutSources *sources)
{
    g_ptr_array_set_size(sources->buffers, 0);
    for (guint i = 0; i < sources->n; i++)
        sources->items[i].data = NULL;
}

void cut_sources_free(CutSources *sources)
{
    if (sources == NULL)
        return;
    g_ptr_array_unref(sources->buffers);
    g_free(sources->items);
    g_free(sources);
}
