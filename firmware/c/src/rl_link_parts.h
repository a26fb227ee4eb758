/* What the files of the link share. Private. */
#ifndef ROBOLINK_RL_LINK_PARTS_H
#define ROBOLINK_RL_LINK_PARTS_H

#include "rl_queue.h"

/* rl_link.c */
void rl_link_greet(rl_link *link, uint32_t now, bool new_nonce);
bool rl_link_decode(rl_link *link, uint8_t kind, const uint8_t *body, uint16_t size, void *message);
void rl_link_hand_on(rl_link *link, uint8_t kind, const uint8_t *body, uint16_t size, uint32_t now);

/* rl_fragment.c */
void rl_fragments_begin(rl_link *link, const rl_msg_hello *hello);
void rl_fragments_take(rl_link *link, const rl_frame *frame, uint32_t now);
void rl_fragments_take_credit(rl_link *link, const rl_frame *frame);
/* A body that is too long for a frame, as fragments into the queue. */
bool rl_fragments_send(rl_link *link, uint8_t kind, const uint8_t *body, uint16_t size);
/* Puts a CREDIT that is due ahead of what waits. */
void rl_fragments_grant(rl_link *link);

/* rl_bulk.c */
void rl_bulk_new_session(rl_link *link);
void rl_bulk_take(rl_link *link, const rl_frame *frame, uint32_t now);
/* Its word to the host, if it is due. */
bool rl_bulk_word(rl_link *link, uint32_t now, rl_msg_bulk_credit *word);

/* rl_site_time.c */
void rl_site_take(rl_link *link, const rl_frame *frame, uint32_t now);
void rl_site_step(rl_link *link, uint32_t now);

#endif
