// SPDX-License-Identifier: MIT
#include "cut/request.h"

#include "segment/time.h"

#define START G_GINT64_CONSTANT(1573613100000000) // 2019-11-13T02:45

static void test_names(void)
{
    static const struct {
        const char *name;
        gint64 start, end; // of the first span, from START, in ms
        guint n;
        CutMode mode;
        CutFormat format;
        gboolean holes;
    } cases[] = {
        {"20191113T0245-20191113T0250.ts", 0, 300000, 1, CUT_MODE_SMART, CUT_FORMAT_TS, FALSE},
        {"20191113T024551.5-20191113T025000.ts", 51500, 300000, 1, CUT_MODE_SMART, CUT_FORMAT_TS, FALSE},
        {"2019-11-13T02:45+90s.rough.ts", 0, 90000, 1, CUT_MODE_ROUGH, CUT_FORMAT_TS, FALSE},
        {"2019-11-13T02:45:00Z-2019-11-13T02:46Z.fast.ts", 0, 60000, 1, CUT_MODE_FAST, CUT_FORMAT_TS, FALSE},
        {"20191113T0245+1m30s.rough.holes.ts", 0, 90000, 1, CUT_MODE_ROUGH, CUT_FORMAT_TS, TRUE},
        {"20191113T0245+1m30s.holes.rough.ts", 0, 90000, 1, CUT_MODE_ROUGH, CUT_FORMAT_TS, TRUE},
        {"20191113T0245+1h.full.ts", 0, 3600000, 1, CUT_MODE_FULL, CUT_FORMAT_TS, FALSE},
        {"20191113T0245+1h2m3.25s.ts", 0, 3723250, 1, CUT_MODE_SMART, CUT_FORMAT_TS, FALSE},
        {"20191113T0245+0.5s.ts", 0, 500, 1, CUT_MODE_SMART, CUT_FORMAT_TS, FALSE},
        {"20191113T024500.250+1s.mp4", 250, 1250, 1, CUT_MODE_SMART, CUT_FORMAT_MP4, FALSE},
        {"20191113T0245+1s.mov", 0, 1000, 1, CUT_MODE_SMART, CUT_FORMAT_MOV, FALSE},
        {"20191113T0245+1s.rough.mkv", 0, 1000, 1, CUT_MODE_ROUGH, CUT_FORMAT_MKV, FALSE},
        {"20191113T0245+1s.m3u8", 0, 1000, 1, CUT_MODE_SMART, CUT_FORMAT_M3U8, FALSE},
        {"20191113T0245+1s.txt", 0, 1000, 1, CUT_MODE_SMART, CUT_FORMAT_TXT, FALSE},
        {"20191113T0245+1s.json", 0, 1000, 1, CUT_MODE_SMART, CUT_FORMAT_JSON, FALSE},
        {"20191113T0245+1s,20191113T0244+1s,2019-11-13T02:46-2019-11-13T03.ts", 0, 1000, 3, CUT_MODE_SMART,
         CUT_FORMAT_TS, FALSE},
        {"2019-11-13T02-2019-11-13T03.ts", -2700000, 900000, 1, CUT_MODE_SMART, CUT_FORMAT_TS, FALSE},
        {"20191113T024500-20191113T024501.800x30.png", 0, 1000, 1, CUT_MODE_SMART, CUT_FORMAT_PNG, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_test_message("%s", cases[i].name);
        g_autoptr(CutRequest) request = cut_request_parse(cases[i].name, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(request->n_spans, ==, cases[i].n);
        g_assert_cmpint(request->spans[0].start, ==, START + cases[i].start * 1000);
        g_assert_cmpint(request->spans[0].end, ==, START + cases[i].end * 1000);
        g_assert_cmpint(request->mode, ==, cases[i].mode);
        g_assert_cmpint(request->format, ==, cases[i].format);
        g_assert_cmpint(request->accept_holes, ==, cases[i].holes);
    }
}

static void test_picture(void)
{
    g_autoptr(CutRequest) sized = cut_request_parse("20191113T0245+1s.1024x64.png", NULL);
    g_assert_cmpuint(sized->width, ==, 1024);
    g_assert_cmpuint(sized->height, ==, 64);
    g_assert_null(cut_request_parse("20191113T0245+1s.0x64.png", NULL));
    g_assert_null(cut_request_parse("20191113T0245+1s.99999x64.png", NULL));
    g_assert_null(cut_request_parse("20191113T0245+1s.64.png", NULL));
    g_assert_null(cut_request_parse("20191113T0245+1s.64x64.64x64.png", NULL));
    g_assert_null(cut_request_parse("20191113T0245+1s.64x64.ts", NULL));
}

static void test_frames(void)
{
    static const char *const names[] = {"20191113T0245.png", "20191113T024500Z.png", "2019-11-13T02:45:00.000.png",
                                        "2019-11-13T02:45.jpg"};
    static const char *const others[] = {"",
                                         ".png",
                                         "20191113T0245",
                                         "20191113T0245.gif",
                                         "20191113T0245.png.png",
                                         "20191113T0245.10x10.png",
                                         "20191113T0245+1s.png",
                                         "20191113T0245-20191113T0246.png",
                                         "x20191113T0245.png",
                                         "20191113T0245.PNG",
                                         "20191113T024500.1234567.png"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(CutRequest) request = cut_request_parse_frame(names[i], NULL);
        g_assert_nonnull(request);
        g_assert_cmpuint(request->n_spans, ==, 1);
        g_assert_cmpint(request->spans[0].start, ==, START);
        g_assert_cmpint(request->format, ==, i == 3 ? CUT_FORMAT_FRAME_JPG : CUT_FORMAT_FRAME_PNG);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(cut_request_parse_frame(others[i], &error));
        g_assert_error(error, CUT_ERROR, CUT_ERROR_NO_CUT);
    }
}

static void test_no_cuts(void)
{
    static const char *const names[] = {
        "",
        ".ts",
        "desktop.ini",
        "._20191113T0245+1s.ts",
        "20191113T0245.ts",
        "20191113T0245-.ts",
        "20191113T0245+.ts",
        "20191113T0245+s.ts",
        "20191113T0245+1.ts",
        "20191113T0245+1d.ts",
        "20191113T0245+1s1m.ts",
        "20191113T0245+1s1s.ts",
        "20191113T0245+1.5m.ts",
        "20191113T0245+-1s.ts",
        "20191113T0245+99999999999999999999h.ts",
        "20191113T0245+100000000h.ts",
        "20191113T0245+1s",
        "20191113T0245+1s.",
        "20191113T0245+1s.avi",
        "20191113T0245+1s.TS",
        "20191113T0245+1s..ts",
        "20191113T0245+1s.smart.rough.ts",
        "20191113T0245+1s.rough.rough.ts",
        "20191113T0245+1s.holes.holes.ts",
        "20191113T0245+1s.nice.ts",
        "20191113T0245+1s,.ts",
        "20191113T0245+1s,,20191113T0245+1s.ts",
        "20191113T0245+1s 20191113T0245+1s.ts",
        "20191113T0245-20191113T0250-20191113T0255.ts",
        "20190229T0245+1s.ts",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;
        g_test_message("%s", names[i]);
        g_assert_null(cut_request_parse(names[i], &error));
        g_assert_error(error, CUT_ERROR, CUT_ERROR_NO_CUT);
    }
}

static void test_empty(void)
{
    static const char *const names[] = {"20191113T0245-20191113T0245.ts", "20191113T0245-20191113T0244.ts",
                                        "20191113T0245+0s.ts", "20191113T0245+1s,20191113T0245+0m.ts"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(cut_request_parse(names[i], &error));
        g_assert_error(error, CUT_ERROR, CUT_ERROR_EMPTY);
    }
}

static void test_span(void)
{
    CutSpan span;
    g_assert_true(cut_span_parse("20191113T0245+1m", &span, NULL));
    g_assert_cmpint(span.end - span.start, ==, 60 * SEGMENT_SECOND);
    g_assert_false(cut_span_parse("20191113T0245+1m.ts", &span, NULL));
    g_assert_false(cut_span_parse("now+1m", &span, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/request/names", test_names);
    g_test_add_func("/request/picture", test_picture);
    g_test_add_func("/request/frames", test_frames);
    g_test_add_func("/request/no-cuts", test_no_cuts);
    g_test_add_func("/request/empty", test_empty);
    g_test_add_func("/request/span", test_span);
    return g_test_run();
}
