// SPDX-License-Identifier: MIT
// What the parts of a peer share: peer.c (its life), pass.c (the order of a pass), survey.c (what differs), fetch.c
// (files), push.c (tombstones as they come).
//
// All of it is the peer's thread's alone, but for what is guarded by SyncPeer.lock, and what is
// atomic.
#ifndef SYNC_PEER_PRIVATE_H
#define SYNC_PEER_PRIVATE_H

#include "sync/diff.h"
#include "sync/http-client.h"
#include "sync/json.h"
#include "sync/peer.h"

#define SYNC_LISTING_MAX (8 * 1024 * 1024) // bytes of a listing: an hour of all three types, several times over
#define SYNC_LISTING_SECONDS 300 // for all of it
#define SYNC_FILE_SECONDS 600

typedef enum { SYNC_KIND_UNKNOWN, SYNC_KIND_SEGFS, SYNC_KIND_WUBLOADER } SyncKind;

struct SyncPeer {
    const SyncContext *context;
    SyncNode *node;
    SyncClient *client;
    GThread *thread;
    gboolean is_live; // it has a thread of its own, and goes on
    int stopping; // atomic
    int hurry; // atomic: a pass is due at once
    int n_allowed; // atomic: tombstones that an operator agreed to

    SyncKind kind;
    gboolean greeted; // since it was last out of reach
    guint n_failed_passes; // in a row
    gint64 next_pass; // monotonic

    // A pass.
    guint n_active; // requests, but for the one that waits for tombstones
    guint n_unreached; // in a row: requests that no answer came to
    GError *broken; // why the pass is given up
    guint n_complaints; // that were logged
    gboolean no_room; // nothing was fetched any more
    gboolean was_full; // and so it was in the pass before
    guint n_left; // files that could not be taken

    // From pass to pass.
    char *their_etag, *our_etag; // of the digests of all streams, when nothing was missing
    GHashTable *settled; // hour's path → Settled: nothing is missing while both digests are these
    GHashTable *failures; // file's path → Failure
    GHashTable *complained; // hours whose names were complained about
    gint64 window; // monotonic: since when tombstones are counted
    guint n_in_window;
    gboolean held;

    // Tombstones as they come.
    gboolean pushing; // a request waits for them
    gboolean push_failed; // not again before the next pass
    gint64 next_push; // monotonic: not before
    char *cursor; // NULL: none yet

    guint n_publishing; // drafts that the writer has

    GMutex lock; // guards what follows
    GQueue published; // Fetch, from the writer's thread
    SyncPeerStatus status;
    SyncPeerMetrics *metrics; // NULL where they are turned off; counts by itself
};

// An hour that the peer has, and that may differ.
typedef struct {
    char *stream; // CHANNEL/QUALITY
    char *path; // with the hour
    gint64 hour; // its start
    char theirs[SYNC_DIGEST_SIZE], ours[SYNC_DIGEST_SIZE]; // theirs is empty where the peer tells none
    gboolean tombstones_only; // too old for anything else
    SyncDiff *diff; // NULL: not known
    guint n_missing, n_tombstones; // of it: files, and tombstones, that the diff may not have all of
    gboolean is_open; // something in it is missing, or too recent
    gboolean let_go; // the names of its files are not in the diff: they are too many
    gboolean failed; // it could not be compared
} SyncHour;

void sync_hour_free(SyncHour *hour);

// ---- peer.c

gboolean sync_peer_is_stopping(const SyncPeer *peer);

// Starts as many things as may be under way, by START, which says whether there is more, and waits for the end of all.
// FALSE where the peer is out of reach, or we end.
typedef gboolean (*SyncStartFunc)(SyncPeer *peer, gpointer data);
gboolean sync_peer_work(SyncPeer *peer, SyncStartFunc start, gpointer data, GError **error);

// Goes on with what waits for tombstones, for so many microseconds at most.
void sync_peer_wait(SyncPeer *peer, gint64 microseconds);

// Begins to ask, as a part of the pass; whoever is told of the end has to call sync_peer_answered() first.
void sync_peer_get(SyncPeer *peer, const SyncGet *get);
void sync_peer_answered(SyncPeer *peer, const SyncReply *reply);

// Asks, and waits, for JSON: an object, or else a list.
typedef struct {
    guint status;
    char *etag; // NULL: none
    SyncJson *json; // of a status of 200
} SyncAnswer;
void sync_answer_clear(SyncAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SyncAnswer, sync_answer_clear)
gboolean sync_peer_ask(SyncPeer *peer, const char *path, const char *if_none_match, gboolean is_object,
                       SyncAnswer *answer, GError **error);

// The same where any other status is an error. Free it with sync_json_free().
SyncJson *sync_peer_ask_json(SyncPeer *peer, const char *path, gboolean is_object, GError **error);

// JSON that the peer sent for PATH. Errors name both.
SyncJson *sync_peer_parse(const SyncPeer *peer, const char *path, const GString *text, gboolean is_object,
                          GError **error);

// "URL/PATH: status STATUS", with a word about what it may mean. Always returns FALSE.
gboolean sync_peer_set_status_error(const SyncPeer *peer, const char *path, guint status, GError **error);

// Logs what is wrong with the peer: the first lines of a pass, then it only counts.
void sync_peer_complain(SyncPeer *peer, const char *format, ...) G_GNUC_PRINTF(2, 3);

// ---- pass.c

// One pass. FALSE where it could not be done.
gboolean sync_pass(SyncPeer *peer, GError **error);

// How many more tombstones may be taken now.
guint sync_pass_allowance(SyncPeer *peer);

// Makes the tombstone FILE, and counts it, or complains. What fails is new again in the next pass.
void sync_pass_bury(SyncPeer *peer, const char *stream, gint64 hour, const char *file);

// Whether the config wants CHANNEL, or STREAM, CHANNEL/QUALITY, which may be anything: it is looked at first.
gboolean sync_policy_wants_channel(const SyncPolicy *policy, const char *channel);
gboolean sync_policy_wants(const SyncPolicy *policy, const char *stream);

// ---- survey.c

// What the list of the hour at the path HOUR, with its tombstones, is asked for by. Free it.
char *sync_listing_path(const char *hour);

// The hours (SyncHour) that may differ, in the order of the policy; none where nothing is new.
GPtrArray *sync_survey(SyncPeer *peer, GError **error);

// Lists HOURS, several at a time, and fills in what each lacks.
gboolean sync_survey_compare(SyncPeer *peer, GPtrArray *hours, GError **error);

// The same for one that was let go.
gboolean sync_survey_compare_one(SyncPeer *peer, SyncHour *hour, GError **error);

// Says that something is missing: the next survey looks at the hours also where nothing changed.
void sync_survey_unsettle(SyncPeer *peer);

// ---- fetch.c

// Takes all files that HOURS lack.
gboolean sync_fetch_hours(SyncPeer *peer, GPtrArray *hours, GError **error);

// All that is missing of the directory NAME.
gboolean sync_fetch_extras(SyncPeer *peer, const char *name, GError **error);

// Looks after what the writer has published meanwhile.
void sync_fetch_collect(SyncPeer *peer);

// ---- push.c

// Has the peer tell of new tombstones, if it can and nothing waits for them yet.
void sync_push_begin(SyncPeer *peer);

// When that may be done (monotonic); G_MAXINT64 where there is nothing to do.
gint64 sync_push_next(const SyncPeer *peer);

// Asks from where on to tell, before a pass: none is missed between.
gboolean sync_push_prepare(SyncPeer *peer, GError **error);

#endif
