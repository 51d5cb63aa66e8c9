/* Memorable names and ids for runs. */
#ifndef MUSTER_TRACKER_NAMES_H
#define MUSTER_TRACKER_NAMES_H

#include <stdint.h>

enum {
    RUN_NAME_CAP = 21, /* 20 characters and the terminator */
    RUN_ID_CAP = 33    /* 32 hex digits and the terminator */
};

/* "<adjective>-<noun>-<0..999>" from a number; the same number gives the same name. */
void run_name_from(uint64_t number, char out[RUN_NAME_CAP]);

/* The same from the system's randomness: a run's name never depends on its seed, so that
 * a repeated run gets a name of its own. */
void run_name_make(char out[RUN_NAME_CAP]);

/* 32 hex digits from the system's randomness. */
void run_id_make(char out[RUN_ID_CAP]);

#endif
