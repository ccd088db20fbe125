// SPDX-License-Identifier: MIT
// Pictures as files: decoded frames to RGB, and those to PNG and JPEG, by libswscale and libavcodec.
#ifndef CUT_PICTURE_H
#define CUT_PICTURE_H

#include "cut/codec.h"

// FRAME in RGB of eight bits and full range, as large as it is. Its own matrix and range decide; where it does not say,
// large ones are BT.709 and others BT.601, as players have it.
AVFrame *cut_picture_to_rgb(const AVFrame *frame, GError **error);

// FRAME, in RGB or with a palette, as a PNG; what is in RGB as a JPEG.
GBytes *cut_picture_to_png(const AVFrame *frame, GError **error);
GBytes *cut_picture_to_jpeg(const AVFrame *frame, GError **error);

#endif
