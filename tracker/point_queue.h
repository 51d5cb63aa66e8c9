/* A bounded queue of points: many threads put, one takes; nobody waits for a lock.
 *
 * The algorithm is Vyukov's bounded queue: every slot carries the number of the round in
 * which it may be written or read, and a ticket claims it. */
#ifndef MUSTER_TRACKER_POINT_QUEUE_H
#define MUSTER_TRACKER_POINT_QUEUE_H

#include "tracker/entities.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct PointQueue PointQueue;

/* For at least `cap` points. */
PointQueue *point_queue_open(size_t cap);
void point_queue_close(PointQueue *queue); /* NULL is fine */

/* Puts a copy of the point; its key must outlive the queue. False when there is no room.
 * *n_queued is about how many wait now. Sequentially consistent: who then looks at a flag
 * and who set the flag and then looks at the queue cannot both miss the other. */
bool point_queue_put(PointQueue *queue, const Metric *point, size_t *n_queued);

/* Takes up to `n` points, oldest first; how many. A point whose put has not returned yet
 * may hide those behind it. One thread at a time. */
size_t point_queue_take(PointQueue *queue, Metric *out, size_t n);

/* How many puts have begun and how many points were taken, ever. */
size_t point_queue_n_put(const PointQueue *queue);
size_t point_queue_n_taken(const PointQueue *queue);

#endif
