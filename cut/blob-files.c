// SPDX-License-Identifier: MIT
// A file is written under another name and renamed. It is not synced: what a crash leaves of it has another digest, and
// is made again. Two daemons may share a directory: a file of the other's is found when it is asked for.
#include "cut/blob-files.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cut/blobs.h"
#include "segment/directory.h"
#include "segment/fd.h"
#include "segment/lock.h"

#define MAGIC "segfs/1\n"
#define MAX_HASHES 1024

// The file's beginning. Then come the hashes, the stream's path, and the bytes.
typedef struct {
    char magic[8];
    guint8 digest[32]; // SHA-256 of all that follows it
    guint32 n_hashes,
        stream_size; // in the order of bytes of this machine: another one's file has a digest, but no sense
    guint64 size;
} Head;

typedef struct {
    guint8 key[CUT_BLOB_KEY];
    gint64 size; // of the file, bytes
    GByteArray *hashes;
    char *stream;
    GList link;
} File;

struct CutBlobFiles {
    char *directory;
    int fd;
    gint64 limit;
    GMutex lock; // guards all below
    GHashTable *table; // key → File
    GQueue lru; // File, the one used last first
    gint64 size;
    guint n_written; // for names that nobody else has
    gboolean warned;
};

typedef char Name[2 * CUT_BLOB_KEY + sizeof ".edge"];

static void format_name(const guint8 *key, Name name)
{
    segment_hash_to_hex(key, name);
    memcpy(name + 2 * CUT_BLOB_KEY, ".edge", sizeof ".edge");
}

static gboolean parse_name(const char *name, guint8 *key)
{
    if (strlen(name) != 2 * CUT_BLOB_KEY + 5 || strcmp(name + 2 * CUT_BLOB_KEY, ".edge") != 0)
        return FALSE;
    for (guint i = 0; i < CUT_BLOB_KEY; i++) {
        int high = g_ascii_xdigit_value(name[2 * i]), low = g_ascii_xdigit_value(name[2 * i + 1]);
        if (high < 0 || low < 0)
            return FALSE;
        key[i] = (guint8) (high << 4 | low);
    }
    return TRUE;
}

static void digest_parts(const Head *head, const guint8 *hashes, const char *stream, gconstpointer data, guint8 *digest)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    EVP_DigestUpdate(context, &head->n_hashes, sizeof *head - offsetof(Head, n_hashes));
    EVP_DigestUpdate(context, hashes, (size_t) head->n_hashes * SEGMENT_HASH_SIZE);
    EVP_DigestUpdate(context, stream, head->stream_size);
    EVP_DigestUpdate(context, data, head->size);
    EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
}

static gboolean read_exactly(int fd, gpointer data, gsize size)
{
    for (gsize done = 0; done < size;) {
        ssize_t n = read(fd, (char *) data + done, size - done);
        if (n <= 0 && !(n < 0 && errno == EINTR))
            return FALSE;
        done += n > 0 ? (gsize) n : 0;
    }
    return TRUE;
}

// ---- the table; with the lock held

static void forget(CutBlobFiles *files, File *file)
{
    g_hash_table_remove(files->table, file->key);
    g_queue_unlink(&files->lru, &file->link);
    files->size -= file->size;
    g_byte_array_unref(file->hashes);
    g_free(file->stream);
    g_free(file);
}

static void delete_file(CutBlobFiles *files, File *file)
{
    Name name;
    format_name(file->key, name);
    unlinkat(files->fd, name, 0);
    forget(files, file);
}

static void remember(CutBlobFiles *files, const guint8 *key, const char *stream, const guint8 *hashes, guint n_hashes,
                     gint64 size)
{
    File *file = g_hash_table_lookup(files->table, key);
    if (file != NULL)
        forget(files, file);
    file = g_new0(File, 1);
    memcpy(file->key, key, CUT_BLOB_KEY);
    file->size = size;
    file->stream = g_strdup(stream);
    file->hashes = g_byte_array_new();
    g_byte_array_append(file->hashes, hashes, n_hashes * SEGMENT_HASH_SIZE);
    file->link.data = file;
    g_hash_table_insert(files->table, file->key, file);
    g_queue_push_head_link(&files->lru, &file->link);
    files->size += size;
    while (files->size > files->limit && files->lru.length > 0)
        delete_file(files, files->lru.tail->data);
}

void cut_blob_files_remove(CutBlobFiles *files, const guint8 *key)
{
    SEGMENT_LOCK_SCOPE(&files->lock);
    File *file = g_hash_table_lookup(files->table, key);
    if (file != NULL)
        delete_file(files, file);
}

// ---- reading

// All but the bytes: HASHES and *STREAM are the caller's.
static gboolean read_head(int fd, Head *head, GByteArray *hashes, char **stream)
{
    if (!read_exactly(fd, head, sizeof *head) || memcmp(head->magic, MAGIC, sizeof head->magic) != 0 ||
        head->n_hashes > MAX_HASHES || head->stream_size > 4096 || head->size > G_MAXINT32)
        return FALSE;
    g_byte_array_set_size(hashes, head->n_hashes * SEGMENT_HASH_SIZE);
    *stream = g_malloc0(head->stream_size + 1);
    return read_exactly(fd, hashes->data, hashes->len) && read_exactly(fd, *stream, head->stream_size);
}

static GBytes *read_file(CutBlobFiles *files, int fd, const guint8 *key)
{
    Head head;
    guint8 digest[32];
    struct stat st;
    g_autoptr(GByteArray) hashes = g_byte_array_new();
    g_autofree char *stream = NULL;
    if (!read_head(fd, &head, hashes, &stream))
        return NULL;
    g_autofree guint8 *data = g_try_malloc(head.size + 1);
    if (data == NULL || !read_exactly(fd, data, head.size))
        return NULL;
    digest_parts(&head, hashes->data, stream, data, digest);
    if (memcmp(digest, head.digest, sizeof digest) != 0)
        return NULL;
    futimens(fd, NULL); // for the order after a restart
    SEGMENT_LOCK_SCOPE(&files->lock);
    // One that was dropped meanwhile stays so.
    if (fstat(fd, &st) == 0 && st.st_nlink > 0)
        remember(files, key, stream, hashes->data, head.n_hashes, st.st_size);
    return g_bytes_new_take(g_steal_pointer(&data), head.size);
}

GBytes *cut_blob_files_read(CutBlobFiles *files, const guint8 *key)
{
    Name name;
    format_name(key, name);
    segment_autofd int fd = openat(files->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    GBytes *bytes = fd >= 0 ? read_file(files, fd, key) : NULL;
    // Another daemon may have deleted it, or it is broken.
    if (bytes == NULL && (fd >= 0 || errno == ENOENT))
        cut_blob_files_remove(files, key);
    return bytes;
}

gboolean cut_blob_files_has(CutBlobFiles *files, const guint8 *key)
{
    SEGMENT_LOCK_SCOPE(&files->lock);
    return g_hash_table_contains(files->table, key);
}

// ---- writing

void cut_blob_files_write(CutBlobFiles *files, const guint8 *key, const char *stream, const GByteArray *hashes,
                          GBytes *bytes)
{
    Name name;
    gsize size;
    gconstpointer data = g_bytes_get_data(bytes, &size);
    Head head = {.magic = MAGIC,
                 .n_hashes = MIN(hashes->len / SEGMENT_HASH_SIZE, MAX_HASHES),
                 .stream_size = (guint32) strlen(stream),
                 .size = size};
    digest_parts(&head, hashes->data, stream, data, head.digest);
    format_name(key, name);
    g_mutex_lock(&files->lock);
    g_autofree char *temp = g_strdup_printf(".%d-%u", getpid(), files->n_written++);
    g_mutex_unlock(&files->lock);
    segment_autofd int fd = openat(files->fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    gboolean ok = fd >= 0 && segment_fd_write(fd, &head, sizeof head) &&
                  segment_fd_write(fd, hashes->data, (gsize) head.n_hashes * SEGMENT_HASH_SIZE) &&
                  segment_fd_write(fd, stream, head.stream_size) && segment_fd_write(fd, data, size) &&
                  renameat(files->fd, temp, files->fd, name) == 0;
    int code = errno;
    if (!ok)
        unlinkat(files->fd, temp, 0);
    SEGMENT_LOCK_SCOPE(&files->lock);
    if (ok)
        remember(files, key, stream, hashes->data, head.n_hashes,
                 (gint64) (sizeof head + head.n_hashes * SEGMENT_HASH_SIZE + head.stream_size + size));
    else if (!files->warned)
        g_warning("%s: cannot keep an edge: %s", files->directory, g_strerror(code));
    files->warned = !ok;
}

// ---- all of it

typedef struct {
    guint8 key[CUT_BLOB_KEY];
    struct timespec used;
    gint64 size;
    GByteArray *hashes;
    char *stream;
} Found;

static void clear_found(gpointer data)
{
    Found *found = data;
    g_byte_array_unref(found->hashes);
    g_free(found->stream);
}

static gint compare_found(gconstpointer a, gconstpointer b)
{
    const struct timespec *x = &((const Found *) a)->used, *y = &((const Found *) b)->used;
    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

// One that another process may be writing is left alone for a while.
static void remove_if_stale(CutBlobFiles *files, const char *name)
{
    struct stat st;
    if (fstatat(files->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
        st.st_mtim.tv_sec < g_get_real_time() / G_USEC_PER_SEC - 3600)
        unlinkat(files->fd, name, 0);
}

static void find_file(CutBlobFiles *files, const char *name, GArray *all)
{
    Found found = {.hashes = g_byte_array_new()};
    struct stat st;
    Head head;
    gboolean is_one = parse_name(name, found.key);
    segment_autofd int fd = -1;
    if (is_one && !g_hash_table_contains(files->table, found.key))
        fd = openat(files->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && read_head(fd, &head, found.hashes, &found.stream) &&
        st.st_size == (off_t) (sizeof head + found.hashes->len + head.stream_size + head.size)) {
        found.used = st.st_mtim;
        found.size = st.st_size;
        g_array_append_val(all, found);
        return;
    }
    if (fd >= 0)
        unlinkat(files->fd, name, 0);
    else if (name[0] == '.' && g_ascii_isdigit(name[1]))
        remove_if_stale(files, name);
    clear_found(&found);
}

// Remembers those that are not known yet. With the lock held.
static void find_files(CutBlobFiles *files)
{
    g_autoptr(SegmentDirectory) directory = segment_directory_open(files->fd, ".", files->directory, NULL);
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Found));
    g_array_set_clear_func(all, clear_found);
    const struct dirent *entry;
    while (directory != NULL && (entry = segment_directory_next(directory, files->directory, NULL)) != NULL)
        find_file(files, entry->d_name, all);
    g_array_sort(all, compare_found);
    for (guint i = 0; i < all->len; i++) {
        const Found *found = &g_array_index(all, Found, i);
        remember(files, found->key, found->stream, found->hashes->data, found->hashes->len / SEGMENT_HASH_SIZE,
                 found->size);
    }
}

CutBlobFiles *cut_blob_files_new(const char *directory, gint64 limit)
{
    int fd = g_mkdir_with_parents(directory, 0700) == 0 ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0) {
        g_warning("%s: edges are kept in memory alone: %s", directory, g_strerror(errno));
        return NULL;
    }
    CutBlobFiles *files = g_new0(CutBlobFiles, 1);
    files->directory = g_strdup(directory);
    files->fd = fd;
    files->limit = limit;
    files->table = g_hash_table_new(segment_hash_hash, segment_hash_equal);
    g_mutex_init(&files->lock);
    g_queue_init(&files->lru);
    find_files(files);
    return files;
}

void cut_blob_files_free(CutBlobFiles *files)
{
    if (files == NULL)
        return;
    while (files->lru.length > 0)
        forget(files, files->lru.head->data);
    g_hash_table_unref(files->table);
    g_mutex_clear(&files->lock);
    close(files->fd);
    g_free(files->directory);
    g_free(files);
}

void cut_blob_files_drop(CutBlobFiles *files,
                         gboolean (*is_barred)(const char *stream, const guint8 *hash, gpointer data), gpointer data)
{
    SEGMENT_LOCK_SCOPE(&files->lock);
    // Those that another daemon made, too.
    find_files(files);
    for (GList *link = files->lru.head, *next; link != NULL; link = next) {
        File *file = link->data;
        gboolean barred = FALSE;
        next = link->next;
        for (guint i = 0; i < file->hashes->len && !barred; i += SEGMENT_HASH_SIZE)
            barred = is_barred(file->stream, file->hashes->data + i, data);
        if (barred)
            delete_file(files, file);
    }
}

void cut_blob_files_get_size(CutBlobFiles *files, guint *n_files, gint64 *size)
{
    SEGMENT_LOCK_SCOPE(&files->lock);
    *n_files = files->lru.length;
    *size = files->size;
}
