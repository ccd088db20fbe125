// SPDX-License-Identifier: MIT
// NAL units up to the first slice.
#include "cut/nal.h"

#include <string.h>

#include "cut/bits.h"

#define EACH_BYTE(value) (G_MAXUINT64 / 255 * (value))

// H.264 table 7-1
enum { H264_SLICE = 1, H264_PARTITION_A = 2, H264_IDR = 5, H264_SEI = 6, H264_SPS = 7, H264_PPS = 8 };
#define SEI_RECOVERY_POINT 6 // H.264 D.1.8
// H.265 table 7-1
enum {
    HEVC_LAST_SLICE = 31,
    HEVC_BLA_FIRST = 16,
    HEVC_IDR_LAST = 20,
    HEVC_IRAP_LAST = 23,
    HEVC_SPS = 33,
    HEVC_PPS = 34
};

static gboolean is_start(const guint8 *data, gsize size, gsize at)
{
    return at + 2 < size && data[at] == 0 && data[at + 1] == 0 && data[at + 2] == 1;
}

gsize cut_nal_start(const guint8 *data, gsize size, gsize at)
{
    // Eight places at a time are passed where no two zeros begin. (A packet's payload is too short for memchr(3) to be
    // worth its call: by make bench an MP4 is read at 2.34 GB/s, with it at 2.16.)
    for (; at + 9 <= size; at += 8) {
        guint64 bytes, next;
        memcpy(&bytes, data + at, sizeof bytes);
        memcpy(&next, data + at + 1, sizeof next);
        guint64 pairs = bytes | next;
        if (((pairs - EACH_BYTE(0x01)) & ~pairs & EACH_BYTE(0x80)) == 0)
            continue;
        for (gsize i = at; i < at + 8; i++) {
            if (is_start(data, size, i))
                return i + 3;
        }
    }
    for (; at + 2 < size; at++) {
        if (is_start(data, size, at))
            return at + 3;
    }
    return size;
}

// Where the one that begins at AT ends: at the next start code.
static gsize end_of_nal(const guint8 *data, gsize size, gsize at)
{
    gsize next = cut_nal_start(data, size, at);
    if (next >= size)
        return size;
    gsize end = next - 3;
    while (end > at && data[end - 1] == 0)
        end--;
    return end;
}

gsize cut_nal_next(const guint8 *data, gsize size, gsize at, gsize *length)
{
    gsize begin = cut_nal_start(data, size, at);
    *length = begin < size ? end_of_nal(data, size, begin) - begin : 0;
    // An empty one is two start codes in a row.
    while (begin < size && *length == 0) {
        begin = cut_nal_start(data, size, begin);
        *length = begin < size ? end_of_nal(data, size, begin) - begin : 0;
    }
    return begin;
}

const guint8 *cut_nal_find(const guint8 *data, gsize size, guint type, gsize *length)
{
    for (gsize at = cut_nal_next(data, size, 0, length); at < size;
         at = cut_nal_next(data, size, at + *length, length)) {
        if ((data[at] & 0x1F) == type)
            return data + at;
    }
    return NULL;
}

guint cut_nal_set_key(const guint8 *data, gsize size)
{
    CutBits bits = cut_bits(data, size);
    guint type = cut_bits_read(&bits, 8) & 0x1F;
    if (type == H264_SPS)
        cut_bits_read(&bits, 24); // profile, constraints, level
    guint number = cut_bits_ue(&bits);
    return type << 16 | MIN(number, 0xFFFF);
}

// Payload types and sizes are runs of 0xFF and a last byte (H.264 7.3.2.3.1). Emulation prevention does not matter to a
// message as short as this one.
gboolean cut_nal_has_recovery_point(const guint8 *data, gsize size)
{
    gsize i = 1;
    while (i + 2 <= size && data[i] != 0x80) {
        guint type = 0, length = 0;
        for (; i < size && data[i] == 0xFF; i++)
            type += 255;
        if (i >= size)
            return FALSE;
        type += data[i++];
        for (; i < size && data[i] == 0xFF; i++)
            length += 255;
        if (i >= size)
            return FALSE;
        length += data[i++];
        if (type == SEI_RECOVERY_POINT)
            return TRUE;
        i += length;
    }
    return FALSE;
}

void cut_nal_scan_h264(const guint8 *data, gsize size, CutPicture *picture)
{
    *picture = (CutPicture){0};
    gsize end;
    for (gsize at = cut_nal_start(data, size, 0); at < size; at = cut_nal_start(data, size, end)) {
        guint type = data[at] & 0x1F;
        if (type == H264_SLICE || type == H264_PARTITION_A || type == H264_IDR) {
            picture->is_reference = (data[at] & 0x60) != 0;
            picture->is_idr = type == H264_IDR;
            picture->is_key = picture->is_key || picture->is_idr;
            return;
        }
        end = end_of_nal(data, size, at);
        if (type == H264_SPS) {
            picture->sps = data + at;
            picture->sps_size = end - at;
        }
        picture->has_pps = picture->has_pps || type == H264_PPS;
        picture->is_key = picture->is_key || (type == H264_SEI && cut_nal_has_recovery_point(data + at, end - at));
    }
}

void cut_nal_scan_hevc(const guint8 *data, gsize size, CutPicture *picture)
{
    *picture = (CutPicture){0};
    gsize end;
    for (gsize at = cut_nal_start(data, size, 0); at < size; at = cut_nal_start(data, size, end)) {
        guint type = data[at] >> 1 & 0x3F;
        if (type <= HEVC_LAST_SLICE) {
            picture->is_reference = type > 14 || (type & 1) != 0; // sub-layer non-reference pictures are even
            picture->is_idr = type >= HEVC_BLA_FIRST && type <= HEVC_IDR_LAST;
            picture->is_key = type >= HEVC_BLA_FIRST && type <= HEVC_IRAP_LAST;
            return;
        }
        end = end_of_nal(data, size, at);
        if (type == HEVC_SPS) {
            picture->sps = data + at;
            picture->sps_size = end - at;
        }
        picture->has_pps = picture->has_pps || type == HEVC_PPS;
    }
}
