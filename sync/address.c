// SPDX-License-Identifier: MIT
// From the text of an address to a socket.
#include "sync/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "segment/fd.h"
#include "sync/error.h"

#define DEFAULT_HOST "127.0.0.1"
#define BACKLOG 128

typedef struct addrinfo AddrInfo;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AddrInfo, freeaddrinfo)

gboolean sync_address_split(const char *text, char **host, char **port)
{
    guint64 number;
    const char *colon = strrchr(text, ':'), *digits = colon != NULL ? colon + 1 : text;
    gsize length = colon != NULL ? (gsize) (colon - text) : 0;
    *host = *port = NULL;
    if (!g_ascii_string_to_unsigned(digits, 10, 0, G_MAXUINT16, &number, NULL))
        return FALSE;
    gboolean bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';
    // Without brackets it is not clear which colon is the port's.
    if (!bracketed && (text[0] == '[' || memchr(text, ':', length) != NULL))
        return FALSE;
    if (length == 0)
        *host = g_strdup(DEFAULT_HOST);
    else
        *host = bracketed ? g_strndup(text + 1, length - 2) : g_strndup(text, length);
    *port = g_strdup(digits);
    return TRUE;
}

static gboolean is_loopback_address(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *) (const void *) address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *) (const void *) address)->sin6_addr);
}

static char *show(int fd, gboolean *is_loopback)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    struct sockaddr *generic = (struct sockaddr *) &address;
    if (getsockname(fd, generic, &length) < 0 ||
        getnameinfo(generic, length, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return NULL;
    *is_loopback = is_loopback_address(generic);
    return g_strdup_printf(strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
}

int sync_address_listen(const char *text, char **shown, gboolean *is_loopback, GError **error)
{
    g_autofree char *host = NULL, *port = NULL;
    g_autoptr(AddrInfo) found = NULL;
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    const int on = 1;
    if (!sync_address_split(text, &host, &port)) {
        sync_error_set(error, SYNC_ERROR_ADDRESS, "'%s' is no address to listen on: ADDR:PORT or [ADDR]:PORT", text);
        return -1;
    }
    int code = getaddrinfo(host, port, &hints, &found);
    if (code != 0) {
        sync_error_set(error, SYNC_ERROR_ADDRESS, "cannot listen on %s: %s", text, gai_strerror(code));
        return -1;
    }
    segment_autofd int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0 ||
        (*shown = show(fd, is_loopback)) == NULL) {
        sync_error_set(error, SYNC_ERROR_ADDRESS, "cannot listen on %s: %s", text, g_strerror(errno));
        return -1;
    }
    return segment_fd_steal(&fd);
}
