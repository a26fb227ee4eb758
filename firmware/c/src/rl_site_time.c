/* The board's estimate of site time, one sample of it (proto/STANDARD.md, 14.9). For stamps: nothing is judged by it. */
#include "rl_link_parts.h"

#define NS_A_MS 1000000u
#define DRIFT_MS_A_US 10u /* 100 parts in a million: a microsecond in ten milliseconds */
#define CLOCK_TICK_US 1000u
/* An older sample says nothing any more. */
#define FORGOTTEN_MS 600000u

void rl_site_step(rl_link *link, uint32_t now)
{
    rl_site_time *site = &link->site;

    if (site->known && ((uint32_t)(now - site->at) >= FORGOTTEN_MS)) {
        site->known = false;
    }
    if ((link->state == RL_UP) && (rl_ms_between(site->asked, now) >= (int32_t)RL_TIME_QUERY_MS)) {
        site->due = true;
        site->asked = now;
    }
}

bool rl_link_site_time(const rl_link *link, uint32_t now, uint64_t *ns, uint32_t *error_us)
{
    uint32_t age = now - link->site.at;

    if (!link->site.known || (age >= FORGOTTEN_MS)) {
        return false;
    }
    *ns = link->site.ns + (uint64_t)age * NS_A_MS;
    *error_us = link->site.error_us + age / DRIFT_MS_A_US;
    return true;
}

void rl_site_take(rl_link *link, const rl_frame *frame, uint32_t now)
{
    rl_site_time *site = &link->site;
    rl_msg_time told;
    uint64_t took;
    uint64_t away;
    uint64_t ns;
    uint64_t half;
    uint64_t error_us;
    uint32_t old_error_us = 0u;

    if (!rl_link_decode(link, frame->kind, frame->body, frame->size, &told)) {
        return;
    }
    took = (uint64_t)(now - told.sent) * NS_A_MS;
    away = told.sent_ns - told.received_ns;
    if ((told.sent_ns < told.received_ns) || (rl_ms_between(told.sent, now) < 0)) {
        return; /* an answer to nothing that we asked */
    }
    /* Both ticks are cut to the millisecond: a round trip may look shorter than it was, even below zero. */
    half = (took > away) ? (took - away) / 2u : 0u;
    error_us = half / 1000u + CLOCK_TICK_US + told.error_us;
    if (error_us > UINT32_MAX) {
        return;
    }
    if (rl_link_site_time(link, now, &ns, &old_error_us) && (told.clock_id == site->clock_id) &&
        (error_us > old_error_us)) {
        return;
    }
    site->known = true;
    site->clock_id = told.clock_id;
    site->at = now;
    site->ns = told.sent_ns + half;
    site->error_us = (uint32_t)error_us;
}
