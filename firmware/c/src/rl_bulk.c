/* An image that comes in best effort frames by offset, under credit (proto/STANDARD.md, 14.11). It does not know what an image
 * means: its bytes go to the link's owner. */
#include "rl_link_parts.h"

#include <string.h>

#define HEAD_BYTES 3u

static uint32_t limit_of(const rl_bulk *bulk)
{
    uint32_t left = bulk->size - bulk->stored;

    return bulk->stored + ((bulk->credit < left) ? bulk->credit : left);
}

/* Whether the host should hear of it before the time is over. */
static void judge(rl_bulk *bulk)
{
    bool half_used = (bulk->told - bulk->next_offset <= bulk->credit / 2u) && (limit_of(bulk) > bulk->told);

    if (half_used || ((bulk->next_offset == bulk->size) && (bulk->stored == bulk->size))) {
        bulk->due = true;
    }
}

void rl_link_open_bulk(rl_link *link, uint32_t transfer, uint32_t size, uint32_t next_offset, uint32_t credit)
{
    rl_bulk *bulk = &link->bulk;

    (void)memset(bulk, 0, sizeof *bulk);
    bulk->open = true;
    bulk->transfer = transfer;
    bulk->size = size;
    bulk->next_offset = (next_offset < size) ? next_offset : size;
    bulk->stored = bulk->next_offset;
    bulk->told = bulk->next_offset;
    bulk->credit = credit;
    bulk->due = true;
}

void rl_link_close_bulk(rl_link *link)
{
    link->bulk.open = false;
}

void rl_bulk_new_session(rl_link *link)
{
    link->bulk.due = true;
}

static bool in_place(const rl_bulk *bulk, uint32_t offset, uint32_t size)
{
    return bulk->open && (size > 0u) && (offset == bulk->next_offset) && (offset + size <= bulk->told);
}

void rl_bulk_take(rl_link *link, const rl_frame *frame, uint32_t now)
{
    rl_bulk *bulk = &link->bulk;
    uint32_t offset = 0u;
    uint32_t size = 0u;

    if (frame->size >= HEAD_BYTES) {
        offset = (uint32_t)frame->body[0] | ((uint32_t)frame->body[1] << 8u) | ((uint32_t)frame->body[2] << 16u);
        size = (uint32_t)frame->size - HEAD_BYTES;
    }
    if (!in_place(bulk, offset, size)) {
        rl_link_count(link, RL_COUNT_BULK_OUT_OF_PLACE);
        if (!bulk->out_of_place_told) {
            /* Once until data comes in place: each word may bring a whole flight again. */
            bulk->out_of_place_told = true;
            bulk->due = true;
        }
        return;
    }
    bulk->next_offset += size;
    bulk->out_of_place_told = false;
    bulk->due_at = now + RL_BULK_RESEND_MS;
    bulk->due = false;
    judge(bulk);
    link->owner->bulk(link->owner_self, bulk->transfer, offset, &frame->body[HEAD_BYTES], (uint16_t)size, now);
    bulk->stored += size;
    judge(bulk);
}

bool rl_bulk_word(rl_link *link, uint32_t now, rl_msg_bulk_credit *word)
{
    rl_bulk *bulk = &link->bulk;

    if (!bulk->open || (!bulk->due && (rl_ms_between(bulk->due_at, now) < 0))) {
        return false;
    }
    bulk->due = false;
    bulk->due_at = now + RL_BULK_RESEND_MS;
    bulk->told = limit_of(bulk);
    word->transfer = bulk->transfer;
    word->next_offset = bulk->next_offset;
    word->credit = bulk->told - bulk->next_offset;
    return true;
}
