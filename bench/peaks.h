/* What one core of this machine can do at most, each by a loop that does nothing else. */
#ifndef MUSTER_BENCH_PEAKS_H
#define MUSTER_BENCH_PEAKS_H

#include <stddef.h>

/* Multiply-adds of floats in the widest vectors here, 1e9 a CPU second, each as two
 * operations. Independent sums in registers; no memory. */
double peak_gflops(void);

/* Products of 32-bit numbers to 64 bits in the widest vectors here, 1e9 a CPU second:
 * what a counter-based generator is made of. */
double peak_gmul(void);

/* Bytes read and written, 1e9 a CPU second, over arrays of `bytes` together: the best of
 * reading, copying, scaling in place and a triad (McCalpin's STREAM). A write counts
 * once, although the line may have to be read for it. */
double peak_gbytes(size_t bytes);

#endif
