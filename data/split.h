/* Which part of a split each row goes to: stratified by class, shares or folds, whole
 * groups when there are any. */
#ifndef MUSTER_DATA_SPLIT_H
#define MUSTER_DATA_SPLIT_H

#include "base/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decides how many of each class's rows are held out. As scikit-learn's
 * StratifiedShuffleSplit: ceil(share * n) rows in all, spread by the largest remainder of
 * the kept rows (equal remainders: the lower class first, where scikit-learn draws). A
 * class keeps at least one row. `n_classes` counts go in and come out. */
void split_counts(const size_t *class_rows, size_t n_classes, double share,
                  size_t *held_out);

/* Decides how many of each class's rows fold `fold` of `folds` holds. As scikit-learn's
 * StratifiedKFold: rows sorted by class (classes in the order `class_order` gives, that
 * of their first rows) are dealt out in turn. */
void split_fold_counts(const size_t *class_rows, const uint32_t *class_order,
                       size_t n_classes, int64_t folds, int64_t fold, size_t *held_out);

typedef enum SplitPart { PART_TRAIN, PART_VAL, PART_TEST } SplitPart;

typedef struct SplitRequest {
    size_t n_rows, n_classes, n_groups;
    const int32_t *class_of;  /* [n_rows]; NULL: rows have several classes or none */
    Targets labels;           /* then these: split_labels.h */
    const uint32_t *group_of; /* [n_rows], or NULL: every row stands for itself */
    double val_size;          /* share of the rows that are not for the test */
    double test_size;         /* share of all rows */
    bool shuffle;        /* false: a class's last rows are held out, folds are runs */
    int64_t folds, fold; /* folds > 1: validation is this fold, val_size is unused */
    uint64_t seed;       /* draws are keyed by (seed, RNG_SPLIT, class, which cut) */
} SplitRequest;

/* A class that has too few rows (or groups) for the request. */
typedef struct SplitTooSmall {
    int32_t class_index;
    size_t found, needed;
    bool groups; /* they are groups, not rows */
} SplitTooSmall;

/* Deals all rows out: part [n_rows] gets SplitParts. False, with *too_small, when a class
 * has fewer than two rows (or as many as there are folds) and rows are to be held out, or
 * when its groups cannot be on both sides.
 *
 * With groups the shares are only come near to: the test part is dealt first, then
 * validation. Groups are taken in order of size, the largest first (equal ones as drawn),
 * each to the part where its classes are missing most: the one for which the sum over
 * classes of (rows there / rows of the class - share)^2 grows least. */
bool split_make(const SplitRequest *request, uint8_t *part, SplitTooSmall *too_small);

#endif
