// SPDX-License-Identifier: MIT
// Points in time and durations as text. Everything is integer arithmetic on digits; days are counted with the
// proleptic Gregorian calendar (the algorithm of ISO 8601's calendar in 400-year eras).
#include "segment/time.h"

#include <string.h>

// Reads exactly COUNT digits at *TEXT and steps over them.
static gboolean read_digits(const char **text, int count, int *value)
{
    int v = 0;
    for (int i = 0; i < count; i++) {
        char c = (*text)[i];
        if (c < '0' || c > '9')
            return FALSE;
        v = v * 10 + (c - '0');
    }
    *text += count;
    *value = v;
    return TRUE;
}

static gint64 days_from_date(int year, int month, int day)
{
    gint64 y = month <= 2 ? year - 1 : year;
    gint64 era = (y >= 0 ? y : y - 399) / 400;
    gint64 year_of_era = y - era * 400;
    gint64 day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    gint64 day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_from_days(gint64 days, int *year, int *month, int *day)
{
    days += 719468;
    gint64 era = (days >= 0 ? days : days - 146096) / 146097;
    gint64 day_of_era = days - era * 146097;
    gint64 year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    gint64 day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    gint64 m = (5 * day_of_year + 2) / 153;
    *day = (int) (day_of_year - (153 * m + 2) / 5 + 1);
    *month = (int) (m < 10 ? m + 3 : m - 9);
    *year = (int) (year_of_era + era * 400 + (*month <= 2 ? 1 : 0));
}

static gboolean date_is_valid(int year, int month, int day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1)
        return FALSE;
    gboolean leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= lengths[month - 1] + (month == 2 && leap ? 1 : 0);
}

// Reads up to six decimals at *TEXT, right-padded to microseconds, and steps over them.
static gboolean read_decimals(const char **text, gint64 *usec)
{
    const char *p = *text;
    gint64 v = 0, unit = SEGMENT_SECOND / 10;
    for (; g_ascii_isdigit(*p); p++, unit /= 10) {
        if (unit == 0)
            return FALSE;
        v += (*p - '0') * unit;
    }
    if (p == *text)
        return FALSE;
    *text = p;
    *usec = v;
    return TRUE;
}

// ".608" belongs to a time; ".ts" and ".1024x64" do not.
static gboolean decimals_follow(const char *text)
{
    if (text[0] != '.' || !g_ascii_isdigit(text[1]))
        return FALSE;
    const char *p = text + 1;
    while (g_ascii_isdigit(*p))
        p++;
    return !(*p == 'x' && g_ascii_isdigit(p[1]));
}

gboolean segment_time_parse(const char *text, gint64 *time, const char **rest)
{
    const char *p = text;
    int year, month, day, hour, minute = 0, second = 0;
    gint64 usec = 0;

    if (!read_digits(&p, 4, &year))
        return FALSE;
    gboolean extended = *p == '-';
    if (extended)
        p++;
    if (!read_digits(&p, 2, &month) || (extended && *p++ != '-') || !read_digits(&p, 2, &day))
        return FALSE;
    if (!date_is_valid(year, month, day) || *p++ != 'T' || !read_digits(&p, 2, &hour) || hour > 23)
        return FALSE;

    if (extended ? *p == ':' : g_ascii_isdigit(*p)) {
        p += extended;
        if (!read_digits(&p, 2, &minute) || minute > 59)
            return FALSE;
        if (extended ? *p == ':' : g_ascii_isdigit(*p)) {
            p += extended;
            if (!read_digits(&p, 2, &second) || second > 59)
                return FALSE;
            if (decimals_follow(p)) {
                p++;
                if (!read_decimals(&p, &usec))
                    return FALSE;
            }
        }
    }
    if (*p == 'Z')
        p++;

    gint64 days = days_from_date(year, month, day);
    *time = ((days * 24 + hour) * 3600 + minute * 60 + second) * SEGMENT_SECOND + usec;
    *rest = p;
    return TRUE;
}

gboolean segment_time_parse_all(const char *text, gint64 *time)
{
    gint64 t;
    const char *rest;
    if (!segment_time_parse(text, &t, &rest) || *rest != '\0')
        return FALSE;
    *time = t;
    return TRUE;
}

gint64 segment_time_hour(gint64 time)
{
    gint64 into = time % SEGMENT_HOUR_LENGTH;
    return time - (into < 0 ? into + SEGMENT_HOUR_LENGTH : into);
}

char *segment_time_format(gint64 time, char text[SEGMENT_TIME_TEXT_SIZE])
{
    gint64 hour = segment_time_hour(time);
    int into = (int) ((time - hour) / SEGMENT_SECOND);
    char name[SEGMENT_HOUR_TEXT_SIZE];
    g_snprintf(text, SEGMENT_TIME_TEXT_SIZE, "%s:%02d:%02d.%06d", segment_hour_name_format(hour, name), into / 60,
               into % 60, (int) ((time - hour) % SEGMENT_SECOND));
    return text;
}

gboolean segment_duration_parse(const char *text, gsize length, gint64 *duration)
{
    const char *p = text, *end = text + length;
    gint64 seconds = 0, usec = 0, unit = SEGMENT_SECOND / 10;

    if (p == end || !g_ascii_isdigit(*p))
        return FALSE;
    for (; p < end && g_ascii_isdigit(*p); p++) {
        seconds = seconds * 10 + (*p - '0');
        if (seconds > 24 * 3600)
            return FALSE;
    }
    if (p < end) {
        if (*p++ != '.' || p == end)
            return FALSE;
        for (; p < end && g_ascii_isdigit(*p); p++) {
            if (unit > 0)
                usec += (*p - '0') * unit;
            else if (unit == 0 && *p >= '5')
                usec++;
            unit = unit > 0 ? unit / 10 : -1;
        }
    }
    if (p != end)
        return FALSE;
    *duration = seconds * SEGMENT_SECOND + usec;
    return TRUE;
}

gboolean segment_hour_name_parse(const char *text, gint64 *hour)
{
    return strlen(text) == strlen("2019-11-13T02") && text[4] == '-' && segment_time_parse_all(text, hour);
}

char *segment_hour_name_format(gint64 time, char text[SEGMENT_HOUR_TEXT_SIZE])
{
    int year, month, day;
    gint64 hours = segment_time_hour(time) / SEGMENT_HOUR_LENGTH;
    gint64 days = (hours >= 0 ? hours : hours - 23) / 24;
    date_from_days(days, &year, &month, &day);
    // Within the years that segment_time_parse() reads; the masks tell the compiler that the text fits.
    g_snprintf(text, SEGMENT_HOUR_TEXT_SIZE, "%04d-%02d-%02dT%02d", CLAMP(year, 0, 9999), month % 100, day % 100,
               (int) (hours - days * 24) % 100);
    return text;
}

int segment_time_compare(gconstpointer a, gconstpointer b)
{
    gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;
    return (x > y) - (x < y);
}
