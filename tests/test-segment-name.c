// SPDX-License-Identifier: MIT
// Names of segments and tombstones: what is one, what is none, and the ways between the spellings.
#include <string.h>

#include "segment/name.h"
#include "segment/time.h"

#define HASH "oGdTKJEge_UAle8kHCEkoXMNpY-seEImvbD_v-NhQ_I"
#define UUID "1f42a30c-eda7-45d3-9654-d83bef866f9a"
#define HOUR G_GINT64_CONSTANT(1573610400000000) // 2019-11-13T02

static void test_parts(void)
{
    static const struct {
        const char *text;
        gint64 offset, duration;
        SegmentType type;
        gboolean tombstone;
    } cases[] = {
        {"45:51.608000-2.0-full-" HASH ".ts", 2751608000, 2000000, SEGMENT_FULL, FALSE},
        {"45:51.608-2.0-full-" HASH ".ts", 2751608000, 2000000, SEGMENT_FULL, FALSE},
        {"45:51.6-2-full-" HASH ".ts", 2751600000, 2000000, SEGMENT_FULL, FALSE},
        {"45:51-1.966667-suspect-" HASH ".ts", 2751000000, 1966667, SEGMENT_SUSPECT, FALSE},
        {"00:00.000001-0-partial-" HASH ".ts", 1, 0, SEGMENT_PARTIAL, FALSE},
        {"59:59.999999-2.0-full-" HASH ".tombstone", 3599999999, 2000000, SEGMENT_FULL, TRUE},
        {"00:00-2.0-temp-" UUID ".ts", 0, 2000000, SEGMENT_TEMP, FALSE},
        {"00:00-2.0-temp-" UUID ".tombstone", 0, 2000000, SEGMENT_TEMP, TRUE},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        SegmentName name;
        g_test_message("%s", cases[i].text);
        g_assert_true(segment_name_parse(cases[i].text, &name));
        g_assert_cmpint(name.offset, ==, cases[i].offset);
        g_assert_cmpint(name.duration, ==, cases[i].duration);
        g_assert_cmpint(name.type, ==, cases[i].type);
        g_assert_cmpint(name.tombstone, ==, cases[i].tombstone);
        g_assert_cmpstr(cases[i].text + name.stem_length, ==, name.tombstone ? ".tombstone" : ".ts");
    }
}

static void test_refused(void)
{
    static const char *const texts[] = {
        "",
        ".",
        "..",
        ".ts",
        ".tombstone",
        "-",
        "45:51",
        "45:51.ts",
        "desktop.ini",
        "Thumbs.db",
        ".DS_Store",
        "junk.ts",
        // times
        "60:00-2.0-full-" HASH ".ts",
        "61:00.000000-2.0-full-" HASH ".ts",
        "00:60-2.0-full-" HASH ".ts",
        "0:00-2.0-full-" HASH ".ts",
        "000:00-2.0-full-" HASH ".ts",
        "00:0-2.0-full-" HASH ".ts",
        "00.00-2.0-full-" HASH ".ts",
        "00:00.-2.0-full-" HASH ".ts",
        "00:00.1234567-2.0-full-" HASH ".ts",
        "00:00,5-2.0-full-" HASH ".ts",
        "-1:00-2.0-full-" HASH ".ts",
        "+1:00-2.0-full-" HASH ".ts",
        " 0:00-2.0-full-" HASH ".ts",
        "00:00:00-2.0-full-" HASH ".ts",
        "0000-2.0-full-" HASH ".ts",
        "20191113T024551-2.0-full-" HASH ".ts",
        // durations
        "00:00--2.0-full-" HASH ".ts",
        "00:00-nan-full-" HASH ".ts",
        "00:00-inf-full-" HASH ".ts",
        "00:00-1e308-full-" HASH ".ts",
        "00:00-1e-06-full-" HASH ".ts",
        "00:00--full-" HASH ".ts",
        "00:00-2.-full-" HASH ".ts",
        "00:00-.5-full-" HASH ".ts",
        "00:00-+2-full-" HASH ".ts",
        "00:00-86401-full-" HASH ".ts",
        "00:00-9999999999999999999999-full-" HASH ".ts",
        "00:00-2,0-full-" HASH ".ts",
        "00:00-full-" HASH ".ts",
        // types
        "00:00-2.0-FULL-" HASH ".ts",
        "00:00-2.0-fuller-" HASH ".ts",
        "00:00-2.0-ful-" HASH ".ts",
        "00:00-2.0--" HASH ".ts",
        "00:00-2.0-other-" HASH ".ts",
        "00:00-2.0-full" HASH ".ts",
        "00:00-2.0-full -" HASH ".ts",
        // hashes
        "00:00-2.0-full-.ts",
        "00:00-2.0-full.ts",
        "00:00-2.0-full-AAAA.ts",
        "00:00-2.0-full-" HASH "A.ts",
        "00:00-2.0-full-" HASH "=.ts",
        "00:00-2.0-full-GdTKJEge_UAle8kHCEkoXMNpY-seEImvbD_v-NhQ_I.ts",
        "00:00-2.0-full-oGdTKJEge/UAle8kHCEkoXMNpY-seEImvbD_v-NhQ_I.ts",
        "00:00-2.0-full-oGdTKJEge+UAle8kHCEkoXMNpY-seEImvbD_v-NhQ_I.ts",
        "00:00-2.0-full-" UUID ".ts",
        "00:00-2.0-full-oGdTKJEge_UAle8kHCEkoXMNpY-seEImvbD_v-NhQ_J.ts",
        "00:00-2.0-full-oGdTKJEge_UAle8kHCEkoXMNpY-seEImvbD_v-NhQ_K.ts",
        "00:00-2.0-full-oGdTKJEge_UAle8kHCEkoXMNpY-seEImvbD_v-NhQ_L.ts",
        // temps
        "00:00-2.0-temp.ts",
        "00:00-2.0-temp-.ts",
        "00:00-2.0-temp-" HASH ".ts",
        "00:00-2.0-temp-1f42a30c-eda7-45d3-9654-d83bef866f9.ts",
        "00:00-2.0-temp-" UUID "a.ts",
        "00:00-2.0-temp-1f42a30ceda7-45d3-9654-d83bef866f9aaa.ts",
        "00:00-2.0-temp-1f42a30c-eda7-45d3-9654-d83bef866f9g.ts",
        // suffixes
        "00:00-2.0-full-" HASH,
        "00:00-2.0-full-" HASH ".",
        "00:00-2.0-full-" HASH ".TS",
        "00:00-2.0-full-" HASH ".ts.tombstone",
        "00:00-2.0-full-" HASH ".tombstone.ts",
        "00:00-2.0-full-" HASH ".ts~",
        "00:00-2.0-full-" HASH ".json",
        "00:00-2.0-full-" HASH ".ts/",
        "00:00-2.0-full-" HASH "/.ts",
        "../00:00-2.0-full-" HASH ".ts",
        "/00:00-2.0-full-" HASH ".ts",
    };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        SegmentName name;
        g_test_message("%s", texts[i]);
        g_assert_false(segment_name_parse(texts[i], &name));
    }
}

// No prefix of a name is one; reading beyond its end is for the sanitizers to find.
static void test_prefixes(void)
{
    static const char *const texts[] = {
        "45:51.608000-2.0-full-" HASH ".ts",
        "45:51.608000-2.0-full-" HASH ".tombstone",
        "45:51.608000-2.0-temp-" UUID ".ts",
    };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        for (gsize n = 0; n < strlen(texts[i]); n++) {
            SegmentName name;
            g_autofree char *prefix = g_strndup(texts[i], n);
            g_assert_false(segment_name_parse(prefix, &name));
            g_autofree char *portable = segment_name_from_portable(prefix, HOUR);
            g_assert_null(portable);
        }
    }
}

static void test_lengths(void)
{
    // A duration with so many zeros that the tombstone's name has exactly N bytes. The colon-free spelling, which is
    // ten longer, has to be a file's name as well.
    const gsize longest = SEGMENT_NAME_MAX - 10;
    for (gsize n = longest - 3; n <= longest + 3; n++) {
        SegmentName name;
        g_autofree char *zeros = g_strnfill(n - strlen("00:00-2.-full-" HASH ".tombstone"), '0');
        g_autofree char *tombstone = g_strdup_printf("00:00-2.%s-full-" HASH ".tombstone", zeros);
        g_autofree char *segment = segment_name_from_tombstone(tombstone);
        g_assert_cmpuint(strlen(tombstone), ==, n);
        g_assert_cmpint(segment_name_parse(tombstone, &name), ==, n <= longest);
        g_assert_cmpint(segment_name_parse(segment, &name), ==, n <= longest);
    }
}

static void test_hash(void)
{
    SegmentName name;
    char hex[2 * SEGMENT_HASH_SIZE + 1];
    g_assert_true(segment_name_parse("00:00-2.0-full-47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU.ts", &name));
    segment_hash_to_hex(name.hash, hex);
    // Of no bytes at all.
    g_assert_cmpstr(hex, ==, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

    guint8 hash[SEGMENT_HASH_SIZE];
    g_assert_true(segment_hash_parse("-___________________________________________", hash) == FALSE);
    g_assert_true(segment_hash_parse("__________________________________________8", hash));
    segment_hash_to_hex(hash, hex);
    g_assert_cmpstr(hex, ==, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff");
    g_assert_false(segment_hash_parse("", hash));
    g_assert_false(segment_hash_parse("AAAA", hash));

    // Of 64 last characters only every fourth is canonical.
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (int i = 0; i < 64; i++) {
        g_autofree char *text = g_strnfill(SEGMENT_HASH_TEXT_LENGTH, 'A');
        text[SEGMENT_HASH_TEXT_LENGTH - 1] = alphabet[i];
        g_assert_cmpint(segment_hash_parse(text, hash), ==, i % 4 == 0);
    }
}

static void test_types(void)
{
    g_assert_cmpstr(segment_type_to_string(SEGMENT_FULL), ==, "full");
    g_assert_cmpstr(segment_type_to_string(SEGMENT_SUSPECT), ==, "suspect");
    g_assert_cmpstr(segment_type_to_string(SEGMENT_PARTIAL), ==, "partial");
    g_assert_cmpstr(segment_type_to_string(SEGMENT_TEMP), ==, "temp");
}

static void test_tombstones(void)
{
    g_autofree char *tombstone = segment_name_to_tombstone("45:51.608-2.0-full-" HASH ".ts");
    g_assert_cmpstr(tombstone, ==, "45:51.608-2.0-full-" HASH ".tombstone");
    g_autofree char *segment = segment_name_from_tombstone(tombstone);
    g_assert_cmpstr(segment, ==, "45:51.608-2.0-full-" HASH ".ts");
}

static void test_portable(void)
{
    static const char *const texts[] = {
        "45:51.608000-2.0-full-" HASH ".ts",
        "00:00-2-suspect-" HASH ".ts",
        "59:59.9-2.0-partial-" HASH ".tombstone",
        "45:51.608-2.0-temp-" UUID ".ts",
    };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *portable = segment_name_to_portable(texts[i], HOUR);
        g_assert_null(strchr(portable, ':'));
        g_assert_true(g_str_has_prefix(portable, "20191113T02"));
        g_autofree char *back = segment_name_from_portable(portable, HOUR);
        g_assert_cmpstr(back, ==, texts[i]);
        g_autofree char *same = segment_name_from_portable(texts[i], HOUR);
        g_assert_cmpstr(same, ==, texts[i]);
        // Within the hour it makes no difference what time is given for it; another hour does not have the name.
        g_autofree char *late = segment_name_from_portable(portable, HOUR + SEGMENT_HOUR_LENGTH - 1);
        g_assert_cmpstr(late, ==, texts[i]);
        g_autofree char *other = segment_name_from_portable(portable, HOUR + SEGMENT_HOUR_LENGTH);
        g_assert_null(other);
    }
    g_autofree char *known = segment_name_to_portable(texts[0], HOUR);
    g_assert_cmpstr(known, ==, "20191113T024551.608000-2.0-full-" HASH ".ts");
}

static void test_portable_refused(void)
{
    static const char *const texts[] = {
        "",
        "20191113T02",
        "20191113T024",
        "20191113T0245",
        "20191113T024551",
        "20191113T026051-2.0-full-" HASH ".ts",
        "20191113T02455-2.0-full-" HASH ".ts",
        "20191113T0245:51-2.0-full-" HASH ".ts",
        "2019-11-13T0245:51-2.0-full-" HASH ".ts",
        "20191113T034551-2.0-full-" HASH ".ts",
        "20191113T024551Z-2.0-full-" HASH ".ts",
        "20191113T024551.-2.0-full-" HASH ".ts",
        "20191113T024551-2.0-full-" HASH ".TS",
        "20191113t024551-2.0-full-" HASH ".ts",
        "20191113T02-2.0-full-" HASH ".ts",
        "desktop.ini",
        "._20191113T024551-2.0-full-" HASH ".ts",
        // Names of 255 bytes and more, in a script of three bytes a letter and not.
        "20191113T02\xe3\x81\x82\xe3\x81\x82",
    };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_test_message("%s", texts[i]);
        g_autofree char *native = segment_name_from_portable(texts[i], HOUR);
        g_assert_null(native);
    }
    g_autofree char *digits = g_strnfill(5000, '5'), *text = g_strconcat("20191113T02", digits, NULL);
    g_autofree char *native = segment_name_from_portable(text, HOUR);
    g_assert_null(native);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/segment/name/parts", test_parts);
    g_test_add_func("/segment/name/refused", test_refused);
    g_test_add_func("/segment/name/prefixes", test_prefixes);
    g_test_add_func("/segment/name/lengths", test_lengths);
    g_test_add_func("/segment/name/hash", test_hash);
    g_test_add_func("/segment/name/types", test_types);
    g_test_add_func("/segment/name/tombstones", test_tombstones);
    g_test_add_func("/segment/name/portable", test_portable);
    g_test_add_func("/segment/name/portable-refused", test_portable_refused);
    return g_test_run();
}
