/* Every size and time of the library. Job: the one place to trade RAM; it must hold no rule.
 *
 * Set any of them on the compiler's command line (-DRL_MAX_COMPONENTS=2), for the library and for what includes it
 * alike, or put them into a file of your own and name it: -DRL_CONFIG_FILE='"my_config.h"'. README.md tells the RAM. */
#ifndef ROBOLINK_RL_CONFIG_H
#define ROBOLINK_RL_CONFIG_H

#ifdef RL_CONFIG_FILE
#include RL_CONFIG_FILE
#endif

/* --- What the board has. */

/* Components; each runs one command at a time. */
#ifndef RL_MAX_COMPONENTS
#define RL_MAX_COMPONENTS 4u
#endif
/* Setpoints of all components together. */
#ifndef RL_MAX_SETPOINTS
#define RL_MAX_SETPOINTS 4u
#endif
/* Arguments or results of a method, fields of a setpoint. */
#ifndef RL_MAX_ARGS
#define RL_MAX_ARGS 6u
#endif

/* --- Memory of the link. */

/* Sequenced frames that wait or are not acknowledged: 2 bytes each and their bodies. At least one frame of 247. */
#ifndef RL_SEND_BYTES
#define RL_SEND_BYTES 1024u
#endif
/* Best effort frames that wait. */
#ifndef RL_BEST_EFFORT_BYTES
#define RL_BEST_EFFORT_BYTES 512u
#endif
/* The longest body that is put together from fragments, and as many bytes of RAM; 0: none, and the host sends none. */
#ifndef RL_LARGEST_MESSAGE
#define RL_LARGEST_MESSAGE 1024u
#endif
/* A line of text that waits to leave between frames. */
#ifndef RL_LOG_BYTES
#define RL_LOG_BYTES 128u
#endif

/* --- Memory of commands. The standard asks for the last 16 outcomes at least. */

#ifndef RL_REMEMBERED
#define RL_REMEMBERED 16u
#endif
/* An encoded outcome: 18 bytes of id, 4 of state and cause, then its results or its text (which is cut to fit). */
#ifndef RL_OUTCOME_BYTES
#define RL_OUTCOME_BYTES 96u
#endif

/* --- Code size: 16 entries of CRC table (64 bytes of flash), or 256 (1 KB, twice as fast). */

#ifndef RL_CRC_TABLE
#define RL_CRC_TABLE 16
#endif

/* --- Messages of the host's side, which a board only knows in tests. */

#ifndef RL_MAX_READINGS
#define RL_MAX_READINGS 2u
#endif
#ifndef RL_MAX_CHOICES
#define RL_MAX_CHOICES 4u
#endif
#ifndef RL_MAX_STOP_LEVELS
#define RL_MAX_STOP_LEVELS 3u
#endif
#ifndef RL_MAX_REPEATED
#define RL_MAX_REPEATED 4u
#endif

/* --- Times, ms. The standard's; longer ones are out of its bounds. */

#ifndef RL_BEAT_MS
#define RL_BEAT_MS 50u
#endif
#ifndef RL_SILENT_MS
#define RL_SILENT_MS 180u
#endif
#ifndef RL_HELLO_MS
#define RL_HELLO_MS 100u
#endif
#ifndef RL_RESEND_MS
#define RL_RESEND_MS 100u
#endif
#ifndef RL_BULK_RESEND_MS
#define RL_BULK_RESEND_MS 100u
#endif
#ifndef RL_TIME_QUERY_MS
#define RL_TIME_QUERY_MS 1000u
#endif
#ifndef RL_WATCHDOG_MS
#define RL_WATCHDOG_MS 200u
#endif
#ifndef RL_READINGS_MS
#define RL_READINGS_MS 100u
#endif
#ifndef RL_FEEDBACK_MS
#define RL_FEEDBACK_MS 100u
#endif
/* Standstill after a stop is waited for as long; then the verdict is STOPPING. */
#ifndef RL_STANDSTILL_LIMIT_MS
#define RL_STANDSTILL_LIMIT_MS 800u
#endif
/* A component that does not come to rest is reported as ended all the same. */
#ifndef RL_ENDING_LIMIT_MS
#define RL_ENDING_LIMIT_MS 1000u
#endif

/* --- The standard's, not for changing: frames are no longer and windows no wider. */

#define RL_WINDOW 4u
#define RL_COMMAND_ID_BYTES 16u

#if RL_SEND_BYTES < 264
#error "RL_SEND_BYTES: a frame of 247 bytes and a credit do not fit"
#endif
#if RL_REMEMBERED < 16
#error "RL_REMEMBERED: the standard asks for 16 outcomes at least"
#endif
#if RL_OUTCOME_BYTES < 48 || RL_OUTCOME_BYTES > 247
#error "RL_OUTCOME_BYTES: 48 to 247"
#endif
#if (RL_CRC_TABLE != 16) && (RL_CRC_TABLE != 256)
#error "RL_CRC_TABLE: 16 or 256"
#endif

#endif
