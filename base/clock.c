/* Clocks and their printed forms. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double clock_seconds(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double clock_cpu_seconds(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t clock_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void format_local(int64_t wall_ms, const char *format, char out[20])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    localtime_r(&seconds, &parts);
    if (strftime(out, 20, format, &parts) == 0) {
        out[0] = '\0';
    }
}

void clock_format_date(int64_t wall_ms, char out[20])
{
    format_local(wall_ms, "%Y-%m-%d_%H-%M-%S", out);
}

void clock_format(int64_t wall_ms, char out[20])
{
    format_local(wall_ms, "%Y-%m-%d %H:%M:%S", out);
}

void clock_format_duration(double seconds, char out[24])
{
    if (!(seconds >= 0) || seconds > 1e9) {
        snprintf(out, 24, "-");
    } else if (seconds < 60) {
        snprintf(out, 24, seconds < 10 ? "%.2fs" : "%.1fs", seconds);
    } else if (seconds < 3600) {
        snprintf(out, 24, "%dm %02ds", (int)seconds / 60, (int)seconds % 60);
    } else {
        snprintf(out, 24, "%dh %02dm", (int)seconds / 3600, (int)seconds / 60 % 60);
    }
}
