// SPDX-License-Identifier: MIT
// The name of a segment's file. Parsing is on the path of every listing, so it makes one pass and no allocation.
#include "segment/name.h"

#include <string.h>

#include "segment/time.h"

#define UUID_LENGTH 36
#define PORTABLE_EXTRA (sizeof "20191113T024551" - sizeof "45:51") // by which the colon-free spelling is longer

static const char *const type_names[] = {"full", "suspect", "partial", "temp"};

const char *segment_type_to_string(SegmentType type)
{
    g_assert(type < G_N_ELEMENTS(type_names));
    return type_names[type];
}

// The URL-safe alphabet (RFC 4648 5): one more than a character's value; 0 for any other.
// clang-format off
static const guint8 base64url[256] = {
    ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8, ['I'] = 9, ['J'] = 10,
    ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19,
    ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
    ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37,
    ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46,
    ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55,
    ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};
// clang-format on

// g_base64_decode() knows neither the URL-safe alphabet nor a strict mode. Four characters are three bytes; the last
// three are two bytes and two bits, which are zero.
gboolean segment_hash_parse(const char *text, guint8 hash[SEGMENT_HASH_SIZE])
{
    const guchar *p = (const guchar *) text;
    guint32 bits = 0;
    for (int i = 0; i < SEGMENT_HASH_TEXT_LENGTH; i++) {
        guint8 value = base64url[p[i]];
        // A text that ends too early has a NUL there.
        if (value == 0)
            return FALSE;
        bits = bits << 6 | (guint32) (value - 1);
        if (i % 4 == 3) {
            *hash++ = (guint8) (bits >> 16);
            *hash++ = (guint8) (bits >> 8);
            *hash++ = (guint8) bits;
        }
    }
    hash[0] = (guint8) (bits >> 10);
    hash[1] = (guint8) (bits >> 2);
    return (bits & 3) == 0;
}

char *segment_hash_format(const guint8 hash[SEGMENT_HASH_SIZE])
{
    char *text = g_base64_encode(hash, SEGMENT_HASH_SIZE);
    text[SEGMENT_HASH_TEXT_LENGTH] = '\0';
    return g_strdelimit(g_strdelimit(text, "+", '-'), "/", '_');
}

void segment_hash_to_hex(const guint8 hash[SEGMENT_HASH_SIZE], char text[2 * SEGMENT_HASH_SIZE + 1])
{
    for (int i = 0; i < SEGMENT_HASH_SIZE; i++)
        g_snprintf(text + 2 * i, 3, "%02x", hash[i]);
}

guint segment_hash_hash(gconstpointer hash)
{
    guint value;
    memcpy(&value, hash, sizeof value);
    return value;
}

gboolean segment_hash_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, SEGMENT_HASH_SIZE) == 0;
}

// MM:SS[.f{1,6}]; returns what follows, or NULL.
static const char *parse_offset(const char *text, gint64 *offset)
{
    for (int i = 0; i < 5; i++) {
        if (i == 2 ? text[i] != ':' : !g_ascii_isdigit(text[i]))
            return NULL;
    }
    int minute = (text[0] - '0') * 10 + text[1] - '0', second = (text[3] - '0') * 10 + text[4] - '0';
    if (minute > 59 || second > 59)
        return NULL;
    gint64 usec = 0, unit = SEGMENT_SECOND / 10;
    const char *p = text + 5;
    if (*p == '.') {
        if (!g_ascii_isdigit(*++p))
            return NULL;
        for (; g_ascii_isdigit(*p); p++, unit /= 10) {
            if (unit == 0)
                return NULL;
            usec += (*p - '0') * unit;
        }
    }
    *offset = (minute * 60 + second) * SEGMENT_SECOND + usec;
    return p;
}

static gboolean is_uuid(const char *text)
{
    for (int i = 0; i < UUID_LENGTH; i++) {
        gboolean dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !g_ascii_isxdigit(text[i]))
            return FALSE;
    }
    return TRUE;
}

gboolean segment_name_parse(const char *text, SegmentName *name)
{
    const char *p = parse_offset(text, &name->offset);
    if (p == NULL || *p++ != '-')
        return FALSE;

    const char *dash = strchr(p, '-');
    if (dash == NULL || !segment_duration_parse(p, (gsize) (dash - p), &name->duration))
        return FALSE;
    p = dash + 1;

    guint type = 0;
    gsize length = 0;
    for (; type < G_N_ELEMENTS(type_names); type++) {
        length = strlen(type_names[type]);
        if (strncmp(p, type_names[type], length) == 0 && p[length] == '-')
            break;
    }
    if (type == G_N_ELEMENTS(type_names))
        return FALSE;
    name->type = (SegmentType) type;
    p += length + 1;

    if (name->type == SEGMENT_TEMP) {
        if (!is_uuid(p))
            return FALSE;
        memset(name->hash, 0, sizeof name->hash);
        p += UUID_LENGTH;
    } else {
        if (!segment_hash_parse(p, name->hash))
            return FALSE;
        p += SEGMENT_HASH_TEXT_LENGTH;
    }
    name->stem_length = (gsize) (p - text);
    name->tombstone = strcmp(p, ".tombstone") == 0;
    // A segment is only one if its tombstone has a name, too, without a colon as well: NAME_MAX is the file system's
    // limit.
    return (name->tombstone || strcmp(p, ".ts") == 0) &&
           name->stem_length + strlen(".tombstone") + PORTABLE_EXTRA <= SEGMENT_NAME_MAX;
}

char *segment_name_to_tombstone(const char *text)
{
    g_assert(g_str_has_suffix(text, ".ts"));
    return g_strdup_printf("%.*s.tombstone", (int) (strlen(text) - strlen(".ts")), text);
}

char *segment_name_from_tombstone(const char *text)
{
    g_assert(g_str_has_suffix(text, ".tombstone"));
    return g_strdup_printf("%.*s.ts", (int) (strlen(text) - strlen(".tombstone")), text);
}

char *segment_name_to_portable(const char *text, gint64 hour)
{
    char name[SEGMENT_HOUR_TEXT_SIZE];
    segment_hour_name_format(hour, name);
    return g_strdup_printf("%.4s%.2s%.2sT%.2s%.2s%s", name, name + 5, name + 8, name + 11, text, text + 3);
}

char *segment_name_from_portable(const char *text, gint64 hour)
{
    SegmentName name;
    if (segment_name_parse(text, &name))
        return g_strdup(text);

    // YYYYMMDDTHHMMSS…
    char own[SEGMENT_HOUR_TEXT_SIZE], prefix[sizeof "20191113T02"];
    segment_hour_name_format(hour, own);
    g_snprintf(prefix, sizeof prefix, "%.4s%.2s%.2sT%.2s", own, own + 5, own + 8, own + 11);
    if (!g_str_has_prefix(text, prefix))
        return NULL;
    const char *minute = text + strlen(prefix);
    if (!g_ascii_isdigit(minute[0]) || !g_ascii_isdigit(minute[1]))
        return NULL;
    g_autofree char *native = g_strdup_printf("%.2s:%s", minute, minute + 2);
    return segment_name_parse(native, &name) ? g_steal_pointer(&native) : NULL;
}
