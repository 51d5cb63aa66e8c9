/* Signs of life of this process, for those who watch it (trainer/watch.h): what it is at,
 * how far it has moved, and whether it waits for other ranks, in which case it is not to
 * blame for standing still. Local calls all; beats from any thread, the rest from the
 * main one. */
#ifndef MUSTER_BASE_PULSE_H
#define MUSTER_BASE_PULSE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum PulsePhase {
    PULSE_STARTING,
    PULSE_DATA,
    PULSE_TRAINING,
    PULSE_VALIDATION,
    PULSE_CHECKPOINT,
    PULSE_ENDING,
    N_PULSE_PHASES
} PulsePhase;

/* "while reading data". Static storage. */
const char *pulse_phase_text(PulsePhase phase);

/* Where the work has no steps to count (reading rows, say), time on the processor counts
 * as moving. */
bool pulse_moves_by_cpu(PulsePhase phase);

/* Another phase begins. Returns the one before. */
PulsePhase pulse_phase(PulsePhase phase);

/* Something was done: a leaf of a batch, a batch of validation, a file. */
void pulse_beat(void);

/* Around everything that waits for another rank. */
void pulse_wait_begin(void);
void pulse_wait_end(void);

typedef struct Pulse {
    uint64_t beats;
    PulsePhase phase;
    bool waiting;
} Pulse;

Pulse pulse_read(void);

/* The job is being ended by a thread that watches: the main thread stands still from
 * where it next begins or ends a wait, so that it does not end the job in another way. */
void pulse_freeze(void);

#endif
