// SPDX-License-Identifier: MIT
// Errors of sync/.
#include "sync/error.h"

G_DEFINE_QUARK(sync-error-quark, sync_error)

gboolean sync_error_set(GError **error, SyncErrorCode code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, SYNC_ERROR, (int) code, message);
    return FALSE;
}

gboolean sync_error_is_cancelled(const GError *error)
{
    return g_error_matches(error, SYNC_ERROR, SYNC_ERROR_CANCELLED);
}
