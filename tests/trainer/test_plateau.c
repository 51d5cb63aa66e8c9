/* Reductions on a plateau against PyTorch's, over random losses. */
#include "base/rng.h"
#include "trainer/plateau.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { CASES = 60, LOSSES = 40, SKIPPED = 77 };

typedef struct Case {
    double factor, least, loss[LOSSES];
    int patience;
} Case;

/* Falling at first, then noise; losses that repeat, lie within the threshold, or are NaN.
 */
static Case case_of(uint32_t i)
{
    Rng rng = rng_stream(5, 91, i, 0);
    Case c = {.factor = 0.1 + 0.8 * rng_uniform(&rng),
              .least = i % 3 ? 0 : 0.05,
              .patience = (int)(i % 5)};
    for (int t = 0; t < LOSSES; t++) {
        double draw = rng_uniform(&rng);
        c.loss[t] = 1 / (1 + 0.3 * t) + 0.2 * rng_uniform(&rng);
        if (t > 0 && draw < 0.2) {
            c.loss[t] = c.loss[t - 1] * (draw < 0.1 ? 1 : 1 - 0.00005);
        } else if (draw > 0.95) {
            c.loss[t] = NAN;
        }
    }
    return c;
}

static void write_cases(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (uint32_t i = 0; i < CASES; i++) {
        Case c = case_of(i);
        fprintf(file, "%.17g %d %.17g", c.factor, c.patience, c.least);
        for (int t = 0; t < LOSSES; t++) {
            fprintf(file, " %.17g", c.loss[t]);
        }
        fputc('\n', file);
    }
    fclose(file);
}

static void test_as_pytorch(void **state)
{
    (void)state;
    char path[] = "/tmp/plateau_XXXXXX", command[512];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_cases(path);
    snprintf(command, sizeof command, "/usr/bin/python3 %s/plateau_torch.py <%s",
             ORACLE_DIR, path);
    FILE *rates = popen(command, "r");
    assert_non_null(rates);
    int n_reduced = 0;
    for (uint32_t i = 0; i < CASES; i++) {
        Case c = case_of(i);
        Plateau plateau = plateau_begin(c.factor, c.patience, c.least);
        for (int t = 0; t < LOSSES; t++) {
            double want;
            if (fscanf(rates, "%lf", &want) != 1) {
                remove(path);
                assert_int_equal(WEXITSTATUS(pclose(rates)), SKIPPED);
                exit(SKIPPED);
            }
            n_reduced += plateau_see(&plateau, c.loss[t]);
            if (fabs(plateau_factor(&plateau) - want) > 1e-12) {
                fail_msg("case %u, loss %d: %.17g, expected %.17g", i, t,
                         plateau_factor(&plateau), want);
            }
        }
    }
    assert_int_equal(pclose(rates), 0);
    remove(path);
    assert_true(n_reduced > CASES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_pytorch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
