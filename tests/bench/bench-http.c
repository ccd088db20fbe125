// SPDX-License-Identifier: MIT
// Asks a server for the same paths again and again: bench-http HOST PORT SECONDS CONNECTIONS PATH...
// Prints requests and bytes a second. Each connection is a thread that keeps it; any answer but 200 ends the program.
#include <arpa/inet.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER (1 << 20)

typedef struct {
    struct sockaddr_in address;
    char **requests;
    guint n_requests, first;
    gint64 end; // monotonic
    guint64 n, bytes;
} Client;

G_GNUC_NORETURN static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

// Reads one answer; returns the length of its body.
static guint64 take_answer(int fd, char *buffer)
{
    gsize have = 0;
    char *body = NULL;
    while (body == NULL) {
        ssize_t n = recv(fd, buffer + have, BUFFER - 1 - have, 0);
        if (n <= 0)
            fail("recv");
        have += (gsize) n;
        buffer[have] = '\0';
        body = strstr(buffer, "\r\n\r\n");
    }
    const char *length = strcasestr(buffer, "\r\nContent-Length:");
    if (strncmp(buffer, "HTTP/1.1 200", 12) != 0 || length == NULL || length > body) {
        fprintf(stderr, "%.200s\n", buffer);
        exit(EXIT_FAILURE);
    }
    guint64 size = g_ascii_strtoull(length + strlen("\r\nContent-Length:"), NULL, 10);
    guint64 left = size - (have - (gsize) (body + 4 - buffer));
    while (left > 0) {
        ssize_t n = recv(fd, buffer, MIN(left, BUFFER), 0);
        if (n <= 0)
            fail("recv");
        left -= (guint64) n;
    }
    return size;
}

static gpointer run(gpointer data)
{
    Client *client = data;
    g_autofree char *buffer = g_malloc(BUFFER);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *) &client->address, sizeof client->address) < 0)
        fail("connect");
    for (guint i = client->first; g_get_monotonic_time() < client->end; i++) {
        const char *request = client->requests[i % client->n_requests];
        if (send(fd, request, strlen(request), 0) != (ssize_t) strlen(request))
            fail("send");
        client->bytes += take_answer(fd, buffer);
        client->n++;
    }
    close(fd);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fputs("usage: bench-http HOST PORT SECONDS CONNECTIONS PATH...\n", stderr);
        return 2;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((guint16) atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &address.sin_addr);
    double seconds = g_ascii_strtod(argv[3], NULL);
    guint n_clients = (guint) atoi(argv[4]), n_requests = (guint) argc - 5;
    g_autofree char **requests = g_new0(char *, n_requests);
    g_autofree Client *clients = g_new0(Client, n_clients);
    g_autofree GThread **threads = g_new0(GThread *, n_clients);
    for (guint i = 0; i < n_requests; i++)
        requests[i] = g_strdup_printf("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", argv[5 + i], argv[1]);

    gint64 start = g_get_monotonic_time();
    guint64 n = 0, bytes = 0;
    for (guint i = 0; i < n_clients; i++) {
        clients[i] = (Client){address, requests, n_requests, i * 7919, start + (gint64) (seconds * 1e6), 0, 0};
        threads[i] = g_thread_new("client", run, &clients[i]);
    }
    for (guint i = 0; i < n_clients; i++) {
        g_thread_join(threads[i]);
        n += clients[i].n;
        bytes += clients[i].bytes;
    }
    double took = (double) (g_get_monotonic_time() - start) / 1e6;
    printf("%.0f %.0f\n", (double) n / took, (double) bytes / took);
    return EXIT_SUCCESS;
}
