// SPDX-License-Identifier: MIT
// Points in time and durations: signed 64-bit counts of microseconds, UTC, without leap seconds. Never a float:
// a float is 1 µs off often enough to invent overlaps between segments.
#ifndef SEGMENT_TIME_H
#define SEGMENT_TIME_H

#include <glib.h>

#define SEGMENT_SECOND G_GINT64_CONSTANT(1000000)
#define SEGMENT_HOUR_LENGTH (3600 * SEGMENT_SECOND)

// "2019-11-13T02:45:51.608000Z" and a NUL.
#define SEGMENT_TIME_TEXT_SIZE 32
// "2019-11-13T02" and a NUL.
#define SEGMENT_HOUR_TEXT_SIZE 16

// Reads a point in time at the start of TEXT, in either ISO 8601 form (2019-11-13T02:45:51.608 or
// 20191113T024551.608), truncated at hour, minute or second, with up to six decimals and an optional Z. Stores
// microseconds since 1970 in *TIME and the first character after it in *REST. FALSE, with both untouched, where
// there is none. Decimals followed by 'x' and a digit are left alone: they are a picture's size (1024x64).
gboolean segment_time_parse(const char *text, gint64 *time, const char **rest);

// The same for a text that holds a time and nothing else.
gboolean segment_time_parse_all(const char *text, gint64 *time);

// Writes 2019-11-13T02:45:51.608000 (always six decimals, no Z) and returns TEXT.
char *segment_time_format(gint64 time, char text[SEGMENT_TIME_TEXT_SIZE]);

// Reads decimal digits with an optional fraction ("2", "2.0", "1.966667") as seconds into *DURATION, in microseconds;
// further decimals round half up. FALSE for signs, exponents, words, and for more than a day.
gboolean segment_duration_parse(const char *text, gsize length, gint64 *duration);

// Reads the name of an hour's directory, exactly YYYY-MM-DDTHH, as the time it starts at.
gboolean segment_hour_name_parse(const char *text, gint64 *hour);

// Writes the name of the hour that contains TIME and returns TEXT.
char *segment_hour_name_format(gint64 time, char text[SEGMENT_HOUR_TEXT_SIZE]);

// The start of the hour that contains TIME (which may be before 1970).
gint64 segment_time_hour(gint64 time);

// Orders times (gint64), for sorting and searching arrays of them.
int segment_time_compare(gconstpointer a, gconstpointer b);

#endif
