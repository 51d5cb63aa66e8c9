/* What a person sees of a training: a line that moves, a table row per report, and the
 * result table at the end. */
#ifndef MUSTER_TRAINER_PROGRESS_H
#define MUSTER_TRAINER_PROGRESS_H

#include "trainer/callback.h"

#include <stdio.h>

typedef struct ProgressOptions {
    FILE *display; /* NULL = stderr: the moving line and the rows */
    FILE *results; /* the result table; NULL prints none (--json) */
    int terminal;  /* 1: rewrite the line; 0: print one per interval; -1: ask display */
    double interval_s; /* between plain lines; 0 = 5 s */
} ProgressOptions;

/* Fills a callback. on_end fails when the result table could not be written. */
void progress_open(const ProgressOptions *options, Callback *out);

#endif
