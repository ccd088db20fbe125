// SPDX-License-Identifier: MIT
// Bearer tokens.
#include "sync/token.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/stat.h>

#include "sync/error.h"

#define MIN_LENGTH 16 // characters: what is shorter can be guessed

char *sync_token_read(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) failure = NULL;
    struct stat st;
    if (!g_file_get_contents(path, &text, NULL, &failure)) {
        sync_error_set(error, SYNC_ERROR_FILE, "cannot read the token: %s", failure->message);
        return NULL;
    }
    text[strcspn(text, "\r\n")] = '\0';
    const char *token = g_strstrip(text);
    gsize length = strlen(token);
    for (const char *p = token; *p != '\0'; p++)
        length = g_ascii_isgraph(*p) ? length : 0;
    if (length < MIN_LENGTH) {
        sync_error_set(error, SYNC_ERROR_FILE, "%s: a token is one line of at least %d printable characters", path,
                       MIN_LENGTH);
        return NULL;
    }
    if (stat(path, &st) == 0 && (st.st_mode & (S_IRGRP | S_IROTH)) != 0)
        g_warning("%s: others than its owner can read the token", path);
    return g_strdup(token);
}

gboolean sync_token_matches(const char *token, const char *field)
{
    // Of both the hashes are compared: they have one length.
    guint8 wanted[SHA256_DIGEST_LENGTH], got[SHA256_DIGEST_LENGTH];
    gboolean is_bearer = field != NULL && g_ascii_strncasecmp(field, "Bearer ", strlen("Bearer ")) == 0;
    const char *text = is_bearer ? field + strlen("Bearer ") : "";
    while (*text == ' ')
        text++;
    SHA256((const guint8 *) token, strlen(token), wanted);
    SHA256((const guint8 *) text, strlen(text), got);
    return CRYPTO_memcmp(wanted, got, sizeof wanted) == 0 && is_bearer;
}
