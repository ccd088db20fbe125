// SPDX-License-Identifier: MIT
// Who fetches what: two peers that have the same file are not both asked for it.
#ifndef SYNC_CLAIMS_H
#define SYNC_CLAIMS_H

#include <glib.h>

typedef struct SyncClaims SyncClaims;

SyncClaims *sync_claims_new(void);
void sync_claims_free(SyncClaims *claims);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncClaims, sync_claims_free)

// TRUE where nobody else fetches PATH: it is the caller's until it is given back.
gboolean sync_claims_take(SyncClaims *claims, const char *path);
void sync_claims_give_back(SyncClaims *claims, const char *path);

#endif
