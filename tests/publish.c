// SPDX-License-Identifier: MIT
// Publishes N segments of SIZE bytes into the hours from HOUR on of STREAM, two seconds each, and prints "done NAME"
// for each as soon as it was reported published, "was NAME" where it was there, "failed NAME: why" where it was not.
// What is in them, and so their names, hangs on their numbers, and SEED, alone.
//
// publish STORE STREAM HOUR N SIZE [SEED [MIN-FREE]]; fails where any failed.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "segment/time.h"
#include "segment/writer.h"

#define LENGTH (2 * SEGMENT_SECOND)
#define IN_FLIGHT 256

static GMutex lock;
static GCond told;
static int in_flight, n_failed;

// In one write(2): what it says has to be out before the power goes.
static void print(const char *what, const char *path, const char *why)
{
    g_autofree char *line = g_strdup_printf("%s %s%s\n", what, path, why);
    if (write(STDOUT_FILENO, line, strlen(line)) < 0)
        exit(2);
}

static void end(gboolean news, const GError *error, gpointer data)
{
    g_autofree char *path = data, *why = error != NULL ? g_strdup_printf(": %s", error->message) : g_strdup("");
    print(error != NULL ? "failed" : news ? "done" : "was", path, why);
    g_mutex_lock(&lock);
    n_failed += error != NULL;
    in_flight--;
    g_cond_signal(&told);
    g_mutex_unlock(&lock);
}

static char *name_of(gint64 offset, const guint8 *bytes, gsize size)
{
    guint8 digest[SEGMENT_HASH_SIZE];
    gsize length = sizeof digest;
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, bytes, (gssize) size);
    g_checksum_get_digest(checksum, digest, &length);
    g_autofree char *text = segment_hash_format(digest);
    int seconds = (int) (offset / SEGMENT_SECOND);
    return g_strdup_printf("%02d:%02d.0-2.0-full-%s.ts", seconds / 60, seconds % 60, text);
}

static void publish(SegmentWriter *writer, const char *stream, gint64 time, const guint8 *bytes, gsize size)
{
    gint64 hour = segment_time_hour(time);
    char hour_name[SEGMENT_HOUR_TEXT_SIZE];
    g_autoptr(GError) error = NULL;
    g_autofree char *name = name_of(time - hour, bytes, size);
    char *path = g_build_filename(stream, segment_hour_name_format(hour, hour_name), name, NULL);

    g_mutex_lock(&lock);
    while (in_flight >= IN_FLIGHT)
        g_cond_wait(&told, &lock);
    in_flight++;
    g_mutex_unlock(&lock);
    g_autoptr(SegmentDraft) draft = segment_draft_new(writer, stream, hour, name, (gint64) size, &error);
    if (draft != NULL && segment_draft_write(draft, bytes, size, &error))
        segment_draft_publish(g_steal_pointer(&draft), end, path);
    else
        end(FALSE, error, path);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    gint64 hour;
    if (argc < 6 || !segment_hour_name_parse(argv[3], &hour))
        return 2;
    int n = atoi(argv[4]);
    gsize size = (gsize) atol(argv[5]);
    guint32 seed = argc > 6 ? (guint32) atoi(argv[6]) : 0;
    SegmentWriterOptions options = {.min_free = argc > 7 ? atol(argv[7]) : 0};
    SegmentStoreOptions store_options = {0};
    g_autoptr(SegmentStore) store = segment_store_open(argv[1], &store_options, &error);
    if (store == NULL || !segment_store_start(store, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return 2;
    }
    SegmentWriter *writer = segment_writer_new(store, &options);
    g_autofree guint8 *bytes = g_malloc0(size + sizeof(guint32));
    for (int i = 0; i < n; i++) {
        guint32 number = (guint32) i + seed * 1000000;
        for (gsize at = 0; at < size; at += 4096)
            memcpy(bytes + at, &number, sizeof number);
        publish(writer, argv[2], hour + i * LENGTH, bytes, size);
    }
    segment_writer_free(writer);
    return n_failed > 0;
}
