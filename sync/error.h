// SPDX-License-Identifier: MIT
// What can go wrong in sync/, beyond what comes from segment/.
#ifndef SYNC_ERROR_H
#define SYNC_ERROR_H

#include <glib.h>

#define SYNC_ERROR (sync_error_quark())
GQuark sync_error_quark(void);

typedef enum {
    SYNC_ERROR_ADDRESS, // not an address, or one that cannot be listened on
    SYNC_ERROR_FILE, // a token, certificate or key that cannot be used
    SYNC_ERROR_SERVER, // libmicrohttpd does not start
    SYNC_ERROR_PEER, // a peer cannot be reached, or sends what it should not
    SYNC_ERROR_CANCELLED, // we end
    SYNC_ERROR_SELF, // the peer is this node
    SYNC_ERROR_GONE, // what a peer listed is not there any more
} SyncErrorCode;

// Always returns FALSE.
gboolean sync_error_set(GError **error, SyncErrorCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);

gboolean sync_error_is_cancelled(const GError *error);

#endif
