// SPDX-License-Identifier: MIT
// The name of a segment's file. Parsing is on the path of every listing, so it makes one pass and no allocation.
#include "segment/name.h"

#include <string.h>

#include "segment/time.h"

#define UUID_LENGTH 36

static const char *const type_names[] = {"full", "suspect", "partial", "temp"};

const char *segment_type_to_string(SegmentType type)
{
    g_assert(type < G_N_ELEMENTS(type_names));
    return type_names[type];
}

// The value of a character of the URL-safe alphabet (RFC 4648 5); 64 for any other.
static guint8 base64url_values[256];

static void fill_base64url_values(void)
{
    static gsize filled;
    if (!g_once_init_enter(&filled))
        return;
    const char *alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    memset(base64url_values, 64, sizeof base64url_values);
    for (guint8 i = 0; i < 64; i++)
        base64url_values[(guchar) alphabet[i]] = i;
    g_once_init_leave(&filled, 1);
}

// g_base64_decode() knows neither the URL-safe alphabet nor a strict mode. Four characters are three bytes; the last
// three are two bytes and two bits, which are zero.
gboolean segment_hash_parse(const char *text, guint8 hash[SEGMENT_HASH_SIZE])
{
    const guchar *p = (const guchar *) text;
    const guint8 *value = base64url_values;
    guint32 bits, rest = 0;

    fill_base64url_values();
    for (int i = 0; i < 10; i++, p += 4, hash += 3) {
        // A text that ends too early has a NUL there, which stops it.
        for (int j = 0; j < 4; j++) {
            if (value[p[j]] == 64)
                return FALSE;
        }
        bits = (guint32) value[p[0]] << 18 | (guint32) value[p[1]] << 12 | (guint32) value[p[2]] << 6 | value[p[3]];
        hash[0] = (guint8) (bits >> 16);
        hash[1] = (guint8) (bits >> 8);
        hash[2] = (guint8) bits;
    }
    for (int j = 0; j < 3; j++) {
        if (value[p[j]] == 64)
            return FALSE;
        rest = rest << 6 | value[p[j]];
    }
    hash[0] = (guint8) (rest >> 10);
    hash[1] = (guint8) (rest >> 2);
    return (rest & 3) == 0;
}

void segment_hash_to_hex(const guint8 hash[SEGMENT_HASH_SIZE], char text[2 * SEGMENT_HASH_SIZE + 1])
{
    for (int i = 0; i < SEGMENT_HASH_SIZE; i++)
        g_snprintf(text + 2 * i, 3, "%02x", hash[i]);
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
    // A segment is only one if its tombstone has a name, too: NAME_MAX is the file system's limit.
    return (name->tombstone || strcmp(p, ".ts") == 0) &&
           name->stem_length + strlen(".tombstone") <= SEGMENT_NAME_MAX;
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
