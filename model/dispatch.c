/* What this CPU can run, and what somebody asked for. */
#include "model/dispatch.h"

#include <stdlib.h>
#include <string.h>

static const char *const NAMES[] = {
    [KERNELS_BLAS] = "blas", [KERNELS_V3] = "v3", [KERNELS_V4] = "v4"};

enum { N_KINDS = sizeof NAMES / sizeof NAMES[0] };

bool dispatch_cpu_has(Kernels kernels)
{
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
    __builtin_cpu_init();
    switch (kernels) {
    case KERNELS_V4:
        return __builtin_cpu_supports("x86-64-v4");
    case KERNELS_V3:
        return __builtin_cpu_supports("x86-64-v3");
    case KERNELS_BLAS:
        return true;
    }
#endif
    return kernels == KERNELS_BLAS;
}

static Kernels best(void)
{
    return dispatch_cpu_has(KERNELS_V4)   ? KERNELS_V4
           : dispatch_cpu_has(KERNELS_V3) ? KERNELS_V3
                                          : KERNELS_BLAS;
}

/* The kind of that name, or N_KINDS. */
static int named(const char *name)
{
    int i = 0;
    while (i < N_KINDS && strcmp(name, NAMES[i]) != 0) {
        i++;
    }
    return i;
}

static const char *asked_for(void)
{
    const char *name = getenv("MUSTER_KERNELS");
    return name && *name ? name : NULL;
}

static Kernels choose(void)
{
    int kind = asked_for() ? named(asked_for()) : N_KINDS;
    return kind < N_KINDS && dispatch_cpu_has((Kernels)kind) ? (Kernels)kind : best();
}

Kernels dispatch_kernels(void)
{
    static int chosen = -1;
    int kernels = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
    if (kernels < 0) {
        kernels = (int)choose();
        __atomic_store_n(&chosen, kernels, __ATOMIC_RELAXED);
    }
    return (Kernels)kernels;
}

Status dispatch_check(void)
{
    const char *name = asked_for();
    int kind = name ? named(name) : KERNELS_BLAS;
    if (kind == N_KINDS) {
        status_set(STATUS_CONFIG, "MUSTER_KERNELS: no kernels \"%s\"", name);
    } else if (!dispatch_cpu_has((Kernels)kind)) {
        status_set(STATUS_CONFIG, "MUSTER_KERNELS: this CPU does not have %s", name);
    } else {
        return STATUS_OK;
    }
    status_hint("one of blas, v3 (AVX2), v4 (AVX-512); unset: the best this CPU has");
    return STATUS_CONFIG;
}

bool dispatch_has_v4(void)
{
    return dispatch_kernels() == KERNELS_V4;
}

const char *dispatch_kernel_name(void)
{
    return dispatch_cpu_has(KERNELS_V4)   ? "x86-64-v4"
           : dispatch_cpu_has(KERNELS_V3) ? "x86-64-v3"
                                          : "baseline";
}
