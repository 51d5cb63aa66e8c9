/* Stratified splits: how many rows of each class go where, and which ones. */
#ifndef MUSTER_DATA_SPLIT_H
#define MUSTER_DATA_SPLIT_H

#include <stddef.h>
#include <stdint.h>

/* Decides how many of each class's rows are held out. As scikit-learn's
 * StratifiedShuffleSplit: ceil(share * n) rows in all, spread by the largest remainder of
 * the kept rows (equal remainders: the lower class first, where scikit-learn draws). A
 * class keeps at least one row. `n_classes` counts go in and come out. */
void split_counts(const size_t *class_rows, size_t n_classes, double share,
                  size_t *held_out);

/* Splits rows[0..n-1] (classes in class_of[row]) into kept and held-out ones, drawn for
 * each class from (seed, RNG_SPLIT, class, which). Both lists keep ascending order;
 * `kept` and `held` have room for n. Returns how many are held out. */
size_t split_rows(const uint32_t *rows, size_t n, const int32_t *class_of,
                  size_t n_classes, double share, uint64_t seed, uint32_t which,
                  uint32_t *kept, uint32_t *held);

#endif
