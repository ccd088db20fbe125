// SPDX-License-Identifier: MIT
// Sample entries: what a decoder has to know before the first sample.
#include "cut/box.h"
#include "cut/mp4.h"

#define UNSPECIFIED 2 // of colours, ISO/IEC 23091-2

static GBytes *end_entry(GByteArray *out, guint at)
{
    cut_box_end(out, at);
    return g_byte_array_free_to_bytes(out);
}

static void put_sets(GByteArray *out, const GPtrArray *sets, guint type, guint mask)
{
    guint at = out->len, n = 0;
    cut_box_put_8(out, 0);
    for (guint i = 0; i < sets->len; i++) {
        gsize size;
        const guint8 *data = g_bytes_get_data(g_ptr_array_index(sets, i), &size);
        if (size == 0 || (data[0] & 0x1F) != type)
            continue;
        cut_box_put_16(out, (guint) size);
        g_byte_array_append(out, data, (guint) size);
        n++;
    }
    out->data[at] = (guint8) (mask | n);
}

// AVCDecoderConfigurationRecord, ISO/IEC 14496-15 5.3.3.1
static void put_avcc(GByteArray *out, const CutMp4Picture *picture)
{
    const GPtrArray *sets = picture->sets;
    guint at = cut_box_begin(out, "avcC");
    const guint8 *sps = g_bytes_get_data(g_ptr_array_index(sets, 0), NULL);
    cut_box_put_8(out, 1);
    g_byte_array_append(out, sps + 1, 3); // profile, compatibility, level
    cut_box_put_8(out, 0xFC | 3); // lengths of four bytes
    put_sets(out, sets, 7, 0xE0);
    put_sets(out, sets, 8, 0);
    if (sps[1] != 66 && sps[1] != 77 && sps[1] != 88) { // above Main and Extended
        cut_box_put_8(out, 0xFC | picture->chroma_format);
        cut_box_put_8(out, 0xF8 | (picture->luma_depth - 8));
        cut_box_put_8(out, 0xF8 | (picture->chroma_depth - 8));
        cut_box_put_8(out, 0); // no extensions of sets
    }
    cut_box_end(out, at);
}

static void put_colour(GByteArray *out, const CutMp4Picture *picture, gboolean is_quicktime)
{
    guint at = cut_box_begin(out, "colr");
    cut_box_put_text(out, is_quicktime ? "nclc" : "nclx");
    cut_box_put_16(out, picture->primaries);
    cut_box_put_16(out, picture->transfer);
    cut_box_put_16(out, picture->matrix);
    if (!is_quicktime)
        cut_box_put_8(out, picture->is_full_range ? 0x80 : 0);
    cut_box_end(out, at);
}

GBytes *cut_mp4_video_entry(const CutMp4Picture *picture, gboolean is_quicktime)
{
    GByteArray *out = g_byte_array_new();
    guint entry = cut_box_begin(out, "avc1");
    cut_box_put_zeros(out, 6);
    cut_box_put_16(out, 1); // data_reference_index
    cut_box_put_zeros(out, 16);
    cut_box_put_16(out, picture->width);
    cut_box_put_16(out, picture->height);
    cut_box_put_32(out, 72 << 16); // dots an inch
    cut_box_put_32(out, 72 << 16);
    cut_box_put_32(out, 0);
    cut_box_put_16(out, 1); // frames a sample
    cut_box_put_zeros(out, 32); // the compressor's name
    cut_box_put_16(out, 0x18); // depth
    cut_box_put_16(out, 0xFFFF);
    put_avcc(out, picture);
    // What the stream does not say, programs find out by themselves.
    if (picture->primaries != UNSPECIFIED || picture->transfer != UNSPECIFIED || picture->matrix != UNSPECIFIED)
        put_colour(out, picture, is_quicktime);
    guint at = cut_box_begin(out, "pasp");
    cut_box_put_32(out, picture->sar_width);
    cut_box_put_32(out, picture->sar_height);
    cut_box_end(out, at);
    return end_entry(out, entry);
}

// ISO/IEC 14496-1 7.2.6: a tag, and a size of four bytes as ffmpeg and QuickTime write it.
static guint begin_descriptor(GByteArray *out, guint tag)
{
    cut_box_put_8(out, tag);
    cut_box_put_32(out, 0x80808000);
    return out->len;
}

static void end_descriptor(GByteArray *out, guint at)
{
    out->data[at - 1] = (guint8) (out->len - at); // less than 128
}

static void put_esds(GByteArray *out, guint16 config)
{
    guint box = cut_box_begin_full(out, "esds", 0, 0);
    guint es = begin_descriptor(out, 3); // ES_Descriptor
    cut_box_put_16(out, 0);
    cut_box_put_8(out, 0);
    guint decoder = begin_descriptor(out, 4); // DecoderConfigDescriptor
    cut_box_put_8(out, 0x40); // AAC
    cut_box_put_8(out, 5 << 2 | 1); // sound
    cut_box_put_zeros(out, 3 + 4 + 4); // buffer size and bit rates: not said
    guint specific = begin_descriptor(out, 5);
    cut_box_put_16(out, config);
    end_descriptor(out, specific);
    end_descriptor(out, decoder);
    guint sl = begin_descriptor(out, 6); // SLConfigDescriptor
    cut_box_put_8(out, 2);
    end_descriptor(out, sl);
    end_descriptor(out, es);
    cut_box_end(out, box);
}

GBytes *cut_mp4_sound_entry(guint16 config, guint32 rate, gboolean is_quicktime)
{
    GByteArray *out = g_byte_array_new();
    guint entry = cut_box_begin(out, "mp4a");
    guint channels = config >> 3 & 0x0F;
    cut_box_put_zeros(out, 6);
    cut_box_put_16(out, 1); // data_reference_index
    cut_box_put_16(out, is_quicktime ? 1 : 0); // version
    cut_box_put_zeros(out, 6);
    cut_box_put_16(out, channels == 7 ? 8 : channels);
    cut_box_put_16(out, 16);
    cut_box_put_16(out, is_quicktime ? 0xFFFE : 0); // compressed, of a variable rate
    cut_box_put_16(out, 0);
    cut_box_put_32(out, rate <= G_MAXUINT16 ? rate << 16 : 0);
    if (is_quicktime) {
        cut_box_put_32(out, 1024); // samples in a packet
        cut_box_put_zeros(out, 12);
        guint wave = cut_box_begin(out, "wave");
        guint at = cut_box_begin(out, "frma");
        cut_box_put_text(out, "mp4a");
        cut_box_end(out, at);
        at = cut_box_begin(out, "mp4a");
        cut_box_put_32(out, 0);
        cut_box_end(out, at);
        put_esds(out, config);
        cut_box_put_32(out, 8); // terminator
        cut_box_put_32(out, 0);
        cut_box_end(out, wave);
    } else {
        put_esds(out, config);
    }
    return end_entry(out, entry);
}

GBytes *cut_mp4_timecode_entry(guint32 timescale, guint32 duration, guint fps, gboolean drops)
{
    GByteArray *out = g_byte_array_new();
    guint entry = cut_box_begin(out, "tmcd");
    cut_box_put_zeros(out, 6);
    cut_box_put_16(out, 1); // data_reference_index
    cut_box_put_32(out, 0);
    cut_box_put_32(out, 2 | (drops ? 1 : 0)); // it begins anew after 24 hours
    cut_box_put_32(out, timescale);
    cut_box_put_32(out, duration);
    cut_box_put_8(out, fps);
    cut_box_put_8(out, 0);
    return end_entry(out, entry);
}
