/* Signs of life as one who watches reads them. */
#include "base/pulse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_what_is_read(void **state)
{
    (void)state;
    Pulse before = pulse_read();
    assert_int_equal(before.phase, PULSE_STARTING);
    pulse_beat();
    assert_int_equal(pulse_read().beats, before.beats + 1);
    assert_int_equal(pulse_phase(PULSE_TRAINING), PULSE_STARTING);
    assert_int_equal(pulse_phase(PULSE_VALIDATION), PULSE_TRAINING);
    pulse_wait_begin();
    assert_true(pulse_read().waiting);
    uint64_t waiting = pulse_read().beats;
    pulse_wait_end();
    assert_false(pulse_read().waiting);
    assert_true(pulse_read().beats > waiting);
}

/* Steps are counted where there are steps: a rank that computes for ever hangs too. */
static void test_phases(void **state)
{
    (void)state;
    for (int i = 0; i < N_PULSE_PHASES; i++) {
        assert_true(strlen(pulse_phase_text((PulsePhase)i)) > 0);
    }
    assert_string_equal(pulse_phase_text(N_PULSE_PHASES), ""); /* from another's wire */
    assert_false(pulse_moves_by_cpu(PULSE_TRAINING));
    assert_false(pulse_moves_by_cpu(PULSE_VALIDATION));
    assert_true(pulse_moves_by_cpu(PULSE_DATA));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read),
        cmocka_unit_test(test_phases),
    };
    return cmocka_run_group_tests_name("pulse", tests, NULL, NULL);
}
