/* The session of the board's end: HELLO, what a frame means to the link, silence. See rl_link.h; its bytes out are in
 * rl_link_out.c. */
#include "rl_link_parts.h"

#include <string.h>

static const char *const NAMES[RL_COUNTERS] = {
    [RL_COUNT_FRAMES] = "frames",
    [RL_COUNT_BAD_FRAMES] = "bad_frames",
    [RL_COUNT_BEFORE_HELLO] = "before_hello",
    [RL_COUNT_OWN_HELLO] = "own_hello",
    [RL_COUNT_OUT_OF_SEQUENCE] = "out_of_sequence",
    [RL_COUNT_RESENT] = "resent",
    [RL_COUNT_UNKNOWN_KIND] = "unknown_kind",
    [RL_COUNT_BAD_BODY] = "bad_body",
    [RL_COUNT_BAD_FRAGMENT] = "bad_fragment",
    [RL_COUNT_BULK_OUT_OF_PLACE] = "bulk_out_of_place",
    [RL_COUNT_NO_CREDIT] = "no_credit",
    [RL_COUNT_QUEUE_FULL] = "queue_full",
    [RL_COUNT_WATCHDOG] = "watchdog",
    [RL_COUNT_FORBIDDEN] = "forbidden",
    [RL_COUNT_NOT_FOR_A_BOARD] = "not_for_a_board",
    [RL_COUNT_COMMAND_REPEATED] = "command_repeated",
    [RL_COUNT_OLDER_LEASE] = "older_lease",
    [RL_COUNT_BAD_SETPOINT] = "bad_setpoint",
    [RL_COUNT_SETPOINT_REFUSED] = "setpoint_refused",
    [RL_COUNT_SETPOINT_OUT_OF_LIMITS] = "setpoint_out_of_limits",
    [RL_COUNT_RELEASE_OF_ANOTHER_GENERATION] = "release_of_another_generation",
    [RL_COUNT_LOG_CUT] = "log_cut",
};

const char *rl_counter_name(rl_counter counter)
{
    return NAMES[counter];
}

void rl_link_count(rl_link *link, rl_counter counter)
{
    link->counters[counter]++;
}

int32_t rl_ms_between(uint32_t start, uint32_t end)
{
    uint32_t difference = end - start;

    return (difference <= (uint32_t)INT32_MAX) ? (int32_t)difference : -(int32_t)(UINT32_MAX - difference) - 1;
}

static uint32_t random_number(rl_link *link)
{
    uint32_t made = link->random_u32(link->random_self);

    return (made != 0u) ? made : 1u; /* 0 means "none" on the wire */
}

static void new_window(rl_link *link, uint32_t now)
{
    rl_queue_init(&link->sequenced, link->sequenced_bytes, (uint16_t)sizeof link->sequenced_bytes);
    rl_queue_init(&link->best_effort, link->best_effort_bytes, (uint16_t)sizeof link->best_effort_bytes);
    link->first_seq = 0u;
    link->in_flight = 0u;
    link->outstanding = 0u;
    link->expected = 0u;
    link->ack_due = false;
    link->report_due = false;
    link->sent = now;
    link->resent = now;
    link->fragments.total = 0u;
    link->site.due = false;
}

void rl_link_greet(rl_link *link, uint32_t now, bool new_nonce)
{
    if (new_nonce) {
        link->nonce = random_number(link);
    }
    link->decoder.seed = 0u;
    link->hello_at = now;
    link->hello_due = true;
    new_window(link, now);
}

void rl_link_init(rl_link *link, const rl_link_owner *owner, void *owner_self, uint32_t (*random_u32)(void *self),
                  void *random_self, uint32_t now)
{
    (void)memset(link, 0, sizeof *link);
    link->owner = owner;
    link->owner_self = owner_self;
    link->random_u32 = random_u32;
    link->random_self = random_self;
    link->state = RL_GREETING;
    link->session_id = random_number(link);
    link->heard = now;
    link->began = now;
    rl_link_greet(link, now, true);
}

static void go_up(rl_link *link, const rl_msg_hello *hello, uint32_t now)
{
    bool same = link->host_known && (hello->session_id == link->host_session);

    link->state = RL_UP;
    link->decoder.seed = link->nonce ^ hello->nonce;
    new_window(link, now);
    link->heard = now;
    link->hello_due = false;
    link->host_session = hello->session_id;
    link->host_known = true;
    if (!same) {
        link->site.known = false;
    }
    link->site.due = true;
    rl_fragments_begin(link, hello);
    rl_bulk_new_session(link);
    link->owner->up(link->owner_self, hello, same, now);
}

static void go_down(rl_link *link, uint32_t now, bool new_nonce)
{
    link->state = RL_GREETING;
    rl_link_greet(link, now, new_nonce);
    link->owner->down(link->owner_self, now);
}

static char *put_text(char *at, const char *text)
{
    size_t size = strlen(text);

    (void)memcpy(at, text, size + 1u);
    return &at[size];
}

static char *put_u32(char *at, uint32_t value)
{
    char digits[10];
    size_t count = 0u;
    uint32_t rest = value;

    do {
        digits[count] = (char)('0' + (char)(rest % 10u));
        rest /= 10u;
        count++;
    } while ((rest > 0u) && (count < sizeof digits));
    for (size_t i = 0u; i < count; i++) {
        at[i] = digits[count - 1u - i];
    }
    at[count] = '\0';
    return &at[count];
}

static void refuse(rl_link *link, const rl_msg_hello *hello, uint32_t now)
{
    if (link->state == RL_UP) {
        go_down(link, now, true);
    }
    if ((link->state != RL_REFUSED) || (hello->nonce != link->peer_nonce)) {
        char text[160];
        char *at = put_text(text, "robolink: the host speaks robolink serial ");

        at = put_u32(at, hello->major);
        at = put_text(at, ".");
        at = put_u32(at, hello->minor);
        at = put_text(at, ", this board speaks ");
        at = put_u32(at, RL_MAJOR);
        at = put_text(at, ".");
        at = put_u32(at, RL_MINOR);
        (void)put_text(at, ": another major version; update the older side");
        rl_link_log(link, text);
        link->hello_due = true;
    }
    link->state = RL_REFUSED;
    link->peer_nonce = hello->nonce;
}

static void take_hello(rl_link *link, const rl_frame *frame, uint32_t now)
{
    rl_msg_hello hello;
    bool match;

    if (!rl_link_decode(link, frame->kind, frame->body, frame->size, &hello)) {
        return;
    }
    if (hello.nonce == link->nonce) {
        rl_link_count(link, RL_COUNT_OWN_HELLO); /* an echo of the line */
        return;
    }
    if (hello.major != RL_MAJOR) {
        refuse(link, &hello, now);
        return;
    }
    match = hello.echo_nonce == link->nonce;
    if ((link->state == RL_UP) && (hello.nonce != link->peer_nonce)) {
        go_down(link, now, false);
    }
    link->peer_nonce = hello.nonce;
    if (link->state != RL_UP) {
        link->state = RL_GREETING;
        if (match) {
            go_up(link, &hello, now);
        }
    } else if (match) {
        link->heard = now;
    } else {
        /* It has not heard us yet: the answer below tells it. */
    }
    if (!(match && hello.established)) {
        link->hello_due = true;
    }
}

bool rl_link_decode(rl_link *link, uint8_t kind, const uint8_t *body, uint16_t size, void *message)
{
    const rl_table *table = rl_table_of_kind(kind);

    if ((table == NULL) || !rl_decode(table, body, size, message)) {
        rl_link_count(link, RL_COUNT_BAD_BODY);
        return false;
    }
    return true;
}

static void take_ack(rl_link *link, uint8_t ack, uint32_t now)
{
    uint8_t done = (uint8_t)(ack - link->first_seq);

    if ((done == 0u) || (done > link->outstanding)) {
        return;
    }
    rl_queue_drop(&link->sequenced, done);
    link->first_seq = ack;
    link->outstanding = (uint8_t)(link->outstanding - done);
    link->in_flight = (link->in_flight > done) ? (uint8_t)(link->in_flight - done) : 0u;
    link->resent = now;
}

static void take_probe(rl_link *link, const rl_frame *frame)
{
    rl_msg_probe probe;

    if (rl_link_decode(link, frame->kind, frame->body, frame->size, &probe)) {
        link->report_due = true;
        link->report = probe.number;
    }
}

void rl_link_hand_on(rl_link *link, uint8_t kind, const uint8_t *body, uint16_t size, uint32_t now)
{
    if (rl_table_of_kind(kind) == NULL) {
        rl_link_count(link, RL_COUNT_UNKNOWN_KIND);
    } else {
        link->owner->frame(link->owner_self, kind, body, size, now);
    }
}

static void take_frame(rl_link *link, const rl_frame *frame, uint32_t now)
{
    if (frame->kind == RL_FRAME_KIND_HELLO) {
        take_hello(link, frame, now);
        return;
    }
    if (link->state != RL_UP) {
        rl_link_count(link, RL_COUNT_BEFORE_HELLO);
        return;
    }
    link->heard = now;
    rl_link_count(link, RL_COUNT_FRAMES);
    take_ack(link, frame->ack, now);
    if (frame->kind < RL_FIRST_BEST_EFFORT) {
        link->ack_due = true;
        if (frame->seq != link->expected) {
            rl_link_count(link, RL_COUNT_OUT_OF_SEQUENCE);
            return;
        }
        link->expected++;
    }
    switch (frame->kind) {
    case RL_FRAME_KIND_BEAT:
        break;
    case RL_FRAME_KIND_FRAGMENT:
        rl_fragments_take(link, frame, now);
        break;
    case RL_FRAME_KIND_CREDIT:
        rl_fragments_take_credit(link, frame);
        break;
    case RL_FRAME_KIND_TIME:
        rl_site_take(link, frame, now);
        break;
    case RL_FRAME_KIND_BULK_DATA:
        rl_bulk_take(link, frame, now);
        break;
    case RL_FRAME_KIND_PROBE:
        take_probe(link, frame);
        break;
    default:
        rl_link_hand_on(link, frame->kind, frame->body, frame->size, now);
        break;
    }
}

void rl_link_receive(rl_link *link, const uint8_t *data, size_t size, uint32_t now)
{
    for (size_t i = 0u; i < size; i++) {
        rl_frame frame;

        if (rl_decoder_take(&link->decoder, data[i], &frame)) {
            take_frame(link, &frame, now);
        }
    }
    link->counters[RL_COUNT_BAD_FRAMES] = link->decoder.bad_frames;
}

void rl_link_step(rl_link *link, uint32_t now)
{
    if ((link->state == RL_UP) && (rl_ms_between(link->heard, now) >= (int32_t)RL_SILENT_MS)) {
        go_down(link, now, true);
    }
    rl_site_step(link, now);
}
