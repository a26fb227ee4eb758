/* libFuzzer: a whole board in a session. The input is a list of (letter, size, bytes): frames of this session with any
 * body, raw bytes, time, a fresh HELLO. Whatever comes: no access out of bounds, and nothing moves without authority. */
#include "peer_robot.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rl_board board;
static peer_robot robot;
static uint32_t now;

static void need(bool truth)
{
    if (!truth) {
        abort();
    }
}

static uint32_t random_u32(void *self)
{
    (void)self;
    return 0x12345678u;
}

static void receive_frame(uint8_t kind, uint8_t seq, const uint8_t *body, uint16_t size)
{
    uint8_t wire[RL_WIRE_MAX];
    rl_frame frame = {kind, seq, board.link.first_seq, body, (size < RL_BODY_MAX) ? size : (uint16_t)RL_BODY_MAX};
    size_t length = rl_frame_encode(&frame, board.link.decoder.seed, wire, sizeof wire);

    rl_board_receive(&board, wire, length, now);
}

static void hello(uint8_t nonce)
{
    rl_msg_hello told;
    uint8_t body[64];
    uint16_t size;

    (void)memset(&told, 0, sizeof told);
    told.major = RL_MAJOR;
    told.session_id = nonce / 16u + 1u;
    told.nonce = (uint32_t)nonce + 1u;
    told.echo_nonce = board.link.nonce;
    told.established = true;
    told.largest_message = 1024u;
    told.fragment_credit = 4096u;
    need(rl_encode(&rl_msg_hello_table, &told, body, (uint16_t)sizeof body, &size));
    receive_frame(RL_FRAME_KIND_HELLO, 0u, body, size);
}

static void turn(uint32_t ms)
{
    uint8_t out[RL_WIRE_MAX + RL_LOG_BYTES];
    size_t size;
    unsigned turns = 0u;

    now += ms;
    rl_board_step(&board, now);
    do {
        size = rl_board_output(&board, now, out, sizeof out);
        turns++;
        need(turns < 1000u);
    } while (size > 0u);
    /* Nothing is ordered to turn while it is stopped, without a fence's lease, or in silence. */
    if (board.latched || (now - board.link.heard >= 2u * RL_WATCHDOG_MS)) {
        need((robot.motor.target >= 0.0) && (robot.motor.target <= 0.0));
    }
}

static void send(uint8_t kind, const void *message)
{
    uint8_t body[RL_BODY_MAX];
    uint16_t size;

    need(rl_encode(rl_table_of_kind(kind), message, body, (uint16_t)sizeof body, &size));
    receive_frame(kind, board.link.expected, body, size);
}

/* A fence and a goal as a good host sends them, but for what the input bends: lease, generation, id, position. */
static void goal(const uint8_t *bytes, uint16_t size)
{
    rl_msg_fence fence = {1u, 5u, board.generation};
    rl_msg_command command;
    uint32_t begun = robot.motor.begun;

    if (size < 4u) {
        return;
    }
    if ((bytes[0] & 1u) != 0u) {
        send(RL_FRAME_KIND_FENCE, &fence);
    }
    (void)memset(&command, 0, sizeof command);
    command.command_id.data = &bytes[1];
    command.command_id.size = 1u;
    command.member = 5u;
    command.args_count = 1u;
    command.args[0] = rl_double((double)(int8_t)bytes[2]);
    command.lease = ((bytes[0] & 2u) != 0u) ? 5u : bytes[3];
    command.generation = board.generation & 0xFFu;
    send(RL_FRAME_KIND_COMMAND, &command);
    if (robot.motor.begun != begun) {
        need(board.fenced && !board.latched && (command.lease == (board.lease_sequence & 0xFFu)));
    }
}

static void setpoint(const uint8_t *bytes, uint16_t size)
{
    rl_msg_setpoint message;

    if (size < 3u) {
        return;
    }
    (void)memset(&message, 0, sizeof message);
    message.member = 8u;
    message.values_count = 1u;
    message.values[0] = (double)(int8_t)bytes[0] / 10.0;
    message.ttl_ms = (uint32_t)bytes[1] * 4u;
    message.lease = bytes[2];
    message.generation = board.generation & 0xFFu;
    send(RL_FRAME_KIND_SETPOINT, &message);
}

static void step(uint8_t letter, const uint8_t *bytes, uint16_t size)
{
    switch (letter & 7u) {
    case 0u:
    case 1u:
        turn(letter);
        break;
    case 2u:
        rl_board_receive(&board, bytes, size, now);
        break;
    case 3u:
        hello(letter);
        break;
    case 4u:
        goal(bytes, size);
        break;
    case 5u:
        setpoint(bytes, size);
        break;
    default:
        if (size > 0u) {
            receive_frame(bytes[0], board.link.expected, &bytes[1], (uint16_t)(size - 1u));
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rl_board_config config;
    size_t at = 0u;

    now = 0xFFFFFF00u;
    peer_robot_init(&robot, &config);
    config.random_u32 = random_u32;
    need(rl_board_init(&board, &config, now) == NULL);
    hello(1u);
    while (at + 2u <= size) {
        uint8_t letter = data[at];
        size_t length = data[at + 1u];

        at += 2u;
        length = (length < size - at) ? length : size - at;
        step(letter, &data[at], (uint16_t)length);
        at += length;
    }
    turn(10u);
    return 0;
}
