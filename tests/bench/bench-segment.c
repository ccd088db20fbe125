// SPDX-License-Identifier: MIT
// bench-segment STORE STREAM START END: the best segments of a range, in a process of its own, by what the daemon uses.
//
// Prints the seconds of a first walk, with the opening of the store and the start of its watch, and of a second one
// with nothing changed; the peak of resident memory after the first, in KiB; and how many segments there are.
#include <glib.h>
#include <stdio.h>
#include <sys/resource.h>

#include "segment/store.h"
#include "segment/time.h"

static double seconds_since(gint64 begin)
{
    return (double) (g_get_monotonic_time() - begin) / G_USEC_PER_SEC;
}

static guint walk(SegmentStore *store, const char *path, gint64 start, gint64 end, GError **error)
{
    SegmentStream *stream = segment_store_stream(store, path, NULL, error);
    if (stream == NULL)
        return 0;
    g_autoptr(SegmentRange) range = segment_stream_range(stream, start, end, TRUE, FALSE, NULL, error);
    return range == NULL ? 0 : range->refs->len;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    gint64 start, end;
    if (argc != 5 || !segment_time_parse_all(argv[3], &start) || !segment_time_parse_all(argv[4], &end)) {
        fprintf(stderr, "usage: bench-segment STORE STREAM START END\n");
        return 2;
    }
    SegmentStoreOptions options = {0};
    gint64 begin = g_get_monotonic_time();
    g_autoptr(SegmentStore) store = segment_store_open(argv[1], &options, &error);
    guint first_count = 0, second_count = 0;
    if (store != NULL && segment_store_start(store, &error))
        first_count = walk(store, argv[2], start, end, &error);
    double first = seconds_since(begin);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);

    begin = g_get_monotonic_time();
    if (error == NULL)
        second_count = walk(store, argv[2], start, end, &error);
    double second = seconds_since(begin);
    if (error != NULL || first_count != second_count) {
        fprintf(stderr, "bench-segment: %s\n", error != NULL ? error->message : "the second walk differs");
        return 1;
    }
    printf("%.6f %.6f %ld %u\n", first, second, usage.ru_maxrss, first_count);
    return 0;
}
