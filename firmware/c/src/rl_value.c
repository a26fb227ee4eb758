/* Values against the fields they are for: type, finite, limits. Decides nothing else. */
#include "rl_board_parts.h"

rl_msg_value rl_bool(bool value)
{
    rl_msg_value made = {0};

    made.which_kind = RL_VALUE_BOOL_VALUE;
    made.kind.bool_value = value;
    return made;
}

rl_msg_value rl_int(int64_t value)
{
    rl_msg_value made = {0};

    made.which_kind = RL_VALUE_INT_VALUE;
    made.kind.int_value = value;
    return made;
}

rl_msg_value rl_double(double value)
{
    rl_msg_value made = {0};

    made.which_kind = RL_VALUE_DOUBLE_VALUE;
    made.kind.double_value = value;
    return made;
}

rl_msg_value rl_string(const char *value)
{
    rl_msg_value made = {0};

    made.which_kind = RL_VALUE_STRING_VALUE;
    made.kind.string_value = rl_text(value);
    return made;
}

static bool is_finite(double value)
{
    /* A difference with itself is 0 only of a finite number. */
    double difference = value - value;

    return (difference >= 0.0) && (difference <= 0.0);
}

static void begin_words(const rl_field *field, rl_words *words, const char *text)
{
    rl_words_clear(words);
    rl_words_add(words, field->name);
    rl_words_add(words, text);
}

uint32_t rl_number_check(const rl_field *field, double value, rl_words *words)
{
    const char *verdict = NULL;
    double limit = 0.0;

    if (!is_finite(value)) {
        begin_words(field, words, ": not a finite number");
        return RL_CAUSE_INVALID;
    }
    if (field->has_minimum && (value < field->minimum)) {
        verdict = " is under the minimum ";
        limit = field->minimum;
    } else if (field->has_maximum && (value > field->maximum)) {
        verdict = " is over the maximum ";
        limit = field->maximum;
    } else {
        return RL_CAUSE_UNSPECIFIED;
    }
    begin_words(field, words, ": ");
    rl_words_add_double(words, value);
    rl_words_add(words, verdict);
    rl_words_add_double(words, limit);
    return RL_CAUSE_LIMIT;
}

/* Which of a value's kinds the field's type wants. */
static uint8_t wanted_of(const rl_field *field)
{
    uint8_t wanted = RL_VALUE_DOUBLE_VALUE;

    switch (field->type) {
    case RL_VALUE_TYPE_BOOL:
        wanted = RL_VALUE_BOOL_VALUE;
        break;
    case RL_VALUE_TYPE_INT:
        wanted = RL_VALUE_INT_VALUE;
        break;
    case RL_VALUE_TYPE_STRING:
        wanted = RL_VALUE_STRING_VALUE;
        break;
    case RL_VALUE_TYPE_BYTES:
        wanted = RL_VALUE_BYTES_VALUE;
        break;
    case RL_VALUE_TYPE_VECTOR:
        wanted = RL_VALUE_VECTOR_VALUE;
        break;
    default:
        break;
    }
    return wanted;
}

uint32_t rl_value_check(const rl_field *field, const rl_msg_value *value, rl_msg_value *checked, rl_words *words)
{
    uint8_t wanted = wanted_of(field);
    uint32_t cause = RL_CAUSE_UNSPECIFIED;

    *checked = *value;
    if ((wanted == RL_VALUE_DOUBLE_VALUE) && (value->which_kind == RL_VALUE_INT_VALUE)) {
        *checked = rl_double((double)value->kind.int_value);
    }
    if (checked->which_kind != wanted) {
        begin_words(field, words, (wanted == RL_VALUE_DOUBLE_VALUE) ? ": a number is needed" : ": wrong type");
        return RL_CAUSE_INVALID;
    }
    if (wanted == RL_VALUE_DOUBLE_VALUE) {
        cause = rl_number_check(field, checked->kind.double_value, words);
    } else if (wanted == RL_VALUE_INT_VALUE) {
        cause = rl_number_check(field, (double)checked->kind.int_value, words);
    } else if (wanted == RL_VALUE_VECTOR_VALUE) {
        for (uint16_t i = 0u; (cause == RL_CAUSE_UNSPECIFIED) && (i < checked->kind.vector_value.count); i++) {
            cause = rl_number_check(field, rl_vector_at(&checked->kind.vector_value, i), words);
        }
    } else {
        /* Any text, any bytes. */
    }
    return cause;
}
