// SPDX-License-Identifier: MIT
// Where a file goes whose bytes are not what its name says: STORE/.quarantine/ has it, under the path that it had.
// Nothing looks there but people; what was there is fetched from a peer.
#ifndef SEGMENT_QUARANTINE_H
#define SEGMENT_QUARANTINE_H

#include <glib.h>

#define SEGMENT_QUARANTINE ".quarantine"

// Moves FILE out of DIRECTORY (a path from the root open at ROOT_FD), durably: first it is there, then it is gone here.
// Where one of its name is there already it gets a number. Errors: SEGMENT_ERRNO; ENOENT where somebody else took it.
gboolean segment_quarantine_move(int root_fd, const char *directory, const char *file, GError **error);

#endif
