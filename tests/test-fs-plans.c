// SPDX-License-Identifier: MIT
// Plans that the kernel has us remember are bounded: the oldest are forgotten first, the newest never.
#include "fs/plans.h"

#include "tests/scratch.h"

static CutPlan *make_plan(const Scratch *scratch, SegmentStore **store)
{
    g_autoptr(GError) error = NULL;
    SegmentStoreOptions options = {.no_watch = TRUE};
    CutTextOptions text = {.base = "../", .uris = SEGMENT_URI_FILE};
    g_autofree char *name = scratch_name(0, "2.0", SEGMENT_FULL, 1);
    g_autofree char *path = g_build_filename("channel/quality/2019-11-13T02", name, NULL);
    scratch_file(scratch, path, 10);
    *store = segment_store_open(scratch->path, &options, &error);
    g_assert_no_error(error);
    SegmentStream *stream = segment_store_stream(*store, "channel/quality", NULL, &error);
    g_assert_no_error(error);
    CutPlan *plan = cut_plan_new(stream, cut_request_parse("20191113T0200+2s.txt", NULL), &text, NULL, &error);
    g_assert_no_error(error);
    return plan;
}

static void forget(guint64 parent, const char *name, gpointer data)
{
    g_assert_cmpuint(parent, ==, 1);
    g_string_append_printf(data, "%s ", name);
}

static void add(FsPlans *plans, FsNode *root, CutPlan *plan, const char *name, GString *forgotten)
{
    g_autoptr(FsNode) node = fs_node_new(FS_CUT, root, name);
    fs_node_set_plan(node, cut_plan_ref(plan));
    fs_plans_add(plans, node, forget, forgotten);
}

static void test_bound(void)
{
    g_autoptr(Scratch) scratch = scratch_new();
    g_autoptr(SegmentStore) store = NULL;
    g_autoptr(CutPlan) plan = make_plan(scratch, &store);
    g_autoptr(FsNode) root = fs_node_new_root();
    g_autoptr(GString) forgotten = g_string_new(NULL);
    gsize one = sizeof *plan + g_bytes_get_size(plan->text) + sizeof(SegmentRef) + sizeof(gint64);

    FsPlans *plans = fs_plans_new(3 * one);
    for (const char *p = "abcdef"; *p != '\0'; p++) {
        char name[] = {*p, '\0'};
        add(plans, root, plan, name, forgotten);
    }
    g_assert_cmpstr(forgotten->str, ==, "a b c ");
    fs_plans_free(plans);

    // One that is too large by itself is kept until there is another.
    g_string_truncate(forgotten, 0);
    plans = fs_plans_new(1);
    add(plans, root, plan, "a", forgotten);
    g_assert_cmpstr(forgotten->str, ==, "");
    add(plans, root, plan, "b", forgotten);
    g_assert_cmpstr(forgotten->str, ==, "a ");
    fs_plans_free(plans);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plans/bound", test_bound);
    return g_test_run();
}
