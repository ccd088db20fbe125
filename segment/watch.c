// SPDX-License-Identifier: MIT
// From inotify's events to changes. An event is applied to the store first, under its lock, and told to the listener
// after that, so that whoever is told finds the new state.
//
// LOCKS. SegmentWatch.lock guards the table of watches; it is taken inside no other lock's scope but on its own.
#include "segment/watch.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "segment/fd.h"
#include "segment/lock.h"
#include "segment/store-private.h"
#include "segment/time.h"

#define EVENTS                                                                                                         \
    (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF |            \
     IN_ONLYDIR | IN_EXCL_UNLINK)

struct SegmentWatch {
    SegmentStore *store;
    int fd, stop_fd;
    GThread *thread;
    GMutex lock;
    GHashTable *targets; // wd → Target
};

typedef struct {
    SegmentStream *stream;
    StreamHour *hour; // NULL: the stream's own directory
} Target;

int segment_watch_add(SegmentWatch *watch, int dir_fd, SegmentStream *stream, gpointer hour)
{
    // The kernel holds the inode itself: the path by descriptor names the directory that is about to be read.
    char path[64];
    g_snprintf(path, sizeof path, "/proc/self/fd/%d", dir_fd);

    // Under the lock, so that no event of it is looked up before the table knows it.
    SEGMENT_LOCK_SCOPE(&watch->lock);
    int wd = inotify_add_watch(watch->fd, path, EVENTS);
    if (wd >= 0) {
        Target *target = g_new(Target, 1);
        *target = (Target){.stream = stream, .hour = hour};
        g_hash_table_insert(watch->targets, GINT_TO_POINTER(wd), target);
    }
    return wd;
}

guint segment_watch_count(SegmentWatch *watch)
{
    SEGMENT_LOCK_SCOPE(&watch->lock);
    return g_hash_table_size(watch->targets);
}

static gboolean find_target(SegmentWatch *watch, const struct inotify_event *event, Target *target)
{
    SEGMENT_LOCK_SCOPE(&watch->lock);
    const Target *found = g_hash_table_lookup(watch->targets, GINT_TO_POINTER(event->wd));
    if (found == NULL)
        return FALSE;
    *target = *found;
    if (event->mask & IN_IGNORED)
        g_hash_table_remove(watch->targets, GINT_TO_POINTER(event->wd));
    return TRUE;
}

// The stream was moved away, its hours with it: nothing of them is watched from now on.
static void forget_watches(SegmentWatch *watch, SegmentStream *stream)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, stream->hours);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const StreamHour *sh = value;
        if (sh->wd >= 0)
            inotify_rm_watch(watch->fd, sh->wd);
    }
}

static void stream_event(SegmentWatch *watch, SegmentStream *stream, const struct inotify_event *event)
{
    gint64 hour;
    gboolean gone = (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) != 0;
    if (!gone && (event->len == 0 || !segment_hour_name_parse(event->name, &hour)))
        return;

    g_mutex_lock(&stream->store->lock);
    if (event->mask & IN_MOVE_SELF) {
        inotify_rm_watch(watch->fd, event->wd);
        forget_watches(watch, stream);
    }
    if (gone)
        segment_stream_drop_all(stream);
    stream->listed = FALSE;
    stream->list_generation++;
    g_mutex_unlock(&stream->store->lock);

    // Listed again at once: a new hour has to be watched before what is written to it goes unseen.
    g_autoptr(GError) error = NULL;
    if (!gone && !segment_stream_has_hours(stream, NULL, &error) && error != NULL)
        g_warning("%s", error->message);
    segment_stream_tell(stream, SEGMENT_CHANGE_HOURS, gone ? 0 : hour, NULL, NULL);
}

// Either that of a directory that is no hour any more, or of one that is being scanned: both are looked at again.
static void doubtful_event(StreamHour *sh)
{
    g_autoptr(GError) error = NULL;
    if (!segment_stream_has_hours(sh->stream, NULL, &error) && error != NULL)
        g_warning("%s", error->message);
    segment_stream_tell(sh->stream, SEGMENT_CHANGE_HOURS, sh->start, NULL, NULL);
}

static void hour_event(SegmentWatch *watch, StreamHour *sh, const struct inotify_event *event)
{
    SegmentStream *stream = sh->stream;
    SegmentName name;

    if (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) {
        g_mutex_lock(&stream->store->lock);
        // What is moved away stays watched. Where it became another hour, that is scanned, and watched, anew.
        if (event->mask & IN_MOVE_SELF)
            inotify_rm_watch(watch->fd, event->wd);
        // Where the directory was made again and is watched anew, a scan that is under way is in doubt.
        if (sh->wd == event->wd)
            segment_stream_doubt_hour(sh);
        else
            segment_stream_drop_hour(sh);
        g_mutex_unlock(&stream->store->lock);
        segment_stream_tell(stream, SEGMENT_CHANGE_HOURS, sh->start, NULL, NULL);
        return;
    }
    if (event->len == 0 || !segment_name_parse(event->name, &name))
        return;
    // A temp is nobody's business until it is renamed.
    if (name.type == SEGMENT_TEMP && !name.tombstone)
        return;

    SegmentChangeType type = SEGMENT_CHANGE_SEGMENT;
    gboolean changed = TRUE, exists;
    g_mutex_lock(&stream->store->lock);
    gboolean doubtful = sh->wd != event->wd;
    if (doubtful) {
        segment_stream_doubt_hour(sh);
    } else if (!name.tombstone) {
        segment_stream_drop_hour(sh);
    } else {
        changed = segment_stream_check_tombstone(sh, event->name, &exists);
        type = exists ? SEGMENT_CHANGE_TOMBSTONE : SEGMENT_CHANGE_UNTOMBSTONE;
    }
    g_mutex_unlock(&stream->store->lock);
    if (doubtful)
        doubtful_event(sh);
    if (changed && !(doubtful && name.tombstone))
        segment_stream_tell(stream, type, sh->start, event->name, &name);
}

// The kernel's queue ran over: nothing that is cached can be trusted.
static void lost_events(SegmentWatch *watch)
{
    g_autoptr(GPtrArray) streams = g_ptr_array_new();
    GHashTableIter iter;
    gpointer stream;

    g_warning("%s: changes came faster than they could be read; reading all again", watch->store->path);
    g_mutex_lock(&watch->store->lock);
    g_hash_table_iter_init(&iter, watch->store->streams);
    while (g_hash_table_iter_next(&iter, NULL, &stream)) {
        segment_stream_drop_all(stream);
        g_ptr_array_add(streams, stream);
    }
    g_mutex_unlock(&watch->store->lock);
    for (guint i = 0; i < streams->len; i++)
        segment_stream_tell(g_ptr_array_index(streams, i), SEGMENT_CHANGE_EVERYTHING, 0, NULL, NULL);
}

static void read_events(SegmentWatch *watch)
{
    char buffer[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t length = read(watch->fd, buffer, sizeof buffer);
    if (length < 0 && errno != EINTR && errno != EAGAIN)
        g_warning("cannot read inotify: %s", g_strerror(errno));

    for (ssize_t at = 0; at < length;) {
        const struct inotify_event *event = (const struct inotify_event *) (const void *) (buffer + at);
        Target target;
        at += (ssize_t) (sizeof *event + event->len);
        if (event->mask & IN_Q_OVERFLOW)
            lost_events(watch);
        else if (!find_target(watch, event, &target))
            continue;
        else if (target.hour == NULL)
            stream_event(watch, target.stream, event);
        else
            hour_event(watch, target.hour, event);
    }
}

static gpointer run(gpointer data)
{
    SegmentWatch *watch = data;
    struct pollfd fds[] = {{.fd = watch->fd, .events = POLLIN}, {.fd = watch->stop_fd, .events = POLLIN}};
    for (;;) {
        if (poll(fds, G_N_ELEMENTS(fds), -1) < 0 && errno != EINTR) {
            g_warning("cannot wait for inotify: %s", g_strerror(errno));
            return NULL;
        }
        if (fds[1].revents != 0)
            return NULL;
        if (fds[0].revents != 0)
            read_events(watch);
    }
}

SegmentWatch *segment_watch_new(SegmentStore *store, GError **error)
{
    segment_autofd int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    segment_autofd int stop_fd = eventfd(0, EFD_CLOEXEC);
    if (fd < 0 || stop_fd < 0) {
        segment_error_set_errno(error, errno, "cannot watch", store->path);
        return NULL;
    }
    SegmentWatch *watch = g_new0(SegmentWatch, 1);
    watch->store = store;
    watch->fd = segment_fd_steal(&fd);
    watch->stop_fd = segment_fd_steal(&stop_fd);
    watch->targets = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    g_mutex_init(&watch->lock);
    watch->thread = g_thread_new("watch", run, watch);
    return watch;
}

void segment_watch_stop(SegmentWatch *watch)
{
    if (watch->thread == NULL)
        return;
    uint64_t one = 1;
    if (write(watch->stop_fd, &one, sizeof one) != sizeof one)
        g_warning("cannot stop the watch: %s", g_strerror(errno));
    g_thread_join(watch->thread);
    watch->thread = NULL;
}

void segment_watch_free(SegmentWatch *watch)
{
    if (watch == NULL)
        return;
    segment_watch_stop(watch);
    close(watch->fd);
    close(watch->stop_fd);
    g_hash_table_unref(watch->targets);
    g_mutex_clear(&watch->lock);
    g_free(watch);
}
