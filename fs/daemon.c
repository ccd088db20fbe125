// SPDX-License-Identifier: MIT
// The life of the daemon: open the store, go to the background, mount, tell the parent that the mount answers, serve,
// and take everything down again. SIGTERM, SIGINT, SIGHUP and an unmount from outside end it in the same way.
#include "fs/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fs/log.h"
#include "fs/peers.h"
#include "fs/server.h"
#include "segment/fd.h"

#define WAKE_INTERVAL (50 * 1000) // microseconds between two attempts to wake the main thread

typedef struct {
    FsServer *server;
    FsServerOptions options;
    FsPeers *peers;
    int parent; // where to tell that the mount answers; -1 in the foreground
    pthread_t main_thread;
    GMutex lock;
    GCond ended_cond;
    gboolean ended; // the main thread is done serving
    int ending; // atomic: the thread that waits for the mount to answer has nothing more to do
    gboolean failed; // the mount did not answer; read once the thread that finds out is joined
} Daemon;

static void wake_up(int signal)
{
}

static void fill_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

// Signals are taken by a thread of their own: all others, libfuse's and GLib's, start with them blocked.
static void block_signals(void)
{
    sigset_t set;
    const struct sigaction wake = {.sa_handler = wake_up}, ignore = {.sa_handler = SIG_IGN};
    fill_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    // Without SA_RESTART: the main thread's wait ends.
    sigaction(SIGUSR1, &wake, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

static gpointer take_signals(gpointer data)
{
    Daemon *daemon = data;
    sigset_t set;
    int signal = 0;
    fill_signals(&set);
    while (sigwait(&set, &signal) != 0)
        ;

    g_mutex_lock(&daemon->lock);
    gboolean ended = daemon->ended;
    g_mutex_unlock(&daemon->lock);
    if (ended)
        return NULL;
    g_message("ending for signal %d", signal);
    fs_server_exit(daemon->server);

    // libfuse's loop sleeps on a semaphore. A signal that comes just before it does is lost, so there may be another.
    g_mutex_lock(&daemon->lock);
    while (!daemon->ended) {
        pthread_kill(daemon->main_thread, SIGUSR1);
        g_cond_wait_until(&daemon->ended_cond, &daemon->lock, g_get_monotonic_time() + WAKE_INTERVAL);
    }
    g_mutex_unlock(&daemon->lock);
    return NULL;
}

// Standard streams and the parent's pipe are let go of: a shell's pipeline would wait for them.
static void detach(Daemon *daemon)
{
    fs_log_detach();
    segment_autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd <= 2; fd++)
        dup2(null, fd);
    if (write(daemon->parent, "", 1) != 1)
        g_warning("the parent process is gone");
    close(daemon->parent);
    daemon->parent = -1;
}

static gpointer wait_ready(gpointer data)
{
    Daemon *daemon = data;
    g_autoptr(GError) error = NULL;
    if (!fs_server_wait_ready(daemon->server, &daemon->options, &error)) {
        g_critical("%s", error->message);
        daemon->failed = TRUE;
        kill(getpid(), SIGTERM);
        return NULL;
    }
    g_message("%s is mounted on %s", segment_store_path(daemon->server->tree->store), daemon->options.mountpoint);
    if (daemon->parent >= 0)
        detach(daemon);
    SegmentWait wait = {.may_block = TRUE, .cancelled = &daemon->ending};
    fs_tree_warm_up(daemon->server->tree, &wait);
    return NULL;
}

static void end_signals(Daemon *daemon, GThread *thread)
{
    g_mutex_lock(&daemon->lock);
    daemon->ended = TRUE;
    g_cond_signal(&daemon->ended_cond);
    g_mutex_unlock(&daemon->lock);
    // Wakes it where no signal did; where one did it is pending until the process ends.
    kill(getpid(), SIGTERM);
    g_thread_join(thread);
}

// The store is freed last, with the tree: peers may still be reading it.
static void end_serving(Daemon *daemon)
{
    fs_peers_cancel(daemon->peers);
    fs_server_unmount(daemon->server);
    g_clear_pointer(&daemon->peers, fs_peers_free);
    fs_server_free(daemon->server);
}

static int serve(Daemon *daemon, FsTree *tree)
{
    g_autoptr(GError) error = NULL;
    daemon->server = fs_server_new(tree, &daemon->options, &error);
    if (daemon->server == NULL) {
        g_critical("%s", error->message);
        g_clear_pointer(&daemon->peers, fs_peers_free);
        return EXIT_FAILURE;
    }
    if (!fs_peers_start(daemon->peers, &error)) {
        g_critical("%s", error->message);
        end_serving(daemon);
        return EXIT_FAILURE;
    }
    daemon->main_thread = pthread_self();
    g_mutex_init(&daemon->lock);
    g_cond_init(&daemon->ended_cond);
    GThread *signals = g_thread_new("signals", take_signals, daemon);
    GThread *ready = g_thread_new("ready", wait_ready, daemon);

    gboolean ok = fs_server_run(daemon->server, &error);
    if (!ok)
        g_critical("%s", error->message);
    end_signals(daemon, signals);
    g_atomic_int_set(&daemon->ending, 1);
    fs_server_unmount(daemon->server);
    g_thread_join(ready);
    end_serving(daemon);
    g_mutex_clear(&daemon->lock);
    g_cond_clear(&daemon->ended_cond);
    return ok && !daemon->failed ? EXIT_SUCCESS : EXIT_FAILURE;
}

static FsTree *make_tree(const FsConfig *config, SegmentStore *store, FsPeers *peers, const char *mountpoint)
{
    FsTreeOptions options = {
        .portable_names = config->portable_names,
        .has_uid = config->uid >= 0,
        .has_gid = config->gid >= 0,
        .uid = (uid_t) config->uid,
        .gid = (gid_t) config->gid,
        .umask = config->umask,
        .mountpoint = (char *) mountpoint,
        .cache_size = config->cache_size,
        .peers = peers,
    };
    g_autofree char *cache = fs_config_cache_dir(config, segment_store_path(store));
    return fs_tree_new(store, &options, cache);
}

// In the background: TRUE in the child, with Daemon.parent set; in the parent FALSE, with its exit status.
static gboolean go_to_background(Daemon *daemon, int *status)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0) {
        g_critical("cannot make a pipe: %s", g_strerror(errno));
        *status = EXIT_FAILURE;
        return FALSE;
    }
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        daemon->parent = fds[1];
        setsid();
        return chdir("/") == 0;
    }
    close(fds[1]);
    char byte;
    ssize_t n = child < 0 ? -1 : read(fds[0], &byte, 1);
    close(fds[0]);
    if (child < 0)
        g_critical("cannot fork: %s", g_strerror(errno));
    *status = n == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
    return FALSE;
}

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// ---- without a mount

static gpointer cancel_by_signal(gpointer peers)
{
    sigset_t set;
    int signal = 0;
    fill_signals(&set);
    while (sigwait(&set, &signal) != 0)
        ;
    fs_peers_cancel(peers);
    return NULL;
}

// One pass of all peers. A signal ends it; what was begun is taken back.
static int run_once(const FsConfig *config, SegmentStore *store)
{
    g_autoptr(GError) error = NULL;
    FsPeers *peers = fs_peers_new(config, store, &error);
    gboolean ok = FALSE;
    if (peers != NULL) {
        raise_file_limit();
        block_signals();
        GThread *signals = g_thread_new("signals", cancel_by_signal, peers);
        ok = fs_peers_run_once(peers, &error);
        kill(getpid(), SIGTERM); // wakes it, unless one did before
        g_thread_join(signals);
    }
    if (!ok)
        g_critical("%s", error->message);
    fs_peers_free(peers);
    segment_store_free(store);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int fs_daemon_run(const FsConfig *config)
{
    g_autoptr(GError) error = NULL;
    SegmentStoreOptions store_options = {.cache_memory = (gsize) config->cache_memory};
    SegmentStore *store = segment_store_open(config->store, &store_options, &error);
    if (store == NULL) {
        g_critical("%s", error->message);
        return EXIT_FAILURE;
    }
    if (config->run_once)
        return run_once(config, store);
    g_autofree char *mountpoint = realpath(config->mountpoint, NULL);
    if (mountpoint != NULL && !g_file_test(mountpoint, G_FILE_TEST_IS_DIR)) {
        errno = ENOTDIR;
        g_clear_pointer(&mountpoint, free);
    }
    if (mountpoint == NULL) {
        g_critical("cannot mount on %s: %s", config->mountpoint, g_strerror(errno));
        segment_store_free(store);
        return EXIT_FAILURE;
    }

    Daemon daemon = {
        .parent = -1,
        .options = {.mountpoint = mountpoint,
                    .read_only = config->read_only,
                    .allow_other = config->allow_other,
                    .debug = config->debug,
                    .words = config->words->str,
                    .read_ahead = config->read_ahead},
    };
    int status = EXIT_FAILURE;
    daemon.peers = fs_peers_new(config, store, &error);
    if (daemon.peers == NULL)
        g_critical("%s", error->message);
    if (daemon.peers == NULL || (!config->foreground && !go_to_background(&daemon, &status))) {
        fs_peers_free(daemon.peers);
        segment_store_free(store);
        return status;
    }
    raise_file_limit();
    block_signals();
    return serve(&daemon, make_tree(config, store, daemon.peers, mountpoint));
}
