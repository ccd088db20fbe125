// SPDX-License-Identifier: MIT
// Judges a cut of a stream that make-media.py made. Time stamps are in 1/90000 s ("ticks"). A source's frames and
// sounds have a place on a line without jumps, wraps and holes in its clock: their flow, 0 at the stream's first frame.
#ifndef TESTS_JUDGE_H
#define TESTS_JUDGE_H

#include <glib.h>

#define JUDGE_SECOND G_GINT64_CONSTANT(90000)
#define JUDGE_TOLERANCE 135 // 1.5 ms
#define JUDGE_NO_STAMP G_MININT64

// The shortest way from stamp B to stamp A, of 33 bits each.
gint64 judge_distance(gint64 a, gint64 b);

// ---- what is wrong (judge.c)

typedef struct JudgeReport JudgeReport;

// KIND groups faults: only the first few of a kind are printed. Without a report nothing is noted.
void judge_fault(JudgeReport *report, const char *kind, const char *format, ...) G_GNUC_PRINTF(3, 4);

// ---- packets (judge-ts.c)

#define JUDGE_AV1 0xA1 // private data (table 2-34: 0x06) that is registered as "AV01"

typedef struct {
    gint64 pts, dts; // DTS is PTS where there is none
    gsize offset, size; // in the PID's bytes
} JudgeUnit; // a PES packet

typedef struct {
    guint pid;
    guint8 type; // of stream, ISO 13818-1 table 2-34; or JUDGE_AV1
    GByteArray *bytes; // the payload of all PES packets
    GArray *units; // JudgeUnit
} JudgePid;

typedef struct {
    GPtrArray *pids; // JudgePid, those of the PMT, by PID
    gint64 first_pcr; // 27 MHz; JUDGE_NO_STAMP without one
} JudgeTs;

typedef struct {
    gint64 pts;
    gboolean is_stamped; // PTS is from a PES header; else counted on from one
    guint samples, rate, channels;
    guint64 hash[2]; // of what follows the ADTS header
} JudgeAdts;

// Reads a whole transport stream. JUMPS: how many times stamps may jump.
JudgeTs *judge_ts_read(const guint8 *data, gsize size, guint jumps, JudgeReport *report);
void judge_ts_free(JudgeTs *ts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JudgeTs, judge_ts_free)

gboolean judge_pid_is_video(const JudgePid *pid);
gboolean judge_pid_is_audio(const JudgePid *pid);

// The ADTS frames of an audio PID: JudgeAdts.
GArray *judge_pid_adts(const JudgePid *pid, JudgeReport *report);

// ---- pictures (judge-picture.c)

struct AVFrame;

// The number that its barcode says; -1 for none.
gint judge_picture_number(const struct AVFrame *frame);

// FALSE where its format is not 8-bit planar YUV.
gboolean judge_picture_hash(const struct AVFrame *frame, guint64 hash[2]);

// dB of its luma against one of WIDTH by HEIGHT, which is scaled where that is another size.
double judge_picture_psnr(const struct AVFrame *frame, const guint8 *luma, guint width, guint height);

// ---- the source (judge-source.c)

typedef struct {
    gint32 number; // -1: not to be read
    guint32 segment;
    gint64 flow;
    gint64 time; // by its segment's name, since the stream's start, in 1/9000000 s
    gint64 pts; // as in the segment
    guint64 hash[2];
    guint64 luma; // offset in the file
    guint32 width, height;
    guint32 is_faulty; // something is wrong with its segment: it need not be there
    guint32 reserved;
} JudgeFrame;

typedef struct {
    guint32 track, segment;
    gint64 flow, time, pts; // as of a frame
    guint64 hash[2];
    guint32 samples, rate;
    guint32 is_faulty, reserved;
} JudgeSound;

typedef struct {
    char magic[8];
    gint64 start; // microseconds since 1970
    gint32 rate, scale; // RATE frames in SCALE seconds
    guint32 n_frames, n_sounds, n_tracks, has_video;
    guint64 frames, sounds; // offsets in the file
    guint32 base[8]; // Hz, by track
} JudgeHeader;

typedef struct {
    GMappedFile *file;
    const JudgeHeader *header;
    const JudgeFrame *frames; // as shown
    const JudgeSound *sounds; // by track, then as heard
    const guint8 *bytes;
    gint64 step; // ticks of a frame
} JudgeSource;

// Decodes the stream of MANIFEST and writes what a judge needs to know beside it.
gboolean judge_source_prepare(const char *manifest, GError **error);

// Opens that; prepares it first where there is none.
JudgeSource *judge_source_open(const char *manifest, GError **error);
void judge_source_free(JudgeSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JudgeSource, judge_source_free)

// ---- the cut

typedef enum { JUDGE_SMART, JUDGE_FAST, JUDGE_FULL } JudgeMode;

typedef struct {
    gint64 start, end; // 1/9000000 s since the stream's start
} JudgeRange;

// Frames that follow each other in the source and in the cut: a range, or what of it lies between two holes.
typedef struct {
    guint range;
    guint first, n; // of the source's frames
    guint at; // how many frames come before it in the cut
    gint64 low, high; // flow of the range's ends
    gint64 flow; // of what is at START
    gint64 start, end; // stamps in the cut: of its first frame, and behind its last
} JudgeRun;

typedef struct {
    gint64 pts;
    guint start, samples; // in the track's samples
} JudgePcm;

typedef struct {
    guint rate;
    GArray *chunks; // JudgePcm
    GArray *samples; // float: the first channel
} JudgeTrack;

typedef struct {
    JudgeMode mode;
    const JudgeSource *source;
    JudgeReport *report;
    GArray *ranges; // JudgeRange
    GArray *runs; // JudgeRun
    gboolean is_broken; // the source is: what libav says of it, and what no frame is made of, is no fault
    guint n_jumps; // how many times its stamps may jump
    GArray *stamps; // gint64: PTS of each frame of the cut
    GPtrArray *tracks; // JudgeTrack, as decoded
    guint n_frames, n_copied, n_encoded, n_sounds, n_marks;
    double least_psnr; // dB, of what is not copied
    gint64 worst_sync; // ticks
} JudgeCut;

// Decodes FILE by libav, and compares its frames with the source's (judge-frames.c). FALSE where sounds cannot be
// judged, since the frames are not those that they should be.
gboolean judge_frames(JudgeCut *cut, const char *file, const JudgeTs *ts);

// Compares the sound with the source's and with the pictures (judge-sound.c).
void judge_sounds(JudgeCut *cut, const JudgeTs *ts);

#endif
