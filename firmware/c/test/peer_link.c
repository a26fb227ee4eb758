/* A link alone. See peer_link.h. */
#include "peer_link.h"

#include <robolink/rl_link.h>

#include <string.h>

#define HEARD_BYTES 8192u

static struct {
    rl_link link;
    uint32_t random;
    char heard[HEARD_BYTES];
    size_t heard_size;
} one;

static uint32_t random_u32(void *self)
{
    (void)self;
    one.random ^= one.random << 13u;
    one.random ^= one.random >> 17u;
    one.random ^= one.random << 5u;
    return one.random;
}

static void say(const char *text)
{
    size_t size = strlen(text);

    if (size <= HEARD_BYTES - one.heard_size) {
        (void)memcpy(&one.heard[one.heard_size], text, size);
        one.heard_size += size;
    }
}

static void say_number(uint64_t value)
{
    char digits[24];
    size_t at = sizeof digits - 1u;
    uint64_t rest = value;

    digits[at] = '\0';
    do {
        at--;
        digits[at] = (char)('0' + (char)(rest % 10u));
        rest /= 10u;
    } while (rest > 0u);
    say(" ");
    say(&digits[at]);
}

static void say_hex(const uint8_t *data, uint16_t size)
{
    static const char HEX[] = "0123456789abcdef";

    say(" ");
    for (uint16_t i = 0u; i < size; i++) {
        char pair[3] = {HEX[data[i] >> 4u], HEX[data[i] & 0x0Fu], '\0'};

        say(pair);
    }
}

static void on_up(void *owner, const rl_msg_hello *hello, bool same_host, uint32_t now)
{
    (void)owner;
    (void)hello;
    (void)now;
    say("up");
    say_number(same_host ? 1u : 0u);
    say("\n");
}

static void on_down(void *owner, uint32_t now)
{
    (void)owner;
    (void)now;
    say("down\n");
}

static void on_frame(void *owner, uint8_t kind, const uint8_t *body, uint16_t size, uint32_t now)
{
    static uint64_t message[512];
    const rl_table *table = rl_table_of_kind(kind);

    (void)owner;
    (void)now;
    /* As a board: a body that is none is dropped, and counted. */
    if ((table != NULL) && (table->size <= sizeof message) && rl_decode(table, body, size, message)) {
        say("message");
        say_number(kind);
        say_hex(body, size);
        say("\n");
    }
}

static void on_bulk(void *owner, uint32_t transfer, uint32_t offset, const uint8_t *data, uint16_t size, uint32_t now)
{
    (void)owner;
    (void)now;
    say("bulk");
    say_number(transfer);
    say_number(offset);
    say_hex(data, size);
    say("\n");
}

static const rl_link_owner OWNER = {on_up, on_down, on_frame, on_bulk};

static uint32_t u32_at(const uint8_t *data)
{
    return (uint32_t)data[0] | ((uint32_t)data[1] << 8u) | ((uint32_t)data[2] << 16u) | ((uint32_t)data[3] << 24u);
}

static void call(const uint8_t *request)
{
    uint64_t ns;
    uint32_t error_us;

    switch (request[0]) {
    case 'p':
        one.link.stop_generation = u32_at(&request[1]);
        one.link.stop_latched = request[5] != 0u;
        break;
    case 'o':
        rl_link_open_bulk(&one.link, u32_at(&request[1]), u32_at(&request[5]), u32_at(&request[9]),
                          u32_at(&request[13]));
        break;
    case 'e':
        rl_link_close_bulk(&one.link);
        break;
    default:
        if (rl_link_site_time(&one.link, u32_at(&request[1]), &ns, &error_us)) {
            say("site");
            say_number(ns);
            say_number(error_us);
            say("\n");
        }
        break;
    }
}

static void turn(uint32_t now, uint8_t *answer, size_t capacity, size_t *answer_size)
{
    size_t size;

    rl_link_step(&one.link, now);
    do {
        size = rl_link_output(&one.link, now, &answer[*answer_size], capacity - *answer_size);
        *answer_size += size;
    } while (size > 0u);
}

bool peer_link_answer(uint8_t what, const uint8_t *request, uint16_t size, uint8_t *answer, size_t capacity,
                      size_t *answer_size)
{
    bool good = true;

    switch (what) {
    case 'L':
        one.random = u32_at(request);
        one.heard_size = 0u;
        rl_link_init(&one.link, &OWNER, NULL, random_u32, NULL, 0u);
        break;
    case 'r':
        rl_link_step(&one.link, u32_at(request));
        rl_link_receive(&one.link, &request[4], (size_t)size - 4u, u32_at(request));
        break;
    case 's':
        turn(u32_at(request), answer, capacity, answer_size);
        break;
    case 'b':
        good = rl_link_send(&one.link, request[0], &request[1], (uint16_t)(size - 1u));
        break;
    case 'k':
        call(request);
        break;
    case 'v':
        (void)memcpy(answer, one.heard, one.heard_size);
        *answer_size = one.heard_size;
        one.heard_size = 0u;
        break;
    default:
        good = false;
        break;
    }
    return good;
}
