// SPDX-License-Identifier: MIT
// A request's target, and its fields: the first byte says which.
#include <string.h>

#include "segment/beneath.h"
#include "sync/conditions.h"
#include "sync/routes.h"
#include "sync/token.h"
#include "tests/fuzz/harness.h"

#define SIZE 1000

static void check_target(const char *text)
{
    g_auto(SyncRoute) route = {0};
    guint status = sync_route_parse(text, &route);
    fuzz_assert(status == 200 || status == 400 || status == 404 || status == 414);
    fuzz_assert((status == 200) == (route.kind != SYNC_ROUTE_NONE));
    fuzz_assert((route.path == NULL) == (route.n_names == 0));
    if (route.path == NULL)
        return;
    // Nothing but plain names, as many as it says.
    g_auto(GStrv) names = g_strsplit(route.path, "/", -1);
    fuzz_assert(g_strv_length(names) == route.n_names && route.n_names <= SYNC_PATH_MAX_NAMES);
    for (guint i = 0; names[i] != NULL; i++)
        fuzz_assert(segment_beneath_name_is_plain(names[i]));
}

static void check_range(const char *text)
{
    SyncRange range = sync_range_parse(text, NULL, "\"a\"", SIZE);
    if (range.kind == SYNC_RANGE_ALL)
        fuzz_assert(range.start == 0 && range.length == SIZE);
    if (range.kind == SYNC_RANGE_PART)
        fuzz_assert(range.start >= 0 && range.length > 0 && range.start + range.length <= SIZE);
    fuzz_assert(sync_range_parse(text, NULL, "\"a\"", 0).kind != SYNC_RANGE_PART);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    if (size == 0)
        return 0;
    // Its own block, so that the sanitizers see a read beyond its end.
    g_autofree char *text = g_strndup((const char *) data + 1, size - 1);
    switch (data[0]) {
    case 'r':
        check_range(text);
        break;
    case 'e':
        // What is matched is in it.
        if (sync_etag_matches(text, "\"a\""))
            fuzz_assert(strcmp(text + strspn(text, " \t"), "*") == 0 || strstr(text, "\"a\"") != NULL);
        break;
    case 'a':
        if (sync_token_matches("0123456789abcdef", text))
            fuzz_assert(g_str_has_suffix(text, " 0123456789abcdef"));
        break;
    default:
        check_target(text);
    }
    return 0;
}
