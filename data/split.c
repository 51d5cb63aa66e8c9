/* How many rows of each class are held out, and which. */
#include "data/split.h"

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct Remainder {
    double part;
    size_t class_index;
} Remainder;

static int compare_remainders(const void *a, const void *b)
{
    const Remainder *x = a, *y = b;
    if (x->part != y->part) {
        return x->part > y->part ? -1 : 1;
    }
    return x->class_index < y->class_index ? -1 : 1;
}

void split_counts(const size_t *class_rows, size_t n_classes, double share,
                  size_t *held_out)
{
    size_t n = 0;
    for (size_t c = 0; c < n_classes; c++) {
        n += class_rows[c];
    }
    size_t n_held = (size_t)ceil(share * (double)n);
    size_t n_kept = n > n_held ? n - n_held : 0, given = 0;
    Remainder *remainders = mem_alloc(n_classes, sizeof *remainders);
    for (size_t c = 0; c < n_classes; c++) {
        double exact = (double)class_rows[c] / (double)n * (double)n_kept;
        size_t kept = (size_t)floor(exact);
        remainders[c] = (Remainder){exact - floor(exact), c};
        held_out[c] = class_rows[c] - kept;
        given += kept;
    }
    qsort(remainders, n_classes, sizeof *remainders, compare_remainders);
    for (size_t i = 0; i < n_classes && given < n_kept; i++, given++) {
        held_out[remainders[i].class_index]--;
    }
    for (size_t c = 0; c < n_classes; c++) {
        if (class_rows[c] > 0 && held_out[c] == class_rows[c]) {
            held_out[c]--;
        }
    }
    free(remainders);
}

/* The rows of each class back to back: class c has list[start[c] .. start[c+1]-1]. */
static uint32_t *group_by_class(const uint32_t *rows, size_t n, const int32_t *class_of,
                                size_t n_classes, size_t *start)
{
    memset(start, 0, (n_classes + 1) * sizeof *start);
    for (size_t i = 0; i < n; i++) {
        start[class_of[rows[i]] + 1]++;
    }
    for (size_t c = 0; c < n_classes; c++) {
        start[c + 1] += start[c];
    }
    size_t *next = mem_alloc(n_classes, sizeof *next);
    memcpy(next, start, n_classes * sizeof *next);
    uint32_t *list = mem_alloc(n, sizeof *list);
    for (size_t i = 0; i < n; i++) {
        list[next[class_of[rows[i]]]++] = rows[i];
    }
    free(next);
    return list;
}

/* Marks, class by class, the rows that are held out. */
static void mark_held(uint32_t *list, const size_t *start, size_t n_classes, double share,
                      uint64_t seed, uint32_t which, bool *is_held)
{
    size_t *class_rows = mem_alloc(n_classes, sizeof *class_rows);
    size_t *held_out = mem_alloc(n_classes, sizeof *held_out);
    for (size_t c = 0; c < n_classes; c++) {
        class_rows[c] = start[c + 1] - start[c];
    }
    split_counts(class_rows, n_classes, share, held_out);
    for (size_t c = 0; c < n_classes; c++) {
        Rng rng = rng_stream(seed, RNG_SPLIT, (uint32_t)c, which);
        rng_shuffle(&rng, list + start[c], class_rows[c]);
        for (size_t i = 0; i < held_out[c]; i++) {
            is_held[list[start[c] + i]] = true;
        }
    }
    free(class_rows);
    free(held_out);
}

size_t split_rows(const uint32_t *rows, size_t n, const int32_t *class_of,
                  size_t n_classes, double share, uint64_t seed, uint32_t which,
                  uint32_t *kept, uint32_t *held)
{
    uint32_t top = 0;
    for (size_t i = 0; i < n; i++) {
        top = rows[i] > top ? rows[i] : top;
    }
    size_t *start = mem_alloc(n_classes + 1, sizeof *start);
    bool *is_held = mem_zalloc((size_t)top + 1, sizeof *is_held);
    uint32_t *list = group_by_class(rows, n, class_of, n_classes, start);
    mark_held(list, start, n_classes, share, seed, which, is_held);
    size_t n_kept = 0, n_held = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_held[rows[i]]) {
            held[n_held++] = rows[i];
        } else {
            kept[n_kept++] = rows[i];
        }
    }
    free(list);
    free(is_held);
    free(start);
    return n_held;
}
