// SPDX-License-Identifier: MIT
// Inputs of the harnesses that take a transport stream: eight bytes that say what is done with it, then its packets.
#ifndef TESTS_FUZZ_TS_INPUT_H
#define TESTS_FUZZ_TS_INPUT_H

#include <glib.h>
#include <string.h>

#define TS_INPUT_HEAD 8

typedef struct {
    const guint8 *options; // TS_INPUT_HEAD bytes
    guint8 *data; // a block of its own, so that the sanitizers see a read beyond its end
    gsize size;
} TsInput;

static inline void ts_input_clear(TsInput *input)
{
    g_free(input->data);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TsInput, ts_input_clear)

// FALSE where there is too little.
static inline gboolean ts_input_read(const guint8 *data, gsize size, TsInput *input)
{
    if (size < TS_INPUT_HEAD)
        return FALSE;
    *input = (TsInput){.options = data, .size = size - TS_INPUT_HEAD};
    input->data = g_malloc(MAX(input->size, 1));
    memcpy(input->data, data + TS_INPUT_HEAD, input->size);
    return TRUE;
}

#endif
