/* The handler and what stood before it. */
#include "trainer/stop_signals.h"

#include "base/status.h"

#include <stddef.h>
#include <unistd.h>

static const int NUMBERS[] = {SIGINT, SIGTERM, SIGUSR1};

enum { N_NUMBERS = sizeof NUMBERS / sizeof NUMBERS[0] };

static volatile sig_atomic_t seen;
static struct sigaction before[N_NUMBERS];

static void on_signal(int number)
{
    if (number == SIGINT && seen == SIGINT) {
        _exit(STATUS_INTERRUPTED);
    }
    seen = number;
}

const volatile sig_atomic_t *stop_signals_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < N_NUMBERS; i++) {
        sigaction(NUMBERS[i], &action, &before[i]);
    }
    return &seen;
}

void stop_signals_restore(void)
{
    for (size_t i = 0; i < N_NUMBERS; i++) {
        sigaction(NUMBERS[i], &before[i], NULL);
    }
    seen = 0;
}
