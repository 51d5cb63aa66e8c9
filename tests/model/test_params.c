/* The table of tensors: no gaps, no overlaps, the same places as the diagram says; and
 * what fresh weights look like. */
#include "tests/model/shapes.h"
#include "model/classifier_parts.h"
#include "tests/model/compare.h"

#include <stdio.h>

static const ModelConfig CONFIG = LITE(48, 2, 4, 80, 0.1, 0.2, 0.1, 0.1, 0.5);
static const ModelSizes SMALL = SIZES(7, 900, 300, 50, 400);

static size_t size_of(const Param *param)
{
    return param->rows * (param->columns ? param->columns : 1);
}

static const Param *find(const ParamTable *table, const char *name)
{
    for (size_t i = 0; i < table->n; i++) {
        if (strcmp(table->items[i].name, name) == 0) {
            return &table->items[i];
        }
    }
    return NULL;
}

static void check_layout(const ModelConfig *config, const ModelSizes *sizes)
{
    ParamTable table = params_of(config, sizes);
    size_t end[BLOCK_WIDE + 1] = {0};
    for (size_t i = 0; i < table.n; i++) {
        const Param *param = &table.items[i];
        assert_ptr_equal(find(&table, param->name), param); /* names are unique */
        assert_int_equal(param->offset, end[param->block]);
        end[param->block] += size_of(param);
    }
    assert_int_equal(end[BLOCK_DENSE], table.n_dense);
    assert_int_equal(end[BLOCK_WORDS], table.n_words);
    assert_int_equal(end[BLOCK_NGRAMS], table.n_ngrams);
    assert_int_equal(end[BLOCK_WIDE], table.n_wide);
    params_free(&table);
}

static void test_no_gaps(void **state)
{
    (void)state;
    ModelConfig config = CONFIG;
    ModelSizes sizes = SMALL;
    check_layout(&config, &sizes);
    config.layers = 0;
    check_layout(&config, &sizes);
    config.layers = MAX_LAYERS;
    sizes.ngram_buckets = sizes.wide_buckets = 0;
    check_layout(&config, &sizes);
}

static void test_absent_parts(void **state)
{
    (void)state;
    ModelSizes sizes = SMALL;
    sizes.ngram_buckets = sizes.wide_buckets = 0;
    ParamTable table = params_of(&CONFIG, &sizes);
    assert_null(find(&table, "embedding.ngram.weight"));
    assert_null(find(&table, "wide.weight"));
    assert_int_equal(table.n_ngrams, 0);
    assert_int_equal(table.n_wide, 0);
    params_free(&table);
}

static void assert_place(const ParamTable *table, const char *name, const float *block,
                         const float *at, size_t rows, size_t columns)
{
    const Param *param = find(table, name);
    if (!param || param->block != BLOCK_DENSE || block + param->offset != at ||
        param->rows != rows || param->columns != columns) {
        fail_msg("%s is not where or what the diagram says", name);
    }
}

static void test_diagram(void **state)
{
    (void)state;
    ParamTable table = params_of(&CONFIG, &SMALL);
    float *block = mem_zalloc(table.n_dense, sizeof *block);
    size_t H = 48, F = 80;
    DenseParams view;
    params_view(&table, block, &view);
    assert_place(&table, "embedding.position.weight", block, view.position, 50, H);
    for (int i = 0; i < 2; i++) {
        const LayerParams *l = &view.layer[i];
        const NormParams *first = i ? &view.layer[i - 1].after_ff : &view.after_words;
        const struct {
            const char *name;
            const float *at;
            size_t rows, columns;
        } parts[] = {
            {"norm1.weight", first->weight, H, 0},
            {"norm1.bias", first->bias, H, 0},
            {"attention.query.weight", l->qkv_weight, H, H},
            {"attention.key.weight", l->qkv_weight + H * H, H, H},
            {"attention.value.weight", l->qkv_weight + 2 * H * H, H, H},
            {"attention.query.bias", l->qkv_bias, H, 0},
            {"attention.key.bias", l->qkv_bias + H, H, 0},
            {"attention.value.bias", l->qkv_bias + 2 * H, H, 0},
            {"attention.output.weight", l->output_weight, H, H},
            {"attention.output.bias", l->output_bias, H, 0},
            {"norm2.weight", l->after_attention.weight, H, 0},
            {"norm2.bias", l->after_attention.bias, H, 0},
            {"ff.in.weight", l->in_weight, F, H},
            {"ff.in.bias", l->in_bias, F, 0},
            {"ff.out.weight", l->out_weight, H, F},
            {"ff.out.bias", l->out_bias, H, 0},
        };
        for (size_t p = 0; p < COUNT_OF(parts); p++) {
            char name[64];
            snprintf(name, sizeof name, "encoder.layer.%d.%s", i, parts[p].name);
            assert_place(&table, name, block, parts[p].at, parts[p].rows,
                         parts[p].columns);
        }
    }
    assert_place(&table, "encoder.norm.weight", block, view.layer[1].after_ff.weight, H,
                 0);
    assert_place(&table, "encoder.norm.bias", block, view.layer[1].after_ff.bias, H, 0);
    assert_place(&table, "head.weight", block, view.head_weight, 7, H);
    assert_place(&table, "head.bias", block, view.head_bias, 7, 0);
    free(block);
    params_free(&table);
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/* Matrices of the encoder and the head; no norm, no bias, no embedding. */
static void test_what_decays(void **state)
{
    (void)state;
    const char *const endings[] = {"query.weight",  "key.weight",   "value.weight",
                                   "output.weight", "ff.in.weight", "ff.out.weight",
                                   "head.weight"};
    ParamTable table = params_of(&CONFIG, &SMALL);
    for (size_t i = 0; i < table.n; i++) {
        bool decays = false;
        for (size_t e = 0; e < COUNT_OF(endings); e++) {
            decays |= ends_with(table.items[i].name, endings[e]);
        }
        if (table.items[i].decay != decays) {
            fail_msg("%s decays: %d", table.items[i].name, table.items[i].decay);
        }
    }
    params_free(&table);
}

/* Standard deviation and largest size of fresh weights. */
static void assert_spread(const Classifier *model, const char *name, double deviation,
                          double bound)
{
    const Param *param = find(&model->table, name);
    assert_non_null(param);
    const float *x = classifier_tensor(model, param);
    double squares = 0, largest = 0, sum = 0;
    size_t n = size_of(param);
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
        largest = fmax(largest, fabs((double)x[i]));
    }
    double found = sqrt(squares / (double)n), slack = 5 / sqrt(2 * (double)n);
    if (fabs(found - deviation) > slack * deviation || largest > bound ||
        fabs(sum / (double)n) > 5 * deviation / sqrt((double)n)) {
        fail_msg("%s: deviation %g, largest %g, mean %g", name, found, largest,
                 sum / (double)n);
    }
}

static void test_fresh_weights(void **state)
{
    (void)state;
    Classifier *model = classifier_create(&CONFIG, &SMALL, 1);
    double square = sqrt(6.0 / 96), tall = sqrt(6.0 / 128), residual = 0.5; /* L = 2 */
    assert_spread(model, "embedding.word.weight", 0.1, 0.1 * 6);
    assert_spread(model, "embedding.ngram.weight", 0.1, 0.1 * 6);
    assert_spread(model, "embedding.position.weight", 0.02, 0.02 * 6);
    assert_spread(model, "head.weight", 0.02, 0.02 * 6);
    assert_spread(model, "encoder.layer.0.attention.query.weight", square / sqrt(3),
                  square);
    assert_spread(model, "encoder.layer.1.ff.in.weight", tall / sqrt(3), tall);
    assert_spread(model, "encoder.layer.0.attention.output.weight",
                  residual * square / sqrt(3), residual * square);
    assert_spread(model, "encoder.layer.1.ff.out.weight", residual * tall / sqrt(3),
                  residual * tall);
    assert_spread(model, "head.bias", 0, 0);
    assert_spread(model, "wide.weight", 0, 0);
    assert_spread(model, "encoder.layer.1.ff.in.bias", 0, 0);
    const float *norm =
        classifier_tensor(model, find(&model->table, "encoder.norm.weight"));
    for (size_t h = 0; h < 48; h++) {
        assert_true(norm[h] == 1);
    }
    classifier_close(model);
}

static void test_seed_decides(void **state)
{
    (void)state;
    Classifier *a = classifier_create(&CONFIG, &SMALL, 5);
    Classifier *b = classifier_create(&CONFIG, &SMALL, 5);
    Classifier *c = classifier_create(&CONFIG, &SMALL, 6);
    size_t n = a->table.n_dense * sizeof(float);
    assert_memory_equal(a->dense, b->dense, n);
    assert_memory_equal(a->words, b->words, a->table.n_words * sizeof(float));
    assert_memory_not_equal(a->dense, c->dense, n);
    assert_memory_not_equal(a->words, c->words, a->table.n_words * sizeof(float));
    classifier_close(a);
    classifier_close(b);
    classifier_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_gaps),       cmocka_unit_test(test_absent_parts),
        cmocka_unit_test(test_diagram),       cmocka_unit_test(test_what_decays),
        cmocka_unit_test(test_fresh_weights), cmocka_unit_test(test_seed_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
