// SPDX-License-Identifier: MIT
#include "cut/box.h"

#include <string.h>

void cut_box_put_8(GByteArray *out, guint value)
{
    guint8 byte = (guint8) value;
    g_byte_array_append(out, &byte, 1);
}

void cut_box_put_16(GByteArray *out, guint value)
{
    guint16 bytes = GUINT16_TO_BE((guint16) value);
    g_byte_array_append(out, (const guint8 *) &bytes, sizeof bytes);
}

void cut_box_put_32(GByteArray *out, guint32 value)
{
    guint32 bytes = GUINT32_TO_BE(value);
    g_byte_array_append(out, (const guint8 *) &bytes, sizeof bytes);
}

void cut_box_put_64(GByteArray *out, guint64 value)
{
    guint64 bytes = GUINT64_TO_BE(value);
    g_byte_array_append(out, (const guint8 *) &bytes, sizeof bytes);
}

void cut_box_put_zeros(GByteArray *out, guint n)
{
    guint old = out->len;
    g_byte_array_set_size(out, old + n);
    memset(out->data + old, 0, n);
}

void cut_box_put_text(GByteArray *out, const char *text)
{
    g_byte_array_append(out, (const guint8 *) text, (guint) strlen(text));
}

void cut_box_put_bytes(GByteArray *out, GBytes *bytes)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    g_byte_array_append(out, data, (guint) size);
}

guint cut_box_begin(GByteArray *out, const char *type)
{
    guint at = out->len;
    cut_box_put_32(out, 0);
    cut_box_put_text(out, type);
    return at;
}

guint cut_box_begin_full(GByteArray *out, const char *type, guint version, guint32 flags)
{
    guint at = cut_box_begin(out, type);
    cut_box_put_32(out, (guint32) version << 24 | flags);
    return at;
}

void cut_box_end(GByteArray *out, guint at)
{
    guint32 size = GUINT32_TO_BE(out->len - at);
    memcpy(out->data + at, &size, sizeof size);
}
