/* One source, several instruction sets: the loader picks the clone this CPU can run. */
#ifndef MUSTER_MODEL_DISPATCH_H
#define MUSTER_MODEL_DISPATCH_H

#include <stdbool.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define MULTIVERSION                                                                     \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
/* A function of its own for AVX2 or AVX-512, where the clones of one source would not do.
 */
#define TARGET_V3 __attribute__((target("arch=x86-64-v3")))
#define TARGET_V4 __attribute__((target("arch=x86-64-v4")))
#else
#define MULTIVERSION
#define TARGET_V3
#define TARGET_V4
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Whether functions with TARGET_V3, TARGET_V4 may be called. */
bool dispatch_has_v3(void);
bool dispatch_has_v4(void);

/* "x86-64-v4", "x86-64-v3" or "baseline": the clone that runs here; static storage. */
const char *dispatch_kernel_name(void);

#endif
