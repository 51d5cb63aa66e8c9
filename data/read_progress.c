/* The line and when it is due. */
#include "data/read_progress.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

static const double FIRST_S = 1, TERMINAL_S = 0.2, PLAIN_S = 10;

ReadProgress read_progress_begin(bool wanted, uint64_t total)
{
    double now = clock_seconds();
    bool terminal = isatty(STDERR_FILENO);
    return (ReadProgress){.wanted = wanted,
                          .terminal = terminal,
                          .began = now,
                          .next = now + (terminal ? FIRST_S : PLAIN_S),
                          .total = total};
}

void read_progress_tell(ReadProgress *progress, uint64_t done, uint64_t n_rows)
{
    double now = progress->wanted ? clock_seconds() : 0;
    if (!progress->wanted || now < progress->next) {
        return;
    }
    double gigabytes = (double)(progress->before + done) / 1e9;
    double speed = gigabytes * 1e3 / (now - progress->began);
    char of[32] = "", left[48] = "";
    if (progress->total > 0) {
        double rest = (double)progress->total / 1e9 - gigabytes;
        snprintf(of, sizeof of, " of %.2f", (double)progress->total / 1e9);
        snprintf(left, sizeof left, ", %.0f s left", rest * 1e3 / speed);
    }
    if (progress->terminal) {
        fprintf(stderr, "\rreading: %.2f%s GB, %llu rows, %.0f MB/s%s\033[K", gigabytes,
                of, (unsigned long long)n_rows, speed, left);
        progress->drawn = true;
    } else {
        log_note("reading: %.2f%s GB, %llu rows, %.0f MB/s%s", gigabytes, of,
                 (unsigned long long)n_rows, speed, left);
    }
    progress->next = now + (progress->terminal ? TERMINAL_S : PLAIN_S);
}

void read_progress_end(ReadProgress *progress)
{
    if (progress->drawn) {
        fputs("\r\033[K", stderr);
        progress->drawn = false;
    }
}
