/* Slots, rounds and tickets. */
#include "tracker/point_queue.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>

typedef struct Slot {
    atomic_size_t turn; /* ticket t may write at turn t, be read at t + 1 */
    Metric point;
} Slot;

struct PointQueue {
    Slot *slots;
    void *block;
    size_t mask;
    _Alignas(64) atomic_size_t n_put;   /* the next ticket */
    _Alignas(64) atomic_size_t n_taken; /* written by who takes alone */
};

PointQueue *point_queue_open(size_t cap)
{
    size_t n = 2;
    while (n < cap) {
        n *= 2;
    }
    PointQueue *queue = mem_zalloc_aligned(1, sizeof *queue);
    queue->slots = mem_zalloc_untouched(n, sizeof *queue->slots, &queue->block);
    queue->mask = n - 1;
    for (size_t i = 0; i < n; i++) {
        atomic_init(&queue->slots[i].turn, i);
    }
    return queue;
}

void point_queue_close(PointQueue *queue)
{
    if (queue) {
        free(queue->block);
        free(queue);
    }
}

bool point_queue_put(PointQueue *queue, const Metric *point, size_t *n_queued)
{
    size_t ticket = atomic_load_explicit(&queue->n_put, memory_order_relaxed);
    Slot *slot;
    for (;;) {
        slot = &queue->slots[ticket & queue->mask];
        size_t turn = atomic_load_explicit(&slot->turn, memory_order_acquire);
        ptrdiff_t ahead = (ptrdiff_t)(turn - ticket);
        if (ahead < 0) { /* still holds a point of the round before */
            return false;
        }
        if (ahead > 0) { /* another thread has this ticket already */
            ticket = atomic_load_explicit(&queue->n_put, memory_order_relaxed);
        } else if (atomic_compare_exchange_weak_explicit(&queue->n_put, &ticket,
                                                         ticket + 1, memory_order_relaxed,
                                                         memory_order_relaxed)) {
            break;
        }
    }
    slot->point = *point;
    atomic_store(&slot->turn, ticket + 1);
    *n_queued = ticket + 1 - atomic_load_explicit(&queue->n_taken, memory_order_relaxed);
    return true;
}

size_t point_queue_take(PointQueue *queue, Metric *out, size_t n)
{
    size_t at = atomic_load_explicit(&queue->n_taken, memory_order_relaxed), taken = 0;
    for (; taken < n; taken++, at++) {
        Slot *slot = &queue->slots[at & queue->mask];
        if (atomic_load(&slot->turn) != at + 1) {
            break;
        }
        out[taken] = slot->point;
        atomic_store_explicit(&slot->turn, at + queue->mask + 1, memory_order_release);
    }
    atomic_store_explicit(&queue->n_taken, at, memory_order_release);
    return taken;
}

size_t point_queue_n_put(const PointQueue *queue)
{
    return atomic_load(&queue->n_put);
}

size_t point_queue_n_taken(const PointQueue *queue)
{
    return atomic_load(&queue->n_taken);
}
