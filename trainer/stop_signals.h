/* SIGINT, SIGTERM and SIGUSR1 as a wish to end: the first asks, a second Ctrl-C ends the
 * process at once. */
#ifndef MUSTER_TRAINER_STOP_SIGNALS_H
#define MUSTER_TRAINER_STOP_SIGNALS_H

#include <signal.h>

/* Catches them from now on. Returns where the last one's number stands, 0 before; static
 * storage. */
const volatile sig_atomic_t *stop_signals_catch(void);

/* What was done about them before is done again, and the number is 0. */
void stop_signals_restore(void);

#endif
