/* Forward and backward against the reference. */
#include "model/layernorm.h"
#include "model/reference.h"
#include "tests/model/compare.h"

static const size_t ROWS[] = {0, 1, 3, 200};
static const size_t WIDTHS[] = {1, 7, 8, 15, 64, 100, 256};

typedef struct Case {
    size_t n, H;
    float *x, *weight, *bias, *y, *xhat, *rstd;
} Case;

static Case forward(size_t n, size_t H)
{
    Case c = {n,
              H,
              random_floats(n * H, 2, 1),
              random_floats(H, 1, 2),
              random_floats(H, 1, 3),
              random_floats(n * H, 0, 4),
              random_floats(n * H, 0, 5),
              random_floats(n, 0, 6)};
    for (size_t i = 0; i < n * H; i++) {
        c.x[i] += 3; /* a mean that has to be taken off */
    }
    layernorm_forward(c.y, c.xhat, c.rstd, c.x, c.weight, c.bias, n, H);
    return c;
}

static void case_free(Case *c)
{
    float *all[] = {c->x, c->weight, c->bias, c->y, c->xhat, c->rstd};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        free(all[i]);
    }
}

static void check_forward(size_t n, size_t H)
{
    Case c = forward(n, H);
    double *want = new_doubles(n * H);
    reference_layernorm_forward(want, c.x, c.weight, c.bias, n, H);
    assert_close("y", c.y, want, n * H, 1e-5);
    free(want);
    case_free(&c);
}

/* What is there before is added to. */
static void add_before(double *want, const float *before, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        want[i] += (double)before[i];
    }
}

static void check_backward(size_t n, size_t H)
{
    Case c = forward(n, H);
    float *dy = random_floats(n * H, 1, 7), *dx = random_floats(n * H, 1, 8);
    float *dweight = random_floats(H, 1, 9), *dbias = random_floats(H, 1, 10);
    float *before[] = {copy_floats(dx, n * H), copy_floats(dweight, H),
                       copy_floats(dbias, H)};
    double *want[] = {new_doubles(n * H), new_doubles(H), new_doubles(H)};
    const float *got[] = {dx, dweight, dbias};
    const char *const name[] = {"dx", "dweight", "dbias"};
    reference_layernorm_backward(want[0], want[1], want[2], dy, c.x, c.weight, n, H);
    layernorm_backward(dx, dweight, dbias, dy, c.xhat, c.rstd, c.weight, n, H);
    for (size_t i = 0; i < 3; i++) {
        size_t size = i == 0 ? n * H : H;
        add_before(want[i], before[i], size);
        assert_close(name[i], got[i], want[i], size, 2e-5);
        free(before[i]);
        free(want[i]);
    }
    free(dy);
    free(dx);
    free(dweight);
    free(dbias);
    case_free(&c);
}

static void test_forward(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        for (size_t j = 0; j < COUNT_OF(WIDTHS); j++) {
            check_forward(ROWS[i], WIDTHS[j]);
        }
    }
}

static void test_backward(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        for (size_t j = 0; j < COUNT_OF(WIDTHS); j++) {
            check_backward(ROWS[i], WIDTHS[j]);
        }
    }
}

/* Packed batches rest on this: a row's bits do not depend on the rows around it. */
static void test_rows_are_their_own(void **state)
{
    (void)state;
    enum { N = 9, H = 37 };
    Case all = forward(N, H);
    for (size_t i = 0; i < N; i++) {
        float y[H], xhat[H], rstd;
        layernorm_forward(y, xhat, &rstd, all.x + i * H, all.weight, all.bias, 1, H);
        assert_same_bits("y", y, all.y + i * H, H);
        assert_same_bits("xhat", xhat, all.xhat + i * H, H);
    }
    case_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_backward),
        cmocka_unit_test(test_rows_are_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
