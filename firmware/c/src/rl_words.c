/* Short texts without a C library's printf: numbers and constants, cut at RL_TEXT_BYTES. */
#include "rl_board_parts.h"

#define DECIMALS 1000u

void rl_words_clear(rl_words *words)
{
    words->size = 0u;
    words->text[0] = '\0';
}

void rl_words_add(rl_words *words, const char *text)
{
    for (uint16_t i = 0u; (text[i] != '\0') && (words->size + 1u < RL_TEXT_BYTES); i++) {
        words->text[words->size] = text[i];
        words->size++;
    }
    words->text[words->size] = '\0';
}

void rl_words_add_u32(rl_words *words, uint32_t value)
{
    char digits[11];
    uint8_t at = (uint8_t)(sizeof digits - 1u);
    uint32_t rest = value;

    digits[at] = '\0';
    do {
        at--;
        digits[at] = (char)('0' + (char)(rest % 10u));
        rest /= 10u;
    } while ((rest > 0u) && (at > 0u));
    rl_words_add(words, &digits[at]);
}

void rl_words_add_double(rl_words *words, double value)
{
    double size = (value < 0.0) ? -value : value;
    uint32_t whole;
    uint32_t part;
    char decimals[5] = {'.', '0', '0', '0', '\0'};
    uint8_t last = 3u;

    if (!(size < 4.0e9)) {
        rl_words_add(words, (value < 0.0) ? "less than -4e9" : "more than 4e9");
        return;
    }
    whole = (uint32_t)size;
    part = (uint32_t)((size - (double)whole) * (double)DECIMALS + 0.5);
    if (part >= DECIMALS) {
        whole++;
        part = 0u;
    }
    if (value < 0.0) {
        rl_words_add(words, "-");
    }
    rl_words_add_u32(words, whole);
    if (part == 0u) {
        return;
    }
    decimals[1] = (char)('0' + (char)(part / 100u));
    decimals[2] = (char)('0' + (char)((part / 10u) % 10u));
    decimals[3] = (char)('0' + (char)(part % 10u));
    while ((last > 1u) && (decimals[last] == '0')) {
        decimals[last] = '\0';
        last--;
    }
    rl_words_add(words, decimals);
}
