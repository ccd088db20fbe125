// SPDX-License-Identifier: MIT
// A bare passthrough file system, as small as it can be: the yardstick for reads, and, with delays and failures on
// purpose, a slow or broken store. Read-only; answers a read with pread(2) into the reply; the kernel caches for ever.
//
// passthrough SOURCE MOUNTPOINT [-o delay_ms=N,delay_match=TEXT,fail_match=TEXT,fail_errno=N]
// Every request on a path that contains TEXT is delayed, or fails. Serves until it is unmounted.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <glib.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOREVER 1e9
#define MAX_THREADS 256

static struct options {
    char *source;
    unsigned delay_ms;
    char *delay_match, *fail_match;
    int fail_errno;
} options = {.fail_errno = EIO};

static const struct fuse_opt option_table[] = {
    {"delay_ms=%u", offsetof(struct options, delay_ms), 0},
    {"delay_match=%s", offsetof(struct options, delay_match), 0},
    {"fail_match=%s", offsetof(struct options, fail_match), 0},
    {"fail_errno=%d", offsetof(struct options, fail_errno), 0},
    FUSE_OPT_END,
};

// Paths by id, which is their index; never forgotten.
static GMutex lock;
static GPtrArray *paths;
static GHashTable *ids;

static const char *path_of(fuse_ino_t ino)
{
    g_mutex_lock(&lock);
    const char *path = g_ptr_array_index(paths, ino);
    g_mutex_unlock(&lock);
    return path;
}

static fuse_ino_t id_of(const char *path)
{
    g_mutex_lock(&lock);
    gsize id = GPOINTER_TO_SIZE(g_hash_table_lookup(ids, path));
    if (id == 0) {
        id = paths->len;
        g_ptr_array_add(paths, g_strdup(path));
        g_hash_table_insert(ids, g_ptr_array_index(paths, id), GSIZE_TO_POINTER(id));
    }
    g_mutex_unlock(&lock);
    return id;
}

// The trouble that PATH is to make: 0, or an errno.
static int trouble(const char *path)
{
    if (options.delay_match != NULL && strstr(path, options.delay_match) != NULL)
        g_usleep(options.delay_ms * 1000UL);
    return options.fail_match != NULL && strstr(path, options.fail_match) != NULL ? options.fail_errno : 0;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    g_autofree char *path = g_build_filename(path_of(parent), name, NULL);
    struct fuse_entry_param entry = {.attr_timeout = FOREVER, .entry_timeout = FOREVER};
    int code = trouble(path);
    if (code == 0 && lstat(path, &entry.attr) < 0)
        code = errno;
    if (code != 0) {
        fuse_reply_err(req, code);
        return;
    }
    entry.ino = id_of(path);
    fuse_reply_entry(req, &entry);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct stat st;
    if (lstat(path_of(ino), &st) < 0)
        fuse_reply_err(req, errno);
    else
        fuse_reply_attr(req, &st, FOREVER);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    int code = trouble(path_of(ino)), fd = code == 0 ? open(path_of(ino), O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        fuse_reply_err(req, code != 0 ? code : errno);
        return;
    }
    fi->fh = (uint64_t) fd;
    fi->keep_cache = 1;
    fi->noflush = 1;
    fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    static __thread char *buffer;
    static __thread size_t room;
    if (room < size) {
        g_free(buffer);
        buffer = g_malloc(size);
        room = size;
    }
    ssize_t n = pread((int) fi->fh, buffer, size, offset);
    if (n < 0)
        fuse_reply_err(req, errno);
    else
        fuse_reply_buf(req, buffer, (size_t) n);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    close((int) fi->fh);
    fuse_reply_err(req, 0);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    int code = trouble(path_of(ino));
    DIR *dir = code == 0 ? opendir(path_of(ino)) : NULL;
    if (dir == NULL) {
        fuse_reply_err(req, code != 0 ? code : errno);
        return;
    }
    fi->fh = (uintptr_t) dir;
    fuse_reply_open(req, fi);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    DIR *dir = (DIR *) (uintptr_t) fi->fh;
    g_autofree char *buffer = g_malloc(size);
    size_t length = 0;
    const struct dirent *entry;
    seekdir(dir, offset);
    while ((entry = readdir(dir)) != NULL) {
        struct stat st = {.st_ino = entry->d_ino, .st_mode = DTTOIF(entry->d_type)};
        size_t n = fuse_add_direntry(req, buffer + length, size - length, entry->d_name, &st, telldir(dir));
        if (n > size - length)
            break;
        length += n;
    }
    fuse_reply_buf(req, buffer, length);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    closedir((DIR *) (uintptr_t) fi->fh);
    fuse_reply_err(req, 0);
}

static const struct fuse_lowlevel_ops ops = {
    .lookup = op_lookup,
    .getattr = op_getattr,
    .open = op_open,
    .read = op_read,
    .release = op_release,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .releasedir = op_releasedir,
};

int main(int argc, char **argv)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    if (argc < 3 || fuse_opt_add_arg(&args, argv[0]) < 0)
        return 2;
    for (int i = 3; i < argc; i++)
        fuse_opt_add_arg(&args, argv[i]);
    if (fuse_opt_parse(&args, &options, option_table, NULL) < 0)
        return 2;
    paths = g_ptr_array_new();
    ids = g_hash_table_new(g_str_hash, g_str_equal);
    g_ptr_array_add(paths, NULL); // no node has the id 0
    id_of(argv[1]); // FUSE_ROOT_ID

    struct fuse_session *session = fuse_session_new(&args, &ops, sizeof ops, NULL);
    if (session == NULL || fuse_session_mount(session, argv[2]) != 0)
        return 1;
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    fuse_loop_cfg_set_max_threads(config, MAX_THREADS);
    int result = fuse_session_loop_mt(session, config);
    fuse_loop_cfg_destroy(config);
    fuse_session_unmount(session);
    fuse_session_destroy(session);
    fuse_opt_free_args(&args);
    return result < 0 ? 1 : 0;
}
