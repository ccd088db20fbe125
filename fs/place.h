// SPDX-License-Identifier: MIT
// Where a path is: in a store, or in a mount of one. segfsctl takes both.
#ifndef FS_PLACE_H
#define FS_PLACE_H

#include <glib.h>
#include <json-glib/json-glib.h>

#include "segment/store.h"

#define FS_PLACE_ERROR (fs_place_error_quark())
GQuark fs_place_error_quark(void);

// The mountpoints of all segfs mounts of this machine (char *).
GPtrArray *fs_place_mounts(void);

// Whether the directory at PATH is in a segfs mount.
gboolean fs_place_is_mounted(const char *path);

// The directory in the store behind the directory PATH: itself, where it is in no mount. Only on the machine that has
// the store, and only for who may read .segfs/status.json. Free it.
char *fs_place_in_store(const char *path, GError **error);

// The file NAME of .segfs in the mount at MOUNTPOINT, as JSON. Free it with json_node_unref().
JsonNode *fs_place_read_control(const char *mountpoint, const char *name, GError **error);

// The stream at PATH, CHANNEL/QUALITY in a store or a mount. *STORE, which is the caller's, has to outlive it.
SegmentStream *fs_place_open_stream(const char *path, SegmentStore **store, GError **error);

#endif
