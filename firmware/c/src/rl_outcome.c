/* What became of the last commands: kept encoded, in a ring, so that a repeated id gets the same answer. */
#include "rl_board_parts.h"

#include <string.h>

/* An UPDATE without results and text: id, state, cause, and the tag and length of the text. */
#define UPDATE_HEAD (2u + RL_COMMAND_ID_BYTES + 2u + 2u + 2u)

rl_outcome *rl_outcome_find(rl_board *board, rl_bytes id)
{
    for (size_t i = 0u; i < RL_REMEMBERED; i++) {
        rl_outcome *outcome = &board->outcomes[i];

        if ((outcome->size > 0u) && (outcome->id_size == id.size) && (memcmp(outcome->id, id.data, id.size) == 0)) {
            return outcome;
        }
    }
    return NULL;
}

bool rl_results_fit(const rl_member *member)
{
    size_t size = UPDATE_HEAD;

    for (uint8_t i = 0u; i < member->result_count; i++) {
        switch (member->results[i].type) {
        case RL_VALUE_TYPE_BOOL:
            size += 4u;
            break;
        case RL_VALUE_TYPE_INT:
            size += 13u;
            break;
        default: /* a double; how long a text or a vector is, only a run shows */
            size += 11u;
            break;
        }
    }
    return size <= RL_OUTCOME_BYTES;
}

static bool encode(const rl_msg_update *update, rl_outcome *outcome)
{
    uint16_t size = 0u;
    bool good = rl_encode(&rl_msg_update_table, update, outcome->body, (uint16_t)sizeof outcome->body, &size);

    outcome->size = (uint8_t)size;
    return good;
}

/* What does not fit: results make it a failure, a text is cut. */
static void encode_shorter(const rl_msg_update *update, rl_outcome *outcome)
{
    rl_msg_update shorter = *update;

    if (shorter.results_count > 0u) {
        shorter.results_count = 0u;
        shorter.state = RL_COMMAND_STATE_FAILED;
        shorter.cause = RL_CAUSE_DRIVER_ERROR;
        shorter.text = rl_text("its results pass RL_OUTCOME_BYTES");
    }
    if (shorter.text.size > RL_OUTCOME_BYTES - UPDATE_HEAD) {
        shorter.text.size = (uint16_t)(RL_OUTCOME_BYTES - UPDATE_HEAD);
        /* Not within a character. */
        while ((shorter.text.size > 0u) && ((shorter.text.data[shorter.text.size] & 0xC0u) == 0x80u)) {
            shorter.text.size--;
        }
    }
    (void)encode(&shorter, outcome);
}

static void tell(rl_board *board, rl_outcome *outcome)
{
    outcome->told = rl_link_send(&board->link, RL_FRAME_KIND_UPDATE, outcome->body, outcome->size);
}

void rl_outcome_keep(rl_board *board, const rl_msg_update *update)
{
    rl_outcome *outcome = &board->outcomes[board->outcome_next];

    board->outcome_next = (uint8_t)((board->outcome_next + 1u) % RL_REMEMBERED);
    (void)memcpy(outcome->id, update->command_id.data, update->command_id.size);
    outcome->id_size = (uint8_t)update->command_id.size;
    if (!encode(update, outcome)) {
        encode_shorter(update, outcome);
    }
    tell(board, outcome);
}

void rl_update_send(rl_board *board, rl_bytes id, uint32_t state)
{
    rl_msg_update update;

    (void)memset(&update, 0, sizeof update);
    update.command_id = id;
    update.state = state;
    (void)rl_link_send_message(&board->link, RL_FRAME_KIND_UPDATE, &update);
}

void rl_outcomes_step(rl_board *board)
{
    for (size_t i = 0u; i < RL_REMEMBERED; i++) {
        rl_outcome *outcome = &board->outcomes[i];

        if ((outcome->size > 0u) && !outcome->told && rl_link_has_room(&board->link, outcome->size)) {
            tell(board, outcome);
        }
    }
}
