// SPDX-License-Identifier: MIT
// A temporary file is one that was left where it is old enough, and, as the kernel says, open for writing nowhere on
// this machine: a lease for reading is given only then (fcntl(2)). Where a file system knows no leases, age has to do.
#include "segment/repair.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/fd.h"
#include "segment/quarantine.h"
#include "segment/time.h"
#include "segment/walk.h"
#include "segment/writer.h"

#define BUFFER (1024 * 1024)
#define AGE_ALONE SEGMENT_HOUR_LENGTH // that is enough where there are no leases
#define UUID_LENGTH 36

typedef struct {
    SegmentStore *store;
    const SegmentRepairOptions *options;
    const SegmentWait *wait;
    SegmentRepairFunc func;
    gpointer data;
    // Of the hour:
    const SegmentWalkHour *hour;
    int fd;
    GPtrArray *files;
    gboolean changed;
    guint n_failed; // of all hours
} Repair;

static gboolean fail(GError **error, int code, const char *what, const Repair *repair, const char *file)
{
    g_autofree char *path = g_build_filename(repair->hour->path, file, NULL);
    return segment_error_set_errno(error, code, what, path);
}

static void tell(Repair *repair, const char *file, const char *done)
{
    g_autofree char *path = g_build_filename(repair->hour->path, file, NULL);
    repair->changed = TRUE;
    repair->func(path, done, repair->data);
}

// ---- who still writes

static gint64 time_of(const struct timespec *time)
{
    return time->tv_sec * SEGMENT_SECOND + time->tv_nsec / 1000;
}

// Whether nobody writes to the file open, for reading, at FD.
static gboolean is_left(const Repair *repair, int fd, const struct stat *st)
{
    gint64 age = g_get_real_time() - MAX(time_of(&st->st_mtim), time_of(&st->st_ctim));
    if (age < repair->options->min_age)
        return FALSE;
    // Whoever opens it for writing just now has the kernel tell us, by a signal that does nothing.
    if (fcntl(fd, F_SETSIG, SIGURG) == 0 && fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
        fcntl(fd, F_SETLEASE, F_UNLCK);
        return TRUE;
    }
    return errno != EAGAIN && age >= AGE_ALONE;
}

// ---- tombstones

// Whether what starts with the same time as FILE, or has HASH, is hidden: the bytes of a temp are perhaps the first
// ones of a secret.
static gboolean is_hidden(const Repair *repair, const SegmentName *name, const guint8 hash[SEGMENT_HASH_SIZE],
                          gboolean *hidden, GError **error)
{
    *hidden = FALSE;
    for (guint i = 0; i < repair->files->len && !*hidden; i++) {
        SegmentName other;
        *hidden = segment_name_parse(g_ptr_array_index(repair->files, i), &other) && other.tombstone &&
                  other.offset == name->offset;
    }
    if (*hidden)
        return TRUE;
    g_autoptr(GError) failure = NULL;
    SegmentStream *stream = segment_store_stream(repair->store, repair->hour->stream, repair->wait, &failure);
    // A chat is none.
    if (segment_error_is_errno(failure, ENOENT))
        return TRUE;
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    g_autoptr(GArray) hours = stream != NULL ? segment_stream_hours(stream, repair->wait, error) : NULL;
    if (hours == NULL)
        return FALSE;
    *hidden = segment_stream_is_barred(stream, hash);
    return TRUE;
}

// ---- what is done with a file

static gboolean remove_file(Repair *repair, const char *file, const char *why, GError **error)
{
    if (!repair->options->dry_run && unlinkat(repair->fd, file, 0) < 0 && errno != ENOENT)
        return fail(error, errno, "cannot remove", repair, file);
    tell(repair, file, why);
    return TRUE;
}

static gboolean quarantine(Repair *repair, const char *file, const char *why, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (!repair->options->dry_run &&
        !segment_quarantine_move(segment_store_fd(repair->store), repair->hour->path, file, &failure)) {
        // Somebody else was faster.
        if (segment_error_is_errno(failure, ENOENT))
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    tell(repair, file, why);
    return TRUE;
}

static gboolean hash_file(const Repair *repair, int fd, const char *file, guint8 hash[SEGMENT_HASH_SIZE],
                          GError **error)
{
    g_autofree guint8 *buffer = g_malloc(BUFFER);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    off_t done = 0;
    ssize_t n;
    EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
    while ((n = pread(fd, buffer, BUFFER, done)) > 0 || (n < 0 && errno == EINTR)) {
        EVP_DigestUpdate(digest, buffer, (size_t) MAX(n, 0));
        done += MAX(n, 0);
    }
    int code = errno;
    EVP_DigestFinal_ex(digest, hash, NULL);
    EVP_MD_CTX_free(digest);
    return n == 0 || fail(error, code, "cannot read", repair, file);
}

static char *partial_name(const char *file, const guint8 hash[SEGMENT_HASH_SIZE])
{
    g_autofree char *text = segment_hash_format(hash);
    const char *type = strchr(strchr(file, '-') + 1, '-');
    return g_strdup_printf("%.*s-partial-%s.ts", (int) (type - file), file, text);
}

static gboolean keep_as_partial(Repair *repair, int fd, const char *file, const guint8 hash[SEGMENT_HASH_SIZE],
                                GError **error)
{
    g_autofree char *name = partial_name(file, hash), *done = g_strdup_printf("is partial as %s", name);
    if (repair->options->dry_run) {
        tell(repair, file, done);
        return TRUE;
    }
    if (fsync(fd) < 0)
        return fail(error, errno, "cannot sync", repair, file);
    if (renameat2(repair->fd, file, repair->fd, name, RENAME_NOREPLACE) == 0) {
        tell(repair, file, done);
        return TRUE;
    }
    if (errno == EEXIST)
        return remove_file(repair, file, "removed: its bytes are there", error);
    return errno == ENOENT || fail(error, errno, "cannot rename", repair, file);
}

static gboolean repair_temp(Repair *repair, const char *file, const SegmentName *name, int fd, GError **error)
{
    guint8 hash[SEGMENT_HASH_SIZE];
    gboolean hidden;
    if (!hash_file(repair, fd, file, hash, error) || !is_hidden(repair, name, hash, &hidden, error))
        return FALSE;
    if (hidden)
        return quarantine(repair, file, "in quarantine: a tombstone hides what it may be a part of", error);
    return keep_as_partial(repair, fd, file, hash, error);
}

static gboolean is_own_temp(const char *file)
{
    const char *uuid = file + strlen(SEGMENT_TEMP_PREFIX);
    return g_str_has_prefix(file, SEGMENT_TEMP_PREFIX) && strlen(uuid) == UUID_LENGTH && g_uuid_string_is_valid(uuid);
}

static gboolean repair_file(Repair *repair, const char *file, GError **error)
{
    SegmentName name;
    struct stat st;
    gboolean own_temp = is_own_temp(file), segment = segment_name_parse(file, &name) && !name.tombstone;
    gboolean temp = own_temp || (segment && name.type == SEGMENT_TEMP);
    if (segment_wait_is_over(repair->wait, error))
        return FALSE;
    if (!own_temp && !segment)
        return TRUE;
    segment_autofd int fd = openat(repair->fd, file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ELOOP))
        return TRUE;
    if (fd < 0 || fstat(fd, &st) < 0)
        return fail(error, errno, "cannot open", repair, file);
    if (!S_ISREG(st.st_mode) || (!temp && st.st_size > 0) || (temp && !is_left(repair, fd, &st)))
        return TRUE;
    if (own_temp)
        return remove_file(repair, file, "removed: it was never published", error);
    if (!temp)
        return quarantine(repair, file, "in quarantine: it is empty", error);
    if (st.st_size == 0)
        return remove_file(repair, file, "removed: it is empty", error);
    return repair_temp(repair, file, &name, fd, error);
}

static gboolean repair_hour(Repair *repair, GError **error)
{
    segment_autofd int fd =
        openat(segment_store_fd(repair->store), repair->hour->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return TRUE;
    if (fd < 0)
        return segment_error_set_errno(error, errno, "cannot open", repair->hour->path);
    g_autoptr(GPtrArray) files = segment_walk_files(fd, repair->hour->path, error);
    repair->fd = fd;
    repair->files = files;
    repair->changed = FALSE;
    for (guint i = 0; files != NULL && i < files->len; i++) {
        const char *file = g_ptr_array_index(files, i);
        g_autoptr(GError) failure = NULL;
        if (repair_file(repair, file, &failure))
            continue;
        // The others are not to wait for one that cannot be read.
        if (failure->domain == SEGMENT_ERRNO) {
            tell(repair, file, failure->message);
            repair->n_failed++;
            continue;
        }
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (files != NULL && repair->changed && !repair->options->dry_run && fsync(fd) < 0)
        return segment_error_set_errno(error, errno, "cannot sync", repair->hour->path);
    return files != NULL;
}

gboolean segment_repair(SegmentStore *store, const SegmentRepairOptions *options, SegmentRepairFunc func, gpointer data,
                        const SegmentWait *wait, GError **error)
{
    g_autoptr(GPtrArray) hours = segment_walk_hours(segment_store_fd(store), error);
    Repair repair = {.store = store, .options = options, .wait = wait, .func = func, .data = data};
    for (guint i = 0; hours != NULL && i < hours->len; i++) {
        repair.hour = g_ptr_array_index(hours, i);
        if (!repair_hour(&repair, error))
            return FALSE;
    }
    if (repair.n_failed > 0)
        return segment_error_set_errno(error, EIO, "not all could be repaired of", segment_store_path(store));
    return hours != NULL;
}
