// SPDX-License-Identifier: MIT
// The table is a file of lines "ID PATH", the newest last. Lines are appended, each by one write, so that several
// daemons on one store may share it; when it has grown to twice its bound it is replaced by a shorter one. It is not
// synced: a crash of the machine may cost the newest lines, and with them nothing but a stale handle.
#include "fs/recent.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "segment/lock.h"

#define MAX_RECENT 4096 // cuts

typedef struct {
    guint64 id;
    char *path;
    GList link; // in FsRecent.order
} Recent;

struct FsRecent {
    GMutex lock;
    GHashTable *ids; // id → Recent
    GQueue order; // the one added first first
    guint generation;
    char *file; // NULL: memory alone
    guint n_lines;
};

static void recent_free(gpointer data)
{
    Recent *r = data;
    g_free(r->path);
    g_free(r);
}

// With the lock held. TRUE where it is new.
static gboolean remember(FsRecent *recent, guint64 id, const char *path)
{
    Recent *r = g_hash_table_lookup(recent->ids, &id);
    if (r != NULL)
        return FALSE;
    r = g_new0(Recent, 1);
    r->id = id;
    r->path = g_strdup(path);
    r->link.data = r;
    g_hash_table_insert(recent->ids, &r->id, r);
    g_queue_push_tail_link(&recent->order, &r->link);
    if (recent->order.length > MAX_RECENT) {
        Recent *oldest = g_queue_peek_head(&recent->order);
        g_queue_unlink(&recent->order, &oldest->link);
        g_hash_table_remove(recent->ids, &oldest->id);
    }
    return TRUE;
}

static void load(FsRecent *recent)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    if (!g_file_get_contents(recent->file, &text, NULL, &error)) {
        if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            g_warning("%s; handles of cuts made before are stale", error->message);
        return;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++) {
        char *rest;
        guint64 id = g_ascii_strtoull(lines[i], &rest, 16);
        // Its last line may be cut short by a crash; a path that is not one is found out when it is looked up.
        if (rest - lines[i] == 16 && *rest == ' ' && rest[1] != '\0')
            remember(recent, id, rest + 1);
        recent->n_lines++;
    }
}

// With the lock held. Failing to write is no reason to fail a lookup.
static void rewrite(FsRecent *recent)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    for (GList *l = recent->order.head; l != NULL; l = l->next) {
        const Recent *r = l->data;
        g_string_append_printf(text, "%016" G_GINT64_MODIFIER "x %s\n", r->id, r->path);
    }
    if (!g_file_set_contents(recent->file, text->str, (gssize) text->len, &error))
        g_warning("%s", error->message);
    recent->n_lines = recent->order.length;
}

static void append(FsRecent *recent, guint64 id, const char *path)
{
    g_autofree char *line = g_strdup_printf("%016" G_GINT64_MODIFIER "x %s\n", id, path);
    int fd = open(recent->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, strlen(line)) != (gssize) strlen(line)) {
        g_warning("cannot write %s: %s; handles of cuts will not outlive this process", recent->file,
                  g_strerror(errno));
        g_clear_pointer(&recent->file, g_free);
    }
    if (fd >= 0)
        close(fd);
}

FsRecent *fs_recent_new(const char *directory)
{
    FsRecent *recent = g_new0(FsRecent, 1);
    g_mutex_init(&recent->lock);
    g_queue_init(&recent->order);
    recent->ids = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, recent_free);
    if (directory == NULL)
        return recent;
    if (g_mkdir_with_parents(directory, 0700) < 0) {
        g_warning("cannot make %s: %s; handles of cuts will not outlive this process", directory, g_strerror(errno));
        return recent;
    }
    recent->file = g_build_filename(directory, "cuts", NULL);
    load(recent);
    return recent;
}

void fs_recent_free(FsRecent *recent)
{
    if (recent == NULL)
        return;
    g_hash_table_unref(recent->ids);
    g_mutex_clear(&recent->lock);
    g_free(recent->file);
    g_free(recent);
}

void fs_recent_add(FsRecent *recent, guint64 id, const char *path)
{
    SEGMENT_LOCK_SCOPE(&recent->lock);
    if (!remember(recent, id, path))
        return;
    recent->generation++;
    // A line is a path: a channel with a newline in its name has to do without.
    if (recent->file == NULL || strchr(path, '\n') != NULL)
        return;
    if (++recent->n_lines > 2 * MAX_RECENT)
        rewrite(recent);
    else
        append(recent, id, path);
}

char *fs_recent_find(FsRecent *recent, guint64 id)
{
    SEGMENT_LOCK_SCOPE(&recent->lock);
    const Recent *r = g_hash_table_lookup(recent->ids, &id);
    return r != NULL ? g_strdup(r->path) : NULL;
}

GPtrArray *fs_recent_list(FsRecent *recent, const char *directory)
{
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    gsize length = strlen(directory);

    g_mutex_lock(&recent->lock);
    for (GList *l = recent->order.head; l != NULL; l = l->next) {
        const Recent *r = l->data;
        if (strncmp(r->path, directory, length) == 0 && r->path[length] == '/')
            g_hash_table_add(names, g_strdup(r->path + length + 1));
    }
    g_mutex_unlock(&recent->lock);

    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, names);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        g_ptr_array_add(list, name);
        g_hash_table_iter_steal(&iter);
    }
    return list;
}

guint fs_recent_generation(FsRecent *recent)
{
    SEGMENT_LOCK_SCOPE(&recent->lock);
    return recent->generation;
}
