// SPDX-License-Identifier: MIT
// libcurl's multi interface, and the bounds of what comes by it.
#include "sync/http-client.h"

#include <curl/curl.h>
#include <string.h>

#include "sync/error.h"

#define MAX_IGNORED (64 * 1024) // bytes of an answer that nobody wants, before its connection is given up
#define MAX_FIELDS (64 * 1024) // bytes of an answer's header fields
#define BUFFER_SIZE (256 * 1024L)

struct SyncClient {
    CURLM *multi;
    char *url, *ca_file;
    struct curl_slist *fields;
    guint timeout;
    GQueue idle; // CURL: set up, without a transfer
    GQueue active; // Transfer
};

typedef struct {
    SyncClient *client;
    CURL *easy;
    SyncGet get;
    char *path;
    char *etag;
    struct curl_slist *fields; // of this one alone
    GString *text; // of the body, where nobody else takes it
    gint64 received, received_fields; // bytes
    GError *error; // why we ended it
    char message[CURL_ERROR_SIZE];
    GList link; // in SyncClient.active
} Transfer;

// ---- what libcurl calls

static guint status_of(CURL *easy)
{
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return (guint) status;
}

static gint64 size_of(CURL *easy)
{
    curl_off_t size = -1;
    curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
    return size;
}

static gboolean take(Transfer *transfer, gconstpointer data, gsize length)
{
    gint64 size = size_of(transfer->easy);
    transfer->received += (gint64) length;
    if (status_of(transfer->easy) != 200)
        return transfer->received <= MAX_IGNORED;
    if (size > transfer->get.max_size || transfer->received > transfer->get.max_size)
        return sync_error_set(&transfer->error, SYNC_ERROR_PEER, "sends more than %" G_GINT64_FORMAT " bytes",
                              transfer->get.max_size);
    if (transfer->get.body != NULL)
        return transfer->get.body(data, length, size, transfer->get.data, &transfer->error);
    g_string_append_len(transfer->text, data, (gssize) length);
    return TRUE;
}

static size_t write_body(char *data, size_t size, size_t n, void *user_data)
{
    return take(user_data, data, size * n) ? size * n : 0;
}

// The value of the field NAME in LINE ("Name: value\r\n"), to be freed; NULL where it is another one.
static char *field_value(const char *line, gsize length, const char *name)
{
    gsize n = strlen(name);
    if (length <= n || line[n] != ':' || g_ascii_strncasecmp(line, name, n) != 0)
        return NULL;
    return g_strstrip(g_strndup(line + n + 1, length - n - 1));
}

static size_t read_field(char *line, size_t size, size_t n, void *data)
{
    Transfer *transfer = data;
    gsize length = size * n;
    g_autofree char *etag = field_value(line, length, "ETag");
    g_autofree char *coding = field_value(line, length, "Content-Encoding");
    transfer->received_fields += (gint64) length;
    if (transfer->received_fields > MAX_FIELDS) {
        sync_error_set(&transfer->error, SYNC_ERROR_PEER, "sends header fields without end");
        return 0;
    }
    if (etag != NULL) {
        g_free(transfer->etag);
        transfer->etag = g_steal_pointer(&etag);
    }
    if (coding == NULL || *coding == '\0' || g_ascii_strcasecmp(coding, "identity") == 0 ||
        status_of(transfer->easy) != 200)
        return length;
    sync_error_set(&transfer->error, SYNC_ERROR_PEER, "sends something compressed, unasked");
    return 0;
}

// ---- transfers

// A setting that libcurl does not take is our mistake, or lack of memory.
#define SET(easy, option, value)                                                                                       \
    do {                                                                                                               \
        CURLcode code = curl_easy_setopt(easy, option, value);                                                         \
        if (code != CURLE_OK)                                                                                          \
            g_error("libcurl: " #option ": %s", curl_easy_strerror(code));                                             \
    } while (0)

static CURL *make_easy(const SyncClient *client)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        g_error("libcurl: no handle");
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
    SET(easy, CURLOPT_PIPEWAIT, g_str_has_prefix(client->url, "https:") ? 1L : 0L);
    SET(easy, CURLOPT_ACCEPT_ENCODING, NULL);
    SET(easy, CURLOPT_USERAGENT, "segfs/" PACKAGE_VERSION);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
    SET(easy, CURLOPT_CONNECTTIMEOUT, (long) client->timeout);
    SET(easy, CURLOPT_LOW_SPEED_LIMIT, (long) SYNC_CLIENT_MIN_RATE);
    SET(easy, CURLOPT_WRITEFUNCTION, write_body);
    SET(easy, CURLOPT_HEADERFUNCTION, read_field);
    if (client->ca_file != NULL)
        SET(easy, CURLOPT_CAINFO, client->ca_file);
    return easy;
}

void sync_client_get(SyncClient *client, const SyncGet *get)
{
    Transfer *transfer = g_new0(Transfer, 1);
    g_autofree char *url = g_strconcat(client->url, get->path, NULL);
    CURL *easy = g_queue_pop_head(&client->idle);
    if (easy == NULL)
        easy = make_easy(client);
    transfer->client = client;
    transfer->easy = easy;
    transfer->get = *get;
    transfer->path = g_strdup(get->path);
    transfer->text = g_string_new(NULL);
    transfer->link.data = transfer;
    if (get->if_none_match != NULL) {
        g_autofree char *field = g_strconcat("If-None-Match: ", get->if_none_match, NULL);
        for (struct curl_slist *l = client->fields; l != NULL; l = l->next)
            transfer->fields = curl_slist_append(transfer->fields, l->data);
        transfer->fields = curl_slist_append(transfer->fields, field);
    }
    SET(easy, CURLOPT_HTTPHEADER, transfer->fields != NULL ? transfer->fields : client->fields);
    SET(easy, CURLOPT_URL, url);
    SET(easy, CURLOPT_TIMEOUT, (long) get->seconds);
    SET(easy, CURLOPT_LOW_SPEED_TIME, (long) (client->timeout + get->patience));
    SET(easy, CURLOPT_WRITEDATA, transfer);
    SET(easy, CURLOPT_HEADERDATA, transfer);
    SET(easy, CURLOPT_PRIVATE, transfer);
    SET(easy, CURLOPT_ERRORBUFFER, transfer->message);
    g_queue_push_tail_link(&client->active, &transfer->link);
    CURLMcode code = curl_multi_add_handle(client->multi, easy);
    if (code != CURLM_OK)
        g_error("libcurl: %s", curl_multi_strerror(code));
}

// Takes it off libcurl; its connection is kept where it came to its end.
static void detach(Transfer *transfer)
{
    SyncClient *client = transfer->client;
    curl_multi_remove_handle(client->multi, transfer->easy);
    g_queue_unlink(&client->active, &transfer->link);
    SET(transfer->easy, CURLOPT_HTTPHEADER, NULL);
    SET(transfer->easy, CURLOPT_ERRORBUFFER, NULL);
    g_queue_push_head(&client->idle, transfer->easy);
}

static void end(Transfer *transfer, CURLcode code)
{
    SyncReply reply = {.status = status_of(transfer->easy), .etag = transfer->etag, .text = transfer->text};
    // The rest of what nobody wants does not matter.
    gboolean whole = code == CURLE_OK || (reply.status != 0 && reply.status != 200 && transfer->received > MAX_IGNORED);
    detach(transfer);
    if (transfer->error == NULL && !whole) {
        const char *reason = transfer->message[0] != '\0' ? transfer->message : curl_easy_strerror(code);
        g_autofree char *text = g_strescape(reason, NULL);
        sync_error_set(&transfer->error, SYNC_ERROR_PEER, "%s", text);
    }
    if (transfer->error != NULL)
        g_prefix_error(&transfer->error, "%s%s: ", transfer->client->url, transfer->path);
    reply.error = transfer->error;
    transfer->get.reply(&reply, transfer->get.data);
    curl_slist_free_all(transfer->fields);
    g_clear_error(&transfer->error);
    g_string_free(transfer->text, TRUE);
    g_free(transfer->etag);
    g_free(transfer->path);
    g_free(transfer);
}

// ---- the client

static gpointer initialize(gpointer data)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        g_error("libcurl does not start");
    return NULL;
}

SyncClient *sync_client_new(const SyncClientOptions *options)
{
    static GOnce once = G_ONCE_INIT;
    g_once(&once, initialize, NULL);
    SyncClient *client = g_new0(SyncClient, 1);
    client->url = g_strdup(options->url);
    client->ca_file = g_strdup(options->ca_file);
    client->timeout = options->timeout;
    client->multi = curl_multi_init();
    if (client->multi == NULL)
        g_error("libcurl: no memory");
    curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long) options->max_connections);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long) options->max_connections);
    if (options->token != NULL) {
        g_autofree char *field = g_strconcat("Authorization: Bearer ", options->token, NULL);
        client->fields = curl_slist_append(NULL, field);
    }
    return client;
}

void sync_client_cancel(SyncClient *client)
{
    while (client->active.head != NULL)
        end(client->active.head->data, CURLE_ABORTED_BY_CALLBACK);
}

void sync_client_free(SyncClient *client)
{
    if (client == NULL)
        return;
    sync_client_cancel(client);
    for (CURL *easy; (easy = g_queue_pop_head(&client->idle)) != NULL;)
        curl_easy_cleanup(easy);
    curl_multi_cleanup(client->multi);
    curl_slist_free_all(client->fields);
    g_free(client->url);
    g_free(client->ca_file);
    g_free(client);
}

static guint end_all_done(SyncClient *client)
{
    const CURLMsg *message;
    guint n_done = 0;
    int left;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        char *transfer = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        end((Transfer *) transfer, code);
        n_done++;
    }
    return n_done;
}

void sync_client_run(SyncClient *client, gint64 until)
{
    int running;
    curl_multi_perform(client->multi, &running);
    gint64 left = until - g_get_monotonic_time();
    if (end_all_done(client) > 0 || left <= 0)
        return;
    curl_multi_poll(client->multi, NULL, 0, (int) MIN((left + 999) / 1000, G_MAXINT), NULL);
    curl_multi_perform(client->multi, &running);
    end_all_done(client);
}

void sync_client_wake(SyncClient *client)
{
    curl_multi_wakeup(client->multi);
}

void sync_path_append(GString *path, const char *names)
{
    // What a path may have unescaped, but for percent signs and what begins a query.
    static const char kept[] = ":@!$&'()*+,;=/";
    g_string_append_c(path, '/');
    g_string_append_uri_escaped(path, names, kept, FALSE);
}
