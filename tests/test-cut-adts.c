// SPDX-License-Identifier: MIT
// Frames of AAC in PES packets, cut anywhere.
#include "cut/adts.h"

#include <string.h>

#include "cut/ts.h"

#define FRAME 1920 // 90 kHz: 1,024 samples at 48 kHz

typedef struct {
    gsize size;
    gint64 pts;
    guint duration;
    guint8 mark;
} Frame;

static void collect(const guint8 *data, gsize size, gint64 pts, guint duration, gpointer frames)
{
    Frame frame = {.size = size, .pts = pts, .duration = duration, .mark = data[7]};
    g_array_append_val((GArray *) frames, frame);
}

// A frame of SIZE bytes at 48 kHz, whose first byte is MARK.
static void append(GByteArray *bytes, gsize size, guint8 mark)
{
    guint8 header[] = {
        0xFF, 0xF1, 0x4C, (guint8) (0x80 | size >> 11), (guint8) (size >> 3), (guint8) ((size & 7) << 5 | 0x1F), 0xFC};
    guint at = bytes->len;
    g_byte_array_append(bytes, header, sizeof header);
    g_byte_array_set_size(bytes, at + (guint) size);
    memset(bytes->data + at + sizeof header, mark, size - sizeof header);
}

static const Frame *at(const GArray *frames, guint i)
{
    return &g_array_index(frames, Frame, i);
}

// Three packets of which no frame but the first begins with one: a packet's PTS is that of the first that begins in it.
static void test_straddle(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GArray) frames = g_array_new(FALSE, FALSE, sizeof(Frame));
    CutAdts adts;
    cut_adts_init(&adts);
    for (guint8 i = 0; i < 6; i++)
        append(bytes, 100, i);
    cut_adts_push(&adts, bytes->data, 250, 1000, collect, frames);
    cut_adts_push(&adts, bytes->data + 250, 200, 50000, collect, frames);
    cut_adts_push(&adts, bytes->data + 450, 150, 90000, collect, frames);
    static const gint64 wanted[] = {1000, 1000 + FRAME, 1000 + 2 * FRAME, 50000, 50000 + FRAME, 90000};
    g_assert_cmpuint(frames->len, ==, 6);
    for (guint i = 0; i < 6; i++) {
        g_assert_cmpuint(at(frames, i)->size, ==, 100);
        g_assert_cmpuint(at(frames, i)->mark, ==, i);
        g_assert_cmpuint(at(frames, i)->duration, ==, FRAME);
        g_assert_cmpint(at(frames, i)->pts, ==, wanted[i]);
    }
    cut_adts_clear(&adts);
}

static void test_byte_by_byte(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GArray) frames = g_array_new(FALSE, FALSE, sizeof(Frame));
    CutAdts adts;
    cut_adts_init(&adts);
    for (guint8 i = 0; i < 5; i++)
        append(bytes, 8U + i, i);
    for (guint i = 0; i < bytes->len; i++)
        cut_adts_push(&adts, bytes->data + i, 1, i == 0 ? 7 : CUT_NO_STAMP, collect, frames);
    g_assert_cmpuint(frames->len, ==, 5);
    g_assert_cmpint(at(frames, 0)->pts, ==, 7);
    cut_adts_clear(&adts);
}

static void test_garbage(void)
{
    static const guint8 garbage[] = {1,    2, 0xFF, 0xF1, 0xFC, 0,    0, 0,    0xFF,
                                     0xFF, 0, 0xFF, 0xF1, 0x4C, 0x80, 0, 0x1F, 0};
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GArray) frames = g_array_new(FALSE, FALSE, sizeof(Frame));
    CutAdts adts;
    cut_adts_init(&adts);
    g_byte_array_append(bytes, garbage, sizeof garbage);
    append(bytes, 50, 9);
    cut_adts_push(&adts, bytes->data, bytes->len, 0, collect, frames);
    g_assert_cmpuint(frames->len, ==, 1);
    g_assert_cmpuint(at(frames, 0)->mark, ==, 9);
    // Begun, and then forgotten.
    cut_adts_push(&adts, bytes->data + sizeof garbage, 20, 0, collect, frames);
    cut_adts_reset(&adts);
    cut_adts_push(&adts, bytes->data + sizeof garbage, 50, 5, collect, frames);
    g_assert_cmpuint(frames->len, ==, 2);
    g_assert_cmpint(at(frames, 1)->pts, ==, 5);
    // However much of it: what is carried is bounded.
    for (guint i = 0; i < 1000; i++)
        cut_adts_push(&adts, garbage, sizeof garbage, 0, collect, frames);
    g_assert_cmpuint(adts.carry->len, <=, 8191);
    cut_adts_clear(&adts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/adts/straddle", test_straddle);
    g_test_add_func("/adts/byte-by-byte", test_byte_by_byte);
    g_test_add_func("/adts/garbage", test_garbage);
    return g_test_run();
}
