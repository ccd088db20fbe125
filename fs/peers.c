// SPDX-License-Identifier: MIT
// Wires sync/ to the configuration.
#include "fs/peers.h"

#include <stdio.h>

#include "segment/lock.h"
#include "segment/time.h"
#include "sync/http-server.h"
#include "sync/manager.h"
#include "sync/token.h"

#define LISTING_MEMORY (16 * 1024 * 1024) // bytes: some hundred hours

struct FsPeers {
    const FsConfig *config;
    SegmentStore *store;
    char *instance;
    char *nodes, *peer_ca; // absolute: the daemon goes to the root directory
    SyncMetrics *metrics; // NULL: turned off
    SyncCatalog *catalog;
    SyncEvents *events;
    SyncServer *server; // NULL: nobody is served
    SyncPolicy policy;
    SyncContext context;
    SegmentWriter *writer; // NULL where nothing is taken
    GMutex lock; // guards the pointer to the manager: it comes late
    SyncManager *manager;
};

// Of the store: what was buried is told to who waits for it, and not sent any more.
static void changed(const SegmentChange *change, gpointer data)
{
    FsPeers *peers = data;
    char hour[SEGMENT_HOUR_TEXT_SIZE];
    if (change->type != SEGMENT_CHANGE_TOMBSTONE && change->type != SEGMENT_CHANGE_EVERYTHING)
        return;
    if (change->type == SEGMENT_CHANGE_EVERYTHING) {
        sync_events_lose(peers->events);
    } else {
        g_autofree char *path = g_build_filename(segment_stream_path(change->stream),
                                                 segment_hour_name_format(change->hour, hour), change->file, NULL);
        if (g_utf8_validate(path, -1, NULL))
            sync_events_add(peers->events, path);
    }
    if (peers->server != NULL)
        sync_server_revoke(peers->server, change->stream);
}

static const char *node_name(const FsConfig *config)
{
    return config->name != NULL ? config->name : g_get_host_name();
}

static gboolean has_peers(const FsConfig *config)
{
    return config->peers != NULL || config->nodes != NULL;
}

// The given peers (SyncNode).
static GPtrArray *parse_peers(const FsConfig *config, GError **error)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func((GDestroyNotify) sync_node_free);
    for (guint i = 0; config->peers != NULL && config->peers[i] != NULL; i++) {
        SyncNode *node = sync_node_parse(config->peers[i], error);
        if (node == NULL)
            return NULL;
        g_ptr_array_add(nodes, node);
    }
    return g_steal_pointer(&nodes);
}

static gboolean make_manager(FsPeers *peers, GError **error)
{
    const FsConfig *config = peers->config;
    g_autoptr(GPtrArray) nodes = parse_peers(config, error);
    SyncManagerOptions options = {.name = node_name(config), .nodes = nodes, .nodes_file = peers->nodes};
    SyncManager *manager = nodes != NULL ? sync_manager_new(&peers->context, &options, error) : NULL;
    SEGMENT_LOCK_SCOPE(&peers->lock);
    peers->manager = manager;
    return manager != NULL;
}

static gboolean make_server(FsPeers *peers, GError **error)
{
    const FsConfig *config = peers->config;
    SyncServerOptions options = {
        .store = peers->store,
        .catalog = peers->catalog,
        .events = peers->events,
        .metrics = peers->metrics,
        .instance = peers->instance,
        .listen = config->listen,
        .name = node_name(config),
        .token_file = config->token_file,
        .tls_cert = config->tls_cert,
        .tls_key = config->tls_key,
        .max_connections = config->listen_connections,
        .threads = config->listen_threads,
        .timeout = config->listen_timeout,
    };
    peers->server = sync_server_new(&options, error);
    return peers->server != NULL;
}

gboolean fs_peers_make_policy(const FsConfig *config, SyncPolicy *policy, GError **error)
{
    *policy = (SyncPolicy){
        .channels = config->channels,
        .qualities = config->qualities,
        .extras = config->extras,
        .order = config->order,
        .start = config->start.time,
        .max_age = config->start.age,
        .recent_cutoff = config->recent_cutoff * SEGMENT_SECOND,
        .concurrency = config->concurrency,
        .interval = config->sync_interval,
        .timeout = config->peer_timeout,
        .max_tombstones = config->max_tombstones,
        .ca_file = config->peer_ca,
    };
    if (config->peer_token_file == NULL)
        return TRUE;
    policy->token = sync_token_read(config->peer_token_file, error);
    return policy->token != NULL;
}

GPtrArray *fs_peers_list(const FsConfig *config, GError **error)
{
    g_autoptr(GPtrArray) given = parse_peers(config, error);
    g_autoptr(GPtrArray) read = given != NULL && config->nodes != NULL ? sync_nodes_read(config->nodes, error) : NULL;
    if (given == NULL || (config->nodes != NULL && read == NULL))
        return NULL;
    if (read != NULL)
        g_ptr_array_extend_and_steal(given, g_steal_pointer(&read));
    return g_steal_pointer(&given);
}

FsPeers *fs_peers_new(const FsConfig *config, SegmentStore *store, GError **error)
{
    FsPeers *peers = g_new0(FsPeers, 1);
    peers->config = config;
    peers->store = store;
    peers->instance = g_uuid_string_random();
    peers->nodes = config->nodes != NULL ? g_canonicalize_filename(config->nodes, NULL) : NULL;
    peers->peer_ca = config->peer_ca != NULL ? g_canonicalize_filename(config->peer_ca, NULL) : NULL;
    peers->metrics = config->no_metrics ? NULL : sync_metrics_new();
    peers->catalog = sync_catalog_new(store, LISTING_MEMORY);
    peers->events = sync_events_new(peers->instance);
    g_mutex_init(&peers->lock);
    peers->context = (SyncContext){
        .store = store,
        .catalog = peers->catalog,
        .metrics = peers->metrics,
        .instance = peers->instance,
        .policy = &peers->policy,
    };
    // What is wrong with the peers is to be said before the mount goes to the background.
    g_autoptr(GPtrArray) nodes = fs_peers_list(config, error);
    if (nodes == NULL || !fs_peers_make_policy(config, &peers->policy, error) ||
        (config->listen != NULL && !make_server(peers, error))) {
        fs_peers_free(peers);
        return NULL;
    }
    peers->policy.ca_file = peers->peer_ca;
    segment_store_add_listener(store, changed, peers);
    return peers;
}

static void print_missing(const char *path, gpointer data)
{
    puts(path);
}

static gboolean begin(FsPeers *peers, GError **error)
{
    SegmentWriterOptions options = {.min_free = peers->config->min_free};
    if (!has_peers(peers->config))
        return TRUE;
    if (peers->config->dry_run)
        peers->context.missing = print_missing;
    else
        peers->context.writer = peers->writer = segment_writer_new(peers->store, &options);
    peers->context.claims = sync_claims_new();
    peers->context.sinks = sync_sinks_new();
    return make_manager(peers, error);
}

gboolean fs_peers_start(FsPeers *peers, GError **error)
{
    if ((peers->server != NULL && !sync_server_start(peers->server, error)) || !begin(peers, error))
        return FALSE;
    if (peers->manager != NULL)
        sync_manager_start(peers->manager);
    return TRUE;
}

gboolean fs_peers_run_once(FsPeers *peers, GError **error)
{
    if (!has_peers(peers->config)) {
        g_set_error_literal(error, FS_CONFIG_ERROR, FS_CONFIG_ERROR_USAGE, "no peers: --peer or --nodes is needed");
        return FALSE;
    }
    if (!begin(peers, error))
        return FALSE;
    if (sync_manager_run_once(peers->manager))
        return TRUE;
    g_set_error_literal(error, FS_CONFIG_ERROR, FS_CONFIG_ERROR_USAGE, "not all could be had");
    return FALSE;
}

void fs_peers_cancel(FsPeers *peers)
{
    SEGMENT_LOCK_SCOPE(&peers->lock);
    if (peers->manager != NULL)
        sync_manager_cancel(peers->manager);
}

void fs_peers_free(FsPeers *peers)
{
    if (peers == NULL)
        return;
    sync_manager_free(peers->manager);
    sync_sinks_free(peers->context.sinks);
    segment_writer_free(peers->writer);
    sync_claims_free(peers->context.claims);
    sync_server_free(peers->server);
    sync_catalog_free(peers->catalog);
    sync_events_free(peers->events);
    sync_metrics_free(peers->metrics);
    g_mutex_clear(&peers->lock);
    g_free(peers->policy.token);
    g_free(peers->instance);
    g_free(peers->nodes);
    g_free(peers->peer_ca);
    g_free(peers);
}

GString *fs_peers_format(FsPeers *peers)
{
    SEGMENT_LOCK_SCOPE(&peers->lock);
    return peers->manager != NULL ? sync_manager_format(peers->manager) : g_string_new("[]\n");
}

GString *fs_peers_format_metrics(FsPeers *peers)
{
    return sync_metrics_format(peers->metrics);
}

gboolean fs_peers_accept(FsPeers *peers, const char *name)
{
    SEGMENT_LOCK_SCOPE(&peers->lock);
    return peers->manager != NULL && sync_manager_accept(peers->manager, name);
}
