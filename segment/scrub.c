// SPDX-License-Identifier: MIT
// What the kernel has cached is dropped before a file is read, or it would be memory that is looked at. A file is bad
// only if it is bad twice. STORE/.scrub holds the path of the hour that was done last, and is locked meanwhile.
#include "segment/scrub.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/fd.h"
#include "segment/name.h"
#include "segment/quarantine.h"
#include "segment/walk.h"

#define STATE ".scrub"
#define STATE_MAX 1024
#define BUFFER (1024 * 1024)
#define NAP (100 * G_TIME_SPAN_MILLISECOND) // after which is looked whether anybody still waits
#define MAX_UNREADABLE 16 // in a row

typedef struct {
    int root_fd;
    const SegmentScrubOptions *options;
    const SegmentWait *wait;
    SegmentScrubFunc func;
    gpointer data;
    SegmentScrubProgress progress;
    guint n_unreadable; // in a row
    gint64 begun; // monotonic time
    EVP_MD_CTX *digest;
    guint8 *buffer;
} Scrub;

static void scrub_clear(Scrub *scrub)
{
    EVP_MD_CTX_free(scrub->digest);
    g_free(scrub->buffer);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scrub, scrub_clear)

// ---- where it was

// The hour that was done last; empty where there is none.
static char *read_state(int fd, const SegmentScrubOptions *options)
{
    char text[STATE_MAX + 1] = "";
    ssize_t n = options->restart || options->dry_run ? 0 : pread(fd, text, STATE_MAX, 0);
    text[MAX(n, 0)] = '\0';
    // A line that is not whole is none.
    char *end = strchr(text, '\n');
    if (end == NULL)
        return g_strdup("");
    *end = '\0';
    return g_strdup(text);
}

// That it gets lost with the power costs no more than some hours that are read again.
static void write_state(int fd, const char *path)
{
    g_autofree char *line = g_strdup_printf("%s\n", path);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, line, strlen(line), 0) < 0)
        g_debug("cannot write " STATE ": %s", g_strerror(errno));
}

// ---- one file

static gboolean keep_rate(const Scrub *scrub, GError **error)
{
    const gint64 rate = scrub->options->rate;
    for (;;) {
        if (segment_wait_is_over(scrub->wait, error))
            return FALSE;
        gint64 due = rate > 0 ? (gint64) ((double) scrub->progress.n_bytes / (double) rate * G_TIME_SPAN_SECOND) : 0;
        gint64 early = scrub->begun + due - g_get_monotonic_time();
        if (early <= 0)
            return TRUE;
        g_usleep((gulong) MIN(early, NAP));
    }
}

// FALSE with SEGMENT_ERRNO where it cannot be read, and SEGMENT_ERROR where nobody waits any more.
static gboolean hash_file(Scrub *scrub, int fd, const char *path, guint8 hash[SEGMENT_HASH_SIZE], GError **error)
{
    EVP_DigestInit_ex(scrub->digest, EVP_sha256(), NULL);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    for (off_t done = 0;;) {
        if (!keep_rate(scrub, error))
            return FALSE;
        ssize_t n = pread(fd, scrub->buffer, BUFFER, done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return segment_error_set_errno(error, errno, "cannot read", path);
        if (n == 0)
            break;
        EVP_DigestUpdate(scrub->digest, scrub->buffer, (size_t) n);
        done += n;
        scrub->progress.n_bytes += (guint64) n;
    }
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    EVP_DigestFinal_ex(scrub->digest, hash, NULL);
    return TRUE;
}

// What is wrong with it goes into *COMPLAINT; BAD where it was so twice. FALSE where the work has to end.
static gboolean check_file(Scrub *scrub, int fd, const char *path, const SegmentName *name, char **complaint,
                           gboolean *bad, GError **error)
{
    for (int tries = 0; tries < 2; tries++) {
        guint8 hash[SEGMENT_HASH_SIZE];
        g_autoptr(GError) failure = NULL;
        gboolean readable = hash_file(scrub, fd, path, hash, &failure);
        if (!readable && failure->domain != SEGMENT_ERRNO) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
        if (readable && segment_hash_equal(hash, name->hash)) {
            scrub->n_unreadable = 0;
            if (tries > 0) {
                g_autofree char *first = g_steal_pointer(complaint);
                *complaint = g_strdup_printf("%s, but not when it was read again", first);
                scrub->progress.n_odd++;
            }
            *bad = FALSE;
            return TRUE;
        }
        g_free(*complaint);
        *complaint = g_strdup(readable ? "its bytes have another hash" : g_strerror(failure->code));
        scrub->n_unreadable = readable ? 0 : scrub->n_unreadable + (tries > 0 ? 1 : 0);
        *bad = TRUE;
    }
    if (scrub->n_unreadable >= MAX_UNREADABLE)
        return segment_error_set_errno(error, EIO, "many files in a row cannot be read, lastly", path);
    return TRUE;
}

static gboolean scrub_file(Scrub *scrub, int dir_fd, const char *directory, const char *file, GError **error)
{
    SegmentName name;
    struct stat st;
    if (!segment_name_parse(file, &name) || name.tombstone || name.type == SEGMENT_TEMP)
        return TRUE;
    g_autofree char *path = g_build_filename(directory, file, NULL), *complaint = NULL;
    segment_autofd int fd = openat(dir_fd, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    // Gone by now, or no file.
    if ((fd < 0 && errno == ENOENT) || (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)))
        return TRUE;
    gboolean bad = FALSE;
    if (fd < 0)
        return segment_error_set_errno(error, errno, "cannot open", path);
    if (!check_file(scrub, fd, path, &name, &complaint, &bad, error))
        return FALSE;
    if (bad && !scrub->options->dry_run) {
        g_autoptr(GError) failure = NULL;
        // Somebody may have been faster.
        if (!segment_quarantine_move(scrub->root_fd, directory, file, &failure) &&
            !segment_error_is_errno(failure, ENOENT)) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
    }
    scrub->progress.n_files++;
    scrub->progress.n_bad += bad;
    scrub->progress.path = path;
    scrub->progress.complaint = complaint;
    scrub->func(&scrub->progress, scrub->data);
    scrub->progress.path = scrub->progress.complaint = NULL;
    return TRUE;
}

// ---- all

static gboolean scrub_hour(Scrub *scrub, const SegmentWalkHour *hour, GError **error)
{
    segment_autofd int fd = openat(scrub->root_fd, hour->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return TRUE;
    if (fd < 0)
        return segment_error_set_errno(error, errno, "cannot open", hour->path);
    g_autoptr(GPtrArray) files = segment_walk_files(fd, hour->path, error);
    for (guint i = 0; files != NULL && i < files->len; i++) {
        if (!scrub_file(scrub, fd, hour->path, g_ptr_array_index(files, i), error))
            return FALSE;
    }
    return files != NULL;
}

gboolean segment_scrub(int root_fd, const SegmentScrubOptions *options, SegmentScrubFunc func, gpointer data,
                       const SegmentWait *wait, GError **error)
{
    segment_autofd int state = openat(root_fd, STATE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (state < 0)
        return segment_error_set_errno(error, errno, "cannot create", STATE);
    if (flock(state, LOCK_EX | LOCK_NB) < 0)
        return segment_error_set_errno(error, errno == EWOULDBLOCK ? EBUSY : errno, "cannot lock", STATE);
    g_autoptr(GPtrArray) hours = segment_walk_hours(root_fd, error);
    if (hours == NULL)
        return FALSE;
    g_autofree char *last = read_state(state, options);
    g_auto(Scrub) scrub = {
        .root_fd = root_fd,
        .options = options,
        .wait = wait,
        .func = func,
        .data = data,
        .progress.n_hours = hours->len,
        .begun = g_get_monotonic_time(),
        .digest = EVP_MD_CTX_new(),
        .buffer = g_malloc(BUFFER),
    };
    for (guint i = 0; i < hours->len; i++) {
        const SegmentWalkHour *hour = g_ptr_array_index(hours, i);
        gboolean done = strcmp(hour->path, last) <= 0;
        if (!done && !scrub_hour(&scrub, hour, error))
            return FALSE;
        if (!done && !options->dry_run)
            write_state(state, hour->path);
        scrub.progress.n_hours_done++;
        func(&scrub.progress, data);
    }
    // The next one begins anew. Not deleted: who waits for its lock would have another file.
    if (!options->dry_run)
        write_state(state, "");
    return TRUE;
}
