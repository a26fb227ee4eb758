/* The board's description as SHEET_PART bodies, made from its tables when they are asked for; and its readings.
 *
 * Part 0 is the board; then each component, its members, and behind each member its arguments and results. A member's
 * number is the index of its part, a component's is its place from 1 on. */
#include "rl_board_parts.h"

#include <string.h>

#define SETPOINT_TTL_MS 300u
#define CALL_DURATION_MS 60000u
#define GOAL_DURATION_MS 600000u
/* A reading with the longest number, its tags and its member. */
#define READING_ROOM 24u
#define STAMP_ROOM 18u

/* What part `index` describes. */
typedef struct {
    uint8_t part;
    const rl_component *component;
    const rl_member *member; /* NULL: the component itself */
    const rl_field *field;   /* of an argument or a result; NULL: the member itself */
    uint32_t kind;
    uint16_t parent;
} place;

static uint16_t fields_of(const rl_member *member)
{
    return (uint16_t)((uint16_t)member->arg_count + member->result_count);
}

/* Goes through the tables up to part `index`. False: there are fewer. */
static bool find(const rl_board_config *config, uint16_t index, place *found)
{
    uint16_t at = 1u;

    (void)memset(found, 0, sizeof *found);
    for (uint8_t part = 0u; part < config->part_count; part++) {
        const rl_component *component = config->parts[part].component;

        found->part = part;
        found->component = component;
        if (at == index) {
            return true;
        }
        at++;
        for (uint8_t i = 0u; i < component->member_count; i++) {
            const rl_member *member = &component->members[i];
            uint16_t behind = (uint16_t)(index - at);

            if (behind == 0u) {
                found->member = member;
                found->kind = member->kind;
                found->parent = (uint16_t)(part + 1u);
                return true;
            }
            if (behind <= fields_of(member)) {
                bool is_arg = behind <= member->arg_count;

                found->member = member;
                found->field = is_arg ? &member->args[behind - 1u] : &member->results[behind - 1u - member->arg_count];
                found->kind = is_arg ? RL_MEMBER_KIND_ARG : RL_MEMBER_KIND_RESULT;
                found->parent = at;
                return true;
            }
            at = (uint16_t)(at + 1u + fields_of(member));
        }
    }
    return false;
}

uint16_t rl_sheet_count(const rl_board_config *config)
{
    uint16_t count = 1u;

    for (uint8_t part = 0u; part < config->part_count; part++) {
        const rl_component *component = config->parts[part].component;

        count++;
        for (uint8_t i = 0u; i < component->member_count; i++) {
            count = (uint16_t)(count + 1u + fields_of(&component->members[i]));
        }
    }
    return count;
}

const rl_member *rl_sheet_find(const rl_board *board, uint32_t id, uint8_t *part)
{
    place found;

    if ((id == 0u) || (id >= board->sheet_parts) || !find(&board->config, (uint16_t)id, &found) ||
        (found.field != NULL)) {
        return NULL;
    }
    *part = found.part;
    return found.member;
}

static bool can_cut(const rl_board_config *config)
{
    bool all = config->part_count > 0u;

    for (uint8_t i = 0u; i < config->part_count; i++) {
        all = all && (config->parts[i].component->power != NULL);
    }
    return all;
}

static void describe_board(const rl_board_config *config, rl_msg_board *told)
{
    told->model = rl_text(config->model);
    told->vendor = rl_text(config->vendor);
    told->version = rl_text(config->version);
    told->description = rl_text(config->description);
    told->stop_levels[0] = RL_STOP_LEVEL_SOFT_HOLD;
    told->stop_levels_count = 1u;
    if (can_cut(config)) {
        told->stop_levels[1] = RL_STOP_LEVEL_STOP_THEN_CUT;
        told->stop_levels[2] = RL_STOP_LEVEL_CUT;
        told->stop_levels_count = 3u;
    }
    told->on_link_loss = RL_ON_DISCONNECT_CANCEL;
}

static bool has_type(uint32_t kind)
{
    return (kind == RL_MEMBER_KIND_SETTING) || (kind == RL_MEMBER_KIND_READING) || (kind == RL_MEMBER_KIND_ARG) ||
           (kind == RL_MEMBER_KIND_RESULT);
}

static void describe_field(const rl_field *field, uint32_t kind, rl_msg_field *told)
{
    told->name = rl_text(field->name);
    told->description = rl_text(field->description);
    told->unit = rl_text(field->unit);
    if (has_type(kind)) {
        told->type = (field->type != 0u) ? field->type : RL_VALUE_TYPE_DOUBLE;
    }
    told->has_minimum = field->has_minimum;
    told->minimum = field->minimum;
    told->has_maximum = field->has_maximum;
    told->maximum = field->maximum;
    if (field->default_value != NULL) {
        told->has_default_value = true;
        told->default_value = *field->default_value;
    }
}

static void describe_member(const place *found, uint16_t index, rl_msg_member *told)
{
    const rl_member *member = found->member;

    told->id = index;
    told->parent = found->parent;
    told->kind = found->kind;
    told->has_field = true;
    if (found->field != NULL) {
        describe_field(found->field, found->kind, &told->field);
        return;
    }
    describe_field(&member->field, found->kind, &told->field);
    if ((member->kind == RL_MEMBER_KIND_CALL) || (member->kind == RL_MEMBER_KIND_GOAL)) {
        uint32_t usual = (member->kind == RL_MEMBER_KIND_GOAL) ? GOAL_DURATION_MS : CALL_DURATION_MS;

        told->motion = member->motion || (member->kind == RL_MEMBER_KIND_GOAL);
        told->max_duration_ms = (member->max_duration_ms != 0u) ? member->max_duration_ms : usual;
        told->on_disconnect = (member->on_disconnect != 0u) ? member->on_disconnect : RL_ON_DISCONNECT_CANCEL;
    }
    if (member->kind == RL_MEMBER_KIND_SETPOINT) {
        told->ttl_ms = (member->ttl_ms != 0u) ? member->ttl_ms : SETPOINT_TTL_MS;
    }
}

bool rl_sheet_encode(const rl_board *board, uint16_t index, uint8_t *out, uint16_t *size)
{
    rl_msg_sheet_part told;
    place found;

    (void)memset(&told, 0, sizeof told);
    told.index = index;
    told.count = board->sheet_parts;
    if (index == 0u) {
        told.which_part = RL_SHEET_PART_BOARD;
        describe_board(&board->config, &told.part.board);
    } else if (!find(&board->config, index, &found)) {
        return false;
    } else if (found.member == NULL) {
        told.which_part = RL_SHEET_PART_COMPONENT;
        told.part.component.id = (uint32_t)found.part + 1u;
        told.part.component.name = rl_text(found.component->name);
        told.part.component.type = found.component->type;
        told.part.component.description = rl_text(found.component->description);
    } else {
        told.which_part = RL_SHEET_PART_MEMBER;
        describe_member(&found, index, &told.part.member);
    }
    return rl_encode(&rl_msg_sheet_part_table, &told, out, RL_BODY_MAX, size);
}

void rl_sheet_send(rl_board *board)
{
    /* With room kept for what is urgent. */
    while ((board->sheet_next < board->sheet_parts) && rl_link_has_room(&board->link, RL_BODY_MAX)) {
        uint8_t body[RL_BODY_MAX];
        uint16_t size;

        if (!rl_sheet_encode(board, board->sheet_next, body, &size) ||
            !rl_link_send(&board->link, RL_FRAME_KIND_SHEET_PART, body, size)) {
            return;
        }
        board->sheet_next++;
    }
}

/* One reading into `body` behind `size`: repeated fields of protobuf may stand one after the other. */
static bool add_reading(const rl_board *board, uint16_t id, const place *found, uint8_t *body, uint16_t *size)
{
    rl_msg_readings one;
    uint16_t more;

    (void)memset(&one, 0, sizeof one);
    one.readings_count = 1u;
    one.readings[0].member = id;
    one.readings[0].has_value = true;
    found->member->get(board->config.parts[found->part].self, &one.readings[0].value);
    if (one.readings[0].value.which_kind == 0u) {
        return true; /* nothing is measured now */
    }
    if (!rl_encode(&rl_msg_readings_table, &one, &body[*size], (uint16_t)(RL_BODY_MAX - STAMP_ROOM - *size), &more)) {
        return false;
    }
    *size = (uint16_t)(*size + more);
    return true;
}

static void flush(rl_board *board, uint8_t *body, uint16_t *size, uint32_t now)
{
    rl_msg_readings stamp;
    uint16_t more = 0u;

    if (*size == 0u) {
        return;
    }
    (void)memset(&stamp, 0, sizeof stamp);
    if (rl_link_site_time(&board->link, now, &stamp.stamp_ns, &stamp.stamp_error_us)) {
        (void)rl_encode(&rl_msg_readings_table, &stamp, &body[*size], STAMP_ROOM, &more);
    }
    (void)rl_link_send(&board->link, RL_FRAME_KIND_READINGS, body, (uint16_t)(*size + more));
    *size = 0u;
}

void rl_readings_send(rl_board *board, uint32_t now)
{
    uint8_t body[RL_BODY_MAX];
    uint16_t size = 0u;

    for (uint16_t id = 1u; id < board->sheet_parts; id++) {
        place found;

        if (!find(&board->config, id, &found) || (found.member == NULL) || (found.field != NULL) ||
            (found.member->get == NULL)) {
            continue;
        }
        if (size + READING_ROOM > RL_BODY_MAX - STAMP_ROOM) {
            flush(board, body, &size, now);
        }
        if (!add_reading(board, id, &found, body, &size)) {
            flush(board, body, &size, now);
            if (!add_reading(board, id, &found, body, &size)) {
                rl_link_count(&board->link, RL_COUNT_QUEUE_FULL); /* longer than a frame */
            }
        }
    }
    flush(board, body, &size, now);
}
