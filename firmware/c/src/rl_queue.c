/* Frames in a row of bytes. See rl_queue.h. */
#include "rl_queue.h"

#include <string.h>

#define ENTRY_HEAD 2u

void rl_queue_init(rl_queue *queue, uint8_t *bytes, uint16_t capacity)
{
    queue->bytes = bytes;
    queue->capacity = capacity;
    queue->used = 0u;
    queue->count = 0u;
}

bool rl_queue_fits(const rl_queue *queue, uint16_t size)
{
    return (size <= RL_BODY_MAX) && (queue->count < UINT8_MAX) &&
           ((uint32_t)queue->used + ENTRY_HEAD + size <= queue->capacity);
}

/* Where entry number `index` begins; `used` behind the last. */
static uint16_t offset_of(const rl_queue *queue, uint8_t index)
{
    uint16_t at = 0u;

    for (uint8_t i = 0u; (i < index) && (at < queue->used); i++) {
        at = (uint16_t)(at + ENTRY_HEAD + queue->bytes[at + 1u]);
    }
    return at;
}

bool rl_queue_insert(rl_queue *queue, uint8_t index, uint8_t kind, const uint8_t *body, uint16_t size)
{
    uint16_t at = offset_of(queue, index);
    uint8_t *entry = &queue->bytes[at];

    if (!rl_queue_fits(queue, size)) {
        return false;
    }
    (void)memmove(&entry[ENTRY_HEAD + size], entry, (size_t)queue->used - at);
    entry[0] = kind;
    entry[1] = (uint8_t)size;
    if (size > 0u) {
        (void)memcpy(&entry[ENTRY_HEAD], body, size);
    }
    queue->used = (uint16_t)(queue->used + ENTRY_HEAD + size);
    queue->count++;
    return true;
}

bool rl_queue_add(rl_queue *queue, uint8_t kind, const uint8_t *body, uint16_t size)
{
    return rl_queue_insert(queue, queue->count, kind, body, size);
}

bool rl_queue_at(const rl_queue *queue, uint8_t index, rl_frame *frame)
{
    uint16_t at = offset_of(queue, index);

    if (at >= queue->used) {
        return false;
    }
    frame->kind = queue->bytes[at];
    frame->size = queue->bytes[at + 1u];
    frame->body = &queue->bytes[at + ENTRY_HEAD];
    frame->seq = 0u;
    frame->ack = 0u;
    return true;
}

void rl_queue_drop(rl_queue *queue, uint8_t count)
{
    uint8_t dropped = (count < queue->count) ? count : queue->count;
    uint16_t at = offset_of(queue, dropped);

    (void)memmove(queue->bytes, &queue->bytes[at], (size_t)queue->used - at);
    queue->used = (uint16_t)(queue->used - at);
    queue->count = (uint8_t)(queue->count - dropped);
}
