/* Streams of setpoints, and the second watchdog: a stream that is over leaves zeros behind. */
#include "rl_board_parts.h"

#define SETPOINT_TTL_MS 300u

static rl_stream *find(rl_board *board, const rl_member *member, uint8_t part)
{
    for (size_t i = 0u; i < RL_MAX_SETPOINTS; i++) {
        if ((board->streams[i].member == member) && ((member == NULL) || (board->streams[i].part == part))) {
            return &board->streams[i];
        }
    }
    return NULL;
}

static void end(rl_board *board, rl_stream *stream)
{
    const double zeros[RL_MAX_ARGS] = {0.0};
    const rl_member *member = stream->member;

    stream->member = NULL;
    member->apply(board->config.parts[stream->part].self, zeros);
}

void rl_streams_end(rl_board *board)
{
    for (size_t i = 0u; i < RL_MAX_SETPOINTS; i++) {
        if (board->streams[i].member != NULL) {
            end(board, &board->streams[i]);
        }
    }
}

void rl_streams_end_of_part(rl_board *board, uint8_t part)
{
    for (size_t i = 0u; i < RL_MAX_SETPOINTS; i++) {
        if ((board->streams[i].member != NULL) && (board->streams[i].part == part)) {
            end(board, &board->streams[i]);
        }
    }
}

void rl_streams_step(rl_board *board, uint32_t now)
{
    for (size_t i = 0u; i < RL_MAX_SETPOINTS; i++) {
        if ((board->streams[i].member != NULL) && (rl_ms_between(board->streams[i].dies, now) >= 0)) {
            end(board, &board->streams[i]);
        }
    }
}

static uint32_t check(const rl_member *member, const double *values)
{
    rl_words words;
    uint32_t cause = RL_CAUSE_UNSPECIFIED;

    for (uint8_t i = 0u; (cause == RL_CAUSE_UNSPECIFIED) && (i < member->arg_count); i++) {
        cause = rl_number_check(&member->args[i], values[i], &words);
    }
    return cause;
}

static void take(rl_board *board, const rl_member *member, uint8_t part, const rl_msg_setpoint *setpoint, uint32_t now)
{
    /* Never longer than the sheet says, whatever a frame says. */
    uint32_t longest = (member->ttl_ms != 0u) ? member->ttl_ms : SETPOINT_TTL_MS;
    uint32_t ttl = (setpoint->ttl_ms < longest) ? setpoint->ttl_ms : longest;
    rl_stream *stream = find(board, member, part);

    if (stream == NULL) {
        stream = find(board, NULL, part);
    }
    if (stream == NULL) {
        rl_link_count(&board->link, RL_COUNT_SETPOINT_REFUSED); /* rl_board_init counts: there are enough */
        return;
    }
    stream->member = member;
    stream->part = part;
    stream->dies = now + ttl;
    member->apply(board->config.parts[part].self, setpoint->values);
}

void rl_on_setpoint(rl_board *board, const rl_msg_setpoint *setpoint, uint32_t now)
{
    uint8_t part = 0u;
    const rl_member *member = rl_sheet_find(board, setpoint->member, &part);
    uint32_t state;
    uint32_t cause;
    const char *text;

    if ((member == NULL) || (member->kind != RL_MEMBER_KIND_SETPOINT) ||
        (setpoint->values_count != member->arg_count)) {
        rl_link_count(&board->link, RL_COUNT_BAD_SETPOINT);
    } else if (setpoint->ttl_ms == 0u) {
        rl_stream *stream = find(board, member, part);

        if (stream != NULL) {
            end(board, stream);
        }
    } else if ((board->slots[part].member != NULL) ||
               rl_refuses_motion(board, setpoint->lease, setpoint->generation, &state, &cause, &text)) {
        rl_link_count(&board->link, RL_COUNT_SETPOINT_REFUSED);
    } else {
        cause = check(member, setpoint->values);
        if (cause == RL_CAUSE_UNSPECIFIED) {
            take(board, member, part, setpoint, now);
        } else {
            rl_link_count(&board->link, (cause == RL_CAUSE_INVALID) ? RL_COUNT_BAD_SETPOINT
                                                                    : RL_COUNT_SETPOINT_OUT_OF_LIMITS);
        }
    }
}
