/* Single values that other threads may read at any time. */
#include "base/pulse.h"

#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

static const struct {
    const char *text;
    bool by_cpu;
} PHASES[N_PULSE_PHASES] = {
    [PULSE_STARTING] = {"while starting", true},
    [PULSE_DATA] = {"while reading data", true},
    [PULSE_TRAINING] = {"while training", false},
    [PULSE_VALIDATION] = {"in validation", false},
    [PULSE_CHECKPOINT] = {"while saving a checkpoint", true},
    [PULSE_ENDING] = {"after the last step", true},
};

static atomic_uint_least64_t beats;
static atomic_int phase_now;
static atomic_bool waiting, frozen;

const char *pulse_phase_text(PulsePhase phase)
{
    size_t i = (size_t)phase;
    return i < N_PULSE_PHASES ? PHASES[i].text : "";
}

bool pulse_moves_by_cpu(PulsePhase phase)
{
    return PHASES[phase].by_cpu;
}

PulsePhase pulse_phase(PulsePhase phase)
{
    pulse_beat();
    return (PulsePhase)atomic_exchange(&phase_now, (int)phase);
}

void pulse_beat(void)
{
    atomic_fetch_add_explicit(&beats, 1, memory_order_relaxed);
}

static void stay_if_frozen(void)
{
    while (atomic_load(&frozen)) {
        pause();
    }
}

void pulse_wait_begin(void)
{
    stay_if_frozen();
    atomic_store(&waiting, true);
}

void pulse_wait_end(void)
{
    stay_if_frozen();
    atomic_store(&waiting, false);
    pulse_beat();
}

Pulse pulse_read(void)
{
    return (Pulse){atomic_load(&beats), (PulsePhase)atomic_load(&phase_now),
                   atomic_load(&waiting)};
}

void pulse_freeze(void)
{
    atomic_store(&frozen, true);
}
