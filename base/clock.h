/* Time: a steady clock for durations, the wall clock for what is written down. */
#ifndef MUSTER_BASE_CLOCK_H
#define MUSTER_BASE_CLOCK_H

#include <stdint.h>

/* Seconds on a clock that never steps back; only differences mean something. */
double clock_seconds(void);

/* CPU seconds used by the calling process. */
double clock_cpu_seconds(void);

/* Milliseconds since 1970, UTC, as MLflow stores times. */
int64_t clock_wall_ms(void);

/* "2024-05-01_13-07-45" in local time, as Ray writes `date`. */
void clock_format_date(int64_t wall_ms, char out[20]);

/* "2024-05-01 13:07:45" in local time. */
void clock_format(int64_t wall_ms, char out[20]);

/* "1h 02m", "3m 07s", "12.4s": a duration for people. */
void clock_format_duration(double seconds, char out[24]);

#endif
