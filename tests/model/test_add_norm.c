/* Forward and backward against the reference, alone and behind a residual branch. */
#include "model/add_norm.h"
#include "model/reference.h"
#include "tests/model/compare.h"

static const float EPS = 1e-5f; /* the reference's */
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
    NormParams norm = {c.weight, c.bias};
    norm_forward(c.y, c.x, &norm, EPS, (NormActivations){c.xhat, c.rstd}, n, H);
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
    NormParams norm = {c.weight, c.bias}, grad = {dweight, dbias};
    norm_backward(dx, true, &grad, dy, &norm, (NormActivations){c.xhat, c.rstd}, n, H);
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
        NormParams norm = {all.weight, all.bias};
        norm_forward(y, all.x + i * H, &norm, EPS, (NormActivations){xhat, &rstd}, 1, H);
        assert_same_bits("y", y, all.y + i * H, H);
        assert_same_bits("xhat", xhat, all.xhat + i * H, H);
    }
    case_free(&all);
}

/* The encoder keeps xhat alone and asks for y again. */
static void test_output_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        for (size_t j = 0; j < COUNT_OF(WIDTHS); j++) {
            Case c = forward(ROWS[i], WIDTHS[j]);
            float *again = random_floats(c.n * c.H, 1, 11);
            NormParams norm = {c.weight, c.bias};
            norm_output(again, c.xhat, &norm, c.n, c.H);
            assert_same_bits("y again", again, c.y, c.n * c.H);
            free(again);
            case_free(&c);
        }
    }
}

/* A branch that joins rows [n, H], and what the reference makes of both. */
typedef struct Join {
    size_t n, H;
    float *branch, *bias, *sum;
    uint8_t *mask;
    double rate;
    AddNorm a;
} Join;

static Join join_of(const Case *c, bool dropout)
{
    size_t n = c->n, H = c->H;
    Join join = {.n = n,
                 .H = H,
                 .branch = random_floats(n * H, 1, 12),
                 .bias = random_floats(H, 1, 13),
                 .sum = random_floats(n * H, 0, 14),
                 .rate = dropout ? 0.25 : 0};
    if (dropout) {
        Rng rng = rng_stream(17, 91, 0, 0);
        join.mask = mem_alloc(n * H, 1);
        for (size_t i = 0; i < n * H; i++) {
            join.mask[i] = rng_below(&rng, 4) != 0;
        }
    }
    join.a = (AddNorm){
        join.branch,          join.bias, join.mask,         (float)(1 / (1 - join.rate)),
        {c->weight, c->bias}, EPS,       {c->xhat, c->rstd}};
    return join;
}

static void join_free(Join *join)
{
    free(join->branch);
    free(join->bias);
    free(join->sum);
    free(join->mask);
}

static void check_join_forward(const Case *c, Join *join)
{
    size_t n = join->n, H = join->H;
    double *sum = new_doubles(n * H), *y = new_doubles(n * H);
    reference_residual_forward(sum, c->x, join->branch, join->bias, join->mask,
                               join->rate, n, H);
    add_norm_forward(c->y, join->sum, c->x, &join->a, n, H);
    assert_close("sum", join->sum, sum, n * H, 1e-6);
    reference_layernorm_forward(y, join->sum, c->weight, c->bias, n, H);
    assert_close("y", c->y, y, n * H, 1e-5);

    float *in_place = copy_floats(c->x, n * H);
    add_norm_forward(in_place, NULL, in_place, &join->a, n, H);
    assert_same_bits("y in the place of x", in_place, c->y, n * H);
    free(in_place);
    free(sum);
    free(y);
}

static void check_join_backward(const Case *c, Join *join)
{
    size_t n = join->n, H = join->H;
    float *dy = random_floats(n * H, 1, 15), *dbranch = random_floats(n * H, 1, 16);
    float *grads = mem_zalloc(3 * H, sizeof *grads);
    float *dx = random_floats(n * H, 1, 17), *before = copy_floats(dx, n * H);
    double *want_dx = new_doubles(n * H), *want = new_doubles(3 * H);
    double *want_branch = new_doubles(n * H);
    AddNormGradient grad = {dbranch, grads, {grads + H, grads + 2 * H}};

    add_norm_backward(dx, true, &grad, dy, &join->a, n, H);
    reference_layernorm_backward(want_dx, want + H, want + 2 * H, dy, join->sum,
                                 c->weight, n, H);
    add_before(want_dx, before, n * H);
    assert_close("dx", dx, want_dx, n * H, 2e-5);
    reference_residual_backward(want_branch, want, dx, join->mask, join->rate, n, H);
    assert_close("dbranch", dbranch, want_branch, n * H, 1e-6);
    assert_close("dbias, dweight", grads, want, 3 * H, 2e-5);
    free(dy);
    free(dbranch);
    free(grads);
    free(dx);
    free(before);
    free(want_dx);
    free(want);
    free(want_branch);
}

static void test_behind_a_branch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS) * COUNT_OF(WIDTHS) * 2; i++) {
        size_t H = WIDTHS[i / 2 % COUNT_OF(WIDTHS)];
        if (H == 1) {
            continue; /* its rstd, 1 / sqrt(eps), makes much of every rounding */
        }
        Case c = forward(ROWS[i / 2 / COUNT_OF(WIDTHS)], H);
        Join join = join_of(&c, i % 2 == 1);
        check_join_forward(&c, &join);
        check_join_backward(&c, &join);
        join_free(&join);
        case_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_backward),
        cmocka_unit_test(test_rows_are_their_own),
        cmocka_unit_test(test_output_again),
        cmocka_unit_test(test_behind_a_branch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
