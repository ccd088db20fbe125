// SPDX-License-Identifier: MIT
// Coded pictures: what their headers say, and pictures that are numbered anew. The first byte divides the input into
// the picture that is continued and the one that comes before it.
#include "cut/nal.h"

#include <string.h>

#include "cut/slice.h"
#include "cut/sps.h"
#include "tests/fuzz/harness.h"

static void check_within(const guint8 *data, gsize size, const CutPicture *picture)
{
    fuzz_assert(picture->sps == NULL || (picture->sps >= data && picture->sps + picture->sps_size <= data + size));
    fuzz_assert(!picture->is_idr || picture->is_key);
}

static void check_units(const guint8 *data, gsize size)
{
    gsize length, end = 0;
    for (gsize at = cut_nal_next(data, size, 0, &length); at < size;
         at = cut_nal_next(data, size, at + length, &length)) {
        fuzz_assert(at >= end + 3 && length > 0 && at + length <= size);
        fuzz_assert(data[at - 1] == 1 && data[at - 2] == 0 && data[at - 3] == 0);
        end = at + length;
    }
}

static void check_sps(const guint8 *data, gsize size)
{
    CutSps sps;
    if (!cut_sps_parse(data, size, &sps))
        return;
    // H.264 7.4.2.1.1
    fuzz_assert(sps.log2_max_frame_num >= 4 && sps.log2_max_frame_num <= 16);
    fuzz_assert(sps.poc_type <= 2 && (sps.poc_type != 0 || (sps.log2_max_poc_lsb >= 4 && sps.log2_max_poc_lsb <= 16)));
    fuzz_assert(sps.width > 0 && sps.height > 0 && sps.width <= 65536 && sps.height <= 65536);
    fuzz_assert(sps.chroma_format <= 3 && sps.bit_depth <= 14 && sps.id <= 31 && sps.refs <= 16);
    fuzz_assert(cut_sps_fits(&sps, &sps));
}

static void check_slice(const guint8 *data, gsize size, const guint8 *before, gsize before_size)
{
    CutPicture picture;
    cut_nal_scan_h264(data, size, &picture);
    if (picture.sps == NULL)
        return;
    g_autoptr(GBytes) sps = g_bytes_new(picture.sps, picture.sps_size), encoded = g_bytes_new(before, before_size);
    CutSlicePlace place;
    if (!cut_slice_read(data, size, sps, &place))
        return;
    fuzz_assert(place.frame_num < 1U << 16 && place.poc_lsb < 1U << 16);
    g_autoptr(CutSliceRewriter) rewriter = cut_slice_rewriter_new(&place);
    for (guint k = 3; k > 0; k--) {
        g_autoptr(GBytes) written = cut_slice_rewrite(rewriter, encoded, k);
        if (written == NULL)
            continue;
        gsize length;
        const guint8 *bytes = g_bytes_get_data(written, &length);
        check_units(bytes, length);
        fuzz_assert(length <= 2 * before_size + 1024 + 16 * (picture.sps_size + 64) * (1 + before_size / 4));
    }
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    if (size < 1)
        return 0;
    gsize n = size - 1, split = n * data[0] / 256;
    g_autofree guint8 *first = g_memdup2(data + 1, split), *second = g_memdup2(data + 1 + split, n - split);
    const guint8 *parts[] = {first, second};
    gsize sizes[] = {split, n - split};
    for (guint i = 0; i < 2; i++) {
        CutPicture picture;
        gsize length;
        if (sizes[i] == 0)
            continue;
        cut_nal_scan_h264(parts[i], sizes[i], &picture);
        check_within(parts[i], sizes[i], &picture);
        if (picture.sps != NULL)
            check_sps(picture.sps, picture.sps_size);
        cut_nal_scan_hevc(parts[i], sizes[i], &picture);
        check_within(parts[i], sizes[i], &picture);
        check_units(parts[i], sizes[i]);
        check_sps(parts[i], sizes[i]);
        const guint8 *found = cut_nal_find(parts[i], sizes[i], 7, &length);
        fuzz_assert(found == NULL || found + length <= parts[i] + sizes[i]);
    }
    if (split > 0 && split < n)
        check_slice(first, split, second, n - split);
    return 0;
}
