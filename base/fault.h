/* Faults on demand, for tests of how a job ends: a rank dies, leaves or stands still at
 * an exact point.
 *
 *     MUSTER_FAULT=PHASE:RANK:ACTION[:VISIT]
 *
 * PHASE is the name given to fault_point: init, data, reduction, checkpoint, evaluation,
 * end. ACTION is kill, segv, stop (the signals), exit0, exit7 (exit() with this code) or
 * gone (_exit(0)). VISIT counts from 1, the default. Without the variable nothing
 * happens, and nothing does in a job that was started again after a failure. */
#ifndef MUSTER_BASE_FAULT_H
#define MUSTER_BASE_FAULT_H

/* Names the supervisor's count of restarts to the job it starts; "" or unset: none. */
#define FAULT_ENV_RESTARTS "MUSTER_RESTARTS"

/* Which rank this process is; to be told once, before the first point. */
void fault_set_rank(int rank);

/* Any thread. */
void fault_point(const char *phase);

#endif
