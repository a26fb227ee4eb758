/* What the files of the board share. Private. */
#ifndef ROBOLINK_RL_BOARD_PARTS_H
#define ROBOLINK_RL_BOARD_PARTS_H

#include <robolink/rl_board.h>

#include "rl_link_parts.h"

#define RL_TEXT_BYTES 80u

/* A text that grows up to its bounds and is cut there. */
typedef struct {
    char text[RL_TEXT_BYTES];
    uint8_t size;
} rl_words;

/* rl_words.c */
void rl_words_clear(rl_words *words);
void rl_words_add(rl_words *words, const char *text);
void rl_words_add_u32(rl_words *words, uint32_t value);
/* With at most three decimals. */
void rl_words_add_double(rl_words *words, double value);

/* rl_value.c: 0, or the cause: INVALID of another type or not finite, LIMIT out of limits; `words` says why. */
uint32_t rl_value_check(const rl_field *field, const rl_msg_value *value, rl_msg_value *checked, rl_words *words);
uint32_t rl_number_check(const rl_field *field, double value, rl_words *words);

/* rl_sheet.c */
/* The member of that number, and the part it belongs to. NULL: there is none. */
const rl_member *rl_sheet_find(const rl_board *board, uint32_t id, uint8_t *part);
/* Part `index` of the sheet. False: it does not fit a frame. */
bool rl_sheet_encode(const rl_board *board, uint16_t index, uint8_t *out, uint16_t *size);
uint16_t rl_sheet_count(const rl_board_config *config);
void rl_sheet_send(rl_board *board);
void rl_readings_send(rl_board *board, uint32_t now);

/* rl_command.c */
bool rl_refuses_motion(const rl_board *board, uint32_t lease, uint32_t generation, uint32_t *state, uint32_t *cause,
                       const char **text);
void rl_on_command(rl_board *board, const rl_msg_command *command, uint32_t now);
void rl_on_cancel(rl_board *board, const rl_msg_cancel *cancel, uint32_t now);
void rl_on_query(rl_board *board, const rl_msg_query *query);

/* rl_run.c */
void rl_slot_step(rl_board *board, uint8_t part, uint32_t now);
void rl_slot_end(rl_board *board, uint8_t part, uint32_t state, uint32_t cause, const char *text, uint32_t now);
/* It ends at once in the state that it was told to end in. */
void rl_slot_finish(rl_board *board, uint8_t part);

/* rl_outcome.c */
rl_outcome *rl_outcome_find(rl_board *board, rl_bytes id);
/* Kept, and told. */
void rl_outcome_keep(rl_board *board, const rl_msg_update *update);
void rl_update_send(rl_board *board, rl_bytes id, uint32_t state);
/* Outcomes that found no room in the link. */
void rl_outcomes_step(rl_board *board);
/* Whether the results of that member fit an outcome, whatever their numbers. */
bool rl_results_fit(const rl_member *member);

/* rl_setpoint.c */
void rl_on_setpoint(rl_board *board, const rl_msg_setpoint *setpoint, uint32_t now);
void rl_streams_step(rl_board *board, uint32_t now);
void rl_streams_end(rl_board *board);
void rl_streams_end_of_part(rl_board *board, uint8_t part);

/* rl_stop.c */
void rl_on_stop(rl_board *board, const rl_msg_stop *stop, uint32_t now);
void rl_on_release(rl_board *board, const rl_msg_release *release);
void rl_stop_step(rl_board *board, uint32_t now);
void rl_stop_hello(rl_board *board, const rl_msg_hello *hello, uint32_t now);
void rl_tell_stop(rl_board *board);
bool rl_standstill(const rl_board *board);
void rl_end_motion(rl_board *board, uint32_t state, uint32_t cause, const char *text, uint32_t now);

#endif
