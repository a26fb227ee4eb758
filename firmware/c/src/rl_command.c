/* Orders that have an id: what is known already, who may, what fits, what is busy; in the standard's order. */
#include "rl_board_parts.h"

#include <string.h>

#define CALL_DURATION_MS 60000u
#define GOAL_DURATION_MS 600000u

bool rl_refuses_motion(const rl_board *board, uint32_t lease, uint32_t generation, uint32_t *state, uint32_t *cause,
                       const char **text)
{
    if (board->latched) {
        *state = RL_COMMAND_STATE_STOPPED;
        *cause = RL_CAUSE_LATCHED;
        *text = "stopped; release it first";
        return true;
    }
    if (generation != (board->generation & 0xFFu)) {
        *state = RL_COMMAND_STATE_STOPPED;
        *cause = RL_CAUSE_LATCHED;
        *text = "ordered under another stop generation; order anew";
        return true;
    }
    if (!board->fenced || (lease != (board->lease_sequence & 0xFFu))) {
        *state = RL_COMMAND_STATE_FAILED;
        *cause = RL_CAUSE_OLDER_LEASE;
        *text = "ordered under another lease than the one in force";
        return true;
    }
    if (board->forbidden != NULL) {
        *state = RL_COMMAND_STATE_FAILED;
        *cause = RL_CAUSE_DRIVER_ERROR;
        *text = board->forbidden;
        return true;
    }
    return false;
}

static const rl_slot *running(const rl_board *board, rl_bytes id, uint8_t *part)
{
    for (uint8_t i = 0u; i < board->config.part_count; i++) {
        const rl_slot *slot = &board->slots[i];

        if ((slot->member != NULL) && (slot->id_size == id.size) && (memcmp(slot->id, id.data, id.size) == 0)) {
            *part = i;
            return slot;
        }
    }
    return NULL;
}

/* Answers an id that is known with its state. */
static bool tell_known(rl_board *board, rl_bytes id)
{
    uint8_t part;
    const rl_slot *slot = running(board, id, &part);
    const rl_outcome *outcome = rl_outcome_find(board, id);

    if (slot != NULL) {
        rl_update_send(board, id, slot->ending ? RL_COMMAND_STATE_CANCELING : RL_COMMAND_STATE_RUNNING);
        return true;
    }
    if (outcome != NULL) {
        (void)rl_link_send(&board->link, RL_FRAME_KIND_UPDATE, outcome->body, outcome->size);
        return true;
    }
    return false;
}

static bool is_method(const rl_member *member)
{
    return (member != NULL) && ((member->kind == RL_MEMBER_KIND_CALL) || (member->kind == RL_MEMBER_KIND_GOAL));
}

/* Number, types and limits of the arguments. */
static bool take_args(const rl_member *member, const rl_msg_command *command, rl_msg_value *args, uint32_t *cause,
                      rl_words *words)
{
    if (command->args_count != member->arg_count) {
        *cause = RL_CAUSE_INVALID;
        rl_words_add_u32(words, command->args_count);
        rl_words_add(words, " arguments, not ");
        rl_words_add_u32(words, member->arg_count);
        return false;
    }
    for (uint8_t i = 0u; i < member->arg_count; i++) {
        *cause = rl_value_check(&member->args[i], &command->args[i], &args[i], words);
        if (*cause != RL_CAUSE_UNSPECIFIED) {
            return false;
        }
    }
    return true;
}

static void open_slot(rl_board *board, uint8_t part, const rl_member *member, const rl_msg_command *command,
                      uint32_t now)
{
    rl_slot *slot = &board->slots[part];
    uint32_t usual = (member->kind == RL_MEMBER_KIND_GOAL) ? GOAL_DURATION_MS : CALL_DURATION_MS;

    (void)memset(slot, 0, sizeof *slot);
    if (member->max_duration_ms != 0u) {
        usual = member->max_duration_ms;
    }
    slot->member = member;
    (void)memcpy(slot->id, command->command_id.data, command->command_id.size);
    slot->id_size = (uint8_t)command->command_id.size;
    slot->began = now;
    slot->max_duration_ms = (command->max_duration_ms != 0u) ? command->max_duration_ms : usual;
}

static void refuse(rl_board *board, rl_msg_update *outcome, uint32_t state, uint32_t cause, const char *text)
{
    outcome->state = state;
    outcome->cause = cause;
    outcome->text = rl_text(text);
    rl_outcome_keep(board, outcome);
}

static bool is_motion(const rl_member *member)
{
    return member->motion || (member->kind == RL_MEMBER_KIND_GOAL);
}

/* A call answers at once and holds nothing up. */
static void answer(rl_board *board, uint8_t part, const rl_member *member, const rl_msg_value *args,
                   rl_msg_update *outcome)
{
    rl_run run = {NULL, -1.0f, NULL, outcome->results};

    if (member->begin(board->config.parts[part].self, args, &run) == RL_FAILED) {
        refuse(board, outcome, RL_COMMAND_STATE_FAILED, RL_CAUSE_DRIVER_ERROR, run.text);
    } else {
        outcome->state = RL_COMMAND_STATE_SUCCEEDED;
        outcome->results_count = member->result_count;
        rl_outcome_keep(board, outcome);
    }
}

/* A goal is stepped from the next turn on, unless it refuses to begin. */
static void begin(rl_board *board, uint8_t part, const rl_member *member, const rl_msg_command *command,
                  const rl_msg_value *args, rl_msg_update *outcome, uint32_t now)
{
    rl_run run = {NULL, -1.0f, NULL, outcome->results};

    if (board->slots[part].member != NULL) {
        rl_slot_finish(board, part); /* it was on its way to its end */
    }
    rl_streams_end_of_part(board, part);
    open_slot(board, part, member, command, now);
    rl_update_send(board, command->command_id, RL_COMMAND_STATE_RUNNING);
    if (member->begin(board->config.parts[part].self, args, &run) == RL_FAILED) {
        board->slots[part].member = NULL;
        board->config.parts[part].component->safe(board->config.parts[part].self);
        refuse(board, outcome, RL_COMMAND_STATE_FAILED, RL_CAUSE_DRIVER_ERROR, run.text);
    }
}

void rl_on_command(rl_board *board, const rl_msg_command *command, uint32_t now)
{
    rl_bytes id = command->command_id;
    rl_msg_value args[RL_MAX_ARGS];
    rl_msg_update outcome;
    rl_words words;
    uint8_t part = 0u;
    uint32_t state = RL_COMMAND_STATE_FAILED;
    uint32_t cause = RL_CAUSE_UNSPECIFIED;
    const char *text = "";
    const rl_member *member;

    if ((id.size == 0u) || (id.size > RL_COMMAND_ID_BYTES)) {
        rl_link_count(&board->link, RL_COUNT_BAD_BODY);
        return;
    }
    if (tell_known(board, id)) {
        rl_link_count(&board->link, RL_COUNT_COMMAND_REPEATED);
        return;
    }
    (void)memset(&outcome, 0, sizeof outcome);
    outcome.command_id = id;
    rl_words_clear(&words);
    member = rl_sheet_find(board, command->member, &part);
    if (!is_method(member)) {
        rl_words_add(&words, "no method ");
        rl_words_add_u32(&words, command->member);
        refuse(board, &outcome, state, RL_CAUSE_UNSUPPORTED, words.text);
    } else if (is_motion(member) &&
               rl_refuses_motion(board, command->lease, command->generation, &state, &cause, &text)) {
        refuse(board, &outcome, state, cause, text);
    } else if (!take_args(member, command, args, &cause, &words)) {
        refuse(board, &outcome, RL_COMMAND_STATE_FAILED, cause, words.text);
    } else if (is_motion(member) && (board->slots[part].member != NULL) && !board->slots[part].ending) {
        rl_words_add(&words, board->config.parts[part].component->name);
        rl_words_add(&words, " is busy");
        refuse(board, &outcome, RL_COMMAND_STATE_FAILED, RL_CAUSE_BUSY, words.text);
    } else if (member->kind == RL_MEMBER_KIND_CALL) {
        answer(board, part, member, args, &outcome);
    } else {
        begin(board, part, member, command, args, &outcome, now);
    }
}

void rl_on_cancel(rl_board *board, const rl_msg_cancel *cancel, uint32_t now)
{
    bool preempted = cancel->end_state == RL_COMMAND_STATE_PREEMPTED;
    uint8_t part;

    if (running(board, cancel->command_id, &part) != NULL) {
        rl_slot_end(board, part, preempted ? RL_COMMAND_STATE_PREEMPTED : RL_COMMAND_STATE_CANCELED,
                    RL_CAUSE_UNSPECIFIED, "", now);
    }
}

void rl_on_query(rl_board *board, const rl_msg_query *query)
{
    if (!tell_known(board, query->command_id)) {
        rl_update_send(board, query->command_id, RL_COMMAND_STATE_UNSPECIFIED);
    }
}
