// SPDX-License-Identifier: MIT
// What the text of a request is taken for: targets, conditions, ranges, tokens, addresses.
#include <string.h>
#include <sys/stat.h>

#include "sync/address.h"
#include "sync/conditions.h"
#include "sync/listing.h"
#include "sync/routes.h"
#include "sync/token.h"
#include "tests/scratch.h"

static void test_routes(void)
{
    static const struct {
        const char *target;
        guint status;
        SyncRouteKind kind;
        const char *path;
        gboolean tombstones;
    } cases[] = {
        {"/files", 200, SYNC_ROUTE_DIRECTORY, NULL, FALSE},
        {"/files/", 200, SYNC_ROUTE_DIRECTORY, NULL, FALSE},
        {"/files/a", 200, SYNC_ROUTE_DIRECTORY, "a", FALSE},
        {"/files/a/b/", 200, SYNC_ROUTE_DIRECTORY, "a/b", FALSE},
        {"/files/a/b/c", 200, SYNC_ROUTE_HOUR, "a/b/c", FALSE},
        {"/files/a/b/c?tombstones=true", 200, SYNC_ROUTE_HOUR, "a/b/c", TRUE},
        {"/files/a/b/c?x=y&tombstones=True&z", 200, SYNC_ROUTE_HOUR, "a/b/c", TRUE},
        {"/files/a/b/c?tombstones=false", 200, SYNC_ROUTE_HOUR, "a/b/c", FALSE},
        {"/files/a/b/c?tombstones=maybe", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/files/a/b/c?tombstones=", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/files/a/b/c/d", 404, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/segments/a/b/c/00:01-2.0.ts", 200, SYNC_ROUTE_FILE, "a/b/c/00:01-2.0.ts", FALSE},
        {"/segments/a/b/c/00%3a01%2D2.0.ts", 200, SYNC_ROUTE_FILE, "a/b/c/00:01-2.0.ts", FALSE},
        {"/segments/a+b", 200, SYNC_ROUTE_FILE, "a+b", FALSE},
        {"/segments/a%20b", 200, SYNC_ROUTE_FILE, "a b", FALSE},
        {"/segments", 404, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/segments/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", 200, SYNC_ROUTE_FILE,
         "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", FALSE},
        {"/segments/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/extras/emotes", 200, SYNC_ROUTE_EXTRAS, "emotes", FALSE},
        {"/extras", 404, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/digests", 200, SYNC_ROUTE_STREAMS, NULL, FALSE},
        {"/digests/a", 404, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/digests/a/b", 200, SYNC_ROUTE_DIGESTS, "a/b", FALSE},
        {"/metrics", 200, SYNC_ROUTE_METRICS, NULL, FALSE},
        {"/healthz?x", 200, SYNC_ROUTE_HEALTH, NULL, FALSE},
        {"http://host:1/files/a", 200, SYNC_ROUTE_DIRECTORY, "a", FALSE},
        {"HTTPS://host/healthz", 200, SYNC_ROUTE_HEALTH, NULL, FALSE},
        {"http://host", 404, SYNC_ROUTE_NONE, NULL, FALSE},
        {"http://host?files", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/", 404, SYNC_ROUTE_NONE, NULL, FALSE},
        {"", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"*", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"files", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"//files", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/files//a", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/FILES", 404, SYNC_ROUTE_NONE, NULL, FALSE},
        // Nothing that leads elsewhere, however it is spelled.
        {"/files/..", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/segments/a/../b", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/segments/%2e%2e/x", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/segments/.segfs", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/segments/a/.quarantine/b", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/segments/a%2fb", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/segments/%2fetc%2fpasswd", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/segments/a%00", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/segments/a%0ab", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/segments/a%7fb", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/segments/a%", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/segments/a%4", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/segments/a%4/", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        {"/segments/a%gg", 400, SYNC_ROUTE_NONE, NULL, FALSE},
        // A % that is decoded is not decoded again.
        {"/segments/a%252e", 200, SYNC_ROUTE_FILE, "a%2e", FALSE},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(SyncRoute) route = {0};
        g_test_message("%s", cases[i].target);
        g_assert_cmpuint(sync_route_parse(cases[i].target, &route), ==, cases[i].status);
        g_assert_cmpint(route.kind, ==, cases[i].kind);
        g_assert_cmpstr(route.path, ==, cases[i].path);
        g_assert_cmpint(route.tombstones, ==, cases[i].tombstones);
    }
}

static void test_long_targets(void)
{
    g_auto(SyncRoute) route = {0};
    g_autofree char *name = g_strnfill(SEGMENT_NAME_MAX, 'a'), *target = g_strconcat("/segments/", name, NULL);
    g_autofree char *too_long_name = g_strconcat(target, "a", NULL);
    g_autofree char *rest = g_strnfill(SYNC_TARGET_MAX, 'a'), *too_long = g_strconcat("/", rest, NULL);
    g_assert_cmpuint(sync_route_parse(target, &route), ==, 200);
    sync_route_clear(&route);
    g_assert_cmpuint(sync_route_parse(too_long_name, &route), ==, 400);
    g_assert_cmpuint(sync_route_parse(too_long, &route), ==, 414);
}

static void test_etags(void)
{
    static const struct {
        const char *field;
        gboolean matches;
    } cases[] = {
        {NULL, FALSE},
        {"", FALSE},
        {"\"abc\"", TRUE},
        {"W/\"abc\"", TRUE},
        {"*", TRUE},
        {" * ", FALSE},
        {"\"x\", \"abc\"", TRUE},
        {"\"x\",W/\"abc\" , \"y\"", TRUE},
        {"abc", FALSE},
        {"\"abc", FALSE},
        {"\"abcd\"", FALSE},
        {"\"ab\"", FALSE},
        {"\"x\" \"abc\"", FALSE},
        {"\"x,\"abc\"", FALSE},
        {"\"a,b\", \"abc\"", TRUE},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].field);
        g_assert_cmpint(sync_etag_matches(cases[i].field, "\"abc\""), ==, cases[i].matches);
    }
}

static void test_ranges(void)
{
    static const struct {
        const char *range, *if_range;
        gint64 size;
        SyncRangeKind kind;
        gint64 start, length;
    } cases[] = {
        {NULL, NULL, 100, SYNC_RANGE_ALL, 0, 100},
        {"bytes=0-9", NULL, 100, SYNC_RANGE_PART, 0, 10},
        {"Bytes= 10-19 ", NULL, 100, SYNC_RANGE_PART, 10, 10},
        {"bytes=99-", NULL, 100, SYNC_RANGE_PART, 99, 1},
        {"bytes=0-", NULL, 100, SYNC_RANGE_PART, 0, 100},
        {"bytes=50-1000", NULL, 100, SYNC_RANGE_PART, 50, 50},
        {"bytes=-10", NULL, 100, SYNC_RANGE_PART, 90, 10},
        {"bytes=-1000", NULL, 100, SYNC_RANGE_PART, 0, 100},
        {"bytes=5-99999999999999999999999999", NULL, 100, SYNC_RANGE_PART, 5, 95},
        {"bytes=99999999999999999999999999-", NULL, 100, SYNC_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=100-", NULL, 100, SYNC_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-0", NULL, 100, SYNC_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=0-", NULL, 0, SYNC_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-1", NULL, 0, SYNC_RANGE_UNSATISFIABLE, 0, 0},
        // Ignored.
        {"bytes=9-0", NULL, 100, SYNC_RANGE_ALL, 0, 100},
        {"bytes=0-1,5-6", NULL, 100, SYNC_RANGE_ALL, 0, 100},
        {"bytes=-", NULL, 100, SYNC_RANGE_ALL, 0, 100},
        {"bytes=a-b", NULL, 100, SYNC_RANGE_ALL, 0, 100},
        {"bytes=1-2x", NULL, 100, SYNC_RANGE_ALL, 0, 100},
        {"lines=1-2", NULL, 100, SYNC_RANGE_ALL, 0, 100},
        {"bytes", NULL, 100, SYNC_RANGE_ALL, 0, 100},
        // Of something else than the client has.
        {"bytes=0-9", "\"abc\"", 100, SYNC_RANGE_PART, 0, 10},
        {"bytes=0-9", "\"x\"", 100, SYNC_RANGE_ALL, 0, 100},
        {"bytes=0-9", "W/\"abc\"", 100, SYNC_RANGE_ALL, 0, 100},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].range);
        SyncRange range = sync_range_parse(cases[i].range, cases[i].if_range, "\"abc\"", cases[i].size);
        g_assert_cmpint(range.kind, ==, cases[i].kind);
        g_assert_cmpint(range.start, ==, cases[i].start);
        g_assert_cmpint(range.length, ==, cases[i].length);
    }
}

static void test_token_fields(void)
{
    static const char token[] = "0123456789abcdef";
    g_assert_true(sync_token_matches(token, "Bearer 0123456789abcdef"));
    g_assert_true(sync_token_matches(token, "bearer  0123456789abcdef"));
    g_assert_false(sync_token_matches(token, NULL));
    g_assert_false(sync_token_matches(token, ""));
    g_assert_false(sync_token_matches(token, "Bearer "));
    g_assert_false(sync_token_matches(token, "0123456789abcdef"));
    g_assert_false(sync_token_matches(token, "Basic 0123456789abcdef"));
    g_assert_false(sync_token_matches(token, "Bearer 0123456789abcde"));
    g_assert_false(sync_token_matches(token, "Bearer 0123456789abcdefg"));
    g_assert_false(sync_token_matches(token, "Bearer 0123456789ABCDEF"));
}

static char *token_of(const Scratch *scratch, const char *text, GError **error)
{
    g_autofree char *path = scratch_path(scratch, "token");
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_cmpint(chmod(path, 0600), ==, 0);
    return sync_token_read(path, error);
}

static void test_token_files(void)
{
    static const char *const bad[] = {
        "", "\n", "short", "0123456789abcde\n", "0123456789 abcdef", "0123456789abcd\303\244"};
    g_autoptr(Scratch) scratch = scratch_new();
    g_autofree char *good = token_of(scratch, " 0123456789abcdef \nand more\n", NULL);
    g_assert_cmpstr(good, ==, "0123456789abcdef");
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(token_of(scratch, bad[i], &error));
        g_assert_nonnull(error);
    }
}

static void test_addresses(void)
{
    static const struct {
        const char *text, *host, *port;
    } cases[] = {
        {":8000", "127.0.0.1", "8000"},
        {"8000", "127.0.0.1", "8000"},
        {"0.0.0.0:80", "0.0.0.0", "80"},
        {"[::1]:80", "::1", "80"},
        {"host:0", "host", "0"},
        {"::1:80", NULL, NULL},
        {"[]:80", NULL, NULL},
        {"", NULL, NULL},
        {":", NULL, NULL},
        {"host:", NULL, NULL},
        {"host", NULL, NULL},
        {":65536", NULL, NULL},
        {":-1", NULL, NULL},
        {":http", NULL, NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *host = NULL, *port = NULL;
        g_test_message("%s", cases[i].text);
        g_assert_cmpint(sync_address_split(cases[i].text, &host, &port), ==, cases[i].host != NULL);
        g_assert_cmpstr(host, ==, cases[i].host);
        g_assert_cmpstr(port, ==, cases[i].port);
    }
}

static void test_json(void)
{
    char odd[] = "a\"b\\c\nd\001\037\177\303\244/", broken[] = "\303";
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_ptr_array_add(names, broken);
    g_ptr_array_add(names, odd);
    g_ptr_array_add(names, broken);
    g_ptr_array_add(names, odd + strlen(odd));
    g_autoptr(SyncListing) listing = sync_listing_of_names(names);
    g_assert_cmpstr(listing->text, ==, "[\"a\\\"b\\\\c\\u000ad\\u0001\\u001f\177\303\244/\", \"\"]\n");
    g_assert_cmpuint(listing->length, ==, strlen(listing->text));
    g_assert_cmpuint(strlen(listing->etag), ==, SEGMENT_HASH_TEXT_LENGTH + 2);
    g_assert_true(sync_etag_matches(listing->etag, listing->etag));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sync/routes/targets", test_routes);
    g_test_add_func("/sync/routes/long", test_long_targets);
    g_test_add_func("/sync/routes/etags", test_etags);
    g_test_add_func("/sync/routes/ranges", test_ranges);
    g_test_add_func("/sync/routes/token-fields", test_token_fields);
    g_test_add_func("/sync/routes/token-files", test_token_files);
    g_test_add_func("/sync/routes/addresses", test_addresses);
    g_test_add_func("/sync/routes/json", test_json);
    return g_test_run();
}
