// SPDX-License-Identifier: MIT
// The status as JSON. Programs may rely on the members that are there; new ones may come.
#include "fs/status.h"

#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

#include "segment/time.h"

static void add_int(JsonBuilder *builder, const char *member, gint64 value)
{
    json_builder_set_member_name(builder, member);
    json_builder_add_int_value(builder, value);
}

static void add_string(JsonBuilder *builder, const char *member, const char *value)
{
    // JSON is UTF-8; a path need not be.
    g_autofree char *valid = g_utf8_make_valid(value, -1);
    json_builder_set_member_name(builder, member);
    json_builder_add_string_value(builder, valid);
}

static GBytes *mount_text(FsTree *tree)
{
    SegmentStoreStatus status;
    CutBlobsStatus edges;
    char time[SEGMENT_TIME_TEXT_SIZE];
    g_autofree char *started = g_strdup_printf("%sZ", segment_time_format(tree->started, time));
    g_autoptr(JsonBuilder) builder = json_builder_new();

    segment_store_get_status(tree->store, &status);
    cut_blobs_get_status(cut_engine_blobs(tree->engine), &edges);
    json_builder_begin_object(builder);
    add_string(builder, "version", PACKAGE_VERSION);
    add_string(builder, "store", segment_store_path(tree->store));
    add_string(builder, "mountpoint", tree->options.mountpoint != NULL ? tree->options.mountpoint : "");
    add_int(builder, "pid", getpid());
    add_string(builder, "started", started);
    add_int(builder, "streams", status.n_streams);
    add_int(builder, "hours", status.n_hours);
    add_int(builder, "hours_cached", status.n_hours_cached);
    add_int(builder, "hours_watched", status.n_hours_watched);
    add_int(builder, "hours_read", (gint64) status.n_hours_read);
    add_int(builder, "cache_memory", (gint64) status.cache_memory);
    add_int(builder, "tombstones", status.n_tombstones);
    add_int(builder, "names_skipped", status.n_skipped);
    add_int(builder, "nodes", fs_node_table_size(tree->nodes));
    add_int(builder, "edges_cached", edges.n_files);
    add_int(builder, "edges_size", edges.size);
    add_int(builder, "edges_made", edges.n_made);
    add_int(builder, "edges_being_made", edges.n_making);
    add_int(builder, "edges_given_up", edges.n_given_up);
    json_builder_end_object(builder);

    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autoptr(JsonGenerator) generator = json_generator_new();
    json_generator_set_root(generator, root);
    json_generator_set_pretty(generator, TRUE);
    GString *text = json_generator_to_gstring(generator, g_string_new(NULL));
    g_string_append_c(text, '\n');
    return g_string_free_to_bytes(text);
}

gboolean fs_status_has(const FsTree *tree, const char *name)
{
    return strcmp(name, "status.json") == 0 ||
           (tree->options.peers != NULL && (strcmp(name, "peers.json") == 0 || strcmp(name, "metrics") == 0));
}

GBytes *fs_status_text(FsTree *tree, const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    if (strcmp(name, "peers.json") == 0)
        return g_string_free_to_bytes(fs_peers_format(tree->options.peers));
    if (strcmp(name, "metrics") == 0)
        return g_string_free_to_bytes(fs_peers_format_metrics(tree->options.peers));
    return mount_text(tree);
}
