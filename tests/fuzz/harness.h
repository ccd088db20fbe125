// SPDX-License-Identifier: MIT
// What all harnesses share: one function that libFuzzer calls with its inputs. Built without libFuzzer, with replay.c,
// a harness is a test that runs over the files of its corpus.
#ifndef TESTS_FUZZ_HARNESS_H
#define TESTS_FUZZ_HARNESS_H

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

// Not g_assert(), which may be compiled away.
#define fuzz_assert(condition)                                                                                         \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
