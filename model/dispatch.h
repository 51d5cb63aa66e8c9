/* One source, several instruction sets: the loader picks the clone this CPU can run. */
#ifndef MUSTER_MODEL_DISPATCH_H
#define MUSTER_MODEL_DISPATCH_H

#include "base/status.h"

#include <stdbool.h>

#if defined(MUSTER_ONE_VERSION)
/* Sanitizers make minutes of compiling out of clones with everything inlined. */
#define MULTIVERSION
#define TARGET_V3
#define TARGET_V4
#elif defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define MULTIVERSION                                                                     \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
/* Functions of their own for AVX2 and AVX-512, where the clones of one source would not
 * do. */
#define TARGET_V3 __attribute__((target("arch=x86-64-v3")))
#define TARGET_V4 __attribute__((target("arch=x86-64-v4")))
#else
#define MULTIVERSION
#define TARGET_V3
#define TARGET_V4
#endif

#if defined(MUSTER_ONE_VERSION)
#define ALWAYS_INLINE static inline
#else
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#endif

/* The kinds of matrix products and of attention. */
typedef enum Kernels {
    KERNELS_BLAS, /* BLAS, and attention for every CPU */
    KERNELS_V3,   /* x86-64-v3: AVX2, FMA */
    KERNELS_V4    /* x86-64-v4: AVX-512 */
} Kernels;

/* Whether functions with TARGET_V3 or TARGET_V4 may be called. */
bool dispatch_cpu_has(Kernels kernels);

/* What matrix products and attention are computed with: the best this CPU has, or the
 * environment's MUSTER_KERNELS ("blas", "v3", "v4") where it has that. Read once. */
Kernels dispatch_kernels(void);

/* STATUS_CONFIG when MUSTER_KERNELS names something else or what this CPU has not. */
Status dispatch_check(void);

/* Whether attention is that of TARGET_V4. */
bool dispatch_has_v4(void);

/* "x86-64-v4", "x86-64-v3" or "baseline": the clone that runs here; static storage. */
const char *dispatch_kernel_name(void);

#endif
