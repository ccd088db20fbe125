// SPDX-License-Identifier: MIT
// Names of files, as a peer or a directory may hold them: what is taken for a name has to hold what it promises.
#include <string.h>

#include "segment/name.h"
#include "segment/time.h"
#include "tests/fuzz/harness.h"

#define HOUR G_GINT64_CONSTANT(1573610400000000) // 2019-11-13T02

static void check_portable(const char *text)
{
    SegmentName name;
    g_autofree char *native = segment_name_from_portable(text, HOUR);
    if (native == NULL)
        return;
    fuzz_assert(segment_name_parse(native, &name));
    g_autofree char *portable = segment_name_to_portable(native, HOUR);
    fuzz_assert(strcmp(portable, text) == 0 || strcmp(native, text) == 0);
    g_autofree char *back = segment_name_from_portable(portable, HOUR);
    fuzz_assert(back != NULL && strcmp(back, native) == 0);
}

static void check_name(const char *text, const SegmentName *name)
{
    fuzz_assert(name->offset >= 0 && name->offset < SEGMENT_HOUR_LENGTH);
    fuzz_assert(name->duration >= 0 && name->duration <= 24 * SEGMENT_HOUR_LENGTH + SEGMENT_SECOND);
    fuzz_assert(strlen(text) <= SEGMENT_NAME_MAX && strchr(text, '/') == NULL);
    fuzz_assert(strcmp(text + name->stem_length, name->tombstone ? ".tombstone" : ".ts") == 0);
    fuzz_assert(segment_type_to_string(name->type) != NULL);

    // Its counterpart says the same.
    SegmentName other;
    g_autofree char *counterpart =
        name->tombstone ? segment_name_from_tombstone(text) : segment_name_to_tombstone(text);
    fuzz_assert(segment_name_parse(counterpart, &other));
    fuzz_assert(other.tombstone != name->tombstone && other.offset == name->offset);
    fuzz_assert(other.duration == name->duration && other.type == name->type);
    fuzz_assert(memcmp(other.hash, name->hash, sizeof name->hash) == 0);
    char hex[2 * SEGMENT_HASH_SIZE + 1];
    segment_hash_to_hex(name->hash, hex);
    fuzz_assert(strlen(hex) == 2 * SEGMENT_HASH_SIZE);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    // Its own block, so that the sanitizers see a read beyond its end.
    g_autofree char *text = g_strndup((const char *) data, size);
    SegmentName name;
    if (segment_name_parse(text, &name))
        check_name(text, &name);
    check_portable(text);
    return 0;
}
