/* The board's end of the serial link (proto/STANDARD.md, 14.2 and 14.3): HELLO, beats, sequence and acknowledgement.
 *
 * Bytes in, calls and bytes out; `now` is a uint32_t of milliseconds that wraps. It opens nothing, reads no clock and
 * knows nothing of motion: rl_board.h does. */
#ifndef ROBOLINK_RL_LINK_H
#define ROBOLINK_RL_LINK_H

#include <robolink/rl_config.h>
#include <robolink/rl_frame.h>
#include <robolink/rl_messages.h>

typedef enum { RL_GREETING, RL_UP, RL_REFUSED } rl_link_state;

/* What was dropped, sent again or not understood; never reset. Names: rl_counter_name. */
typedef enum {
    RL_COUNT_FRAMES, /* good ones of this board's sessions */
    RL_COUNT_BAD_FRAMES,
    RL_COUNT_BEFORE_HELLO,
    RL_COUNT_OWN_HELLO,
    RL_COUNT_OUT_OF_SEQUENCE,
    RL_COUNT_RESENT,
    RL_COUNT_UNKNOWN_KIND,
    RL_COUNT_BAD_BODY,
    RL_COUNT_BAD_FRAGMENT,
    RL_COUNT_BULK_OUT_OF_PLACE,
    RL_COUNT_NO_CREDIT,
    RL_COUNT_QUEUE_FULL,
    RL_COUNT_WATCHDOG,
    RL_COUNT_FORBIDDEN,
    RL_COUNT_NOT_FOR_A_BOARD,
    RL_COUNT_COMMAND_REPEATED,
    RL_COUNT_OLDER_LEASE,
    RL_COUNT_BAD_SETPOINT,
    RL_COUNT_SETPOINT_REFUSED,
    RL_COUNT_SETPOINT_OUT_OF_LIMITS,
    RL_COUNT_RELEASE_OF_ANOTHER_GENERATION,
    RL_COUNT_LOG_CUT,
    RL_COUNTERS
} rl_counter;

/* Who owns the link; called from rl_link_receive and rl_link_step. */
typedef struct {
    void (*up)(void *owner, const rl_msg_hello *hello, bool same_host, uint32_t now);
    void (*down)(void *owner, uint32_t now);
    /* A frame that is for the owner: sequenced ones once and in order. */
    void (*frame)(void *owner, uint8_t kind, const uint8_t *body, uint16_t size, uint32_t now);
    /* The next bytes of the image that rl_link_open_bulk waits for; they are stored once this returns. */
    void (*bulk)(void *owner, uint32_t transfer, uint32_t offset, const uint8_t *data, uint16_t size, uint32_t now);
} rl_link_owner;

/* Frames one after the other: kind, body size, body. */
typedef struct {
    uint8_t *bytes;
    uint16_t capacity;
    uint16_t used;
    uint8_t count;
} rl_queue;

/* Bodies in fragments (14.8), both ways. */
typedef struct {
    uint8_t kind; /* of the body that is open */
    uint16_t total;
    uint16_t size; /* what has come of it; total 0: none is open */
    /* Sums of this session, modulo 2^32: bytes of bodies that were begun, that may come, that the host knows may come. */
    uint32_t begun;
    uint32_t granted;
    uint32_t told;
    uint32_t sent;
    uint32_t peer_granted;
    uint32_t peer_largest;
#if RL_LARGEST_MESSAGE > 0
    uint8_t bytes[RL_LARGEST_MESSAGE];
#endif
} rl_fragments;

/* An image that comes in (14.11), whatever it means. */
typedef struct {
    bool open;
    uint32_t transfer;
    uint32_t size;
    uint32_t next_offset;
    uint32_t credit; /* taken ahead of what is stored */
    uint32_t stored;
    uint32_t told; /* the host may send up to here */
    bool out_of_place_told;
    bool due;
    uint32_t due_at;
} rl_bulk;

/* Site time (14.9), for stamps alone: no deadline is judged by it. */
typedef struct {
    bool known;
    uint32_t clock_id;
    uint32_t at;  /* this board's ms, when site time was `ns` */
    uint64_t ns;
    uint32_t error_us;
    uint32_t asked;
    bool due;
} rl_site_time;

typedef struct {
    const rl_link_owner *owner;
    void *owner_self;
    uint32_t (*random_u32)(void *self);
    void *random_self;

    rl_link_state state;
    uint32_t session_id;
    uint32_t sheet_hash;
    /* What the next HELLO tells; the owner keeps both true. */
    uint32_t stop_generation;
    bool stop_latched;
    /* When the last frame of this session came: the first watchdog reads it. */
    uint32_t heard;
    uint32_t counters[RL_COUNTERS];

    uint32_t nonce;
    uint32_t peer_nonce;
    uint32_t host_session;
    bool host_known;
    uint32_t hello_at;
    bool hello_due;
    uint32_t sent;
    uint32_t resent;
    uint8_t first_seq; /* of the first frame in `sequenced` */
    uint8_t in_flight; /* frames of it that were sent since the last time that all were sent again */
    uint8_t outstanding; /* frames of it that were sent at all */
    uint8_t expected;
    bool ack_due;
    bool report_due; /* LINK_REPORT, in answer to probe `report` */
    uint32_t report;
    uint32_t began;

    rl_site_time site;
    rl_fragments fragments;
    rl_bulk bulk;
    rl_decoder decoder;
    rl_queue sequenced;
    rl_queue best_effort;
    uint8_t sequenced_bytes[RL_SEND_BYTES];
    uint8_t best_effort_bytes[RL_BEST_EFFORT_BYTES];
    uint16_t log_size;
    char log[RL_LOG_BYTES];
} rl_link;

/* `random_u32` makes session id and nonces: it must differ at each boot, it need not be secret. */
void rl_link_init(rl_link *link, const rl_link_owner *owner, void *owner_self, uint32_t (*random_u32)(void *self),
                  void *random_self, uint32_t now);

void rl_link_receive(rl_link *link, const uint8_t *data, size_t size, uint32_t now);

/* Notices silence. */
void rl_link_step(rl_link *link, uint32_t now);

/* The bytes that are due, whole frames; 0: none, or the next does not fit. A capacity of RL_WIRE_MAX is always enough;
 * call it again until it answers 0, as long as the line takes bytes. */
size_t rl_link_output(rl_link *link, uint32_t now, uint8_t *out, size_t capacity);

/* Queues a body. False: not up, or there is no room or (of one longer than a frame) no credit, which is counted.
 * Sequenced kinds arrive or the session ends. */
bool rl_link_send(rl_link *link, uint8_t kind, const uint8_t *body, uint16_t size);
/* The same of a message's struct. */
bool rl_link_send_message(rl_link *link, uint8_t kind, const void *message);
/* Whether a sequenced body of that size finds room now, and another one behind it. */
bool rl_link_has_room(const rl_link *link, uint16_t size);

/* Take an image of `size` bytes from `next_offset` on, `credit` bytes ahead of what is stored; over sessions, until it is
 * closed. */
void rl_link_open_bulk(rl_link *link, uint32_t transfer, uint32_t size, uint32_t next_offset, uint32_t credit);
void rl_link_close_bulk(rl_link *link);

/* Site time at `now`, and the bound of its error. False: this board does not know it. */
bool rl_link_site_time(const rl_link *link, uint32_t now, uint64_t *ns, uint32_t *error_us);

/* A line of text between the frames, for the host's log. It is cut to what fits (counted). */
void rl_link_log(rl_link *link, const char *text);

void rl_link_count(rl_link *link, rl_counter counter);
const char *rl_counter_name(rl_counter counter);

/* end - start, right across the wrap for spans up to 24 days. */
int32_t rl_ms_between(uint32_t start, uint32_t end);

#endif
