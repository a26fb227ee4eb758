/* The board: its configuration, what each frame means to it, its turn of the main loop. See rl_board.h. */
#include "rl_board_parts.h"

#include <string.h>

static void on_fence(rl_board *board, const rl_msg_fence *fence)
{
    bool older = (fence->lease_epoch < board->lease_epoch) ||
                 ((fence->lease_epoch == board->lease_epoch) && (fence->lease_sequence < board->lease_sequence));

    if (board->fenced && older) {
        rl_link_count(&board->link, RL_COUNT_OLDER_LEASE);
        return;
    }
    board->fenced = true;
    board->lease_epoch = fence->lease_epoch;
    board->lease_sequence = fence->lease_sequence;
    if (fence->stop_generation > board->generation) {
        /* The host knows of a stop, and of its release, that we slept through. */
        board->generation = fence->stop_generation;
        rl_tell_stop(board);
    }
}

static void on_setting(rl_board *board, const rl_msg_setting *setting)
{
    uint8_t part = 0u;
    const rl_member *member = rl_sheet_find(board, setting->member, &part);
    rl_msg_setting_result result;
    rl_words words;

    (void)memset(&result, 0, sizeof result);
    rl_words_clear(&words);
    result.member = setting->member;
    result.request = setting->request;
    if ((member == NULL) || (member->kind != RL_MEMBER_KIND_SETTING)) {
        result.cause = RL_CAUSE_UNSUPPORTED;
        rl_words_add(&words, "no setting ");
        rl_words_add_u32(&words, setting->member);
    } else {
        void *self = board->config.parts[part].self;
        rl_msg_value value;

        result.cause = rl_value_check(&member->field, &setting->value, &value, &words);
        if (result.cause == RL_CAUSE_UNSPECIFIED) {
            const char *why = member->set(self, &value);

            if (why != NULL) {
                result.cause = RL_CAUSE_LIMIT;
                rl_words_add(&words, why);
            }
        }
        result.has_value = true;
        member->get(self, &result.value);
    }
    result.text = rl_text(words.text);
    (void)rl_link_send_message(&board->link, RL_FRAME_KIND_SETTING_RESULT, &result);
}

/* This board has no slots for images: it says so. */
static void refuse_image(rl_board *board)
{
    rl_msg_image_state state;

    (void)memset(&state, 0, sizeof state);
    state.cause = RL_CAUSE_UNSUPPORTED;
    state.text = rl_text("this board has no slots for images; flash it by its debugger");
    (void)rl_link_send_message(&board->link, RL_FRAME_KIND_IMAGE_STATE, &state);
}

typedef union {
    rl_msg_fence fence;
    rl_msg_command command;
    rl_msg_cancel cancel;
    rl_msg_query query;
    rl_msg_setting setting;
    rl_msg_release release;
    rl_msg_sheet_request sheet_request;
    rl_msg_stop stop;
    rl_msg_setpoint setpoint;
    rl_msg_image_begin image_begin;
    rl_msg_image_file image_file;
    rl_msg_image_order image_order;
} inbound;

static bool is_for_boards(uint8_t kind)
{
    return (kind <= RL_FRAME_KIND_IMAGE_ORDER) || (kind == RL_FRAME_KIND_STOP) || (kind == RL_FRAME_KIND_SETPOINT);
}

static void on_frame(void *owner, uint8_t kind, const uint8_t *body, uint16_t size, uint32_t now)
{
    rl_board *board = (rl_board *)owner;
    inbound message;

    if (!is_for_boards(kind)) {
        rl_link_count(&board->link, RL_COUNT_NOT_FOR_A_BOARD);
        return;
    }
    if (!rl_link_decode(&board->link, kind, body, size, &message)) {
        return;
    }
    switch (kind) {
    case RL_FRAME_KIND_FENCE:
        on_fence(board, &message.fence);
        break;
    case RL_FRAME_KIND_COMMAND:
        rl_on_command(board, &message.command, now);
        break;
    case RL_FRAME_KIND_CANCEL:
        rl_on_cancel(board, &message.cancel, now);
        break;
    case RL_FRAME_KIND_QUERY:
        rl_on_query(board, &message.query);
        break;
    case RL_FRAME_KIND_SETTING:
        on_setting(board, &message.setting);
        break;
    case RL_FRAME_KIND_RELEASE:
        rl_on_release(board, &message.release);
        break;
    case RL_FRAME_KIND_SHEET_REQUEST:
        board->sheet_next = 0u;
        break;
    case RL_FRAME_KIND_STOP:
        rl_on_stop(board, &message.stop, now);
        break;
    case RL_FRAME_KIND_SETPOINT:
        rl_on_setpoint(board, &message.setpoint, now);
        break;
    default:
        refuse_image(board);
        break;
    }
}

static void on_up(void *owner, const rl_msg_hello *hello, bool same_host, uint32_t now)
{
    rl_board *board = (rl_board *)owner;

    board->fenced = false;
    board->watching = true;
    if (!same_host) {
        /* Its commands are nobody's any more; the new host asks for their outcome by id. */
        rl_end_motion(board, RL_COMMAND_STATE_CANCELED, RL_CAUSE_DISCONNECTED, "the host was started anew", now);
    }
    rl_stop_hello(board, hello, now);
}

static void on_down(void *owner, uint32_t now)
{
    rl_board *board = (rl_board *)owner;

    /* The watchdog decides: a link that is back within its time has lost nothing. */
    (void)now;
    board->fenced = false;
    board->sheet_next = board->sheet_parts;
}

static void on_bulk(void *owner, uint32_t transfer, uint32_t offset, const uint8_t *data, uint16_t size, uint32_t now)
{
    /* No transfer is ever opened here: see refuse_image. */
    (void)owner;
    (void)transfer;
    (void)offset;
    (void)data;
    (void)size;
    (void)now;
}

static const rl_link_owner OWNER = {on_up, on_down, on_frame, on_bulk};

/* --- Configuration. */

static const char *wrong_member(const rl_member *member)
{
    bool method = (member->kind == RL_MEMBER_KIND_CALL) || (member->kind == RL_MEMBER_KIND_GOAL);
    const char *wrong = NULL;

    if ((member->field.name == NULL) || (member->arg_count > RL_MAX_ARGS) || (member->result_count > RL_MAX_ARGS)) {
        wrong = "a member has no name, or more arguments or results than RL_MAX_ARGS";
    } else if ((member->kind == RL_MEMBER_KIND_SETTING) && ((member->get == NULL) || (member->set == NULL))) {
        wrong = "a setting needs get and set";
    } else if ((member->kind == RL_MEMBER_KIND_READING) && (member->get == NULL)) {
        wrong = "a reading needs get";
    } else if (method && (member->begin == NULL)) {
        wrong = "a call or a goal needs begin";
    } else if ((member->kind == RL_MEMBER_KIND_GOAL) && (member->step == NULL)) {
        wrong = "a goal needs step";
    } else if ((member->kind == RL_MEMBER_KIND_SETPOINT) && (member->apply == NULL)) {
        wrong = "a setpoint needs apply";
    } else if ((member->kind < RL_MEMBER_KIND_SETTING) || (member->kind > RL_MEMBER_KIND_SETPOINT)) {
        wrong = "a member of no kind";
    } else if (method && !rl_results_fit(member)) {
        wrong = "the results of a method pass RL_OUTCOME_BYTES";
    } else {
        /* Good. */
    }
    return wrong;
}

static const char *wrong_config(const rl_board_config *config)
{
    uint32_t setpoints = 0u;

    if ((config->model == NULL) || (config->random_u32 == NULL) || (config->part_count > RL_MAX_COMPONENTS)) {
        return "no model, no random_u32, or more components than RL_MAX_COMPONENTS";
    }
    for (uint8_t i = 0u; i < config->part_count; i++) {
        const rl_component *component = config->parts[i].component;

        if ((component->name == NULL) || (component->safe == NULL) || (component->standstill == NULL)) {
            return "a component needs a name, safe and standstill";
        }
        for (uint8_t j = 0u; j < component->member_count; j++) {
            const char *wrong = wrong_member(&component->members[j]);

            if (wrong != NULL) {
                return wrong;
            }
            setpoints += (component->members[j].kind == RL_MEMBER_KIND_SETPOINT) ? 1u : 0u;
        }
    }
    return (setpoints > RL_MAX_SETPOINTS) ? "more setpoints than RL_MAX_SETPOINTS" : NULL;
}

static const char *hash_sheet(rl_board *board, uint32_t *hash)
{
    uint32_t crc = 0u;

    for (uint16_t i = 0u; i < board->sheet_parts; i++) {
        uint8_t body[RL_BODY_MAX];
        uint16_t size;

        if (!rl_sheet_encode(board, i, body, &size)) {
            return "a description is too long: a part of the sheet must fit a frame of 247 bytes";
        }
        crc = rl_crc32(crc, body, size);
    }
    *hash = crc;
    return NULL;
}

const char *rl_board_init(rl_board *board, const rl_board_config *config, uint32_t now)
{
    const char *wrong = wrong_config(config);
    uint32_t hash = 0u;

    if (wrong != NULL) {
        return wrong;
    }
    (void)memset(board, 0, sizeof *board);
    board->config = *config;
    rl_board_safe(board);
    board->sheet_parts = rl_sheet_count(config);
    board->sheet_next = board->sheet_parts;
    board->stepped = now;
    board->read = now;
    wrong = hash_sheet(board, &hash);
    if (wrong == NULL) {
        rl_link_init(&board->link, &OWNER, board, config->random_u32, config->random_self, now);
        board->link.sheet_hash = hash;
    }
    return wrong;
}

/* --- Its turn. */

void rl_board_safe(rl_board *board)
{
    for (uint8_t i = 0u; i < board->config.part_count; i++) {
        board->config.parts[i].component->safe(board->config.parts[i].self);
    }
}

void rl_board_log(rl_board *board, const char *text)
{
    rl_link_log(&board->link, text);
}

void rl_board_receive(rl_board *board, const uint8_t *data, size_t size, uint32_t now)
{
    rl_link_receive(&board->link, data, size, now);
}

size_t rl_board_output(rl_board *board, uint32_t now, uint8_t *out, size_t capacity)
{
    return rl_link_output(&board->link, now, out, capacity);
}

static void update_parts(rl_board *board, uint32_t elapsed_ms, uint32_t now)
{
    const char *forbidden = NULL;

    for (uint8_t i = 0u; i < board->config.part_count; i++) {
        const rl_part *part = &board->config.parts[i];

        if (part->component->update != NULL) {
            part->component->update(part->self, elapsed_ms);
        }
        if ((forbidden == NULL) && (part->component->forbids != NULL)) {
            forbidden = part->component->forbids(part->self);
        }
    }
    if ((forbidden != NULL) && (board->forbidden == NULL)) {
        rl_link_count(&board->link, RL_COUNT_FORBIDDEN);
        rl_end_motion(board, RL_COMMAND_STATE_FAILED, RL_CAUSE_DRIVER_ERROR, forbidden, now);
    }
    board->forbidden = forbidden;
}

void rl_board_step(rl_board *board, uint32_t now)
{
    int32_t elapsed = rl_ms_between(board->stepped, now);

    board->stepped = now;
    if (board->watching && (rl_ms_between(board->link.heard, now) >= (int32_t)RL_WATCHDOG_MS)) {
        /* The first watchdog: nobody could stop us now, so nothing moves. */
        board->watching = false;
        rl_link_count(&board->link, RL_COUNT_WATCHDOG);
        rl_end_motion(board, RL_COMMAND_STATE_CANCELED, RL_CAUSE_DISCONNECTED, "the link was silent for too long",
                      now);
    }
    rl_streams_step(board, now);
    for (uint8_t i = 0u; i < board->config.part_count; i++) {
        rl_slot_step(board, i, now);
    }
    update_parts(board, (elapsed > 0) ? (uint32_t)elapsed : 0u, now);
    rl_stop_step(board, now);
    rl_outcomes_step(board);
    rl_sheet_send(board);
    if (rl_ms_between(board->read, now) >= (int32_t)RL_READINGS_MS) {
        board->read = now;
        rl_readings_send(board, now);
    }
    rl_link_step(&board->link, now);
}
