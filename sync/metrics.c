// SPDX-License-Identifier: MIT
// Counters.
#include "sync/metrics.h"

#include <stdio.h>
#include <unistd.h>

#define MILLION 1000000.0

// Upper ends, in microseconds; one more has no end.
static const gint64 buckets[] = {1000, 5000, 25000, 100000, 500000, 2500000, 10000000, 60000000};
#define N_BUCKETS (G_N_ELEMENTS(buckets) + 1)

// What is no status of these counts as the last one.
static const guint statuses[] = {200, 206, 304, 400, 401, 404, 405, 410, 413, 414, 416, 503, 500};
#define N_STATUSES G_N_ELEMENTS(statuses)

// All are atomic, each on its own.
struct SyncMetrics {
    gint64 started; // monotonic
    guint64 requests[SYNC_N_ROUTES][N_STATUSES];
    guint64 bytes[SYNC_N_ROUTES];
    guint64 took[SYNC_N_ROUTES][N_BUCKETS];
    guint64 microseconds[SYNC_N_ROUTES];
    guint64 ends[SYNC_N_ENDS];
    gint64 connections;
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
    g_free(metrics);
}

void sync_metrics_add_request(SyncMetrics *metrics, SyncRouteKind route, guint status, gint64 size, gint64 microseconds)
{
    guint i = 0, bucket = 0;
    if (metrics == NULL)
        return;
    while (i < N_STATUSES - 1 && statuses[i] != status)
        i++;
    while (bucket < G_N_ELEMENTS(buckets) && microseconds > buckets[bucket])
        bucket++;
    add(&metrics->requests[route][i], 1);
    add(&metrics->bytes[route], (guint64) size);
    add(&metrics->took[route][bucket], 1);
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

static void append_durations(GString *text, const SyncMetrics *metrics)
{
    static const char name[] = "segfs_http_request_duration_seconds";
    begin(text, name, "histogram", "From a request's headers to the last byte of its answer.");
    for (guint route = 0; route < SYNC_N_ROUTES; route++) {
        guint64 n = 0;
        for (guint i = 0; i < N_BUCKETS; i++) {
            n += get(&metrics->took[route][i]);
            g_string_append_printf(text, "%s_bucket{route=\"%s\",le=\"", name, sync_route_name(route));
            if (i < G_N_ELEMENTS(buckets))
                append_seconds(text, (double) buckets[i] / MILLION);
            else
                g_string_append(text, "+Inf");
            g_string_append_printf(text, "\"} %" G_GUINT64_FORMAT "\n", n);
        }
        g_string_append_printf(text, "%s_sum{route=\"%s\"} ", name, sync_route_name(route));
        append_seconds(text, (double) get(&metrics->microseconds[route]) / MILLION);
        g_string_append_printf(text, "\n%s_count{route=\"%s\"} %" G_GUINT64_FORMAT "\n", name, sync_route_name(route),
                               n);
    }
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
    append_process(text, metrics);
    return text;
}
