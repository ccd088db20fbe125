// SPDX-License-Identifier: MIT
// Counters.
#include "sync/metrics.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MILLION 1000000.0

// Upper ends, in microseconds; one more has no end.
static const gint64 buckets[] = {1000, 5000, 25000, 100000, 500000, 2500000, 10000000, 60000000};
#define N_BUCKETS (G_N_ELEMENTS(buckets) + 1)

// What is no status of these counts as the last one.
static const guint statuses[] = {200, 206, 304, 400, 401, 404, 405, 410, 413, 414, 416, 503, 500};
#define N_STATUSES G_N_ELEMENTS(statuses)

struct SyncPeerMetrics {
    char *name;
    SyncPeerMetrics *next;
    guint64 files[SYNC_N_FILE_TYPES][SYNC_N_RESULTS];
    guint64 bytes[SYNC_N_FILE_TYPES];
    guint64 took[N_BUCKETS]; // files that came whole
    guint64 microseconds;
    guint64 passes, failed_passes, pass_microseconds;
    guint64 tombstones;
};

// All are atomic, each on its own.
struct SyncMetrics {
    gint64 started; // monotonic
    guint64 requests[SYNC_N_ROUTES][N_STATUSES];
    guint64 bytes[SYNC_N_ROUTES];
    guint64 took[SYNC_N_ROUTES][N_BUCKETS];
    guint64 microseconds[SYNC_N_ROUTES];
    guint64 ends[SYNC_N_ENDS];
    gint64 connections;
    SyncPeerMetrics *peers; // a list that only grows, at its beginning
};

static void add(guint64 *counter, guint64 n)
{
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static guint64 get(const guint64 *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

SyncMetrics *sync_metrics_new(void)
{
    SyncMetrics *metrics = g_new0(SyncMetrics, 1);
    metrics->started = g_get_monotonic_time();
    return metrics;
}

void sync_metrics_free(SyncMetrics *metrics)
{
    if (metrics == NULL)
        return;
    for (SyncPeerMetrics *peer = metrics->peers; peer != NULL;) {
        SyncPeerMetrics *next = peer->next;
        g_free(peer->name);
        g_free(peer);
        peer = next;
    }
    g_free(metrics);
}

static guint bucket_of(gint64 microseconds)
{
    guint bucket = 0;
    while (bucket < G_N_ELEMENTS(buckets) && microseconds > buckets[bucket])
        bucket++;
    return bucket;
}

void sync_metrics_add_request(SyncMetrics *metrics, SyncRouteKind route, guint status, gint64 size, gint64 microseconds)
{
    guint i = 0;
    if (metrics == NULL)
        return;
    while (i < N_STATUSES - 1 && statuses[i] != status)
        i++;
    add(&metrics->requests[route][i], 1);
    add(&metrics->bytes[route], (guint64) size);
    add(&metrics->took[route][bucket_of(microseconds)], 1);
    add(&metrics->microseconds[route], (guint64) microseconds);
}

void sync_metrics_add_connections(SyncMetrics *metrics, int n)
{
    if (metrics != NULL)
        __atomic_fetch_add(&metrics->connections, n, __ATOMIC_RELAXED);
}

void sync_metrics_add_end(SyncMetrics *metrics, SyncEnd end)
{
    if (metrics != NULL)
        add(&metrics->ends[end], 1);
}

// ---- peers

static SyncPeerMetrics *find_peer(SyncPeerMetrics *peer, const char *name)
{
    while (peer != NULL && strcmp(peer->name, name) != 0)
        peer = peer->next;
    return peer;
}

SyncPeerMetrics *sync_metrics_peer(SyncMetrics *metrics, const char *name)
{
    if (metrics == NULL)
        return NULL;
    SyncPeerMetrics *first = g_atomic_pointer_get(&metrics->peers), *peer = find_peer(first, name);
    if (peer != NULL)
        return peer;
    peer = g_new0(SyncPeerMetrics, 1);
    peer->name = g_strdup(name);
    // (Peers are made by one thread; those who read take the list as it is.)
    peer->next = first;
    g_atomic_pointer_set(&metrics->peers, peer);
    return peer;
}

void sync_peer_metrics_add_file(SyncPeerMetrics *peer, SyncFileType type, SyncResult result, gint64 size,
                                gint64 microseconds)
{
    if (peer == NULL)
        return;
    add(&peer->files[type][result], 1);
    add(&peer->bytes[type], (guint64) size);
    if (result != SYNC_RESULT_OK)
        return;
    add(&peer->took[bucket_of(microseconds)], 1);
    add(&peer->microseconds, (guint64) microseconds);
}

void sync_peer_metrics_add_pass(SyncPeerMetrics *peer, gboolean ok, gint64 microseconds)
{
    if (peer == NULL)
        return;
    add(ok ? &peer->passes : &peer->failed_passes, 1);
    add(&peer->pass_microseconds, (guint64) microseconds);
}

void sync_peer_metrics_add_tombstone(SyncPeerMetrics *peer)
{
    if (peer != NULL)
        add(&peer->tombstones, 1);
}

// ---- the text

static void begin(GString *text, const char *name, const char *type, const char *help)
{
    g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

// A number in the text's notation, whatever the locale's is.
static void append_seconds(GString *text, double seconds)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(text, g_ascii_formatd(number, sizeof number, "%.6f", seconds));
}

static void append_requests(GString *text, const SyncMetrics *metrics)
{
    begin(text, "segfs_http_requests_total", "counter", "Requests that were answered.");
    for (guint route = 0; route < SYNC_N_ROUTES; route++) {
        for (guint i = 0; i < N_STATUSES; i++) {
            guint64 n = get(&metrics->requests[route][i]);
            if (n > 0)
                g_string_append_printf(text,
                                       "segfs_http_requests_total{route=\"%s\",status=\"%u\"} %" G_GUINT64_FORMAT "\n",
                                       sync_route_name(route), statuses[i], n);
        }
    }
    begin(text, "segfs_http_response_bytes_total", "counter", "Bytes of bodies that were to be sent.");
    for (guint route = 0; route < SYNC_N_ROUTES; route++)
        g_string_append_printf(text, "segfs_http_response_bytes_total{route=\"%s\"} %" G_GUINT64_FORMAT "\n",
                               sync_route_name(route), get(&metrics->bytes[route]));
}

// One histogram: NAME, with the label LABEL="VALUE".
static void append_histogram(GString *text, const char *name, const char *label, const char *value,
                             const guint64 took[N_BUCKETS], guint64 microseconds)
{
    guint64 n = 0;
    for (guint i = 0; i < N_BUCKETS; i++) {
        n += get(&took[i]);
        g_string_append_printf(text, "%s_bucket{%s=\"%s\",le=\"", name, label, value);
        if (i < G_N_ELEMENTS(buckets))
            append_seconds(text, (double) buckets[i] / MILLION);
        else
            g_string_append(text, "+Inf");
        g_string_append_printf(text, "\"} %" G_GUINT64_FORMAT "\n", n);
    }
    g_string_append_printf(text, "%s_sum{%s=\"%s\"} ", name, label, value);
    append_seconds(text, (double) microseconds / MILLION);
    g_string_append_printf(text, "\n%s_count{%s=\"%s\"} %" G_GUINT64_FORMAT "\n", name, label, value, n);
}

static void append_durations(GString *text, const SyncMetrics *metrics)
{
    static const char name[] = "segfs_http_request_duration_seconds";
    begin(text, name, "histogram", "From a request's headers to the last byte of its answer.");
    for (guint route = 0; route < SYNC_N_ROUTES; route++)
        append_histogram(text, name, "route", sync_route_name(route), metrics->took[route],
                         get(&metrics->microseconds[route]));
}

static void append_files(GString *text, const SyncPeerMetrics *peers)
{
    static const char *const types[] = {"full", "suspect", "partial", "other"};
    static const char *const results[] = {"ok", "known", "gone", "barred", "mismatch", "no room", "failed"};
    G_STATIC_ASSERT(G_N_ELEMENTS(types) == SYNC_N_FILE_TYPES && G_N_ELEMENTS(results) == SYNC_N_RESULTS);
    begin(text, "segfs_backfill_files_total", "counter", "Files that were asked for, by how that ended.");
    for (const SyncPeerMetrics *peer = peers; peer != NULL; peer = peer->next) {
        for (guint i = 0; i < SYNC_N_FILE_TYPES * SYNC_N_RESULTS; i++) {
            guint64 n = get(&peer->files[i / SYNC_N_RESULTS][i % SYNC_N_RESULTS]);
            if (n > 0)
                g_string_append_printf(
                    text, "segfs_backfill_files_total{peer=\"%s\",type=\"%s\",result=\"%s\"} %" G_GUINT64_FORMAT "\n",
                    peer->name, types[i / SYNC_N_RESULTS], results[i % SYNC_N_RESULTS], n);
        }
    }
    begin(text, "segfs_backfill_bytes_total", "counter", "Bytes of files that came.");
    for (const SyncPeerMetrics *peer = peers; peer != NULL; peer = peer->next) {
        for (guint type = 0; type < SYNC_N_FILE_TYPES; type++)
            g_string_append_printf(text, "segfs_backfill_bytes_total{peer=\"%s\",type=\"%s\"} %" G_GUINT64_FORMAT "\n",
                                   peer->name, types[type], get(&peer->bytes[type]));
    }
    begin(text, "segfs_backfill_file_duration_seconds", "histogram", "From asking for a file until it is on disk.");
    for (const SyncPeerMetrics *peer = peers; peer != NULL; peer = peer->next)
        append_histogram(text, "segfs_backfill_file_duration_seconds", "peer", peer->name, peer->took,
                         get(&peer->microseconds));
}

static void append_passes(GString *text, const SyncPeerMetrics *peers)
{
    begin(text, "segfs_backfill_passes_total", "counter", "Comparisons with a peer.");
    for (const SyncPeerMetrics *peer = peers; peer != NULL; peer = peer->next) {
        static const char line[] = "segfs_backfill_passes_total{peer=\"%s\",result=\"%s\"} %" G_GUINT64_FORMAT "\n";
        g_string_append_printf(text, line, peer->name, "ok", get(&peer->passes));
        g_string_append_printf(text, line, peer->name, "failed", get(&peer->failed_passes));
    }
    begin(text, "segfs_backfill_pass_seconds_total", "counter", "That they took.");
    for (const SyncPeerMetrics *peer = peers; peer != NULL; peer = peer->next) {
        g_string_append_printf(text, "segfs_backfill_pass_seconds_total{peer=\"%s\"} ", peer->name);
        append_seconds(text, (double) get(&peer->pass_microseconds) / MILLION);
        g_string_append_c(text, '\n');
    }
    begin(text, "segfs_backfill_tombstones_total", "counter", "Tombstones that were taken.");
    for (const SyncPeerMetrics *peer = peers; peer != NULL; peer = peer->next)
        g_string_append_printf(text, "segfs_backfill_tombstones_total{peer=\"%s\"} %" G_GUINT64_FORMAT "\n", peer->name,
                               get(&peer->tombstones));
}

// statm (proc(5)): pages; the second number is what is in memory.
static void append_process(GString *text, const SyncMetrics *metrics)
{
    g_autofree char *statm = NULL;
    unsigned long resident = 0;
    begin(text, "segfs_uptime_seconds", "gauge", "Since the daemon was started.");
    g_string_append(text, "segfs_uptime_seconds ");
    append_seconds(text, (double) (g_get_monotonic_time() - metrics->started) / MILLION);
    g_string_append_c(text, '\n');
    if (!g_file_get_contents("/proc/self/statm", &statm, NULL, NULL) || sscanf(statm, "%*u %lu", &resident) != 1)
        return;
    begin(text, "process_resident_memory_bytes", "gauge", "Memory of the daemon that is not paged out.");
    g_string_append_printf(text, "process_resident_memory_bytes %lu\n",
                           resident * (unsigned long) sysconf(_SC_PAGESIZE));
}

GString *sync_metrics_format(SyncMetrics *metrics)
{
    static const char *const ends[] = {"idle", "slow request", "slow reader", "tombstone"};
    G_STATIC_ASSERT(G_N_ELEMENTS(ends) == SYNC_N_ENDS);
    GString *text = g_string_new(NULL);
    if (metrics == NULL)
        return text;
    append_requests(text, metrics);
    append_durations(text, metrics);
    begin(text, "segfs_http_connections", "gauge", "Connections that are open.");
    g_string_append_printf(text, "segfs_http_connections %" G_GINT64_FORMAT "\n",
                           __atomic_load_n(&metrics->connections, __ATOMIC_RELAXED));
    begin(text, "segfs_http_connections_ended_total", "counter", "Connections that the daemon ended, by reason.");
    for (guint i = 0; i < SYNC_N_ENDS; i++)
        g_string_append_printf(text, "segfs_http_connections_ended_total{reason=\"%s\"} %" G_GUINT64_FORMAT "\n",
                               ends[i], get(&metrics->ends[i]));
    const SyncPeerMetrics *peers = g_atomic_pointer_get(&metrics->peers);
    if (peers != NULL) {
        append_files(text, peers);
        append_passes(text, peers);
    }
    append_process(text, metrics);
    return text;
}
