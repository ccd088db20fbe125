// SPDX-License-Identifier: MIT
#include "segment/name.h"

#include <string.h>

#include "segment/time.h"

#define HASH "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU" // of nothing
#define UUID "feb95b71-30b8-48ed-82d7-240e04b0399d"

static void test_parse(void)
{
    static const guint8 first[] = {0xe3, 0xb0, 0xc4, 0x42};
    SegmentName name;
    g_assert_true(segment_name_parse("45:51.608-1.5-full-" HASH ".ts", &name));
    g_assert_cmpint(name.offset, ==, 2751608000);
    g_assert_cmpint(name.duration, ==, 1500000);
    g_assert_cmpint(name.type, ==, SEGMENT_FULL);
    g_assert_false(name.tombstone);
    g_assert_cmpuint(name.stem_length, ==, strlen("45:51.608-1.5-full-" HASH));
    g_assert_cmpmem(name.hash, 4, first, 4);

    g_assert_true(segment_name_parse("00:00-2-suspect-" HASH ".tombstone", &name));
    g_assert_cmpint(name.offset, ==, 0);
    g_assert_cmpint(name.type, ==, SEGMENT_SUSPECT);
    g_assert_true(name.tombstone);
    g_assert_true(segment_name_parse("59:59.999999-2.0-partial-" HASH ".ts", &name));
    g_assert_cmpint(name.offset, ==, SEGMENT_HOUR_LENGTH - 1);
    g_assert_true(segment_name_parse("59:59.999999-2.0-temp-" UUID ".ts", &name));
    g_assert_cmpint(name.type, ==, SEGMENT_TEMP);
}

static void test_rejects(void)
{
    static const char *const names[] = {
        "",
        ".",
        "..",
        ".ts",
        "desktop.ini",
        "noext",
        "00:00-2.0-full-" HASH,
        "00:00-2.0-full-" HASH ".TS",
        "00:00-2.0-full-" HASH ".ts.tombstone",
        "00:00-2.0-FULL-" HASH ".ts",
        "00:00-2.0-bogus-" HASH ".ts",
        "00:00-2.0--" HASH ".ts",
        "00:00--2.0-full-" HASH ".ts",
        "00:00-nan-full-" HASH ".ts",
        "00:00-inf-full-" HASH ".ts",
        "00:00-1e308-full-" HASH ".ts",
        "00:00-1e-06-full-" HASH ".ts",
        "00:00-999999999.0-full-" HASH ".ts",
        "60:00-2.0-full-" HASH ".ts",
        "99:00-2.0-full-" HASH ".ts",
        "00:60-2.0-full-" HASH ".ts",
        "00:00.-2.0-full-" HASH ".ts",
        "00:00.1234567-2.0-full-" HASH ".ts",
        "0:00-2.0-full-" HASH ".ts",
        "00-00-2.0-full-" HASH ".ts",
        "00:00-2.0-full-AAAA.ts",
        "00:00-2.0-full-" HASH "A.ts",
        "00:00-2.0-full-47DEQpj8HBSa/+TImW/5JCeuQeRkm5NMpJWZG3hSuFU.ts",
        "00:00-2.0-full-47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFV.ts", // bits behind the hash
        "00:00-2.0-full-" UUID ".ts",
        "00:00-2.0-temp-" HASH ".ts",
        "00:00-2.0-temp-feb95b71030b8-48ed-82d7-240e04b0399d.ts",
        "../00:00-2.0-full-" HASH ".ts",
        "00:00-2.0-full-" HASH ".ts\n",
        " 00:00-2.0-full-" HASH ".ts",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        SegmentName name;
        g_test_message("%s", names[i]);
        g_assert_false(segment_name_parse(names[i], &name));
    }
}

// A name whose tombstone would have none is no segment's.
static void test_length(void)
{
    for (int decimals = 150; decimals < 200; decimals++) {
        SegmentName name;
        g_autofree char *digits = g_strnfill((gsize) decimals, '0');
        g_autofree char *text = g_strdup_printf("00:00-2.%s-full-" HASH ".ts", digits);
        gsize stem = strlen(text) - strlen(".ts");
        g_assert_cmpint(segment_name_parse(text, &name), ==, stem + strlen(".tombstone") <= 255);
    }
}

static void test_portable(void)
{
    static const char *const names[] = {
        "45:51.608-2.0-full-" HASH ".ts",
        "45:51-2-suspect-" HASH ".tombstone",
        "00:00.000000-0.000001-temp-" UUID ".ts",
    };
    gint64 hour, other;
    g_assert_true(segment_hour_name_parse("2019-11-13T02", &hour));
    g_assert_true(segment_hour_name_parse("2019-11-13T03", &other));
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *portable = segment_name_to_portable(names[i], hour);
        g_assert_null(strchr(portable, ':'));
        g_autofree char *back = segment_name_from_portable(portable, hour);
        g_assert_cmpstr(back, ==, names[i]);
        g_autofree char *same = segment_name_from_portable(names[i], hour);
        g_assert_cmpstr(same, ==, names[i]);
        g_assert_null(segment_name_from_portable(portable, other));
    }
    g_autofree char *portable = segment_name_to_portable(names[0], hour);
    g_assert_cmpstr(portable, ==, "20191113T024551.608-2.0-full-" HASH ".ts");
    g_assert_null(segment_name_from_portable("20191113T02", hour));
    g_assert_null(segment_name_from_portable("20191113T024", hour));
    g_assert_null(segment_name_from_portable("20191113T02:4551-2.0-full-" HASH ".ts", hour));
    g_assert_null(segment_name_from_portable("20191113T029951-2.0-full-" HASH ".ts", hour));
}

static void test_tombstone(void)
{
    g_autofree char *tombstone = segment_name_to_tombstone("00:00-2.0-full-" HASH ".ts");
    g_assert_cmpstr(tombstone, ==, "00:00-2.0-full-" HASH ".tombstone");
    g_autofree char *segment = segment_name_from_tombstone(tombstone);
    g_assert_cmpstr(segment, ==, "00:00-2.0-full-" HASH ".ts");
}

static void test_hash(void)
{
    guint8 hash[SEGMENT_HASH_SIZE];
    char hex[2 * SEGMENT_HASH_SIZE + 1];
    g_autofree char *wanted = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "", 0);
    g_assert_true(segment_hash_parse(HASH, hash));
    segment_hash_to_hex(hash, hex);
    g_assert_cmpstr(hex, ==, wanted);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/name/parse", test_parse);
    g_test_add_func("/name/rejects", test_rejects);
    g_test_add_func("/name/length", test_length);
    g_test_add_func("/name/portable", test_portable);
    g_test_add_func("/name/tombstone", test_tombstone);
    g_test_add_func("/name/hash", test_hash);
    return g_test_run();
}
