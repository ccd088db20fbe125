// SPDX-License-Identifier: MIT
// Read field by field up to the timing; what comes behind that is not looked at.
#include "cut/sps.h"

#include "cut/bits.h"

#define MAX_SIDE 65536 // pixels: more than any level allows

// MAX + 1 stands for all that is more than MAX.
static guint read_ue(CutBits *bits, guint max)
{
    guint value = cut_bits_ue(bits);
    return MIN(value, max + 1);
}

static void skip_scaling_list(CutBits *bits, guint n)
{
    gint last = 8, next = 8;
    for (guint i = 0; i < n && !bits->overrun; i++) {
        if (next != 0)
            next = (last + cut_bits_se(bits) % 256 + 256) % 256;
        last = next == 0 ? last : next;
    }
}

static gboolean has_chroma_format(guint profile)
{
    static const guint8 profiles[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
    for (guint i = 0; i < G_N_ELEMENTS(profiles); i++) {
        if (profiles[i] == profile)
            return TRUE;
    }
    return FALSE;
}

static void read_format(CutBits *bits, CutSps *sps)
{
    sps->chroma_format = cut_bits_ue(bits);
    if (sps->chroma_format == 3)
        cut_bits_one(bits); // separate_colour_plane_flag
    sps->bit_depth = 8 + read_ue(bits, 6);
    sps->chroma_depth = 8 + read_ue(bits, 6);
    cut_bits_one(bits); // qpprime_y_zero_transform_bypass_flag
    sps->has_scaling = cut_bits_one(bits) != 0;
    if (!sps->has_scaling)
        return;
    for (guint i = 0; i < (sps->chroma_format != 3 ? 8U : 12U); i++) {
        if (cut_bits_one(bits) != 0)
            skip_scaling_list(bits, i < 6 ? 16 : 64);
    }
}

static void read_order(CutBits *bits, CutSps *sps)
{
    sps->poc_type = cut_bits_ue(bits);
    if (sps->poc_type == 0) {
        sps->log2_max_poc_lsb = 4 + read_ue(bits, 12);
    } else if (sps->poc_type == 1) {
        cut_bits_one(bits);
        cut_bits_se(bits);
        cut_bits_se(bits);
        guint n = cut_bits_ue(bits);
        for (guint i = 0; i < n && !bits->overrun; i++)
            cut_bits_se(bits);
    }
}

static void read_size(CutBits *bits, CutSps *sps)
{
    guint width = read_ue(bits, MAX_SIDE) + 1, height = read_ue(bits, MAX_SIDE) + 1;
    sps->frame_mbs_only = cut_bits_one(bits) != 0;
    if (!sps->frame_mbs_only)
        cut_bits_one(bits); // mb_adaptive_frame_field_flag
    cut_bits_one(bits); // direct_8x8_inference_flag
    guint crop[4] = {0};
    if (cut_bits_one(bits) != 0) {
        for (guint i = 0; i < 4; i++)
            crop[i] = read_ue(bits, MAX_SIDE);
    }
    guint unit_x = sps->chroma_format == 1 || sps->chroma_format == 2 ? 2 : 1;
    guint unit_y = (sps->chroma_format == 1 ? 2 : 1) * (sps->frame_mbs_only ? 1 : 2);
    sps->width = width * 16 - unit_x * (crop[0] + crop[1]);
    sps->height = height * 16 * (sps->frame_mbs_only ? 1 : 2) - unit_y * (crop[2] + crop[3]);
}

// Table E-1
static void read_aspect(CutBits *bits, CutSps *sps)
{
    static const guint8 known[][2] = {{1, 1},   {1, 1},    {12, 11}, {10, 11}, {16, 11}, {40, 33},
                                      {24, 11}, {20, 11},  {32, 11}, {80, 33}, {18, 11}, {15, 11},
                                      {64, 33}, {160, 99}, {4, 3},   {3, 2},   {2, 1}};
    guint number = cut_bits_read(bits, 8);
    if (number < G_N_ELEMENTS(known)) {
        sps->sar_width = known[number][0];
        sps->sar_height = known[number][1];
    } else if (number == 255) {
        sps->sar_width = cut_bits_read(bits, 16);
        sps->sar_height = cut_bits_read(bits, 16);
    }
    if (sps->sar_width == 0 || sps->sar_height == 0)
        sps->sar_width = sps->sar_height = 1;
}

// VUI up to its timing (annex E.1.1)
static void read_timing(CutBits *bits, CutSps *sps)
{
    if (cut_bits_one(bits) != 0)
        read_aspect(bits, sps);
    if (cut_bits_one(bits) != 0) // overscan
        cut_bits_one(bits);
    if (cut_bits_one(bits) != 0) { // video_signal_type
        cut_bits_read(bits, 3);
        sps->is_full_range = cut_bits_one(bits) != 0;
        if (cut_bits_one(bits) != 0) {
            sps->primaries = cut_bits_read(bits, 8);
            sps->transfer = cut_bits_read(bits, 8);
            sps->matrix = cut_bits_read(bits, 8);
        }
    }
    if (cut_bits_one(bits) != 0) { // chroma_loc_info
        cut_bits_ue(bits);
        cut_bits_ue(bits);
    }
    if (cut_bits_one(bits) != 0) {
        sps->num_units_in_tick = cut_bits_read(bits, 32);
        sps->time_scale = cut_bits_read(bits, 32);
    }
    if (bits->overrun)
        sps->num_units_in_tick = sps->time_scale = 0;
}

// What H.264 allows (7.4.2.1.1).
static gboolean is_valid(const CutSps *sps)
{
    return sps->id <= 31 && sps->chroma_format <= 3 && sps->bit_depth <= 14 && sps->chroma_depth <= 14 &&
           sps->log2_max_frame_num <= 16 && sps->poc_type <= 2 && sps->log2_max_poc_lsb <= 16 && sps->refs <= 16 &&
           sps->width > 0 && sps->width <= MAX_SIDE && sps->height > 0 && sps->height <= MAX_SIDE;
}

gboolean cut_sps_parse(const guint8 *data, gsize size, CutSps *sps)
{
    CutBits bits = cut_bits(data, size);
    *sps = (CutSps){
        .chroma_format = 1,
        .bit_depth = 8,
        .chroma_depth = 8,
        .sar_width = 1,
        .sar_height = 1,
        .primaries = 2,
        .transfer = 2,
        .matrix = 2,
    };
    if ((cut_bits_read(&bits, 8) & 0x1F) != 7)
        return FALSE;
    sps->profile = cut_bits_read(&bits, 8);
    cut_bits_read(&bits, 8); // constraint flags
    sps->level = cut_bits_read(&bits, 8);
    sps->id = cut_bits_ue(&bits);
    if (has_chroma_format(sps->profile))
        read_format(&bits, sps);
    sps->log2_max_frame_num = 4 + read_ue(&bits, 12);
    read_order(&bits, sps);
    sps->refs = cut_bits_ue(&bits);
    cut_bits_one(&bits); // gaps_in_frame_num_value_allowed_flag
    read_size(&bits, sps);
    if (bits.overrun || !is_valid(sps))
        return FALSE;
    if (cut_bits_one(&bits) != 0)
        read_timing(&bits, sps);
    return TRUE;
}

gboolean cut_sps_fits(const CutSps *a, const CutSps *b)
{
    // Rates are compared where both have one, as products: 60/1 is 120/2.
    gboolean rates = a->time_scale == 0 || b->time_scale == 0 ||
                     (guint64) a->time_scale * b->num_units_in_tick == (guint64) b->time_scale * a->num_units_in_tick;
    return a->width == b->width && a->height == b->height && a->chroma_format == b->chroma_format &&
           a->bit_depth == b->bit_depth && a->frame_mbs_only == b->frame_mbs_only && rates;
}
