// SPDX-License-Identifier: MIT
// Asks a peer, by HTTP, for many things at a time: one thread's view of one peer, on connections that are kept.
//
// A peer is not trusted. What it sends is counted as it comes and has an end, in bytes and in seconds; it is not asked
// for anything compressed, and what is compressed all the same is refused; where it points to is not followed.
#ifndef SYNC_HTTP_CLIENT_H
#define SYNC_HTTP_CLIENT_H

#include <glib.h>

typedef struct SyncClient SyncClient;

typedef struct {
    const char *url; // http or https, without a slash at its end
    const char *token; // sent as bearer token; NULL: none
    const char *ca_file; // certificates to trust, in PEM; NULL: the system's
    guint timeout; // seconds: to connect, and with less than SYNC_CLIENT_MIN_RATE
    guint max_connections;
} SyncClientOptions;

#define SYNC_CLIENT_MIN_RATE 1024 // bytes a second

// FUNC is given a part of the body. SIZE is what the peer says that all of it has; negative where it does not. After an
// error nothing more is asked for.
typedef gboolean (*SyncBodyFunc)(gconstpointer data, gsize length, gint64 size, gpointer user_data, GError **error);

// An answer, of any status; 0 where none came. The client's own.
typedef struct {
    guint status;
    const char *etag; // NULL: none
    const GString *text; // the body of a status of 200 that no SyncBodyFunc took
    const GError *error; // NULL where it came to its end
} SyncReply;

// The end. May ask for more.
typedef void (*SyncReplyFunc)(const SyncReply *reply, gpointer data);

typedef struct {
    const char *path; // from the peer's URL, with a slash at its beginning, escaped
    const char *if_none_match; // NULL: none
    gint64 max_size; // bytes of the body
    guint seconds; // that all of it may take
    guint patience; // seconds more in which nothing at all need come
    SyncBodyFunc body; // of a status of 200; NULL: it is kept, and a part of the reply
    SyncReplyFunc reply;
    gpointer data;
} SyncGet;

SyncClient *sync_client_new(const SyncClientOptions *options);

// What is under way ends, with an error.
void sync_client_free(SyncClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncClient, sync_client_free)

// Begins to ask. *GET is copied, its strings too.
void sync_client_get(SyncClient *client, const SyncGet *get);

// Ends all that is under way, with an error.
void sync_client_cancel(SyncClient *client);

// Goes on with all of them, until something happened, or UNTIL (monotonic), or sync_client_wake(). Not to be called from
// its functions.
void sync_client_run(SyncClient *client, gint64 until);

// Has sync_client_run() return, or the next one. From any thread.
void sync_client_wake(SyncClient *client);

// Appends NAMES, a path with slashes, to PATH, a slash first, each name escaped (RFC 3986 2.1).
void sync_path_append(GString *path, const char *names);

#endif
