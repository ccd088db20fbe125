// SPDX-License-Identifier: MIT
// Who the peers are: names and URLs, from the command line or a file.
#ifndef SYNC_NODES_H
#define SYNC_NODES_H

#include <glib.h>

typedef struct {
    char *name; // printable ASCII without a space, '=', '"' or '\': it labels metrics
    char *url; // http or https, without a slash at its end
} SyncNode;

void sync_node_free(SyncNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncNode, sync_node_free)

// Reads TEXT, "NAME=URL" or "URL", whose name is its host, and its port where it has one. Errors: SYNC_ERROR_ADDRESS.
SyncNode *sync_node_parse(const char *text, GError **error);

// The peers (SyncNode) that FILE has, one a line: "NAME URL" or "URL"; '#' begins a comment. A name is one peer: the
// first line that has it counts. Errors: SYNC_ERROR_ADDRESS, with the line's number, SYNC_ERROR_FILE.
GPtrArray *sync_nodes_read(const char *file, GError **error);

#endif
