// SPDX-License-Identifier: MIT
// What a peer answers: a list of names, compared with ours; an object; a file of nodes.
#include <string.h>

#include "segment/beneath.h"
#include "segment/time.h"
#include "sync/diff.h"
#include "sync/json.h"
#include "sync/nodes.h"
#include "tests/fuzz/harness.h"

static void check_names(GPtrArray *theirs)
{
    static const char *const own[] = {"00:01.5-2.0-full-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.ts",
                                      "00:02-x.json"};
    g_autoptr(GPtrArray) ours = g_ptr_array_new();
    SyncDiffOptions options = {.hour = 0, .newest = 30 * 60 * SEGMENT_SECOND};
    for (guint i = 0; i < G_N_ELEMENTS(own); i++)
        g_ptr_array_add(ours, (gpointer) own[i]);
    g_autoptr(SyncDiff) diff = sync_diff_new(theirs, ours, &options);
    GPtrArray *lists[] = {diff->tombstones, diff->segments, diff->files};
    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        for (guint j = 0; j < lists[i]->len; j++) {
            const char *file = g_ptr_array_index(lists[i], j);
            SegmentName name;
            fuzz_assert(segment_beneath_name_is_plain(file));
            fuzz_assert(strcmp(file, own[0]) != 0 && strcmp(file, own[1]) != 0);
            if (i == 2)
                fuzz_assert(g_str_has_suffix(file, ".json") && !segment_name_parse(file, &name));
            else
                fuzz_assert(segment_name_parse(file, &name) && name.tombstone == (i == 0) && name.type != SEGMENT_TEMP);
        }
    }
    fuzz_assert(sync_diff_size(diff) + diff->n_bad <= theirs->len);
}

static void check_strings(const GPtrArray *strings)
{
    for (guint i = 0; i < strings->len; i++)
        fuzz_assert(g_utf8_validate(g_ptr_array_index(strings, i), -1, NULL));
}

static void check_answer(const char *text, gsize size)
{
    g_autoptr(SyncJson) json = sync_json_parse(text, size, NULL);
    GHashTableIter i;
    gpointer list;
    if (json == NULL)
        return;
    fuzz_assert(json->is_object ? json->strings->len == 0
                                : g_hash_table_size(json->members) + g_hash_table_size(json->lists) == 0);
    check_strings(json->strings);
    g_hash_table_iter_init(&i, json->lists);
    while (g_hash_table_iter_next(&i, NULL, &list))
        check_strings(list);
    check_names(json->strings);
}

static void check_node(const char *text)
{
    g_autoptr(SyncNode) node = sync_node_parse(text, NULL);
    if (node != NULL)
        fuzz_assert(g_str_has_prefix(node->url, "http") && !g_str_has_suffix(node->url, "/") && *node->name != '\0');
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    if (size == 0)
        return 0;
    // Its own block, so that the sanitizers see a read beyond its end.
    g_autofree char *text = g_memdup2(data + 1, size - 1);
    g_autofree char *string = g_strndup((const char *) data + 1, size - 1);
    if (data[0] == 'n')
        check_node(string);
    else
        check_answer(text, size - 1);
    return 0;
}
