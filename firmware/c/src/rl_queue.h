/* Frames in a row of bytes: kind, size, body. Private to the link; knows no sequence. */
#ifndef ROBOLINK_RL_QUEUE_H
#define ROBOLINK_RL_QUEUE_H

#include <robolink/rl_link.h>

void rl_queue_init(rl_queue *queue, uint8_t *bytes, uint16_t capacity);
bool rl_queue_fits(const rl_queue *queue, uint16_t size);
bool rl_queue_add(rl_queue *queue, uint8_t kind, const uint8_t *body, uint16_t size);
/* Before frame number `index`. */
bool rl_queue_insert(rl_queue *queue, uint8_t index, uint8_t kind, const uint8_t *body, uint16_t size);
/* Frame number `index`, the oldest is 0. False: there is none. */
bool rl_queue_at(const rl_queue *queue, uint8_t index, rl_frame *frame);
/* Drops the oldest ones. */
void rl_queue_drop(rl_queue *queue, uint8_t count);

#endif
