// SPDX-License-Identifier: MIT
// Names that users make up in range/: what is taken for a cut has to make sense.
#include "cut/request.h"
#include "tests/fuzz/harness.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *) data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(CutRequest) request = cut_request_parse(text, &error);
    if (request == NULL) {
        fuzz_assert(error != NULL && error->domain == CUT_ERROR);
        return 0;
    }
    fuzz_assert(error == NULL && request->n_spans > 0);
    for (guint i = 0; i < request->n_spans; i++)
        fuzz_assert(request->spans[i].start < request->spans[i].end);
    fuzz_assert(cut_mode_to_string(request->mode) != NULL);
    fuzz_assert((request->width == 0) == (request->height == 0));
    fuzz_assert(request->width == 0 || request->format == CUT_FORMAT_PNG);
    return 0;
}
