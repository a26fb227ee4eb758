/* One command that runs: stepped, fed back, and ended on request once its component stands still. */
#include "rl_board_parts.h"

#include <string.h>

static rl_bytes id_of(const rl_slot *slot)
{
    rl_bytes id = {slot->id, slot->id_size};

    return id;
}

static void close_slot(rl_board *board, rl_slot *slot, rl_msg_update *update)
{
    update->command_id = id_of(slot);
    rl_outcome_keep(board, update);
    slot->member = NULL;
    slot->ending = false;
}

void rl_slot_finish(rl_board *board, uint8_t part)
{
    rl_slot *slot = &board->slots[part];
    rl_msg_update update;

    (void)memset(&update, 0, sizeof update);
    update.state = slot->end_state;
    update.cause = slot->end_cause;
    update.text = rl_text(slot->end_text);
    close_slot(board, slot, &update);
}

void rl_slot_end(rl_board *board, uint8_t part, uint32_t state, uint32_t cause, const char *text, uint32_t now)
{
    rl_slot *slot = &board->slots[part];

    if (slot->member == NULL) {
        return;
    }
    /* The first request counts; but a stop is never hidden behind a cancel. */
    if (slot->ending && (state != RL_COMMAND_STATE_STOPPED)) {
        return;
    }
    slot->end_state = state;
    slot->end_cause = cause;
    slot->end_text = text;
    if (!slot->ending) {
        slot->ending = true;
        slot->ending_since = now;
        if (slot->member->end != NULL) {
            slot->member->end(board->config.parts[part].self);
        }
    }
}

static void feed_back(rl_board *board, rl_slot *slot, const rl_run *run, uint32_t now)
{
    rl_msg_feedback feedback;

    if ((run->phase == NULL) ||
        (slot->fed_back_once && (rl_ms_between(slot->fed_back, now) < (int32_t)RL_FEEDBACK_MS))) {
        return;
    }
    slot->fed_back_once = true;
    slot->fed_back = now;
    (void)memset(&feedback, 0, sizeof feedback);
    feedback.command_id = id_of(slot);
    feedback.phase = rl_text(run->phase);
    feedback.has_progress = run->progress >= 0.0f;
    feedback.progress = run->progress;
    (void)rl_link_send_message(&board->link, RL_FRAME_KIND_FEEDBACK, &feedback);
}

static void step_member(rl_board *board, uint8_t part, uint32_t now)
{
    rl_slot *slot = &board->slots[part];
    void *self = board->config.parts[part].self;
    const rl_member *member = slot->member;
    rl_msg_update update;
    rl_run run = {NULL, -1.0f, NULL, NULL};
    rl_progress progress;

    (void)memset(&update, 0, sizeof update);
    run.results = update.results;
    progress = member->step(self, &run);
    if (progress == RL_GOES_ON) {
        feed_back(board, slot, &run, now);
        return;
    }
    if (progress == RL_SUCCEEDED) {
        update.state = RL_COMMAND_STATE_SUCCEEDED;
        update.results_count = member->result_count;
    } else {
        update.state = RL_COMMAND_STATE_FAILED;
        update.cause = RL_CAUSE_DRIVER_ERROR;
        update.text = rl_text(run.text);
        /* What its outputs do is unknown: make it known. */
        board->config.parts[part].component->safe(self);
    }
    if (member->end != NULL) {
        member->end(self);
    }
    close_slot(board, slot, &update);
}

void rl_slot_step(rl_board *board, uint8_t part, uint32_t now)
{
    rl_slot *slot = &board->slots[part];
    const rl_part *one = &board->config.parts[part];

    if (slot->member == NULL) {
        return;
    }
    if (slot->ending) {
        bool late = rl_ms_between(slot->ending_since, now) >= (int32_t)RL_ENDING_LIMIT_MS;

        if (late || one->component->standstill(one->self)) {
            rl_slot_finish(board, part);
        }
    } else if ((uint32_t)(now - slot->began) >= slot->max_duration_ms) {
        rl_slot_end(board, part, RL_COMMAND_STATE_FAILED, RL_CAUSE_MAX_DURATION, "took longer than its max_duration",
                    now);
    } else {
        step_member(board, part, now);
    }
}
