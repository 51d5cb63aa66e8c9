/* The kernel against the formulas in double precision, its step against finite
 * differences of the loss, the draws against their probabilities, and the sum over shards
 * against merging lists. */
#include "model/skipgram.h"
#include "model/skipgram_shard.h"
#include "tests/model/compare.h"

enum { ROWS = 40, POSITIONS = 90, NOISE = 16 };

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* A block over random rows, with windows of every width and a row that is its own
 * neighbour. */
typedef struct Sample {
    uint32_t input[POSITIONS], output[POSITIONS], begin[POSITIONS], end[POSITIONS];
    uint32_t noise[NOISE];
    SkipgramBlock block;
} Sample;

static void make_sample(Sample *s)
{
    Rng rng = rng_stream(3, 91, 0, 0);
    for (uint32_t i = 0; i < POSITIONS; i++) {
        uint32_t width = 1 + rng_below(&rng, 7);
        s->input[i] = rng_below(&rng, ROWS / 2);
        s->output[i] = ROWS / 2 + rng_below(&rng, ROWS / 2);
        s->begin[i] = i < width ? 0 : i - width;
        s->end[i] = i + width + 1 < POSITIONS ? i + width + 1 : POSITIONS;
    }
    for (size_t i = 0; i < NOISE; i++) {
        s->noise[i] = ROWS / 2 + rng_below(&rng, ROWS / 2);
    }
    s->noise[5] = s->noise[6];
    s->block = (SkipgramBlock){POSITIONS, s->input, s->output, s->begin,
                               s->end,    NOISE,    s->noise};
}

static double dot(const double *a, const double *b, size_t dim)
{
    double sum = 0;
    for (size_t d = 0; d < dim; d++) {
        sum += a[d] * b[d];
    }
    return sum;
}

/* One position: moves += lr x -d(loss)/d(rows), from the rows before. Returns the loss.
 */
static double slow_position(const double *rows, double *moves, size_t dim,
                            const Sample *s, uint32_t at, const uint32_t *out,
                            size_t n_out, double lr)
{
    double loss = 0;
    for (uint32_t j = s->begin[at]; j < s->end[at]; j++) {
        for (size_t k = 0; j != at && k < n_out; k++) {
            const double *x = rows + s->input[j] * dim, *o = rows + out[k] * dim;
            double score = dot(x, o, dim), truth = k == 0;
            double g = lr * (truth - sigmoid(score));
            loss -= log(sigmoid(truth > 0 ? score : -score));
            for (size_t d = 0; d < dim; d++) {
                moves[s->input[j] * dim + d] += g * o[d];
                moves[out[k] * dim + d] += g * x[d];
            }
        }
    }
    return loss;
}

static size_t choose_outputs(const Sample *s, uint32_t at, size_t negatives, size_t *turn,
                             uint32_t *out)
{
    size_t n = 0;
    out[n++] = s->output[at];
    for (size_t tries = 0; tries < 2 * negatives && n <= negatives; tries++) {
        uint32_t row = s->noise[(*turn)++ % NOISE];
        if (row != s->output[at]) {
            out[n++] = row;
        }
    }
    return n;
}

static void check_kernel(size_t dim, size_t negatives)
{
    Sample s;
    make_sample(&s);
    float *rows = random_floats(ROWS * dim, 0.4, (uint32_t)dim);
    double *slow = new_doubles(ROWS * dim), *moves = new_doubles(ROWS * dim);
    double loss = 0, n_loss = 0;
    size_t turn = 0;
    for (size_t i = 0; i < ROWS * dim; i++) {
        slow[i] = (double)rows[i];
    }
    for (uint32_t at = 0; at < POSITIONS; at++) {
        uint32_t out[SKIPGRAM_MAX_NEGATIVES + 1];
        size_t n = choose_outputs(&s, at, negatives, &turn, out);
        memset(moves, 0, ROWS * dim * sizeof *moves);
        double here = slow_position(slow, moves, dim, &s, at, out, n, 0.05);
        loss += at % 16 == 0 ? here : 0;
        n_loss += at % 16 == 0 ? s.end[at] - s.begin[at] - 1 : 0;
        for (size_t i = 0; i < ROWS * dim; i++) {
            slow[i] += moves[i];
        }
    }
    SkipgramLoss got = {0};
    skipgram_train(rows, dim, &s.block, negatives, 0.05f, &got);
    assert_close("rows", rows, slow, ROWS * dim, 2e-5);
    assert_true(fabs(got.sum - loss) < 1e-4 * loss);
    assert_true((double)got.n == n_loss);
    free(rows);
    free(slow);
    free(moves);
}

static void test_against_the_formulas(void **state)
{
    (void)state;
    const size_t dims[] = {1, 16, 50, 64, 100, 128, 200};
    for (size_t i = 0; i < COUNT_OF(dims); i++) {
        check_kernel(dims[i], 5);
    }
    check_kernel(64, 1);
    check_kernel(64, 20);
}

/* Of one position the step is -lr times the gradient of the loss. */
static void test_a_step_goes_down_the_gradient(void **state)
{
    (void)state;
    enum { DIM = 8 };
    const uint32_t input[] = {0, 1, 2}, output[] = {5, 6, 7}, noise[] = {8, 9};
    const uint32_t begin[] = {0, 0, 0}, end[] = {1, 3, 1};
    SkipgramBlock block = {2, input, output, begin, end, 2, noise};
    uint32_t first = 1, out[] = {6, 8, 9};
    Sample s = {.begin = {0, 0}, .end = {1, 3}, .input = {0, 1, 2}};
    float *rows = random_floats(10 * DIM, 0.5, 4), *before = copy_floats(rows, 10 * DIM);
    double *x = new_doubles(10 * DIM), *ignored = new_doubles(10 * DIM);
    SkipgramLoss loss = {0};
    skipgram_train(rows, DIM, &block, 2, 0.01f, &loss); /* position 0 has no window */
    for (size_t i = 0; i < 10 * DIM; i++) {
        x[i] = (double)before[i];
    }
    for (size_t i = 0; i < 10 * DIM; i++) {
        double held = x[i];
        x[i] = held + 1e-5;
        double up = slow_position(x, ignored, DIM, &s, first, out, 3, 0);
        x[i] = held - 1e-5;
        double down = slow_position(x, ignored, DIM, &s, first, out, 3, 0);
        x[i] = held;
        double want = -0.01 * (up - down) / 2e-5;
        assert_true(fabs((double)(rows[i] - before[i]) - want) < 1e-5);
    }
    free(rows);
    free(before);
    free(x);
    free(ignored);
}

static void test_noise_has_its_probabilities(void **state)
{
    (void)state;
    const uint64_t count[] = {1000, 1, 100, 0, 25, 400};
    double seen[6] = {0}, sum = 0;
    enum { DRAWS = 400000 };
    SkipgramNoise noise;
    skipgram_noise_init(&noise, count, 6, 0.5);
    Rng rng = rng_stream(1, 92, 0, 0);
    for (size_t i = 0; i < DRAWS; i++) {
        seen[skipgram_noise_draw(&noise, &rng)]++;
    }
    for (size_t i = 0; i < 6; i++) {
        sum += sqrt((double)count[i]);
    }
    for (size_t i = 0; i < 6; i++) {
        double p = sqrt((double)count[i]) / sum;
        assert_true(fabs(seen[i] / DRAWS - p) < 4 * sqrt(p * (1 - p) / DRAWS) + 1e-9);
    }
    skipgram_noise_free(&noise);
}

/* The moves of one shard as a list, to be merged by sparse_rows_add. */
static SparseRows list_moves(const SkipgramShard *shard, const float *table, size_t dim)
{
    SparseRows one;
    sparse_rows_init(&one, dim);
    skipgram_sum_moves(shard, 1, table, 1, &one);
    return one;
}

static void test_what_agrees_is_averaged(void **state)
{
    (void)state;
    float a[] = {3, 0, 0, 4}, b[] = {0, 2, -1, 0}, zero[4] = {0}, out[4];
    const float sum[] = {3, 2, -1, 4};
    skipgram_combine(out, a, b, 4);
    assert_memory_equal(out, sum, sizeof sum);
    skipgram_combine(out, a, a, 4);
    assert_memory_equal(out, a, sizeof a);
    skipgram_combine(out, a, zero, 4);
    assert_memory_equal(out, a, sizeof a);
    skipgram_combine(a, a, b, 4);
    assert_memory_equal(a, sum, sizeof sum);
}

static void test_the_sum_over_shards(void **state)
{
    (void)state;
    enum { DIM = 5, TABLE = 300, SHARDS = 8 };
    float *table = random_floats(TABLE * DIM, 1, 7);
    SkipgramShard shards[SHARDS];
    SparseRows node[SHARDS], sum;
    Rng rng = rng_stream(2, 93, 0, 0);
    for (size_t s = 0; s < SHARDS; s++) {
        skipgram_shard_init(&shards[s], TABLE, DIM);
        skipgram_shard_touch(&shards[s], table, (uint32_t)s);
        skipgram_shard_clear(&shards[s]);
        for (size_t i = 0; i < 20 * s; i++) {
            uint32_t at = skipgram_shard_touch(&shards[s], table, rng_below(&rng, TABLE));
            shards[s].copy[at * DIM + i % DIM] += (float)rng_normal(&rng);
        }
        node[s] = list_moves(&shards[s], table, DIM);
    }
    for (size_t step = 1; step < SHARDS; step *= 2) {
        for (size_t s = 0; s < SHARDS; s += 2 * step) {
            SparseRows both;
            sparse_rows_init(&both, DIM);
            both.combine = skipgram_combine;
            sparse_rows_add(&both, &node[s], &node[s + step]);
            sparse_rows_free(&node[s]);
            sparse_rows_free(&node[s + step]);
            node[s] = both;
        }
    }
    sparse_rows_init(&sum, DIM);
    for (size_t threads = 1; threads <= 7; threads += 3) {
        skipgram_sum_moves(shards, SHARDS, table, threads, &sum);
        assert_int_equal(sum.n, node[0].n);
        assert_memory_equal(sum.key, node[0].key, sum.n * sizeof *sum.key);
        assert_memory_equal(sum.value, node[0].value, sum.n * DIM * sizeof *sum.value);
    }
    float *one = copy_floats(table, TABLE * DIM);
    skipgram_apply_moves(one, &sum, 3);
    for (size_t i = 0; i < sum.n; i++) {
        for (size_t d = 0; d < DIM; d++) {
            size_t at = sum.key[i] * DIM + d;
            assert_true(one[at] == table[at] + sum.value[i * DIM + d]);
        }
    }
    for (size_t s = 0; s < SHARDS; s++) {
        skipgram_shard_free(&shards[s]);
    }
    sparse_rows_free(&node[0]);
    sparse_rows_free(&sum);
    free(one);
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_the_formulas),
        cmocka_unit_test(test_a_step_goes_down_the_gradient),
        cmocka_unit_test(test_noise_has_its_probabilities),
        cmocka_unit_test(test_what_agrees_is_averaged),
        cmocka_unit_test(test_the_sum_over_shards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
