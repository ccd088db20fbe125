// SPDX-License-Identifier: MIT
// Slice headers. What stands behind a picture's number and order is copied bit by bit, and the slice's data, which in
// CABAC begins with a whole byte, byte by byte.
#include "cut/slice.h"

#include <string.h>

#include "cut/bits.h"
#include "cut/nal.h"

#define PPS_ID 211 // of pictures that were written anew: none that encoders use

enum { NAL_SLICE = 1, NAL_IDR = 5, NAL_SEI = 6, NAL_SPS = 7, NAL_PPS = 8, NAL_AUD = 9 };

// What of a PPS decides what is in a slice's header (7.3.2.2).
typedef struct {
    guint id;
    gboolean cabac, bottom_field_order, weighted, deblocking, redundant;
} Pps;

struct CutSliceRewriter {
    const CutSlicePlace *place;
    CutSps sps; // of the encoder's
    Pps pps;
    gboolean has_sps, has_pps;
};

// ---- writing bits

typedef struct {
    GByteArray *bytes; // without emulation prevention
    guint bit; // of the last byte, how many are written; 0: it is full
} Writer;

static void put(Writer *writer, guint bit)
{
    if (writer->bit == 0)
        g_byte_array_append(writer->bytes, (const guint8 *) "", 1);
    writer->bytes->data[writer->bytes->len - 1] |= (guint8) (bit << (7 - writer->bit));
    writer->bit = (writer->bit + 1) % 8;
}

static void put_bits(Writer *writer, guint32 value, guint n)
{
    while (n-- > 0)
        put(writer, value >> n & 1);
}

static void put_ue(Writer *writer, guint32 value)
{
    guint n = g_bit_storage(value + 1);
    put_bits(writer, 0, n - 1);
    put_bits(writer, value + 1, n);
}

// The NAL unit with its start code.
static void append_nal(GByteArray *out, const guint8 *data, gsize size)
{
    static const guint8 start[] = {0, 0, 0, 1};
    guint zeros = 0;
    g_byte_array_append(out, start, sizeof start);
    for (gsize i = 0; i < size; i++) {
        if (zeros >= 2 && data[i] <= 3) {
            g_byte_array_append(out, (const guint8 *) "\3", 1);
            zeros = 0;
        }
        g_byte_array_append(out, data + i, 1);
        zeros = data[i] == 0 ? zeros + 1 : 0;
    }
}

// ---- copying

static guint copy(CutBits *bits, Writer *writer, guint n)
{
    guint32 value = cut_bits_read(bits, n);
    put_bits(writer, value, n);
    return value;
}

static guint32 copy_ue(CutBits *bits, Writer *writer)
{
    guint32 value = cut_bits_ue(bits);
    put_ue(writer, value);
    return value;
}

// se(v) is ue(v) with another meaning
static void copy_se(CutBits *bits, Writer *writer)
{
    copy_ue(bits, writer);
}

// All that is left, with the stop bit.
static void copy_rest(CutBits *bits, Writer *writer)
{
    for (;;) {
        CutBits next = *bits;
        guint bit = cut_bits_one(&next);
        if (next.overrun)
            break;
        put(writer, bit);
        *bits = next;
    }
    // Zeros behind the stop bit, which filled its byte, are not part of it.
    while (writer->bytes->len > 0 && writer->bytes->data[writer->bytes->len - 1] == 0)
        g_byte_array_set_size(writer->bytes, writer->bytes->len - 1);
}

// ---- headers

static gboolean read_pps(const guint8 *data, gsize size, Pps *pps)
{
    CutBits bits = cut_bits(data + 1, size - 1);
    pps->id = cut_bits_ue(&bits);
    cut_bits_ue(&bits); // seq_parameter_set_id
    pps->cabac = cut_bits_one(&bits);
    pps->bottom_field_order = cut_bits_one(&bits);
    if (cut_bits_ue(&bits) != 0) // slice groups
        return FALSE;
    cut_bits_ue(&bits);
    cut_bits_ue(&bits);
    pps->weighted = cut_bits_one(&bits);
    cut_bits_read(&bits, 2);
    cut_bits_se(&bits);
    cut_bits_se(&bits);
    cut_bits_se(&bits);
    pps->deblocking = cut_bits_one(&bits);
    cut_bits_one(&bits);
    pps->redundant = cut_bits_one(&bits);
    return !bits.overrun;
}

// Of another number, and for another sequence.
static void write_pps(GByteArray *out, const guint8 *data, gsize size, guint sps_id)
{
    CutBits bits = cut_bits(data + 1, size - 1);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    Writer writer = {.bytes = bytes};
    put_bits(&writer, data[0], 8);
    cut_bits_ue(&bits);
    cut_bits_ue(&bits);
    put_ue(&writer, PPS_ID);
    put_ue(&writer, sps_id);
    copy_rest(&bits, &writer);
    append_nal(out, bytes->data, bytes->len);
}

// ref_pic_list_modification() and the number of references before it (7.3.3.1)
static void copy_references(CutBits *bits, Writer *writer)
{
    if (copy(bits, writer, 1) != 0)
        copy_ue(bits, writer);
    if (copy(bits, writer, 1) == 0)
        return;
    while (!bits->overrun && copy_ue(bits, writer) != 3)
        copy_ue(bits, writer);
}

// dec_ref_pic_marking() (7.3.3.3)
static gboolean copy_marking(CutBits *bits, Writer *writer, gboolean is_idr)
{
    if (is_idr) {
        copy(bits, writer, 2);
        return TRUE;
    }
    return copy(bits, writer, 1) == 0; // nothing is marked but by age
}

static gboolean write_slice(CutSliceRewriter *rewriter, GByteArray *out, const guint8 *data, gsize size, guint before)
{
    const CutSlicePlace *place = rewriter->place;
    const guint max_lsb = 1U << place->sps.log2_max_poc_lsb;
    const guint max_frame_num = 1U << place->sps.log2_max_frame_num;
    const gboolean is_idr = (data[0] & 0x1F) == NAL_IDR;
    CutBits bits = cut_bits(data + 1, size - 1);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    Writer writer = {.bytes = bytes};

    put_bits(&writer, data[0], 8);
    copy_ue(&bits, &writer); // first_mb_in_slice
    guint type = copy_ue(&bits, &writer) % 5;
    if (cut_bits_ue(&bits) != rewriter->pps.id || (type != 0 && type != 2))
        return FALSE;
    put_ue(&writer, PPS_ID);
    cut_bits_read(&bits, rewriter->sps.log2_max_frame_num);
    put_bits(&writer, is_idr ? 0 : (place->frame_num - before) % max_frame_num, place->sps.log2_max_frame_num);
    if (is_idr)
        copy_ue(&bits, &writer); // idr_pic_id
    if (rewriter->sps.poc_type == 0)
        cut_bits_read(&bits, rewriter->sps.log2_max_poc_lsb);
    if (place->sps.poc_type == 0)
        put_bits(&writer, (place->poc_lsb - 2 * before) % max_lsb, place->sps.log2_max_poc_lsb);
    if (type == 0)
        copy_references(&bits, &writer);
    if ((data[0] & 0x60) != 0 && !copy_marking(&bits, &writer, is_idr))
        return FALSE;
    if (rewriter->pps.cabac && type == 0)
        copy_ue(&bits, &writer); // cabac_init_idc
    copy_se(&bits, &writer); // slice_qp_delta
    if (rewriter->pps.deblocking && copy_ue(&bits, &writer) != 1) {
        copy_se(&bits, &writer);
        copy_se(&bits, &writer);
    }
    if (rewriter->pps.cabac) {
        while (bits.bit != 0)
            cut_bits_one(&bits); // cabac_alignment_one_bit
        while (writer.bit != 0)
            put(&writer, 1);
    }
    copy_rest(&bits, &writer);
    append_nal(out, bytes->data, bytes->len);
    return !bits.overrun;
}

// ---- all of it

gboolean cut_slice_read(const guint8 *picture, gsize size, GBytes *sps_nal, CutSlicePlace *place)
{
    gsize sps_size, length;
    const guint8 *sps = g_bytes_get_data(sps_nal, &sps_size);
    const guint8 *slice = cut_nal_find(picture, size, NAL_SLICE, &length);
    if (slice == NULL || !cut_sps_parse(sps, sps_size, &place->sps))
        return FALSE;
    if (!place->sps.frame_mbs_only || place->sps.poc_type == 1 || place->sps.has_scaling ||
        place->sps.chroma_format > 2)
        return FALSE;
    CutBits bits = cut_bits(slice + 1, length - 1);
    cut_bits_ue(&bits);
    cut_bits_ue(&bits);
    cut_bits_ue(&bits);
    place->frame_num = cut_bits_read(&bits, place->sps.log2_max_frame_num);
    place->poc_lsb = place->sps.poc_type == 0 ? cut_bits_read(&bits, place->sps.log2_max_poc_lsb) : 0;
    place->sps_nal = sps_nal;
    return !bits.overrun;
}

CutSliceRewriter *cut_slice_rewriter_new(const CutSlicePlace *place)
{
    CutSliceRewriter *rewriter = g_new0(CutSliceRewriter, 1);
    rewriter->place = place;
    return rewriter;
}

void cut_slice_rewriter_free(CutSliceRewriter *rewriter)
{
    g_free(rewriter);
}

static gboolean rewrite_nal(CutSliceRewriter *rewriter, GByteArray *out, const guint8 *data, gsize size, guint before)
{
    gsize sps_size;
    const guint8 *sps = g_bytes_get_data(rewriter->place->sps_nal, &sps_size);
    switch (data[0] & 0x1F) {
    case NAL_SPS:
        rewriter->has_sps = cut_sps_parse(data, size, &rewriter->sps);
        // It stands there with its emulation prevention.
        g_byte_array_append(out, (const guint8 *) "\0\0\0\1", 4);
        g_byte_array_append(out, sps, (guint) sps_size);
        return rewriter->has_sps && rewriter->sps.frame_mbs_only && rewriter->sps.poc_type != 1;
    case NAL_PPS:
        rewriter->has_pps = read_pps(data, size, &rewriter->pps);
        write_pps(out, data, size, rewriter->place->sps.id);
        return rewriter->has_pps && !rewriter->pps.bottom_field_order && !rewriter->pps.weighted &&
               !rewriter->pps.redundant;
    case NAL_SLICE:
    case NAL_IDR:
        return rewriter->has_sps && rewriter->has_pps && write_slice(rewriter, out, data, size, before);
    case NAL_SEI:
    case NAL_AUD:
        g_byte_array_append(out, (const guint8 *) "\0\0\0\1", 4);
        g_byte_array_append(out, data, (guint) size);
        return TRUE;
    default:
        return TRUE;
    }
}

GBytes *cut_slice_rewrite(CutSliceRewriter *rewriter, GBytes *picture, guint before)
{
    gsize size, length;
    const guint8 *data = g_bytes_get_data(picture, &size);
    GByteArray *out = g_byte_array_new();
    gboolean ok = TRUE;
    for (gsize at = cut_nal_next(data, size, 0, &length); at < size && ok;
         at = cut_nal_next(data, size, at + length, &length))
        ok = rewrite_nal(rewriter, out, data + at, length, before);
    if (ok)
        return g_byte_array_free_to_bytes(out);
    g_byte_array_unref(out);
    return NULL;
}
