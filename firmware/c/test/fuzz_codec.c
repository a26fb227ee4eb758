/* libFuzzer: any bytes as the body of any kind: refused, or a message that encodes to what decodes to the same. */
#include <robolink/rl_messages.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool truth)
{
    if (!truth) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t message[512];
    static uint8_t first[8192];
    static uint8_t second[8192];
    uint16_t first_size;
    uint16_t second_size;
    const rl_table *table;

    if ((size < 1u) || (size > 4096u)) {
        return 0;
    }
    table = rl_table_of_kind(data[0]);
    if (table == NULL) {
        return 0;
    }
    need(table->size <= sizeof message);
    if (!rl_decode(table, &data[1], (uint16_t)(size - 1u), message)) {
        return 0;
    }
    if (!rl_encode(table, message, first, (uint16_t)sizeof first, &first_size)) {
        return 0; /* more repeated elements came than the struct keeps */
    }
    need(rl_decode(table, first, first_size, message));
    need(rl_encode(table, message, second, (uint16_t)sizeof second, &second_size));
    need((first_size == second_size) && (memcmp(first, second, first_size) == 0));
    /* A buffer that is too small is refused, and never overrun. */
    need((first_size == 0u) || !rl_encode(table, message, second, (uint16_t)(first_size - 1u), &second_size));
    return 0;
}
