/* The latched software stop (not safety rated): generation, latch, measured standstill, release. */
#include "rl_board_parts.h"

#include <string.h>

bool rl_standstill(const rl_board *board)
{
    bool still = true;

    for (uint8_t i = 0u; i < board->config.part_count; i++) {
        const rl_part *part = &board->config.parts[i];

        still = part->component->standstill(part->self) && still;
    }
    return still;
}

void rl_tell_stop(rl_board *board)
{
    board->link.stop_generation = board->generation;
    board->link.stop_latched = board->latched;
}

static void set_power(rl_board *board, bool on)
{
    for (uint8_t i = 0u; i < board->config.part_count; i++) {
        const rl_part *part = &board->config.parts[i];

        if (part->component->power != NULL) {
            part->component->power(part->self, on);
        }
    }
    board->cut = !on;
}

/* The latch is lifted: power is back, and nothing moves by it. */
static void lift(rl_board *board)
{
    board->latched = false;
    board->level = RL_STOP_LEVEL_UNSPECIFIED;
    if (board->cut) {
        rl_board_safe(board);
        set_power(board, true);
    }
}

void rl_end_motion(rl_board *board, uint32_t state, uint32_t cause, const char *text, uint32_t now)
{
    /* Outputs first. */
    rl_board_safe(board);
    for (uint8_t i = 0u; i < board->config.part_count; i++) {
        rl_slot_end(board, i, state, cause, text, now);
    }
    rl_streams_end(board);
    rl_board_safe(board);
}

static void send_state(rl_board *board)
{
    board->state_due = !rl_link_send_message(&board->link, RL_FRAME_KIND_STOP_STATE, &board->state);
}

static void tell_state(rl_board *board, bool stopped, bool measured, uint32_t took)
{
    rl_msg_stop_state *state = &board->state;

    (void)memset(state, 0, sizeof *state);
    state->generation = board->generation;
    state->latched = board->latched;
    state->verdict = stopped ? RL_STOP_VERDICT_STOPPED : RL_STOP_VERDICT_STOPPING;
    state->has_standstill_ms = measured;
    state->standstill_ms = measured ? (float)took : 0.0f;
    send_state(board);
}

void rl_on_stop(rl_board *board, const rl_msg_stop *stop, uint32_t now)
{
    bool again = board->latched && (stop->generation == board->generation);

    if (stop->generation > board->generation) {
        board->generation = stop->generation;
    }
    board->latched = true;
    if (!again || (stop->level > board->level)) {
        board->level = stop->level;
    }
    rl_tell_stop(board);
    rl_end_motion(board, RL_COMMAND_STATE_STOPPED, RL_CAUSE_LATCHED, "", now);
    if (board->level == RL_STOP_LEVEL_CUT) {
        set_power(board, false);
    }
    if (!again || !board->stopping) {
        board->stopping = true;
        board->stopped_at = now;
    }
    tell_state(board, false, false, 0u);
}

void rl_stop_step(rl_board *board, uint32_t now)
{
    uint32_t took = now - board->stopped_at;
    bool still;

    if (board->state_due && (board->link.state == RL_UP)) {
        send_state(board);
    }
    if (!board->stopping) {
        return;
    }
    still = rl_standstill(board);
    if (still || (took > RL_STANDSTILL_LIMIT_MS)) {
        board->stopping = false;
        if (board->latched && (board->level == RL_STOP_LEVEL_STOP_THEN_CUT)) {
            set_power(board, false);
        }
        tell_state(board, still, still, took);
    }
}

void rl_on_release(rl_board *board, const rl_msg_release *release)
{
    if (release->generation == board->generation) {
        lift(board);
        rl_tell_stop(board);
    } else {
        rl_link_count(&board->link, RL_COUNT_RELEASE_OF_ANOTHER_GENERATION);
    }
    tell_state(board, rl_standstill(board), false, 0u);
}

void rl_stop_hello(rl_board *board, const rl_msg_hello *hello, uint32_t now)
{
    if (hello->stop_generation > board->generation) {
        board->generation = hello->stop_generation;
        if (hello->stop_latched) {
            board->latched = true;
        } else {
            lift(board);
        }
    } else if ((hello->stop_generation == board->generation) && hello->stop_latched) {
        board->latched = true;
    } else {
        /* Ours is newer, or the same. */
    }
    if (board->latched) {
        rl_end_motion(board, RL_COMMAND_STATE_STOPPED, RL_CAUSE_LATCHED, "the host says: stopped", now);
    }
    rl_tell_stop(board);
    tell_state(board, rl_standstill(board), false, 0u);
}
