// SPDX-License-Identifier: MIT
// SHA-256, cut to the length of an id. It is not for secrecy: names that users make up shall not collide, even if they
// try.
#include "fs/id.h"

#include <openssl/evp.h>
#include <string.h>

// Fetched once: EVP_sha256() is looked up anew in every digest.
static const EVP_MD *sha256(void)
{
    static EVP_MD *md;
    if (g_once_init_enter(&md))
        g_once_init_leave(&md, EVP_MD_fetch(NULL, "SHA256", NULL));
    return md;
}

static guint64 hash(const char *directory, const char *name, const guint8 *salt, gsize salt_size)
{
    guint8 digest[EVP_MAX_MD_SIZE];
    guint64 value;
    // A path is at most PATH_MAX long, and mostly below 128 bytes.
    gsize n = strlen(directory), m = name != NULL ? strlen(name) : 0;
    g_autofree guint8 *text = g_malloc(n + m + 2 + salt_size);
    memcpy(text, directory, n);
    text[n++] = '/';
    if (name != NULL)
        memcpy(text + n, name, m);
    n += m;
    text[n++] = '\0';
    if (salt_size > 0)
        memcpy(text + n, salt, salt_size);
    if (EVP_Digest(text, n + salt_size, digest, NULL, sha256(), NULL) != 1)
        g_error("libcrypto has no SHA-256");
    memcpy(&value, digest, sizeof value);
    return GUINT64_FROM_LE(value);
}

guint16 fs_id_prefix(const char *directory)
{
    return (guint16) (hash(directory, NULL, NULL, 0) >> 48);
}

guint64 fs_id_make(guint16 prefix, const char *directory, const char *name, const guint8 *salt, gsize salt_size)
{
    guint64 id = (guint64) prefix << 48 | (hash(directory, name, salt, salt_size) & G_GUINT64_CONSTANT(0xffffffffffff));
    // 0 is no node, and 1 the root.
    return id <= FS_ID_ROOT ? id + 2 : id;
}
