// SPDX-License-Identifier: MIT
// A set of paths.
#include "sync/claims.h"

#include "segment/lock.h"

struct SyncClaims {
    GMutex lock;
    GHashTable *paths;
};

SyncClaims *sync_claims_new(void)
{
    SyncClaims *claims = g_new0(SyncClaims, 1);
    g_mutex_init(&claims->lock);
    claims->paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return claims;
}

void sync_claims_free(SyncClaims *claims)
{
    if (claims == NULL)
        return;
    g_hash_table_unref(claims->paths);
    g_mutex_clear(&claims->lock);
    g_free(claims);
}

gboolean sync_claims_take(SyncClaims *claims, const char *path)
{
    SEGMENT_LOCK_SCOPE(&claims->lock);
    return g_hash_table_add(claims->paths, g_strdup(path));
}

void sync_claims_give_back(SyncClaims *claims, const char *path)
{
    SEGMENT_LOCK_SCOPE(&claims->lock);
    g_hash_table_remove(claims->paths, path);
}
