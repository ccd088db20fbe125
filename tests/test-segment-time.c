// SPDX-License-Identifier: MIT
#include "segment/time.h"

#include <string.h>

static void test_parse(void)
{
    static const struct {
        const char *text;
        gint64 time;
        const char *rest; // NULL: no time
    } cases[] = {
        {"2019-11-13T02:45:51.608", 1573613151608000, ""},
        {"20191113T024551.608", 1573613151608000, ""},
        {"20191113T024551.608Z", 1573613151608000, ""},
        {"2019-11-13T02:45:51", 1573613151000000, ""},
        {"2019-11-13T02:45", 1573613100000000, ""},
        {"20191113T0245", 1573613100000000, ""},
        {"2019-11-13T02Z", 1573610400000000, ""},
        {"20191113T02", 1573610400000000, ""},
        {"1970-01-01T00", 0, ""},
        {"1969-12-31T23:59:59.999999", -1, ""},
        {"2024-02-29T00", 1709164800000000, ""},
        {"2000-02-29T00", 951782400000000, ""},
        {"20191113T024551.000001", 1573613151000001, ""},
        {"2019-11-13T02-2019", 1573610400000000, "-2019"},
        {"20191113T024551.ts", 1573613151000000, ".ts"},
        {"20191113T024551.5.ts", 1573613151500000, ".ts"},
        {"20191113T024551.1024x64.png", 1573613151000000, ".1024x64.png"},
        {"20191113T0245.608", 1573613100000000, ".608"},
        {"2019-02-29T00", 0, NULL},
        {"2100-02-29T00", 0, NULL},
        {"2019-13-01T00", 0, NULL},
        {"2019-11-13", 0, NULL},
        {"2019-11-13T24", 0, NULL},
        {"2019-11-13T02:60", 0, NULL},
        {"20191113T024561", 0, NULL},
        {"2019-1113T02", 0, NULL},
        {"201911-13T02", 0, NULL},
        {"20191113T024551.1234567", 0, NULL},
        {"", 0, NULL},
        {"now", 0, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gint64 time = 77;
        const char *rest = NULL;
        gboolean ok = segment_time_parse(cases[i].text, &time, &rest);
        g_test_message("%s", cases[i].text);
        g_assert_cmpint(ok, ==, cases[i].rest != NULL);
        g_assert_cmpint(time, ==, ok ? cases[i].time : 77);
        g_assert_cmpstr(rest, ==, cases[i].rest);
    }
}

static void test_round_trip(void)
{
    for (int i = 0; i < 100000; i++) {
        char text[SEGMENT_TIME_TEXT_SIZE];
        // 0000-01-01 to 9999-12-31
        gint64 time = g_test_rand_int_range(0, G_MAXINT32) * G_GINT64_CONSTANT(146000000) - G_GINT64_CONSTANT(62167219200000000);
        gint64 again;
        g_assert_true(segment_time_parse_all(segment_time_format(time, text), &again));
        g_assert_cmpint(again, ==, time);
    }
}

// GLib's calendar agrees.
static void test_calendar(void)
{
    for (int i = 0; i < 10000; i++) {
        gint64 seconds = (gint64) g_test_rand_int_range(0, G_MAXINT32) * 20;
        char text[SEGMENT_HOUR_TEXT_SIZE];
        g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(seconds);
        g_autofree char *wanted = g_date_time_format(date, "%Y-%m-%dT%H");
        g_assert_cmpstr(segment_hour_name_format(seconds * SEGMENT_SECOND, text), ==, wanted);
    }
}

static void test_duration(void)
{
    static const struct {
        const char *text;
        gint64 duration; // -1: none
    } cases[] = {
        {"2.0", 2000000}, {"2", 2000000},     {"0", 0},          {"1.966667", 1966667}, {"0.000001", 1},
        {"3700.0", 3700000000}, {"1.9999995", 2000000}, {"1.99999949", 1999999}, {"86400", 86400000000},
        {"86401", -1},    {"1e308", -1},      {"1e-06", -1},     {"nan", -1},           {"inf", -1},
        {"-1", -1},       {"+1", -1},         {"", -1},          {"2.", -1},            {".5", -1},
        {"2.0s", -1},     {" 2", -1},         {"0x10", -1},      {"99999999999999999999", -1}, {"1_0", -1},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gint64 duration = -1;
        g_test_message("%s", cases[i].text);
        segment_duration_parse(cases[i].text, strlen(cases[i].text), &duration);
        g_assert_cmpint(duration, ==, cases[i].duration);
    }
}

static void test_hour(void)
{
    gint64 hour;
    g_assert_true(segment_hour_name_parse("2019-11-13T02", &hour));
    g_assert_cmpint(hour, ==, 1573610400000000);
    g_assert_false(segment_hour_name_parse("20191113T02", &hour));
    g_assert_false(segment_hour_name_parse("20191113T0200", &hour));
    g_assert_false(segment_hour_name_parse("2019-11-13T02Z", &hour));
    g_assert_false(segment_hour_name_parse("2019-11-13T2", &hour));
    g_assert_cmpint(segment_time_hour(1573613151608000), ==, 1573610400000000);
    g_assert_cmpint(segment_time_hour(-1), ==, -SEGMENT_HOUR_LENGTH);
    g_assert_cmpint(segment_time_hour(0), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/time/parse", test_parse);
    g_test_add_func("/time/round-trip", test_round_trip);
    g_test_add_func("/time/calendar", test_calendar);
    g_test_add_func("/time/duration", test_duration);
    g_test_add_func("/time/hour", test_hour);
    return g_test_run();
}
