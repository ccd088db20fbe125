// SPDX-License-Identifier: MIT
// What segfs is told: by the command line, -o, and a configuration file. All three know the same settings by the same
// names; "-" and "_" are the same in them.
#ifndef FS_CONFIG_H
#define FS_CONFIG_H

#include <glib.h>
#include <sys/types.h>

#include "sync/peer.h"

#define FS_CONFIG_ERROR (fs_config_error_quark())
GQuark fs_config_error_quark(void);

typedef enum {
    FS_CONFIG_ERROR_USAGE, // an option that there is not, or a value that makes no sense
    FS_CONFIG_ERROR_FILE, // the configuration file cannot be read
} FsConfigErrorCode;

// From when on segments are taken from peers: a time (microseconds since 1970), or an age (microseconds), or neither.
typedef struct {
    gint64 time, age;
} FsStart;

typedef struct {
    char *store, *mountpoint;
    gboolean read_only, allow_other, portable_names;
    gint64 uid, gid; // -1: as in the store
    mode_t umask;
    char *cache; // NULL: the default
    gint64 cache_memory; // bytes
    gint64 cache_size; // bytes of edges on disk
    char *log, *log_level;
    guint read_ahead; // KiB
    char *listen; // where peers are served; NULL: nowhere
    guint listen_connections, listen_threads, listen_timeout; // the last one in seconds
    char *token_file, *tls_cert, *tls_key; // NULL: none
    char *name; // of this node; NULL: the machine's
    gboolean no_metrics;
    char **peers; // NAME=URL or URL; NULL: none
    char *nodes; // the file of nodes; NULL: none
    char *peer_token_file, *peer_ca; // NULL: none
    char **channels, **qualities, **extras; // NULL: all, all, none
    SyncOrder order;
    FsStart start;
    guint recent_cutoff, sync_interval, peer_timeout; // seconds
    guint concurrency; // files at a time from one peer
    guint max_tombstones; // an hour from one peer
    gint64 min_free; // bytes
    gboolean run_once, dry_run; // instead of a mount
    gboolean foreground, debug, help, version;
    char *file; // the configuration file
    GString *words; // of -o, for the kernel
} FsConfig;

// Reads the command line, and the configuration file that it names (or the default one, if there is one).
FsConfig *fs_config_new(int argc, char **argv, GError **error);
void fs_config_free(FsConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FsConfig, fs_config_free)

// Where the tables of the store at PATH are kept: a directory of its own for each store. Free it.
char *fs_config_cache_dir(const FsConfig *config, const char *path);

// The text of --help.
void fs_config_print_help(void);

#endif
