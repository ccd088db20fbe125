// SPDX-License-Identifier: MIT
// The table of settings, and the three ways to say them.
#include "fs/config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "segment/time.h"

#define DEFAULT_FILE SYSCONFDIR "/segfs/segfs.conf"
#define DEFAULT_READ_AHEAD 512 // KiB
#define DEFAULT_CACHE_MEMORY (128 * 1024 * 1024)
#define DEFAULT_CACHE_SIZE (G_GINT64_CONSTANT(2) << 30)
#define DEFAULT_MIN_FREE (G_GINT64_CONSTANT(1) << 30)
#define DEFAULT_RECENT_CUTOFF 120 // seconds
#define DEFAULT_SYNC_INTERVAL 60 // seconds
#define DEFAULT_PEER_TIMEOUT 30 // seconds
#define DEFAULT_CONCURRENCY 8
#define DEFAULT_MAX_TOMBSTONES 500
#define DEFAULT_LISTEN_CONNECTIONS 256
#define DEFAULT_LISTEN_THREADS 4
#define DEFAULT_LISTEN_TIMEOUT 60 // seconds

G_DEFINE_QUARK(fs-config-error-quark, fs_config_error)

typedef gboolean (*Parser)(const char *value, gpointer target);

static gboolean parse_bool(const char *value, gpointer target)
{
    gboolean *b = target;
    *b = value == NULL || g_str_equal(value, "true") || g_str_equal(value, "yes") || g_str_equal(value, "1");
    return *b || g_str_equal(value, "false") || g_str_equal(value, "no") || g_str_equal(value, "0");
}

static gboolean parse_string(const char *value, gpointer target)
{
    char **s = target;
    g_free(*s);
    *s = g_strdup(value);
    return *value != '\0';
}

static gboolean parse_uid(const char *value, gpointer target)
{
    guint64 number;
    const struct passwd *user = getpwnam(value);
    if (user != NULL)
        number = user->pw_uid;
    else if (!g_ascii_string_to_unsigned(value, 10, 0, G_MAXUINT32 - 1, &number, NULL))
        return FALSE;
    *(gint64 *) target = (gint64) number;
    return TRUE;
}

static gboolean parse_gid(const char *value, gpointer target)
{
    guint64 number;
    const struct group *group = getgrnam(value);
    if (group != NULL)
        number = group->gr_gid;
    else if (!g_ascii_string_to_unsigned(value, 10, 0, G_MAXUINT32 - 1, &number, NULL))
        return FALSE;
    *(gint64 *) target = (gint64) number;
    return TRUE;
}

static gboolean parse_umask(const char *value, gpointer target)
{
    guint64 number;
    if (!g_ascii_string_to_unsigned(value, 8, 0, 0777, &number, NULL))
        return FALSE;
    *(mode_t *) target = (mode_t) number;
    return TRUE;
}

// Bytes, with K, M or G.
static gboolean parse_size(const char *value, gpointer target)
{
    char *rest;
    errno = 0;
    guint64 number = g_ascii_strtoull(value, &rest, 10);
    int shift = *rest == 'K' ? 10 : *rest == 'M' ? 20 : *rest == 'G' ? 30 : 0;
    if (errno != 0 || !g_ascii_isdigit(*value) || strlen(rest) > (shift > 0 ? 1 : 0) || number > (guint64) 1 << 40)
        return FALSE;
    *(gint64 *) target = (gint64) (number << shift);
    return *(gint64 *) target > 0;
}

static gboolean parse_whole(const char *value, guint *target, guint64 min, guint64 max)
{
    guint64 number;
    if (!g_ascii_string_to_unsigned(value, 10, min, max, &number, NULL))
        return FALSE;
    *target = (guint) number;
    return TRUE;
}

static gboolean parse_kilobytes(const char *value, gpointer target)
{
    return parse_whole(value, target, 0, 1 << 20);
}

static gboolean parse_count(const char *value, gpointer target)
{
    return parse_whole(value, target, 1, G_MAXUINT16);
}

static gboolean parse_number(const char *value, gpointer target)
{
    return parse_whole(value, target, 0, G_MAXINT32);
}

// Adds names, with commas or spaces between, that are not in the list yet.
static gboolean parse_list(const char *value, gpointer target)
{
    char ***list = target;
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    g_auto(GStrv) names = g_strsplit_set(value, ", ", -1);
    for (guint i = 0; *list != NULL && (*list)[i] != NULL; i++)
        g_ptr_array_add(all, (*list)[i]);
    for (guint i = 0; names[i] != NULL; i++) {
        if (*names[i] != '\0' && (*list == NULL || !g_strv_contains((const char *const *) *list, names[i])))
            g_ptr_array_add(all, g_strdup(names[i]));
    }
    g_free(*list);
    g_ptr_array_add(all, NULL);
    *list = (char **) g_ptr_array_steal(all, NULL);
    return (*list)[0] != NULL;
}

static gboolean parse_order(const char *value, gpointer target)
{
    static const char *const words[] = {"newest", "oldest", "random"};
    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(value, words[i]) == 0) {
            *(SyncOrder *) target = (SyncOrder) i;
            return TRUE;
        }
    }
    return FALSE;
}

// A time, or a number of hours.
static gboolean parse_start(const char *value, gpointer target)
{
    FsStart *start = target;
    guint64 hours;
    memset(start, 0, sizeof *start);
    if (!g_ascii_string_to_unsigned(value, 10, 1, 1000000, &hours, NULL))
        return segment_time_parse_all(value, &start->time);
    start->age = (gint64) hours * SEGMENT_HOUR_LENGTH;
    return TRUE;
}

static gboolean parse_word(const char *value, gpointer target, const char *const *words)
{
    return g_strv_contains(words, value) && parse_string(value, target);
}

static gboolean parse_log(const char *value, gpointer target)
{
    static const char *const words[] = {"auto", "journal", "stderr", NULL};
    return parse_word(value, target, words);
}

static gboolean parse_log_level(const char *value, gpointer target)
{
    static const char *const words[] = {"error", "warning", "info", "debug", NULL};
    return parse_word(value, target, words);
}

// Where a setting can be given.
enum { EVERYWHERE, FILE_ONLY, COMMAND_LINE_ONLY };

static const struct setting {
    const char *name;
    char letter;
    const char *argument; // NULL: a switch
    Parser parse;
    gsize target;
    int where;
    const char *help;
} settings[] = {
#define AT(field) offsetof(FsConfig, field)
    {"ro", 0, NULL, parse_bool, AT(read_only), EVERYWHERE, "read-only: no tombstones"},
    {"allow_other", 0, NULL, parse_bool, AT(allow_other), EVERYWHERE, "other users may use the mount"},
    {"uid", 0, "USER", parse_uid, AT(uid), EVERYWHERE, "owner of everything shown (default: as in the store)"},
    {"gid", 0, "GROUP", parse_gid, AT(gid), EVERYWHERE, "group of everything shown (default: as in the store)"},
    {"umask", 0, "OCTAL", parse_umask, AT(umask), EVERYWHERE, "permissions taken away from everything shown"},
    {"portable_names", 0, NULL, parse_bool, AT(portable_names), EVERYWHERE, "list hours with names without a colon"},
    {"cache", 0, "DIR", parse_string, AT(cache), EVERYWHERE, "where edges and the table of cuts are kept"},
    {"cache_size", 0, "SIZE", parse_size, AT(cache_size), EVERYWHERE, "disk space for edges (default: 2G)"},
    {"cache_memory", 0, "SIZE", parse_size, AT(cache_memory), EVERYWHERE, "memory for listings (default: 128M)"},
    {"log", 0, "WHERE", parse_log, AT(log), EVERYWHERE, "auto (default), journal or stderr"},
    {"log_level", 0, "LEVEL", parse_log_level, AT(log_level), EVERYWHERE, "error, warning, info (default) or debug"},
    {"read_ahead", 0, "KIB", parse_kilobytes, AT(read_ahead), EVERYWHERE, "read-ahead (default: 512; 0: the kernel's)"},
    {"listen", 0, "ADDR:PORT", parse_string, AT(listen), EVERYWHERE, "serve the store to peers there, by HTTP"},
    {"listen_connections", 0, "N", parse_count, AT(listen_connections), EVERYWHERE, "at a time (default: 256)"},
    {"listen_threads", 0, "N", parse_count, AT(listen_threads), EVERYWHERE, "that serve them (default: 4)"},
    {"listen_timeout", 0, "SECONDS", parse_count, AT(listen_timeout), EVERYWHERE, "for a client (default: 60)"},
    {"token_file", 0, "FILE", parse_string, AT(token_file), EVERYWHERE, "every request has to name its token"},
    {"tls_cert", 0, "FILE", parse_string, AT(tls_cert), EVERYWHERE, "serve by HTTPS, with this certificate (PEM)"},
    {"tls_key", 0, "FILE", parse_string, AT(tls_key), EVERYWHERE, "the certificate's key (PEM)"},
    {"name", 0, "NAME", parse_string, AT(name), EVERYWHERE, "of this node (default: the machine's)"},
    {"no_metrics", 0, NULL, parse_bool, AT(no_metrics), EVERYWHERE, "count nothing, and serve no /metrics"},
    {"peer", 0, "NAME=URL", parse_list, AT(peers), EVERYWHERE, "take from this peer what is missing (repeatable)"},
    {"nodes", 0, "FILE", parse_string, AT(nodes), EVERYWHERE, "the same of peers in a file, NAME URL a line"},
    {"peer_token_file", 0, "FILE", parse_string, AT(peer_token_file), EVERYWHERE, "token for peers"},
    {"peer_ca", 0, "FILE", parse_string, AT(peer_ca), EVERYWHERE, "certificates to trust peers by (PEM)"},
    {"channels", 0, "LIST", parse_list, AT(channels), EVERYWHERE, "take these channels (default: all)"},
    {"qualities", 0, "LIST", parse_list, AT(qualities), EVERYWHERE, "take these qualities (default: all)"},
    {"extras", 0, "LIST", parse_list, AT(extras), EVERYWHERE, "take these directories, too"},
    {"order", 0, "ORDER", parse_order, AT(order), EVERYWHERE, "of hours: newest (default), oldest or random"},
    {"start", 0, "TIME", parse_start, AT(start), EVERYWHERE, "take nothing older; also as hours before now"},
    {"recent_cutoff", 0, "SECONDS", parse_number, AT(recent_cutoff), EVERYWHERE, "leave younger segments (120)"},
    {"concurrency", 0, "N", parse_count, AT(concurrency), EVERYWHERE, "files at a time from a peer (default: 8)"},
    {"sync_interval", 0, "SECONDS", parse_count, AT(sync_interval), EVERYWHERE, "between comparisons (default: 60)"},
    {"peer_timeout", 0, "SECONDS", parse_count, AT(peer_timeout), EVERYWHERE, "for a peer to answer (default: 30)"},
    {"max_tombstones", 0, "N", parse_number, AT(max_tombstones), EVERYWHERE, "an hour from a peer (default: 500)"},
    {"min_free", 0, "SIZE", parse_size, AT(min_free), EVERYWHERE, "disk space that is left free (default: 1G)"},
    {"store", 0, "DIR", parse_string, AT(store), FILE_ONLY, NULL},
    {"mountpoint", 0, "DIR", parse_string, AT(mountpoint), FILE_ONLY, NULL},
    {"config", 'c', "FILE", parse_string, AT(file), COMMAND_LINE_ONLY, "read this configuration file"},
    {"run_once", 0, NULL, parse_bool, AT(run_once), COMMAND_LINE_ONLY, "take what is missing, without a mount"},
    {"dry_run", 0, NULL, parse_bool, AT(dry_run), COMMAND_LINE_ONLY, "with --run-once: only print it"},
    {"foreground", 'f', NULL, parse_bool, AT(foreground), COMMAND_LINE_ONLY, "stay in the foreground"},
    {"debug", 'd', NULL, parse_bool, AT(debug), COMMAND_LINE_ONLY, "log every request (implies -f)"},
    {"help", 'h', NULL, parse_bool, AT(help), COMMAND_LINE_ONLY, "this text"},
    {"version", 'V', NULL, parse_bool, AT(version), COMMAND_LINE_ONLY, "the version"},
#undef AT
};

static gboolean fail(GError **error, int code, const char *format, ...) G_GNUC_PRINTF(3, 4);

static gboolean fail(GError **error, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, FS_CONFIG_ERROR, code, message);
    return FALSE;
}

static const struct setting *find_setting(const char *name, int where)
{
    g_autofree char *canonical = g_strdelimit(g_strdup(name), "-", '_');
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
        gboolean here = settings[i].where == EVERYWHERE || settings[i].where == where;
        if (here && strcmp(settings[i].name, canonical) == 0)
            return &settings[i];
    }
    return NULL;
}

static gboolean set(FsConfig *config, const struct setting *setting, const char *value, GError **error)
{
    if (setting->argument != NULL && value == NULL)
        return fail(error, FS_CONFIG_ERROR_USAGE, "option '%s' needs a value", setting->name);
    if (!setting->parse(value, (char *) config + setting->target))
        return fail(error, FS_CONFIG_ERROR_USAGE, "'%s' is no value for '%s'", value, setting->name);
    return TRUE;
}

// ---- -o

// Words of mount(8) that the kernel or libfuse knows, and those that only mount(8) looks at.
static gboolean is_mount_word(const char *word, gboolean *pass)
{
    static const char *const passed[] = {"rw",   "dev",   "nodev", "suid",    "nosuid",  "exec", "noexec",
                                         "sync", "async", "atime", "noatime", "dirsync", NULL};
    static const char *const ignored[] = {
        "defaults", "auto",     "noauto",     "nofail",      "user",     "users",      "nouser",     "_netdev", "owner",
        "group",    "relatime", "norelatime", "strictatime", "lazytime", "noiversion", "nodiratime", NULL};
    *pass = g_strv_contains(passed, word) || g_str_has_prefix(word, "fsname=") || g_str_has_prefix(word, "subtype=");
    return *pass || g_strv_contains(ignored, word) || g_str_has_prefix(word, "x-") || g_str_has_prefix(word, "X-") ||
           g_str_has_prefix(word, "user=") || g_str_has_prefix(word, "comment=");
}

static gboolean set_word(FsConfig *config, const char *word, GError **error)
{
    gboolean pass;
    if (*word == '\0')
        return TRUE;
    if (is_mount_word(word, &pass)) {
        if (pass)
            g_string_append_printf(config->words, "%s%s", config->words->len > 0 ? "," : "", word);
        if (strcmp(word, "rw") == 0)
            config->read_only = FALSE;
        return TRUE;
    }
    // Always on.
    if (strcmp(word, "default_permissions") == 0)
        return TRUE;
    g_auto(GStrv) parts = g_strsplit(word, "=", 2);
    const struct setting *setting = find_setting(parts[0], EVERYWHERE);
    if (setting == NULL)
        return fail(error, FS_CONFIG_ERROR_USAGE, "unknown option '%s'", parts[0]);
    return set(config, setting, parts[1], error);
}

static gboolean set_words(FsConfig *config, const char *list, GError **error)
{
    g_auto(GStrv) words = g_strsplit(list, ",", -1);
    for (guint i = 0; words[i] != NULL; i++) {
        if (!set_word(config, words[i], error))
            return FALSE;
    }
    return TRUE;
}

// ---- the command line

typedef struct {
    char **argv;
    int argc, next;
    GPtrArray *words; // arguments of -o, for after the file
    GPtrArray *names; // what is no option
} CommandLine;

static gboolean next_argument(CommandLine *line, const char *option, const char **value, GError **error)
{
    if (*value != NULL)
        return TRUE;
    if (line->next >= line->argc)
        return fail(error, FS_CONFIG_ERROR_USAGE, "option '%s' needs a value", option);
    *value = line->argv[line->next++];
    return TRUE;
}

static gboolean set_long(FsConfig *config, CommandLine *line, const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, "=", 2);
    const char *value = parts[1];
    const struct setting *setting = parts[0] != NULL ? find_setting(parts[0], COMMAND_LINE_ONLY) : NULL;
    if (setting == NULL)
        return fail(error, FS_CONFIG_ERROR_USAGE, "unknown option '--%s'", text);
    if (setting->argument != NULL && !next_argument(line, parts[0], &value, error))
        return FALSE;
    return set(config, setting, value, error);
}

// One or more letters, of which the last may have a value.
static gboolean set_letters(FsConfig *config, CommandLine *line, const char *letters, GError **error)
{
    for (const char *p = letters; *p != '\0'; p++) {
        char option[] = {'-', *p, '\0'};
        const char *value = p[1] != '\0' ? p + 1 : NULL;
        if (*p == 'o') {
            if (!next_argument(line, option, &value, error))
                return FALSE;
            g_ptr_array_add(line->words, (gpointer) value);
            return TRUE;
        }
        const struct setting *setting = NULL;
        for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
            if (settings[i].letter == *p)
                setting = &settings[i];
        }
        if (setting == NULL)
            return fail(error, FS_CONFIG_ERROR_USAGE, "unknown option '%s'", option);
        if (setting->argument != NULL)
            return next_argument(line, option, &value, error) && set(config, setting, value, error);
        if (!set(config, setting, NULL, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean read_line(FsConfig *config, CommandLine *line, GError **error)
{
    gboolean options = TRUE;
    line->next = 1;
    g_ptr_array_set_size(line->words, 0);
    g_ptr_array_set_size(line->names, 0);
    while (line->next < line->argc) {
        const char *argument = line->argv[line->next++];
        if (options && strcmp(argument, "--") == 0) {
            options = FALSE;
        } else if (options && g_str_has_prefix(argument, "--")) {
            if (!set_long(config, line, argument + 2, error))
                return FALSE;
        } else if (options && argument[0] == '-' && argument[1] != '\0') {
            if (!set_letters(config, line, argument + 1, error))
                return FALSE;
        } else {
            g_ptr_array_add(line->names, (gpointer) argument);
        }
    }
    for (guint i = 0; i < line->words->len; i++) {
        if (!set_words(config, g_ptr_array_index(line->words, i), error))
            return FALSE;
    }
    return TRUE;
}

// ---- the file

static gboolean read_file(FsConfig *config, const char *path, gboolean must_exist, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) failure = NULL;
    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &failure)) {
        if (!must_exist && g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return TRUE;
        return fail(error, FS_CONFIG_ERROR_FILE, "%s: %s", path, failure->message);
    }
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
    for (guint i = 0; groups[i] != NULL; i++) {
        if (strcmp(groups[i], "segfs") != 0)
            return fail(error, FS_CONFIG_ERROR_FILE, "%s: unknown group '%s'", path, groups[i]);
    }
    g_auto(GStrv) keys = g_key_file_get_keys(file, "segfs", NULL, NULL);
    for (guint i = 0; keys != NULL && keys[i] != NULL; i++) {
        const struct setting *setting = find_setting(keys[i], FILE_ONLY);
        if (setting == NULL)
            return fail(error, FS_CONFIG_ERROR_FILE, "%s: unknown key '%s'", path, keys[i]);
        g_autofree char *value = g_key_file_get_string(file, "segfs", keys[i], NULL);
        if (value == NULL || !set(config, setting, value, &failure))
            return fail(error, FS_CONFIG_ERROR_FILE, "%s: %s", path, failure != NULL ? failure->message : keys[i]);
    }
    return TRUE;
}

// ---- all of it

static gboolean check(FsConfig *config, CommandLine *line, GError **error)
{
    if (config->help || config->version)
        return TRUE;
    char **targets[] = {&config->store, &config->mountpoint};
    if (line->names->len > G_N_ELEMENTS(targets))
        return fail(error, FS_CONFIG_ERROR_USAGE, "too many arguments: '%s'",
                    (const char *) g_ptr_array_index(line->names, G_N_ELEMENTS(targets)));
    for (guint i = 0; i < line->names->len; i++)
        parse_string(g_ptr_array_index(line->names, i), targets[i]);
    if (config->store == NULL || (config->mountpoint == NULL && !config->run_once))
        return fail(error, FS_CONFIG_ERROR_USAGE, "STORE and MOUNTPOINT are needed");
    if (config->dry_run && !config->run_once)
        return fail(error, FS_CONFIG_ERROR_USAGE, "--dry-run is for --run-once");
    config->foreground = config->foreground || config->debug;
    return TRUE;
}

FsConfig *fs_config_new(int argc, char **argv, GError **error)
{
    g_autoptr(FsConfig) config = g_new0(FsConfig, 1);
    g_autoptr(GPtrArray) words = g_ptr_array_new(), names = g_ptr_array_new();
    CommandLine line = {.argv = argv, .argc = argc, .words = words, .names = names};

    config->uid = config->gid = -1;
    config->cache_memory = DEFAULT_CACHE_MEMORY;
    config->cache_size = DEFAULT_CACHE_SIZE;
    config->read_ahead = DEFAULT_READ_AHEAD;
    config->min_free = DEFAULT_MIN_FREE;
    config->recent_cutoff = DEFAULT_RECENT_CUTOFF;
    config->sync_interval = DEFAULT_SYNC_INTERVAL;
    config->peer_timeout = DEFAULT_PEER_TIMEOUT;
    config->concurrency = DEFAULT_CONCURRENCY;
    config->max_tombstones = DEFAULT_MAX_TOMBSTONES;
    config->listen_connections = DEFAULT_LISTEN_CONNECTIONS;
    config->listen_threads = DEFAULT_LISTEN_THREADS;
    config->listen_timeout = DEFAULT_LISTEN_TIMEOUT;
    config->log = g_strdup("auto");
    config->log_level = g_strdup("info");
    config->words = g_string_new(NULL);

    // Read twice: for the file's name, and once more because it wins over what the file says.
    if (!read_line(config, &line, error))
        return NULL;
    g_autofree char *file = g_strdup(config->file != NULL ? config->file : DEFAULT_FILE);
    if (!config->help && !config->version && !read_file(config, file, config->file != NULL, error))
        return NULL;
    g_string_truncate(config->words, 0);
    if (!read_line(config, &line, error) || !check(config, &line, error))
        return NULL;
    return g_steal_pointer(&config);
}

void fs_config_free(FsConfig *config)
{
    if (config == NULL)
        return;
    g_free(config->store);
    g_free(config->mountpoint);
    g_free(config->cache);
    g_free(config->log);
    g_free(config->log_level);
    g_free(config->file);
    g_free(config->listen);
    g_free(config->token_file);
    g_free(config->tls_cert);
    g_free(config->tls_key);
    g_free(config->name);
    g_strfreev(config->peers);
    g_free(config->nodes);
    g_free(config->peer_token_file);
    g_free(config->peer_ca);
    g_strfreev(config->channels);
    g_strfreev(config->qualities);
    g_strfreev(config->extras);
    if (config->words != NULL)
        g_string_free(config->words, TRUE);
    g_free(config);
}

char *fs_config_cache_dir(const FsConfig *config, const char *path)
{
    g_autofree char *name = g_compute_checksum_for_string(G_CHECKSUM_SHA256, path, -1);
    g_autofree char *base = NULL;
    name[16] = '\0';
    if (config->cache != NULL)
        base = g_strdup(config->cache);
    else if (geteuid() == 0)
        base = g_strdup(LOCALSTATEDIR "/cache/segfs");
    else
        base = g_build_filename(g_get_user_cache_dir(), "segfs", NULL);
    return g_build_filename(base, name, NULL);
}

void fs_config_print_help(void)
{
    puts("Usage: segfs [OPTION...] STORE MOUNTPOINT [-o OPTION[,OPTION...]]\n"
         "       segfs --run-once [OPTION...] STORE\n\n"
         "Mounts a database of live-video segments.\n\n"
         "Settings; each is also an option of -o and a key of the configuration file, as NAME or NAME=VALUE:");
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
        const struct setting *s = &settings[i];
        if (s->where == FILE_ONLY)
            continue;
        if (i > 0 && s->where == COMMAND_LINE_ONLY && settings[i - 1].where != COMMAND_LINE_ONLY)
            puts("\nOptions of the command line:\n  -o OPTION[,OPTION...]      settings, or options of mount(8)");
        g_autofree char *dashed = g_strdelimit(g_strdup(s->name), "_", '-');
        g_autofree char *option =
            g_strconcat("--", dashed, s->argument != NULL ? "=" : NULL, s->argument != NULL ? s->argument : NULL, NULL);
        printf("  %c%c%c %-22s %s\n", s->letter ? '-' : ' ', s->letter ? s->letter : ' ', s->letter ? ',' : ' ', option,
               s->help);
    }
    puts("\nMore in segfs(8), segfs.conf(5) and segfs-tree(7).");
}
