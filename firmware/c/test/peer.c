/* Requests: one letter, payload size (2 bytes, little endian), payload. Answers: 0 or 1 (good or refused), size, bytes.
 *
 *   N now seed           a new board at `now` ms, its random numbers begun from `seed`
 *   R now bytes          the board receives
 *   S now                its turn; answers the bytes that it sends
 *   Q                    its state, as lines of "name value"
 *   X letter             does something to the motor: b break, m mend, f forbid, a allow
 *   T text               logs a line
 *   B kind bytes         queues a body, as the board's own
 *   E seed kind seq ack body    a frame's bytes
 *   D seed bytes         frames found, each as kind seq ack size(2) body
 *   C kind bytes         the body decoded and encoded again
 *   L seed               a new link alone, without a board, at 0 ms
 *   r now bytes, s now, b kind bytes    as R, S, B of that link
 *   v                    what its owner heard, as lines: up SAME, down, message KIND HEX, bulk TRANSFER OFFSET HEX
 *   k letter numbers     its owner's calls: p generation latched, o transfer size next_offset credit, e, t now
 * Numbers are little endian: now and seed 4 bytes, kind, seq and ack 1. */
#include "peer.h"

#include "peer_link.h"
#include "peer_robot.h"

#include <string.h>

#define REQUEST_BYTES 2048u
#define ANSWER_BYTES 8192u

static struct {
    rl_board board;
    peer_robot robot;
    uint32_t random;
    uint8_t request[REQUEST_BYTES];
    uint16_t request_size;
    uint8_t answer[ANSWER_BYTES];
    size_t answer_size;
} peer;

static uint32_t random_u32(void *self)
{
    (void)self;
    peer.random ^= peer.random << 13u;
    peer.random ^= peer.random >> 17u;
    peer.random ^= peer.random << 5u;
    return peer.random;
}

static uint32_t u32_at(size_t at)
{
    const uint8_t *data = &peer.request[at];

    return (uint32_t)data[0] | ((uint32_t)data[1] << 8u) | ((uint32_t)data[2] << 16u) | ((uint32_t)data[3] << 24u);
}

static void add(const uint8_t *data, size_t size)
{
    if (size <= ANSWER_BYTES - peer.answer_size) {
        (void)memcpy(&peer.answer[peer.answer_size], data, size);
        peer.answer_size += size;
    }
}

static void add_text(const char *text)
{
    add((const uint8_t *)text, strlen(text));
}

static void add_line(const char *name, int64_t value)
{
    char digits[24];
    size_t at = sizeof digits - 1u;
    uint64_t rest = (value < 0) ? (uint64_t)(-(value + 1)) + 1u : (uint64_t)value;

    digits[at] = '\0';
    do {
        at--;
        digits[at] = (char)('0' + (char)(rest % 10u));
        rest /= 10u;
    } while (rest > 0u);
    add_text(name);
    add_text((value < 0) ? " -" : " ");
    add_text(&digits[at]);
    add_text("\n");
}

static bool new_board(void)
{
    rl_board_config config;
    const char *wrong;

    peer.random = (u32_at(4u) != 0u) ? u32_at(4u) : 1u;
    peer_robot_init(&peer.robot, &config);
    config.random_u32 = random_u32;
    wrong = rl_board_init(&peer.board, &config, u32_at(0u));
    if (wrong != NULL) {
        add_text(wrong);
    }
    return wrong == NULL;
}

static void turn(void)
{
    uint32_t now = u32_at(0u);
    size_t size;

    rl_board_step(&peer.board, now);
    do {
        size = rl_board_output(&peer.board, now, &peer.answer[peer.answer_size], ANSWER_BYTES - peer.answer_size);
        peer.answer_size += size;
    } while (size > 0u);
}

static void tell_state(void)
{
    const rl_board *board = &peer.board;
    uint64_t ns = 0u;
    uint32_t error_us = 0u;

    add_line("up", (board->link.state == RL_UP) ? 1 : 0);
    add_line("refused", (board->link.state == RL_REFUSED) ? 1 : 0);
    add_line("seed", (int64_t)board->link.decoder.seed);
    add_line("expected", board->link.expected);
    add_line("session_id", (int64_t)board->link.session_id);
    add_line("sheet_hash", (int64_t)board->link.sheet_hash);
    add_line("generation", (int64_t)board->generation);
    add_line("latched", board->latched ? 1 : 0);
    add_line("speed_um", (int64_t)(peer.robot.motor.speed * 1e6));
    add_line("position_um", (int64_t)(peer.robot.motor.position * 1e6));
    add_line("powered", peer.robot.motor.powered ? 1 : 0);
    add_line("begun", (int64_t)peer.robot.motor.begun);
    add_line("truth", peer.robot.values.truth ? 1 : 0);
    add_line("whole", peer.robot.values.whole);
    if (rl_link_site_time(&board->link, board->stepped, &ns, &error_us)) {
        add_line("site_ns", (int64_t)ns);
        add_line("site_error_us", (int64_t)error_us);
    }
    for (unsigned i = 0u; i < RL_COUNTERS; i++) {
        if (board->link.counters[i] > 0u) {
            add_line(rl_counter_name((rl_counter)i), (int64_t)board->link.counters[i]);
        }
    }
    add_line("stack", (int64_t)peer_stack_used());
}

static void do_to_motor(void)
{
    peer_motor *motor = &peer.robot.motor;

    switch (peer.request[0]) {
    case 'b':
        motor->broken = true;
        break;
    case 'm':
        motor->broken = false;
        break;
    case 'f':
        motor->forbidden = "the supply sags";
        break;
    default:
        motor->forbidden = NULL;
        break;
    }
}

static bool encode_frame(void)
{
    rl_frame frame;
    size_t size;

    frame.kind = peer.request[4];
    frame.seq = peer.request[5];
    frame.ack = peer.request[6];
    frame.body = &peer.request[7];
    frame.size = (uint16_t)(peer.request_size - 7u);
    size = rl_frame_encode(&frame, u32_at(0u), peer.answer, ANSWER_BYTES);
    peer.answer_size = size;
    return size > 0u;
}

static void decode_frames(void)
{
    static rl_decoder decoder;

    (void)memset(&decoder, 0, sizeof decoder);
    decoder.seed = u32_at(0u);
    for (uint16_t i = 4u; i < peer.request_size; i++) {
        rl_frame frame;

        if (rl_decoder_take(&decoder, peer.request[i], &frame)) {
            uint8_t head[5] = {frame.kind, frame.seq, frame.ack, (uint8_t)(frame.size & 0xFFu),
                               (uint8_t)(frame.size >> 8u)};

            add(head, sizeof head);
            add(frame.body, frame.size);
        }
    }
}

static bool recode(void)
{
    static union {
        rl_msg_sheet_part largest;
        rl_msg_command command;
        rl_msg_update update;
        rl_msg_readings readings;
        rl_msg_image_state image_state;
        uint8_t room[2048];
    } message;
    const rl_table *table = rl_table_of_kind(peer.request[0]);
    uint16_t size = 0u;

    if ((table == NULL) || (table->size > sizeof message) ||
        !rl_decode(table, &peer.request[1], (uint16_t)(peer.request_size - 1u), &message) ||
        !rl_encode(table, &message, peer.answer, (uint16_t)ANSWER_BYTES, &size)) {
        return false;
    }
    peer.answer_size = size;
    return true;
}

static bool answer(uint8_t what)
{
    bool good = true;

    switch (what) {
    case 'N':
        good = new_board();
        break;
    case 'R':
        rl_board_receive(&peer.board, &peer.request[4], (size_t)peer.request_size - 4u, u32_at(0u));
        break;
    case 'S':
        turn();
        break;
    case 'Q':
        tell_state();
        break;
    case 'X':
        do_to_motor();
        break;
    case 'T':
        peer.request[peer.request_size] = 0u;
        rl_board_log(&peer.board, (const char *)peer.request);
        break;
    case 'B':
        good = rl_link_send(&peer.board.link, peer.request[0], &peer.request[1], (uint16_t)(peer.request_size - 1u));
        break;
    case 'E':
        good = encode_frame();
        break;
    case 'D':
        decode_frames();
        break;
    case 'C':
        good = recode();
        break;
    default:
        good = peer_link_answer(what, peer.request, peer.request_size, peer.answer, ANSWER_BYTES, &peer.answer_size);
        break;
    }
    return good;
}

void peer_serve(void)
{
    int what = peer_get();

    while (what >= 0) {
        int low = peer_get();
        int high = peer_get();
        uint32_t size = ((uint32_t)low & 0xFFu) | (((uint32_t)high & 0xFFu) << 8u);
        uint8_t head[3];
        bool good = false;

        peer.request_size = 0u;
        peer.answer_size = 0u;
        (void)memset(peer.request, 0, 8u);
        for (uint32_t i = 0u; i < size; i++) {
            uint8_t byte = (uint8_t)peer_get();

            if (peer.request_size < REQUEST_BYTES - 1u) {
                peer.request[peer.request_size] = byte;
                peer.request_size++;
            }
        }
        good = answer((uint8_t)what);
        head[0] = (uint8_t)(good ? 0 : 1);
        head[1] = (uint8_t)(peer.answer_size & 0xFFu);
        head[2] = (uint8_t)(peer.answer_size >> 8u);
        peer_put(head, sizeof head);
        peer_put(peer.answer, peer.answer_size);
        what = peer_get();
    }
}
