/* What the board's end of the link sends, and in which order. See rl_link.h. */
#include "rl_link_parts.h"

#include <string.h>

/* Largest of the bodies that the link makes itself. */
#define OWN_BODY_BYTES 96u
/* Kept free for a CREDIT, so that full queues on both sides never wait for each other. */
#define CREDIT_ROOM 12u

bool rl_link_send(rl_link *link, uint8_t kind, const uint8_t *body, uint16_t size)
{
    bool queued = false;

    if (link->state != RL_UP) {
        return false;
    }
    if (kind >= RL_FIRST_BEST_EFFORT) {
        queued = rl_queue_add(&link->best_effort, kind, body, size);
    } else if (size > RL_BODY_MAX) {
        return rl_fragments_send(link, kind, body, size);
    } else if (rl_queue_fits(&link->sequenced, (uint16_t)(size + CREDIT_ROOM)) || (size > RL_BODY_MAX - CREDIT_ROOM)) {
        queued = rl_queue_add(&link->sequenced, kind, body, size);
    } else {
        /* Full. */
    }
    if (!queued) {
        rl_link_count(link, RL_COUNT_QUEUE_FULL);
    }
    return queued;
}

bool rl_link_send_message(rl_link *link, uint8_t kind, const void *message)
{
    uint8_t body[RL_BODY_MAX];
    uint16_t size;
    const rl_table *table = rl_table_of_kind(kind);

    if (link->state != RL_UP) {
        return false;
    }
    if ((table == NULL) || !rl_encode(table, message, body, (uint16_t)sizeof body, &size)) {
        rl_link_count(link, RL_COUNT_QUEUE_FULL);
        return false;
    }
    return rl_link_send(link, kind, body, size);
}

bool rl_link_has_room(const rl_link *link, uint16_t size)
{
    return (link->state == RL_UP) &&
           ((uint32_t)link->sequenced.used + 2u * ((uint32_t)size + CREDIT_ROOM) <= link->sequenced.capacity);
}

void rl_link_log(rl_link *link, const char *text)
{
    size_t size = strlen(text);
    size_t room = sizeof link->log - link->log_size;
    size_t taken = (size + 2u <= room) ? size : ((room > 2u) ? room - 2u : 0u);

    if (taken < size) {
        rl_link_count(link, RL_COUNT_LOG_CUT);
    }
    if (room < 2u) {
        return;
    }
    for (size_t i = 0u; i < taken; i++) {
        /* The flag's character, and the two that interrupt or pause a line, are no text here. */
        char one = text[i];
        bool shown = ((one >= ' ') && (one < '~')) || ((one & '\x80') != 0);

        link->log[link->log_size] = shown ? one : '-';
        link->log_size++;
    }
    link->log[link->log_size] = '\r';
    link->log[link->log_size + 1u] = '\n';
    link->log_size = (uint16_t)(link->log_size + 2u);
}

static void own_body(rl_frame *frame, uint8_t kind, const void *message, uint8_t *body)
{
    frame->kind = kind;
    frame->seq = 0u;
    frame->ack = 0u;
    frame->body = body;
    frame->size = 0u;
    if (message != NULL) {
        (void)rl_encode(rl_table_of_kind(kind), message, body, OWN_BODY_BYTES, &frame->size);
    }
}

static void make_hello(rl_link *link, uint32_t now, rl_frame *frame, uint8_t *body)
{
    rl_msg_hello hello;

    (void)memset(&hello, 0, sizeof hello);
    hello.major = RL_MAJOR;
    hello.minor = RL_MINOR;
    hello.schema_hash = RL_SCHEMA_HASH;
    hello.sheet_hash = link->sheet_hash;
    hello.session_id = link->session_id;
    hello.nonce = link->nonce;
    hello.echo_nonce = link->peer_nonce;
    hello.established = link->state == RL_UP;
    hello.stop_generation = link->stop_generation;
    hello.stop_latched = link->stop_latched;
    hello.largest_message = RL_LARGEST_MESSAGE;
    hello.fragment_credit = 2u * RL_LARGEST_MESSAGE;
    own_body(frame, RL_FRAME_KIND_HELLO, &hello, body);
    link->hello_due = false;
    link->hello_at = now + RL_HELLO_MS;
}

static void make_report(rl_link *link, uint32_t now, rl_frame *frame, uint8_t *body)
{
    rl_msg_link_report report;
    uint64_t ns;

    (void)memset(&report, 0, sizeof report);
    report.number = link->report;
    report.frames = link->counters[RL_COUNT_FRAMES];
    report.bad_frames = link->counters[RL_COUNT_BAD_FRAMES];
    report.out_of_sequence = link->counters[RL_COUNT_OUT_OF_SEQUENCE];
    report.resent = link->counters[RL_COUNT_RESENT];
    report.dropped = link->counters[RL_COUNT_QUEUE_FULL];
    report.uptime_ms = now - link->began;
    report.has_time_error_us = rl_link_site_time(link, now, &ns, &report.time_error_us);
    own_body(frame, RL_FRAME_KIND_LINK_REPORT, &report, body);
    link->report_due = false;
}

static void make_time_query(rl_link *link, uint32_t now, rl_frame *frame, uint8_t *body)
{
    rl_msg_time_query query = {now};

    own_body(frame, RL_FRAME_KIND_TIME_QUERY, &query, body);
    link->site.due = false;
    link->site.asked = now;
}

/* The next sequenced frame that the window lets go. It stays queued until it is acknowledged. */
static bool next_sequenced(rl_link *link, uint32_t now, rl_frame *frame)
{
    if ((link->outstanding > 0u) && (rl_ms_between(link->resent, now) >= (int32_t)RL_RESEND_MS)) {
        link->resent = now;
        link->in_flight = 0u; /* all of them again */
    }
    rl_fragments_grant(link);
    if ((link->in_flight >= RL_WINDOW) || !rl_queue_at(&link->sequenced, link->in_flight, frame)) {
        return false;
    }
    if (link->outstanding == 0u) {
        link->resent = now;
    }
    if (link->in_flight < link->outstanding) {
        rl_link_count(link, RL_COUNT_RESENT);
    } else {
        link->outstanding++;
    }
    frame->seq = (uint8_t)(link->first_seq + link->in_flight);
    link->in_flight++;
    return true;
}

/* The next frame of the session, in order of urgency. `from_queue`: it is to be dropped there once it is sent. */
static bool next_frame(rl_link *link, uint32_t now, rl_frame *frame, uint8_t *body, bool *from_queue)
{
    rl_msg_bulk_credit word;

    *from_queue = false;
    if (link->report_due) {
        make_report(link, now, frame, body);
        return true;
    }
    if (next_sequenced(link, now, frame)) {
        return true;
    }
    if (link->site.due) {
        make_time_query(link, now, frame, body);
        return true;
    }
    if (rl_queue_at(&link->best_effort, 0u, frame)) {
        *from_queue = true;
        return true;
    }
    if (rl_bulk_word(link, now, &word)) {
        own_body(frame, RL_FRAME_KIND_BULK_CREDIT, &word, body);
        return true;
    }
    if (link->ack_due || (rl_ms_between(link->sent, now) >= (int32_t)RL_BEAT_MS)) {
        own_body(frame, RL_FRAME_KIND_BEAT, NULL, body);
        return true;
    }
    return false;
}

static size_t put_log(rl_link *link, uint8_t *out)
{
    size_t size = link->log_size;

    (void)memcpy(out, link->log, size);
    link->log_size = 0u;
    return size;
}

size_t rl_link_output(rl_link *link, uint32_t now, uint8_t *out, size_t capacity)
{
    size_t size = 0u;
    bool more = true;

    rl_link_step(link, now);
    if (capacity - size >= sizeof link->log) {
        size += put_log(link, &out[size]);
    }
    /* A place for the longest frame: nothing is taken from a queue that could not be written. */
    while (more && (capacity - size >= RL_WIRE_MAX)) {
        uint8_t body[OWN_BODY_BYTES];
        rl_frame frame;
        bool from_queue = false;

        if (link->hello_due || ((link->state != RL_UP) && (rl_ms_between(link->hello_at, now) >= 0))) {
            make_hello(link, now, &frame, body);
        } else {
            more = (link->state == RL_UP) && next_frame(link, now, &frame, body, &from_queue);
        }
        if (more) {
            frame.ack = link->expected;
            if (frame.kind == RL_FRAME_KIND_HELLO) {
                frame.ack = 0u;
            } else {
                link->ack_due = false;
            }
            size += rl_frame_encode(&frame, link->decoder.seed, &out[size], capacity - size);
            link->sent = now;
            if (from_queue) {
                rl_queue_drop(&link->best_effort, 1u);
            }
        }
    }
    return size;
}
