/* Bodies that are longer than a frame, both ways, and the credit they need (proto/STANDARD.md, 14.8). */
#include "rl_link_parts.h"

#include <string.h>

#define HEAD_BYTES 3u
#define CREDIT_BODY_BYTES 8u
#define PART_MAX (RL_BODY_MAX - HEAD_BYTES)

void rl_fragments_begin(rl_link *link, const rl_msg_hello *hello)
{
    rl_fragments *all = &link->fragments;

    all->total = 0u;
    all->size = 0u;
    all->begun = 0u;
    all->granted = 2u * RL_LARGEST_MESSAGE;
    all->told = all->granted;
    all->sent = 0u;
    all->peer_granted = hello->fragment_credit;
    all->peer_largest = hello->largest_message;
}

void rl_fragments_take_credit(rl_link *link, const rl_frame *frame)
{
    rl_msg_credit credit;

    if (rl_link_decode(link, frame->kind, frame->body, frame->size, &credit)) {
        link->fragments.peer_granted = credit.fragment_bytes;
    }
}

#if RL_LARGEST_MESSAGE > 0
static bool begin_body(rl_link *link, uint8_t kind, uint32_t total)
{
    rl_fragments *all = &link->fragments;

    if ((kind >= RL_FIRST_BEST_EFFORT) || (kind == RL_FRAME_KIND_FRAGMENT) || (kind == RL_FRAME_KIND_CREDIT) ||
        (total > RL_LARGEST_MESSAGE) || (total > all->told - all->begun)) {
        return false;
    }
    all->kind = kind;
    all->total = (uint16_t)total;
    all->size = 0u;
    all->begun += total;
    return true;
}

void rl_fragments_take(rl_link *link, const rl_frame *frame, uint32_t now)
{
    rl_fragments *all = &link->fragments;
    uint32_t part = 0u;
    uint32_t left = 0u;
    bool good = frame->size > HEAD_BYTES;

    if (good) {
        part = (uint32_t)frame->size - HEAD_BYTES;
        left = (uint32_t)frame->body[1] | ((uint32_t)frame->body[2] << 8u);
        if (all->total == 0u) {
            good = begin_body(link, frame->body[0], left + part);
        } else {
            good = (frame->body[0] == all->kind) && ((uint32_t)all->size + part + left == all->total);
        }
    }
    if (!good) {
        rl_link_count(link, RL_COUNT_BAD_FRAGMENT);
        all->total = 0u;
        return;
    }
    (void)memcpy(&all->bytes[all->size], &frame->body[HEAD_BYTES], part);
    all->size = (uint16_t)(all->size + part);
    if (left == 0u) {
        uint16_t size = all->size;

        all->total = 0u;
        all->granted += size;
        rl_link_hand_on(link, all->kind, all->bytes, size, now);
    }
}
#else
void rl_fragments_take(rl_link *link, const rl_frame *frame, uint32_t now)
{
    (void)frame;
    (void)now;
    rl_link_count(link, RL_COUNT_BAD_FRAGMENT);
}
#endif

bool rl_fragments_send(rl_link *link, uint8_t kind, const uint8_t *body, uint16_t size)
{
    rl_fragments *all = &link->fragments;
    uint32_t parts = ((uint32_t)size + PART_MAX - 1u) / PART_MAX;
    uint32_t needed = (uint32_t)size + parts * (HEAD_BYTES + 2u);
    uint16_t at = 0u;

    if ((size > all->peer_largest) || (size > all->peer_granted - all->sent)) {
        rl_link_count(link, RL_COUNT_NO_CREDIT);
        return false;
    }
    if (needed + CREDIT_BODY_BYTES + 2u > (uint32_t)link->sequenced.capacity - link->sequenced.used) {
        rl_link_count(link, RL_COUNT_QUEUE_FULL);
        return false;
    }
    all->sent += size;
    while (at < size) {
        uint8_t fragment[RL_BODY_MAX];
        uint16_t rest = (uint16_t)(size - at);
        uint16_t part = (rest < PART_MAX) ? rest : (uint16_t)PART_MAX;
        uint16_t left = (uint16_t)(rest - part);

        fragment[0] = kind;
        fragment[1] = (uint8_t)(left & 0xFFu);
        fragment[2] = (uint8_t)(left >> 8u);
        (void)memcpy(&fragment[HEAD_BYTES], &body[at], part);
        (void)rl_queue_add(&link->sequenced, RL_FRAME_KIND_FRAGMENT, fragment, (uint16_t)(part + HEAD_BYTES));
        at = (uint16_t)(at + part);
    }
    return true;
}

void rl_fragments_grant(rl_link *link)
{
    rl_fragments *all = &link->fragments;
    rl_msg_credit credit = {all->granted};
    uint8_t body[CREDIT_BODY_BYTES];
    uint16_t size;
    uint32_t longest = RL_LARGEST_MESSAGE;

    if ((all->granted == all->told) || (all->told - all->begun >= longest)) {
        return; /* what it has left covers the longest body */
    }
    /* Behind what has its sequence number, before all that waits. No room: the next acknowledgement makes some. */
    if (rl_encode(&rl_msg_credit_table, &credit, body, (uint16_t)sizeof body, &size) &&
        rl_queue_insert(&link->sequenced, link->outstanding, RL_FRAME_KIND_CREDIT, body, size)) {
        all->told = all->granted;
    }
}
