// SPDX-License-Identifier: MIT
// segfsctl peers, sync and purge: what has to do with other nodes.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "fs/config.h"
#include "fs/ctl.h"
#include "fs/daemon.h"
#include "fs/log.h"
#include "fs/peers.h"
#include "fs/place.h"
#include "segment/purge.h"
#include "sync/confirm.h"

#define MEGABYTE (1000 * 1000)

// ---- what mounts know of their peers

// The peers of the mount at MOUNTPOINT, as it tells of them.
static JsonArray *read_peers(const char *mountpoint, GError **error)
{
    g_autoptr(JsonNode) root = fs_place_read_control(mountpoint, "peers.json", error);
    if (root == NULL)
        return NULL;
    if (JSON_NODE_HOLDS_ARRAY(root))
        return json_array_ref(json_node_get_array(root));
    g_set_error(error, FS_PLACE_ERROR, 0, "%s: its .segfs/peers.json has no list", mountpoint);
    return NULL;
}

static const char *member(JsonObject *peer, const char *name)
{
    return json_object_get_string_member_with_default(peer, name, "");
}

// "2026-11-13T02:45:51" of a time with more to it; "never" of none.
static const char *short_time(const char *text, char shown[20])
{
    g_strlcpy(shown, *text != '\0' ? text : "never", 20);
    return shown;
}

static gboolean print_peers(const char *mountpoint, GError **error)
{
    g_autoptr(JsonArray) peers = read_peers(mountpoint, error);
    if (peers == NULL)
        return FALSE;
    printf("%s\n", mountpoint);
    if (json_array_get_length(peers) == 0)
        puts("  no peers");
    else
        printf("  %-20s %-9s %-9s %8s %6s  %-19s  %s\n", "PEER", "KIND", "STATE", "MISSING", "HELD", "LAST PASS",
               "ERROR");
    for (guint i = 0; i < json_array_get_length(peers); i++) {
        JsonObject *peer = json_array_get_object_element(peers, i);
        char time[20];
        printf("  %-20s %-9s %-9s %8d %6d  %-19s  %s\n", member(peer, "name"), member(peer, "kind"),
               member(peer, "state"), (int) json_object_get_int_member_with_default(peer, "missing", 0),
               (int) json_object_get_int_member_with_default(peer, "held_tombstones", 0),
               short_time(member(peer, "last_pass"), time), member(peer, "error"));
    }
    return TRUE;
}

static int accept_peer(const char *name, char **mountpoints)
{
    int code = ENOENT;
    for (guint i = 0; mountpoints[i] != NULL; i++) {
        g_autofree char *path = g_build_filename(mountpoints[i], ".segfs", "peers.json", NULL);
        if (setxattr(path, "user.segfs.accept", name, strlen(name), 0) == 0)
            return EXIT_SUCCESS;
        code = errno != ENOENT ? errno : code;
    }
    return fs_ctl_complain(name, code == ENOENT ? "no such peer, or no tombstones of it are held" : g_strerror(code));
}

int fs_ctl_peers(int argc, char **argv)
{
    gboolean accept = argc > 0 && strcmp(argv[0], "accept") == 0;
    int status = EXIT_SUCCESS;
    if (accept && argc < 2)
        return fs_ctl_complain_usage("peers accept needs the NAME of a peer");
    char **given = argv + (accept ? 2 : 0);
    g_autoptr(GPtrArray) mounts = fs_place_mounts();
    if (argc > (accept ? 2 : 0))
        g_ptr_array_set_size(mounts, 0);
    for (guint i = 0; given[i] != NULL; i++)
        g_ptr_array_add(mounts, g_strdup(given[i]));
    if (mounts->len == 0)
        return fs_ctl_complain("peers", "nothing is mounted");
    g_ptr_array_add(mounts, NULL);
    if (accept)
        return accept_peer(argv[1], (char **) mounts->pdata);
    for (guint i = 0; i + 1 < mounts->len; i++) {
        g_autoptr(GError) error = NULL;
        if (!print_peers(g_ptr_array_index(mounts, i), &error))
            status = fs_ctl_complain(g_ptr_array_index(mounts, i), error->message);
    }
    return status;
}

// ---- configuration

// Adds the peers of the mounts of the store at PATH.
static void add_peers_of_mounts(FsConfig *config, const char *path)
{
    g_autoptr(GPtrArray) mounts = fs_place_mounts(), all = g_ptr_array_new();
    for (guint i = 0; i < mounts->len; i++) {
        const char *mountpoint = g_ptr_array_index(mounts, i);
        g_autofree char *store = fs_place_in_store(mountpoint, NULL);
        g_autofree char *trimmed = store != NULL ? g_canonicalize_filename(store, NULL) : NULL;
        g_autoptr(JsonArray) peers = g_strcmp0(trimmed, path) == 0 ? read_peers(mountpoint, NULL) : NULL;
        for (guint j = 0; peers != NULL && j < json_array_get_length(peers); j++) {
            JsonObject *peer = json_array_get_object_element(peers, j);
            g_ptr_array_add(all, g_strconcat(member(peer, "name"), "=", member(peer, "url"), NULL));
        }
    }
    if (all->len == 0)
        return;
    g_ptr_array_add(all, NULL);
    config->peers = (char **) g_ptr_array_steal(all, NULL);
}

// What the command line and the configuration file say, the store by its own path, and where no peers are named, those
// of its mounts. NULL, and said why.
static FsConfig *read_config(int argc, char **argv)
{
    g_autoptr(GPtrArray) arguments = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    g_ptr_array_add(arguments, (gpointer) "segfsctl");
    g_ptr_array_add(arguments, (gpointer) "--run-once");
    for (int i = 0; i < argc; i++)
        g_ptr_array_add(arguments, strcmp(argv[i], "-n") == 0 ? (gpointer) "--dry-run" : argv[i]);
    g_autoptr(FsConfig) config = fs_config_new((int) arguments->len, (char **) arguments->pdata, &error);
    if (config == NULL) {
        fs_ctl_complain_usage(error->message);
        return NULL;
    }
    char *store = fs_place_in_store(config->store, &error);
    if (store == NULL) {
        fs_ctl_complain(config->store, error->message);
        return NULL;
    }
    g_free(config->store);
    config->store = g_canonicalize_filename(store, NULL);
    g_free(store);
    if (config->peers == NULL && config->nodes == NULL)
        add_peers_of_mounts(config, config->store);
    return g_steal_pointer(&config);
}

int fs_ctl_sync(int argc, char **argv)
{
    g_autoptr(FsConfig) config = read_config(argc, argv);
    if (config == NULL)
        return EXIT_USAGE;
    fs_log_start("stderr", config->log_level);
    return fs_daemon_run(config);
}

// ---- who has a tombstone

// The root of the store in which PATH is an hour, with the hour's path from there in *HOUR.
static char *split_hour_path(const char *path, char **hour)
{
    g_autofree char *stream = g_path_get_dirname(path);
    g_autofree char *channel = g_path_get_dirname(stream);
    char *root = g_path_get_dirname(channel);
    const char *rest = path + strlen(root);
    *hour = g_strdup(rest + (*rest == '/'));
    return root;
}

void fs_ctl_name_holders(const char *path, const char *file)
{
    g_autofree char *hour = NULL;
    g_autofree char *root = split_hour_path(path, &hour);
    char *arguments[] = {root, NULL};
    g_autoptr(FsConfig) config = read_config(1, arguments);
    g_autoptr(GPtrArray) nodes = config != NULL ? fs_peers_list(config, NULL) : NULL;
    SyncPolicy policy = {0};
    if (nodes != NULL && nodes->len > 0 && fs_peers_make_policy(config, &policy, NULL)) {
        g_autoptr(SyncConfirm) confirm = sync_confirm_new(nodes, &policy);
        g_autoptr(GPtrArray) holders = sync_confirm_holders(confirm, hour, file);
        for (guint i = 0; i < holders->len; i++)
            fprintf(stderr, "segfsctl: peer %s has the tombstone: remove it there, too\n",
                    (const char *) g_ptr_array_index(holders, i));
    }
    g_free(policy.token);
}

// ---- purge

static int cancelled; // atomic; set by a signal

static void interrupt(int signal)
{
    g_atomic_int_set(&cancelled, 1);
}

typedef struct {
    SyncConfirm *confirm; // NULL: there is no peer
    gboolean force, quiet;
    guint64 n_files, n_bytes, n_kept;
} Purging;

static gboolean ask(const char *hour, const char *tombstone, gpointer data)
{
    Purging *purging = data;
    // Also where it is forced: they are to be named.
    gboolean confirmed = purging->confirm != NULL && sync_confirm_ask(purging->confirm, hour, tombstone);
    return confirmed || purging->force;
}

static void show(const char *file, gint64 size, gboolean kept, gpointer data)
{
    Purging *purging = data;
    purging->n_files += !kept;
    purging->n_bytes += kept ? 0 : (guint64) size;
    purging->n_kept += kept;
    if (!purging->quiet)
        printf("%s%s\n", file, kept ? ": kept" : "");
}

static void show_doubts(SyncConfirm *confirm)
{
    g_autoptr(GArray) doubts = sync_confirm_doubts(confirm);
    for (guint i = 0; i < doubts->len; i++) {
        const SyncConfirmDoubt *doubt = &g_array_index(doubts, SyncConfirmDoubt, i);
        if (doubt->error != NULL)
            fprintf(stderr, "segfsctl: peer %s cannot be asked: %s\n", doubt->name, doubt->error);
        else
            fprintf(stderr, "segfsctl: peer %s lacks %u of the tombstones\n", doubt->name, doubt->n_lacking);
    }
}

static int purge(const FsConfig *config, const GPtrArray *nodes, const SyncPolicy *policy, Purging *purging)
{
    const struct sigaction action = {.sa_handler = interrupt};
    const SegmentWait wait = {.may_block = TRUE, .cancelled = &cancelled};
    const SegmentStoreOptions options = {.no_watch = TRUE};
    g_autoptr(GError) error = NULL;
    g_autoptr(SegmentStore) store = segment_store_open(config->store, &options, &error);
    g_autoptr(SyncConfirm) confirm = nodes->len > 0 ? sync_confirm_new(nodes, policy) : NULL;
    if (store == NULL)
        return fs_ctl_complain(config->store, error->message);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    purging->confirm = confirm;
    gboolean ok = segment_purge(segment_store_fd(store), config->dry_run, ask, show, purging, &wait, &error);
    if (confirm != NULL)
        show_doubts(confirm);
    printf("%" G_GUINT64_FORMAT " segments, %" G_GUINT64_FORMAT " MB%s, %" G_GUINT64_FORMAT " kept\n", purging->n_files,
           purging->n_bytes / MEGABYTE, config->dry_run ? " would be deleted" : " deleted", purging->n_kept);
    if (!ok)
        return fs_ctl_complain(config->store, error->message);
    return purging->n_kept > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int fs_ctl_purge(int argc, char **argv)
{
    g_autoptr(GPtrArray) rest = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    Purging purging = {0};
    for (int i = 0; i < argc; i++) {
        gboolean is_force = strcmp(argv[i], "--force") == 0, is_quiet = strcmp(argv[i], "-q") == 0;
        purging.force = purging.force || is_force;
        purging.quiet = purging.quiet || is_quiet || strcmp(argv[i], "--quiet") == 0;
        if (!is_force && !is_quiet && strcmp(argv[i], "--quiet") != 0)
            g_ptr_array_add(rest, argv[i]);
    }
    g_autoptr(FsConfig) config = read_config((int) rest->len, (char **) rest->pdata);
    if (config == NULL)
        return EXIT_USAGE;
    g_autoptr(GPtrArray) nodes = fs_peers_list(config, &error);
    SyncPolicy policy = {0};
    if (nodes == NULL || !fs_peers_make_policy(config, &policy, &error))
        return fs_ctl_complain("purge", error->message);
    int status;
    if (nodes->len == 0 && !purging.force)
        status = fs_ctl_complain("purge", "no peers are known: name them by --peer or --nodes, or use --force");
    else
        status = purge(config, nodes, &policy, &purging);
    g_free(policy.token);
    return status;
}
