// SPDX-License-Identifier: MIT
// A transport stream at the level of packets: what ISO 13818-1 asks of counters and clocks, and the bytes of each PID.
#include "tests/judge.h"

#include <libavutil/murmur3.h>
#include <string.h>

#define PACKET 188
#define NULL_PID 0x1FFF
#define PCR_SECOND G_GINT64_CONSTANT(27000000)
#define PCR_WRAP (300 * (G_GINT64_CONSTANT(1) << 33))

typedef struct {
    JudgePid *stream; // NULL unless the PMT names it
    gint8 counter; // -1 before the first
    gboolean is_open; // a PES packet has begun
    gsize wanted; // the size of that packet's payload; 0 if it does not say
    gint64 dts;
    guint jumps;
} PidState;

typedef struct {
    JudgeTs *ts;
    JudgeReport *report;
    PidState *pids;
    guint pmt_pid;
    gint64 pcr;
    guint jumps, pcr_jumps;
    guint64 packet;
} Reader;

gint64 judge_distance(gint64 a, gint64 b)
{
    const gint64 wrap = G_GINT64_CONSTANT(1) << 33;
    gint64 d = (a - b) % wrap;
    if (d < 0)
        d += wrap;
    return d >= wrap / 2 ? d - wrap : d;
}

static gint64 pcr_distance(gint64 a, gint64 b)
{
    gint64 d = (a - b) % PCR_WRAP;
    if (d < 0)
        d += PCR_WRAP;
    return d >= PCR_WRAP / 2 ? d - PCR_WRAP : d;
}

static void pid_free(gpointer data)
{
    JudgePid *pid = data;
    g_byte_array_unref(pid->bytes);
    g_array_unref(pid->units);
    g_free(pid);
}

void judge_ts_free(JudgeTs *ts)
{
    if (ts == NULL)
        return;
    g_ptr_array_unref(ts->pids);
    g_free(ts);
}

gboolean judge_pid_is_video(const JudgePid *pid)
{
    return pid->type == 0x1B || pid->type == 0x24 || pid->type == JUDGE_AV1;
}

gboolean judge_pid_is_audio(const JudgePid *pid)
{
    return pid->type == 0x0F;
}

static int compare_pids(gconstpointer a, gconstpointer b)
{
    const JudgePid *const *x = a, *const *y = b;
    return (int) (*x)->pid - (int) (*y)->pid;
}

static void add_stream(Reader *reader, guint pid, guint8 type)
{
    PidState *state = &reader->pids[pid];
    if (state->stream != NULL)
        return;
    state->stream = g_new0(JudgePid, 1);
    state->stream->pid = pid;
    state->stream->type = type;
    state->stream->bytes = g_byte_array_new();
    state->stream->units = g_array_new(FALSE, FALSE, sizeof(JudgeUnit));
    g_ptr_array_add(reader->ts->pids, state->stream);
}

static void read_section(Reader *reader, guint pid, const guint8 *p, gsize size)
{
    if (size < 1 || size < 1u + p[0] + 12)
        return;
    size -= 1u + p[0];
    p += 1 + p[0];
    gsize length = ((p[1] & 15u) << 8 | p[2]) + 3u;
    if (length > size || length < 16) {
        judge_fault(reader->report, "section", "packet %" G_GUINT64_FORMAT ": a section of %zu bytes", reader->packet,
                    length);
        return;
    }
    if (pid == 0) {
        reader->pmt_pid = (p[10] & 31u) << 8 | p[11];
        return;
    }
    gsize at = 12 + ((p[10] & 15u) << 8 | p[11]);
    while (at + 5 <= length - 4) {
        gsize next = at + 5 + ((p[at + 3] & 15u) << 8 | p[at + 4]);
        gboolean is_av1 =
            p[at] == 0x06 && next <= length - 4 && next >= at + 11 && memcmp(p + at + 5, "\5\4AV01", 6) == 0;
        add_stream(reader, (p[at + 1] & 31u) << 8 | p[at + 2], is_av1 ? JUDGE_AV1 : p[at]);
        at = next;
    }
}

static void read_pcr(Reader *reader, const guint8 *p)
{
    gint64 base = (gint64) p[0] << 25 | p[1] << 17 | p[2] << 9 | p[3] << 1 | p[4] >> 7;
    gint64 pcr = base * 300 + ((p[4] & 1) << 8 | p[5]);
    if (reader->pcr == JUDGE_NO_STAMP) {
        reader->ts->first_pcr = pcr;
    } else {
        gint64 step = pcr_distance(pcr, reader->pcr);
        if (step < 0 || step > PCR_SECOND / 2) {
            if (reader->pcr_jumps < reader->jumps)
                reader->pcr_jumps++;
            else
                judge_fault(reader->report, "PCR", "packet %" G_GUINT64_FORMAT ": a PCR step of %.1f ms",
                            reader->packet, (double) step / 27000);
        }
    }
    reader->pcr = pcr;
}

static gint64 read_stamp(const guint8 *p)
{
    return (gint64) (p[0] >> 1 & 7) << 30 | p[1] << 22 | p[2] >> 1 << 15 | p[3] << 7 | p[4] >> 1;
}

static void end_unit(Reader *reader, PidState *state)
{
    if (!state->is_open)
        return;
    JudgeUnit *unit = &g_array_index(state->stream->units, JudgeUnit, state->stream->units->len - 1);
    unit->size = state->stream->bytes->len - unit->offset;
    if (state->wanted != 0 && unit->size != state->wanted)
        judge_fault(reader->report, "PES",
                    "PID 0x%x: before packet %" G_GUINT64_FORMAT " a PES packet of %zu bytes instead of %zu",
                    state->stream->pid, reader->packet, unit->size, state->wanted);
    state->is_open = FALSE;
}

static void check_clock(Reader *reader, PidState *state, const JudgeUnit *unit)
{
    guint pid = state->stream->pid;
    if (state->dts != JUDGE_NO_STAMP) {
        gint64 step = judge_distance(unit->dts, state->dts);
        if (step <= 0) {
            if (state->jumps < reader->jumps)
                state->jumps++;
            else
                judge_fault(reader->report, "DTS", "packet %" G_GUINT64_FORMAT ": PID 0x%x has a DTS step of %.1f ms",
                            reader->packet, pid, (double) step / 90);
        }
    }
    state->dts = unit->dts;
    if (judge_distance(unit->pts, unit->dts) < 0)
        judge_fault(reader->report, "DTS", "packet %" G_GUINT64_FORMAT ": PID 0x%x: PTS before DTS", reader->packet,
                    pid);
    if (reader->pcr == JUDGE_NO_STAMP) {
        judge_fault(reader->report, "PCR", "packet %" G_GUINT64_FORMAT ": PID 0x%x before the first PCR",
                    reader->packet, pid);
        return;
    }
    gint64 lead = pcr_distance(unit->dts * 300, reader->pcr);
    if ((lead < 0 || lead > 10 * PCR_SECOND) && reader->jumps == 0)
        judge_fault(reader->report, "lead",
                    "packet %" G_GUINT64_FORMAT ": PID 0x%x: DTS is %.1f ms after the PCR it arrives at",
                    reader->packet, pid, (double) lead / 27000);
}

static void begin_unit(Reader *reader, PidState *state, const guint8 *p, gsize size)
{
    end_unit(reader, state);
    if (size < 9 || p[0] != 0 || p[1] != 0 || p[2] != 1 || size < 9u + p[8]) {
        judge_fault(reader->report, "PES", "packet %" G_GUINT64_FORMAT ": PID 0x%x: not a PES header", reader->packet,
                    state->stream->pid);
        return;
    }
    guint head = 9u + p[8], length = (guint) p[4] << 8 | p[5], flags = p[7] >> 6;
    JudgeUnit unit = {JUDGE_NO_STAMP, JUDGE_NO_STAMP, state->stream->bytes->len, 0};
    if (flags >= 2 && p[8] >= (flags == 3 ? 10 : 5)) {
        unit.pts = read_stamp(p + 9);
        unit.dts = flags == 3 ? read_stamp(p + 14) : unit.pts;
        check_clock(reader, state, &unit);
    } else {
        judge_fault(reader->report, "PES", "packet %" G_GUINT64_FORMAT ": PID 0x%x: a PES packet without a stamp",
                    reader->packet, state->stream->pid);
    }
    state->wanted = length == 0 ? 0 : length + 6 - MIN(head, length + 6);
    state->is_open = TRUE;
    g_array_append_val(state->stream->units, unit);
    g_byte_array_append(state->stream->bytes, p + head, (guint) (size - head));
}

static void check_counter(Reader *reader, guint pid, const guint8 *p)
{
    PidState *state = &reader->pids[pid];
    gint8 counter = p[3] & 15;
    gint8 wanted = (p[3] & 0x10) != 0 ? (state->counter + 1) & 15 : state->counter;
    if (state->counter >= 0 && counter != wanted)
        judge_fault(reader->report, "continuity", "packet %" G_GUINT64_FORMAT ": PID 0x%x has counter %d, not %d",
                    reader->packet, pid, counter, wanted);
    state->counter = counter;
}

static void read_packet(Reader *reader, const guint8 *p)
{
    guint pid = (p[1] & 31u) << 8 | p[2];
    if (p[0] != 0x47 || (p[1] & 0x80) != 0) {
        judge_fault(reader->report, "sync", "packet %" G_GUINT64_FORMAT ": no sync byte, or marked as wrong",
                    reader->packet);
        return;
    }
    if (pid == NULL_PID)
        return;
    check_counter(reader, pid, p);
    gsize at = 4;
    if ((p[3] & 0x20) != 0) {
        at = 5u + p[4];
        if (at > PACKET) {
            judge_fault(reader->report, "sync", "packet %" G_GUINT64_FORMAT ": an adaptation field of %u bytes",
                        reader->packet, p[4]);
            return;
        }
        if (p[4] >= 7 && (p[5] & 0x10) != 0)
            read_pcr(reader, p + 6);
    }
    if ((p[3] & 0x10) == 0 || at == PACKET)
        return;
    PidState *state = &reader->pids[pid];
    if (pid == 0 || pid == reader->pmt_pid) {
        if ((p[1] & 0x40) != 0)
            read_section(reader, pid, p + at, PACKET - at);
    } else if (state->stream == NULL) {
        return;
    } else if ((p[1] & 0x40) != 0) {
        begin_unit(reader, state, p + at, PACKET - at);
    } else if (state->is_open) {
        g_byte_array_append(state->stream->bytes, p + at, (guint) (PACKET - at));
    } else {
        judge_fault(reader->report, "PES", "packet %" G_GUINT64_FORMAT ": PID 0x%x: a payload without a header",
                    reader->packet, pid);
    }
}

JudgeTs *judge_ts_read(const guint8 *data, gsize size, guint jumps, JudgeReport *report)
{
    g_autofree PidState *pids = g_new0(PidState, NULL_PID + 1);
    JudgeTs *ts = g_new0(JudgeTs, 1);
    Reader reader = {ts, report, pids, 0, JUDGE_NO_STAMP, jumps};
    ts->pids = g_ptr_array_new_with_free_func(pid_free);
    ts->first_pcr = JUDGE_NO_STAMP;
    for (guint i = 0; i <= NULL_PID; i++) {
        pids[i].counter = -1;
        pids[i].dts = JUDGE_NO_STAMP;
    }
    if (size % PACKET != 0)
        judge_fault(report, "sync", "%zu bytes, not a multiple of %d", size, PACKET);
    for (gsize at = 0; at + PACKET <= size; at += PACKET, reader.packet++)
        read_packet(&reader, data + at);
    for (guint i = 0; i < ts->pids->len; i++)
        end_unit(&reader, &pids[((JudgePid *) g_ptr_array_index(ts->pids, i))->pid]);
    g_ptr_array_sort(ts->pids, compare_pids);
    return ts;
}

// ---- ADTS (ISO 13818-7 6.2)

static void hash_bytes(const guint8 *bytes, gsize size, guint64 hash[2])
{
    static _Thread_local struct AVMurMur3 *context;
    guint8 digest[16];
    if (context == NULL)
        context = av_murmur3_alloc();
    av_murmur3_init(context);
    av_murmur3_update(context, bytes, size);
    av_murmur3_final(context, digest);
    memcpy(hash, digest, sizeof digest);
}

GArray *judge_pid_adts(const JudgePid *pid, JudgeReport *report)
{
    static const guint rates[16] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                    22050, 16000, 12000, 11025, 8000,  7350};
    GArray *frames = g_array_new(FALSE, TRUE, sizeof(JudgeAdts));
    const guint8 *bytes = pid->bytes->data;
    gsize size = pid->bytes->len, at = 0;
    guint unit = 0;
    gint64 base = 0, samples = 0;
    while (at + 7 <= size) {
        const guint8 *p = bytes + at;
        gsize length = (p[3] & 3u) << 11 | (gsize) p[4] << 3 | p[5] >> 5, head = (p[1] & 1) != 0 ? 7 : 9;
        if (p[0] != 0xFF || (p[1] & 0xF6) != 0xF0 || length < head || at + length > size ||
            rates[p[2] >> 2 & 15] == 0) {
            judge_fault(report, "ADTS", "PID 0x%x: no whole ADTS frame at %zu of %zu", pid->pid, at, size);
            at++;
            continue;
        }
        JudgeAdts frame = {.samples = 1024 * ((p[6] & 3u) + 1), .rate = rates[p[2] >> 2 & 15]};
        frame.channels = (p[2] & 1u) << 2 | p[3] >> 6;
        while (unit < pid->units->len && g_array_index(pid->units, JudgeUnit, unit).offset <= at) {
            base = g_array_index(pid->units, JudgeUnit, unit++).pts;
            frame.is_stamped = base != JUDGE_NO_STAMP;
            samples = 0;
        }
        frame.pts = base + (samples * JUDGE_SECOND + frame.rate / 2) / frame.rate;
        hash_bytes(p + head, length - head, frame.hash);
        g_array_append_val(frames, frame);
        samples += frame.samples;
        at += length;
    }
    if (at != size)
        judge_fault(report, "ADTS", "PID 0x%x: %zu bytes are left over", pid->pid, size - at);
    return frames;
}
