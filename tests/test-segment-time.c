// SPDX-License-Identifier: MIT
// Times, durations and names of hours: both spellings, every truncation, what is refused, and the calendar against
// GLib's.
#include <string.h>

#include "segment/time.h"

#define DAY (24 * SEGMENT_HOUR_LENGTH)

static void test_spellings(void)
{
    static const struct {
        const char *text;
        gint64 time;
    } cases[] = {
        {"2019-11-13T02:45:51.608", 1573613151608000},
        {"2019-11-13T02:45:51.608000", 1573613151608000},
        {"2019-11-13T02:45:51.608000Z", 1573613151608000},
        {"20191113T024551.608", 1573613151608000},
        {"20191113T024551.608Z", 1573613151608000},
        {"2019-11-13T02:45:51.000001", 1573613151000001},
        {"20191113T024551.6", 1573613151600000},
        {"2019-11-13T02:45:51", 1573613151000000},
        {"20191113T024551Z", 1573613151000000},
        {"2019-11-13T02:45", 1573613100000000},
        {"2019-11-13T02:45Z", 1573613100000000},
        {"20191113T0245", 1573613100000000},
        {"2019-11-13T02", 1573610400000000},
        {"2019-11-13T02Z", 1573610400000000},
        {"20191113T02", 1573610400000000},
        {"1970-01-01T00", 0},
        {"1969-12-31T23:59:59.999999", -1},
        {"0000-01-01T00", -G_GINT64_CONSTANT(62167219200000000)},
        {"9999-12-31T23:59:59.999999", G_GINT64_CONSTANT(253402300799999999)},
        {"2024-02-29T00", 1709164800000000},
        {"2000-02-29T00", 951782400000000},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        gint64 time = 1;
        g_test_message("%s", cases[i].text);
        g_assert_true(segment_time_parse_all(cases[i].text, &time));
        g_assert_cmpint(time, ==, cases[i].time);
    }
}

static void test_refused(void)
{
    static const char *const texts[] = {
        "", "2019", "2019-11-13", "20191113", "2019-11-13T", "2019-11-13T0", "2019-11-13T24", "2019-11-13t02",
        "2019-11-13 02", "2019-11-13T02:", "2019-11-13T02:4", "2019-11-13T02:60", "2019-11-13T02:45:",
        "2019-11-13T02:45:60", "2019-11-13T02:45:5", "2019-11-13T02:45:51.", "2019-11-13T02:45:51.1234567",
        "2019-11-13T02:45:51,5", "2019-11-13T02:45:51.5z", "2019-11-13T02:45:51.5ZZ", "2019-11-13T02:45:51.5+01:00",
        "2019-11-13T02:4551", "2019-11-13T0245", "20191113T02:45", "20191113T024", "20191113T02455", "2019-1113T02",
        "201911-13T02", "2019-13-01T00", "2019-00-01T00", "2019-01-00T00", "2019-01-32T00", "2019-02-29T00",
        "1900-02-29T00", "2019-04-31T00", "-2019-11-13T02", "+2019-11-13T02", " 2019-11-13T02", "2019-11-13T02 ",
        "2019-11-13T-2", "2019-11-13T+2", "nan", "inf", "1e308", "1573613151", "２０１９-11-13T02",
    };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        gint64 time = 42;
        g_test_message("%s", texts[i]);
        g_assert_false(segment_time_parse_all(texts[i], &time));
        g_assert_cmpint(time, ==, 42);
    }
}

static void test_rest(void)
{
    static const struct {
        const char *text, *rest;
        gint64 time;
    } cases[] = {
        {"20191113T024551.5-20191113T025000.ts", "-20191113T025000.ts", 1573613151500000},
        {"2019-11-13T02:45-2019", "-2019", 1573613100000000},
        {"2019-11-13T02-2019-11-13T03", "-2019-11-13T03", 1573610400000000},
        {"2019-11-13T02:45+90s.rough.ts", "+90s.rough.ts", 1573613100000000},
        {"20191113T024551.ts", ".ts", 1573613151000000},
        {"20191113T024551.5.ts", ".ts", 1573613151500000},
        {"20191113T024551.5Z.ts", ".ts", 1573613151500000},
        {"20191113T0245Z.m3u8", ".m3u8", 1573613100000000},
        {"20191113T024551.1024x64.png", ".1024x64.png", 1573613151000000},
        {"20191113T024551.5.1024x64.png", ".1024x64.png", 1573613151500000},
        {"20191113T02.txt", ".txt", 1573610400000000},
        {"20191113T024551.", ".", 1573613151000000},
        {"20191113T024551.5x", "x", 1573613151500000},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        gint64 time;
        const char *rest;
        g_test_message("%s", cases[i].text);
        g_assert_true(segment_time_parse(cases[i].text, &time, &rest));
        g_assert_cmpint(time, ==, cases[i].time);
        g_assert_cmpstr(rest, ==, cases[i].rest);
    }
    gint64 time = 42;
    const char *rest = "kept";
    g_assert_false(segment_time_parse("20191113T024551.1234567", &time, &rest));
    g_assert_cmpint(time, ==, 42);
    g_assert_cmpstr(rest, ==, "kept");
}

// A float of such a time is off; digits are not.
static void test_every_microsecond(void)
{
    gint64 base = 0;
    g_assert_true(segment_time_parse_all("2024-02-29T23:59:59", &base));
    for (int usec = 0; usec < 1000000; usec += g_test_slow() ? 1 : 7) {
        char text[64];
        gint64 time;
        g_snprintf(text, sizeof text, "2024-02-29T23:59:59.%06d", usec);
        g_assert_true(segment_time_parse_all(text, &time));
        if (time != base + usec)
            g_error("%s: %" G_GINT64_FORMAT, text, time);
    }
}

static void test_format(void)
{
    char text[SEGMENT_TIME_TEXT_SIZE], name[SEGMENT_HOUR_TEXT_SIZE];
    g_assert_cmpstr(segment_time_format(1573613151608000, text), ==, "2019-11-13T02:45:51.608000");
    g_assert_cmpstr(segment_time_format(-1, text), ==, "1969-12-31T23:59:59.999999");
    g_assert_cmpstr(segment_time_format(0, text), ==, "1970-01-01T00:00:00.000000");
    g_assert_cmpstr(segment_hour_name_format(1573613151608000, name), ==, "2019-11-13T02");
    g_assert_cmpstr(segment_hour_name_format(-1, name), ==, "1969-12-31T23");
    g_assert_cmpint(segment_time_hour(1573613151608000), ==, 1573610400000000);
    g_assert_cmpint(segment_time_hour(1573610400000000), ==, 1573610400000000);
    g_assert_cmpint(segment_time_hour(-1), ==, -SEGMENT_HOUR_LENGTH);
    g_assert_cmpint(segment_time_hour(-SEGMENT_HOUR_LENGTH), ==, -SEGMENT_HOUR_LENGTH);
    g_assert_cmpint(segment_time_hour(0), ==, 0);
}

// Out of the years that text can hold: any text will do, as long as it ends.
static void test_format_of_anything(void)
{
    const gint64 limit = G_MAXINT64 - SEGMENT_HOUR_LENGTH, times[] = {limit, -limit, limit / 3, -limit / 3};
    for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
        char text[SEGMENT_TIME_TEXT_SIZE];
        g_assert_cmpuint(strlen(segment_time_format(times[i], text)), <, sizeof text);
    }
}

static void test_calendar(void)
{
    // GDateTime knows the years 1 to 9999. A step that is prime to days and years.
    gint64 first, last;
    g_assert_true(segment_time_parse_all("0001-01-01T00", &first));
    g_assert_true(segment_time_parse_all("9999-12-31T23", &last));
    for (gint64 time = first; time <= last; time += 17 * DAY + 7 * SEGMENT_HOUR_LENGTH + 61 * SEGMENT_SECOND + 123457) {
        char text[SEGMENT_TIME_TEXT_SIZE];
        gint64 back, seconds = (time - (time % SEGMENT_SECOND + SEGMENT_SECOND) % SEGMENT_SECOND) / SEGMENT_SECOND;
        g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(seconds);
        g_autofree char *expected =
            g_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02d.%06d", g_date_time_get_year(date),
                            g_date_time_get_month(date), g_date_time_get_day_of_month(date), g_date_time_get_hour(date),
                            g_date_time_get_minute(date), g_date_time_get_second(date),
                            (int) (time - seconds * SEGMENT_SECOND));
        if (strcmp(segment_time_format(time, text), expected) != 0)
            g_error("%s is not %s", text, expected);
        if (!segment_time_parse_all(text, &back) || back != time)
            g_error("%s does not come back", text);
    }
}

static void test_durations(void)
{
    static const struct {
        const char *text;
        gint64 duration; // negative: refused
    } cases[] = {
        {"2", 2000000},         {"2.0", 2000000},         {"0", 0},
        {"0.0", 0},             {"1.966667", 1966667},    {"1.9666666", 1966667},
        {"1.9666664", 1966666}, {"1.9666665", 1966667},   {"1.96666649999", 1966666},
        {"0.9999995", 1000000}, {"0.000001", 1},          {"0.0000004", 0},
        {"00002.50", 2500000},  {"86400", 86400000000},   {"86400.5", 86400500000},
        {"86401", -1},          {"99999999999999", -1},   {"99999999999999999999999999", -1},
        {"", -1},               {".", -1},                {".5", -1},
        {"2.", -1},             {"2..0", -1},             {"2.0.0", -1},
        {"-2.0", -1},           {"+2.0", -1},             {" 2.0", -1},
        {"2.0 ", -1},           {"2,0", -1},              {"1e3", -1},
        {"1e308", -1},          {"1e-06", -1},            {"0x10", -1},
        {"nan", -1},            {"inf", -1},              {"infinity", -1},
        {"2s", -1},             {"2.0x", -1},             {"2.\xc3\xa9", -1},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        gint64 duration = -1;
        g_test_message("%s", cases[i].text);
        gboolean ok = segment_duration_parse(cases[i].text, strlen(cases[i].text), &duration);
        g_assert_cmpint(ok, ==, cases[i].duration >= 0);
        g_assert_cmpint(duration, ==, cases[i].duration);
    }

    // It looks at LENGTH characters only.
    gint64 duration = -1;
    g_assert_true(segment_duration_parse("2.0-full", 3, &duration));
    g_assert_cmpint(duration, ==, 2000000);
    g_assert_true(segment_duration_parse("25", 1, &duration));
    g_assert_cmpint(duration, ==, 2000000);
    g_assert_false(segment_duration_parse("2.0", 2, &duration));
    g_assert_false(segment_duration_parse("2", 0, &duration));

    g_autofree char *zeros = g_strnfill(100000, '0');
    g_assert_true(segment_duration_parse(zeros, strlen(zeros), &duration));
    g_assert_cmpint(duration, ==, 0);
    zeros[1] = '.';
    g_assert_true(segment_duration_parse(zeros, strlen(zeros), &duration));
    memset(zeros, '9', strlen(zeros));
    g_assert_false(segment_duration_parse(zeros, strlen(zeros), &duration));
}

static void test_hour_names(void)
{
    static const char *const refused[] = {
        "", "2019-11-13", "20191113T02", "2019-11-13T24", "2019-11-13T2", "2019-11-13T02Z", "2019-11-13T02:45",
        "2019-02-29T00", "2019-11-13T2Z", "2019-11-13t02", ".019-11-13T02", "20191113T02ZZ", "20191113T0245",
        "2019-11-13T02/", "2019-11-13T02~", "range", "..",
    };
    gint64 hour = 42;
    g_assert_true(segment_hour_name_parse("2019-11-13T02", &hour));
    g_assert_cmpint(hour, ==, 1573610400000000);
    hour = 42;
    for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_test_message("%s", refused[i]);
        g_assert_false(segment_hour_name_parse(refused[i], &hour));
        g_assert_cmpint(hour, ==, 42);
    }
    for (int i = 0; i < 100000; i++) {
        gint64 start = 1573610400000000 + (i - 50000) * 5 * SEGMENT_HOUR_LENGTH;
        char name[SEGMENT_HOUR_TEXT_SIZE];
        segment_hour_name_format(start + i % 3600 * SEGMENT_SECOND, name);
        if (!segment_hour_name_parse(name, &hour) || hour != start)
            g_error("%s does not come back", name);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/segment/time/spellings", test_spellings);
    g_test_add_func("/segment/time/refused", test_refused);
    g_test_add_func("/segment/time/rest", test_rest);
    g_test_add_func("/segment/time/every-microsecond", test_every_microsecond);
    g_test_add_func("/segment/time/format", test_format);
    g_test_add_func("/segment/time/format-of-anything", test_format_of_anything);
    g_test_add_func("/segment/time/calendar", test_calendar);
    g_test_add_func("/segment/time/durations", test_durations);
    g_test_add_func("/segment/time/hour-names", test_hour_names);
    return g_test_run();
}
