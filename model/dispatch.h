/* One source, several instruction sets: the loader picks the clone this CPU can run. */
#ifndef MUSTER_MODEL_DISPATCH_H
#define MUSTER_MODEL_DISPATCH_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define MULTIVERSION                                                                     \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MULTIVERSION
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* "x86-64-v4", "x86-64-v3" or "baseline": the clone that runs here; static storage. */
const char *dispatch_kernel_name(void);

#endif
