// SPDX-License-Identifier: MIT
// Preloaded into a program (LD_PRELOAD) it makes trouble at one call of those by which files are written, made, renamed
// and synced. INJECT="N ACTION [CALL]": at the N-th call, counted from 1, of all of them, or of those named CALL,
//
//   before, after   SIGKILL, before the call takes effect or after
//   half            SIGKILL after half of the bytes that are to be written
//   ENOSPC, EIO     the call fails with that; from then on, all of them do
//   lie             syncs succeed and do nothing
//
// Of writes only those to files count, and not to descriptors 0 to 2. With INJECT_COUNT=FILE the number of calls is
// written there at the end.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int n_calls; // atomic
static int at; // 0: nothing happens
static int code; // an errno; 0: SIGKILL
static char action[16], wanted[32];

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("INJECT");
    if (text != NULL && sscanf(text, "%d %15s %31s", &at, action, wanted) < 2)
        abort();
    code = strcmp(action, "ENOSPC") == 0 ? ENOSPC : strcmp(action, "EIO") == 0 ? EIO : 0;
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("INJECT_COUNT");
    FILE *file = path != NULL ? fopen(path, "w") : NULL;
    if (file == NULL)
        return;
    fprintf(file, "%d\n", n_calls);
    fclose(file);
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

// Whether this call is the one; then it may not return.
static int is_now(const char *call)
{
    if (wanted[0] != '\0' && strcmp(wanted, call) != 0)
        return 0;
    int n = __atomic_add_fetch(&n_calls, 1, __ATOMIC_SEQ_CST);
    int now = at > 0 && strcmp(action, "lie") != 0 && (code != 0 ? n >= at : n == at);
    if (now && strcmp(action, "before") == 0)
        die();
    return now;
}

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

// Runs CALL, with the trouble that is due.
#define WITH_TROUBLE(name, call)                                                                                       \
    int now = is_now(name);                                                                                            \
    if (now && code != 0) {                                                                                            \
        errno = code;                                                                                                  \
        return -1;                                                                                                     \
    }                                                                                                                  \
    __typeof__(call) result = call;                                                                                    \
    if (now)                                                                                                           \
        die();                                                                                                         \
    return result

ssize_t write(int fd, const void *data, size_t size)
{
    struct stat st;
    // Neither the report nor what wakes threads.
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || fd <= STDERR_FILENO)
        return REAL(write)(fd, data, size);
    WITH_TROUBLE("write", REAL(write)(fd, data, now && strcmp(action, "half") == 0 ? size / 2 : size));
}

static int lies(void)
{
    return at > 0 && strcmp(action, "lie") == 0;
}

int fsync(int fd)
{
    if (lies())
        return 0;
    WITH_TROUBLE("fsync", REAL(fsync)(fd));
}

int sync_file_range(int fd, off64_t offset, off64_t size, unsigned int flags)
{
    if (lies())
        return 0;
    WITH_TROUBLE("sync_file_range", REAL(sync_file_range)(fd, offset, size, flags));
}

int renameat2(int from, const char *old, int to, const char *new, unsigned int flags)
{
    WITH_TROUBLE("renameat2", REAL(renameat2)(from, old, to, new, flags));
}

int mkdirat(int fd, const char *path, mode_t mode)
{
    WITH_TROUBLE("mkdirat", REAL(mkdirat)(fd, path, mode));
}

int unlinkat(int fd, const char *path, int flags)
{
    WITH_TROUBLE("unlinkat", REAL(unlinkat)(fd, path, flags));
}

static int create(int fd, const char *path, int flags, mode_t mode)
{
    WITH_TROUBLE("create", REAL(openat)(fd, path, flags, mode));
}

int openat(int fd, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return flags & O_CREAT ? create(fd, path, flags, mode) : REAL(openat)(fd, path, flags, mode);
}
