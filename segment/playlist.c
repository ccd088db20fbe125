// SPDX-License-Identifier: MIT
// The text of a media playlist. The whole stream of a week is 302,400 entries, so that each is built by appending.
#include "segment/playlist.h"

#include "segment/time.h"

#define DEFAULT_TARGET 6 // seconds; RFC 8216 asks for a target also where there is no segment

static void append_uri(GString *text, const SegmentHour *hour, const char *hour_name, const SegmentEntry *entry,
                       const char *base, SegmentUriStyle style)
{
    const char *name = segment_hour_name(hour, entry);
    switch (style) {
    case SEGMENT_URI_FILE:
        g_string_append(text, base);
        g_string_append(text, hour_name);
        g_string_append_c(text, '/');
        g_string_append(text, name);
        break;
    case SEGMENT_URI_PORTABLE: {
        g_autofree char *portable = segment_name_to_portable(name, hour->start);
        g_string_append(text, base);
        g_string_append(text, hour_name);
        g_string_append_c(text, '/');
        g_string_append(text, portable);
        break;
    }
    case SEGMENT_URI_HTTP:
        g_string_append_uri_escaped(text, base, "/", FALSE);
        g_string_append(text, hour_name);
        g_string_append_c(text, '/');
        g_string_append_uri_escaped(text, name, "", FALSE);
        break;
    }
    g_string_append_c(text, '\n');
}

static gint64 to_msec(gint64 duration)
{
    return (duration + 500) / 1000;
}

// EXT-X-TARGETDURATION: every EXTINF (as it is written, in milliseconds), rounded to the nearest integer, must not
// exceed it (RFC 8216 4.3.3.1).
static gint64 target_duration(const SegmentRange *range)
{
    gint64 longest = 0;
    for (guint i = 0; i < range->refs->len; i++)
        longest = MAX(longest, segment_range_entry(range, i)->duration);
    return range->refs->len == 0 ? DEFAULT_TARGET : MAX(1, (to_msec(longest) + 500) / 1000);
}

void segment_playlist_append(GString *text, const SegmentRange *range, const char *base, SegmentUriStyle style)
{
    char hour_name[SEGMENT_HOUR_TEXT_SIZE] = "", time[SEGMENT_TIME_TEXT_SIZE];
    const SegmentHour *hour = NULL;

    g_string_append(text, "#EXTM3U\n#EXT-X-VERSION:3\n");
    g_string_append_printf(text, "#EXT-X-TARGETDURATION:%" G_GINT64_FORMAT "\n", target_duration(range));
    if (!range->ends_in_hole)
        g_string_append(text, "#EXT-X-PLAYLIST-TYPE:VOD\n");

    for (guint i = 0; i < range->refs->len; i++) {
        const SegmentEntry *entry = segment_range_entry(range, i);
        if (segment_range_hour(range, i) != hour) {
            hour = segment_range_hour(range, i);
            segment_hour_name_format(hour->start, hour_name);
        }
        if (i > 0 && g_array_index(range->refs, SegmentRef, i).after_hole)
            g_string_append(text, "#EXT-X-DISCONTINUITY\n");
        gint64 msec = to_msec(entry->duration);
        g_string_append_printf(text, "#EXT-X-PROGRAM-DATE-TIME:%sZ\n#EXTINF:%" G_GINT64_FORMAT ".%03d,\n",
                               segment_time_format(segment_entry_start(hour, entry), time), msec / 1000,
                               (int) (msec % 1000));
        append_uri(text, hour, hour_name, entry, base, style);
    }
    if (!range->ends_in_hole)
        g_string_append(text, "#EXT-X-ENDLIST\n");
}
