// SPDX-License-Identifier: MIT
// Times and durations, as users type them and names hold them.
#include <string.h>

#include "segment/time.h"
#include "tests/fuzz/harness.h"

static void check_time(const char *text)
{
    gint64 time = -1, again;
    const char *rest = NULL;
    if (!segment_time_parse(text, &time, &rest)) {
        fuzz_assert(time == -1 && rest == NULL);
        return;
    }
    fuzz_assert(rest > text && rest <= text + strlen(text));
    char formatted[SEGMENT_TIME_TEXT_SIZE];
    fuzz_assert(segment_time_parse_all(segment_time_format(time, formatted), &again) && again == time);
    gint64 hour = segment_time_hour(time);
    fuzz_assert(hour <= time && time - hour < SEGMENT_HOUR_LENGTH && hour % SEGMENT_HOUR_LENGTH == 0);

    // What was read is a time of its own.
    g_autofree char *own = g_strndup(text, (gsize) (rest - text));
    fuzz_assert(segment_time_parse_all(own, &again) && again == time);
}

static void check_duration(const char *text, gsize size)
{
    gint64 duration = -1, again;
    if (!segment_duration_parse(text, size, &duration)) {
        fuzz_assert(duration == -1);
        return;
    }
    fuzz_assert(duration >= 0 && duration <= 24 * SEGMENT_HOUR_LENGTH + SEGMENT_SECOND);
    if (duration <= 24 * SEGMENT_HOUR_LENGTH) {
        char formatted[40];
        g_snprintf(formatted, sizeof formatted, "%d.%06d", (int) (duration / SEGMENT_SECOND),
                   (int) (duration % SEGMENT_SECOND));
        fuzz_assert(segment_duration_parse(formatted, strlen(formatted), &again) && again == duration);
    }
}

static void check_hour_name(const char *text)
{
    gint64 hour;
    char formatted[SEGMENT_HOUR_TEXT_SIZE];
    if (segment_hour_name_parse(text, &hour))
        fuzz_assert(strcmp(segment_hour_name_format(hour, formatted), text) == 0);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *) data, size);
    check_time(text);
    check_hour_name(text);
    // Without an end: it must not look for one.
    g_autofree char *open_ended = g_malloc(MAX(size, 1));
    memcpy(open_ended, data, size);
    check_duration(open_ended, size);
    return 0;
}
