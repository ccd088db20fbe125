// SPDX-License-Identifier: MIT
// Conditional requests and ranges. What cannot be understood is as if it was not there: the client gets all of it.
#include "sync/conditions.h"

#include <string.h>

static const char *skip_space(const char *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

// The weak comparison of RFC 9110 8.8.3.2: W/ is of no account.
gboolean sync_etag_matches(const char *field, const char *etag)
{
    gsize length = strlen(etag);
    if (field == NULL)
        return FALSE;
    const char *p = skip_space(field);
    if (strcmp(p, "*") == 0)
        return TRUE;
    while (*p != '\0') {
        if (p[0] == 'W' && p[1] == '/')
            p += 2;
        const char *end = *p == '"' ? strchr(p + 1, '"') : NULL;
        if (end == NULL)
            return FALSE;
        end++;
        if ((gsize) (end - p) == length && memcmp(p, etag, length) == 0)
            return TRUE;
        p = skip_space(end);
        if (*p == ',')
            p = skip_space(p + 1);
        else if (*p != '\0')
            return FALSE;
    }
    return FALSE;
}

// Decimal digits at *P, which is moved behind them. A number that is too large is G_MAXINT64. FALSE where there are none.
static gboolean parse_position(const char **p, gint64 *position)
{
    if (!g_ascii_isdigit(**p))
        return FALSE;
    for (*position = 0; g_ascii_isdigit(**p); (*p)++) {
        int digit = **p - '0';
        *position = *position > (G_MAXINT64 - digit) / 10 ? G_MAXINT64 : *position * 10 + digit;
    }
    return TRUE;
}

SyncRange sync_range_parse(const char *range, const char *if_range, const char *etag, gint64 size)
{
    const SyncRange all = {.kind = SYNC_RANGE_ALL, .start = 0, .length = size};
    const SyncRange unsatisfiable = {.kind = SYNC_RANGE_UNSATISFIABLE};
    gint64 first, last = G_MAXINT64;

    if (range == NULL || (if_range != NULL && strcmp(if_range, etag) != 0) ||
        g_ascii_strncasecmp(range, "bytes=", strlen("bytes=")) != 0)
        return all;
    const char *p = skip_space(range + strlen("bytes="));
    if (*p == '-') {
        // The last so many.
        p++;
        if (!parse_position(&p, &last) || *skip_space(p) != '\0')
            return all;
        if (last == 0 || size == 0)
            return unsatisfiable;
        first = MAX(size - last, 0);
        return (SyncRange){.kind = SYNC_RANGE_PART, .start = first, .length = size - first};
    }
    if (!parse_position(&p, &first) || *p++ != '-')
        return all;
    if (g_ascii_isdigit(*p))
        parse_position(&p, &last);
    if (*skip_space(p) != '\0' || last < first)
        return all;
    if (first >= size)
        return unsatisfiable;
    return (SyncRange){.kind = SYNC_RANGE_PART, .start = first, .length = MIN(last, size - 1) - first + 1};
}
