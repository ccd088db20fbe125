// SPDX-License-Identifier: MIT
#include "tests/changes.h"

#define LONG_TIME (60 * G_TIME_SPAN_SECOND)

struct Changes {
    GAsyncQueue *queue; // Change
    GMutex held;
};

typedef struct {
    SegmentChangeType type;
    gint64 hour;
    char *file;
} Change;

static void change_free(gpointer data)
{
    Change *change = data;
    if (change == NULL)
        return;
    g_free(change->file);
    g_free(change);
}

static void listen(const SegmentChange *told, gpointer data)
{
    Changes *changes = data;
    Change *change = g_new(Change, 1);
    *change = (Change){.type = told->type, .hour = told->hour, .file = g_strdup(told->file)};
    g_async_queue_push(changes->queue, change);
    g_mutex_lock(&changes->held);
    g_mutex_unlock(&changes->held);
}

Changes *changes_new(SegmentStore *store)
{
    Changes *changes = g_new0(Changes, 1);
    changes->queue = g_async_queue_new_full(change_free);
    g_mutex_init(&changes->held);
    segment_store_add_listener(store, listen, changes);
    return changes;
}

void changes_free(Changes *changes)
{
    if (changes == NULL)
        return;
    g_async_queue_unref(changes->queue);
    g_mutex_clear(&changes->held);
    g_free(changes);
}

static gboolean is_wanted(const Change *change, SegmentChangeType type, gint64 hour, const char *file)
{
    return change->type == type && change->hour == hour && (file == NULL || g_strcmp0(change->file, file) == 0);
}

void changes_wait(Changes *changes, SegmentChangeType type, gint64 hour, const char *file)
{
    for (gboolean found = FALSE; !found;) {
        Change *change = g_async_queue_timeout_pop(changes->queue, LONG_TIME);
        if (change == NULL)
            g_error("no change of type %d was told: %s", type, file != NULL ? file : "any file");
        found = is_wanted(change, type, hour, file);
        change_free(change);
    }
}

gboolean changes_take(Changes *changes, SegmentChangeType type, gint64 hour, const char *file)
{
    Change *change;
    gboolean found = FALSE;
    while (!found && (change = g_async_queue_try_pop(changes->queue)) != NULL) {
        found = is_wanted(change, type, hour, file);
        change_free(change);
    }
    return found;
}

void changes_settle(Changes *changes, const Scratch *scratch, const char *stream, gint64 hour)
{
    static guint n;
    char name[SEGMENT_HOUR_TEXT_SIZE];
    g_autofree char *file = scratch_name(SEGMENT_HOUR_LENGTH - 1, "0", SEGMENT_PARTIAL, 1000000 + n++);
    g_autofree char *path = g_build_filename(stream, segment_hour_name_format(hour, name), file, NULL);
    scratch_file(scratch, path, 0);
    changes_wait(changes, SEGMENT_CHANGE_SEGMENT, hour, file);
    scratch_remove(scratch, path);
    // Created, closed, and removed: three changes. What is left of them is for the next to skip.
    changes_wait(changes, SEGMENT_CHANGE_SEGMENT, hour, file);
    changes_wait(changes, SEGMENT_CHANGE_SEGMENT, hour, file);
}

void changes_hold(Changes *changes)
{
    g_mutex_lock(&changes->held);
}

void changes_go_on(Changes *changes)
{
    g_mutex_unlock(&changes->held);
}
