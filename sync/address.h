// SPDX-License-Identifier: MIT
// Addresses to listen on.
#ifndef SYNC_ADDRESS_H
#define SYNC_ADDRESS_H

#include <glib.h>

// Listens on TEXT: ADDR:PORT, [ADDR]:PORT, or :PORT and PORT for the loopback address. Port 0 is any that is free.
// Gives the socket, which does not block, or -1; *SHOWN is the address and port that it has, as a URL names them, and
// *IS_LOOPBACK whether it is out of reach for other machines. Errors: SYNC_ERROR_ADDRESS.
int sync_address_listen(const char *text, char **shown, gboolean *is_loopback, GError **error);

// Splits TEXT into *HOST and *PORT, to be freed. FALSE where it is no address.
gboolean sync_address_split(const char *text, char **host, char **port);

#endif
