/* Every loss, of one class a text and of several labels, against PyTorch's autograd in
 * double precision, balanced class weights against scikit-learn's. This side writes what
 * C computed, loss_oracle.py compares. */
#include "base/files.h"
#include "base/safetensors.h"
#include "base/text.h"
#include "model/loss.h"
#include "tests/model/compare.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3"

enum { N = 24, MAX_C = 77, MAX_CASES = 512 };

typedef struct Case {
    float setting[4]; /* kind, gamma, smoothing, scale */
    float logits[N * MAX_C], gradient[N * MAX_C], weight[MAX_C], loss;
    int32_t label[N];
    float labels[N * MAX_C]; /* of several a text: 0 or 1 */
    size_t C;
    bool weighted, multi_label;
} Case;

typedef struct Cases {
    Case *items[MAX_CASES];
    size_t n;
} Cases;

/* `extreme`: every logit +-80, so that most rows are as sure as can be, right or wrong;
 * some rows with a near tie at that height. */
static void fill_logits(Case *c, bool extreme)
{
    float *random = random_floats(N * c->C, 3, 1);
    for (size_t i = 0; i < N * c->C; i++) {
        bool tie = i / c->C % 4 == 3;
        float sign = random[i] < 0 ? -1.0f : 1.0f;
        c->logits[i] = !extreme ? random[i] : tie ? 80 + random[i] : sign * 80;
    }
    free(random);
}

/* The loss of one class a text. */
static void apply(Case *c, const Loss *loss)
{
    const Targets targets = {c->label, NULL};
    for (size_t i = 0; i < N; i++) {
        c->label[i] = (int32_t)(i * 7 % c->C);
    }
    c->loss = loss_apply(c->gradient, &targets, loss, N, c->C);
}

/* The same of none, one, some and all labels, text by text. */
static void apply_labels(Case *c, const Loss *loss)
{
    int32_t *classes = mem_alloc(N * c->C, sizeof *classes);
    uint32_t begin[N + 1] = {0};
    for (size_t i = 0; i < N; i++) {
        begin[i + 1] = begin[i];
        for (size_t j = 0; j < c->C; j++) {
            bool there = i % 4 == 1   ? j == i % c->C
                         : i % 4 == 2 ? (i * j) % 3 == 1
                                      : i % 4 == 3;
            c->labels[i * c->C + j] = there;
            if (there) {
                classes[begin[i + 1]++] = (int32_t)j;
            }
        }
    }
    const Targets targets = {classes, begin};
    c->loss = loss_apply(c->gradient, &targets, loss, N, c->C);
    free(classes);
}

static void add_case(Cases *cases, Loss loss, size_t C, bool weighted, bool extreme,
                     bool multi_label)
{
    Case *c = mem_zalloc(1, sizeof *c);
    c->multi_label = multi_label;
    c->C = C;
    c->weighted = weighted;
    const float setting[] = {(float)loss.kind, loss.gamma, loss.smoothing, loss.scale};
    memcpy(c->setting, setting, sizeof setting);
    fill_logits(c, extreme);
    for (size_t j = 0; j < C; j++) {
        c->weight[j] = 0.25f + (float)(j * 5 % 7);
    }
    loss.weight = weighted ? c->weight : NULL;
    memcpy(c->gradient, c->logits, sizeof c->gradient);
    if (multi_label) {
        apply_labels(c, &loss);
    } else {
        apply(c, &loss);
    }
    assert_true(cases->n < MAX_CASES);
    cases->items[cases->n++] = c;
}

static void add_cases(Cases *cases, LossKind kind, float gamma, bool multi_label)
{
    static const size_t CLASSES[] = {2, 5, MAX_C};
    for (size_t i = 0; i < COUNT_OF(CLASSES) * 8; i++) {
        Loss loss = {kind, gamma, i & 1 ? 0.1f : 0, 0.05f, NULL};
        add_case(cases, loss, CLASSES[i / 8], i & 2, i & 4, multi_label);
    }
}

static Tensor tensor(char *name, TensorType type, const void *data, size_t n, size_t C)
{
    return (Tensor){
        .name = name, .type = type, .rank = C ? 2 : 1, .dims = {n, C}, .data = data};
}

static void write_cases(const Cases *cases, const char *path)
{
    static const int32_t rows[] = {1, 30, 7, 2};
    const size_t counts[] = {1, 30, 7, 2};
    float balanced[4];
    class_weights_balanced(balanced, counts, 4);
    float positive[4];
    positive_weights_balanced(positive, counts, 1 + 30 + 7 + 2, 4);
    Tensor *list = mem_alloc(cases->n * 6 + 3, sizeof *list);
    size_t n = 0;
    list[n++] = tensor(mem_strdup("rows"), TENSOR_I32, rows, 4, 0);
    list[n++] = tensor(mem_strdup("balanced"), TENSOR_F32, balanced, 4, 0);
    list[n++] = tensor(mem_strdup("positive"), TENSOR_F32, positive, 4, 0);
    for (size_t k = 0; k < cases->n; k++) {
        const Case *c = cases->items[k];
        list[n++] = tensor(mem_printf("%zu.setting", k), TENSOR_F32, c->setting, 4, 0);
        list[n++] = tensor(mem_printf("%zu.logits", k), TENSOR_F32, c->logits, N, c->C);
        list[n++] =
            c->multi_label
                ? tensor(mem_printf("%zu.labels", k), TENSOR_F32, c->labels, N, c->C)
                : tensor(mem_printf("%zu.label", k), TENSOR_I32, c->label, N, 0);
        list[n++] = tensor(mem_printf("%zu.loss", k), TENSOR_F32, &c->loss, 1, 0);
        list[n++] =
            tensor(mem_printf("%zu.gradient", k), TENSOR_F32, c->gradient, N, c->C);
        if (c->weighted) {
            list[n++] =
                tensor(mem_printf("%zu.weight", k), TENSOR_F32, c->weight, c->C, 0);
        }
    }
    assert_int_equal(safetensors_write(path, list, n, NULL, 0), STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        free((void *)(uintptr_t)list[i].name);
    }
    free(list);
}

static void test_against_torch(void **state)
{
    (void)state;
    Cases cases = {.n = 0};
    const float gammas[] = {0, 0.5f, 1, 2, 5};
    add_cases(&cases, LOSS_CROSS_ENTROPY, 0, false);
    add_cases(&cases, LOSS_BCE, 0, false);
    add_cases(&cases, LOSS_BCE, 0, true);
    for (size_t i = 0; i < COUNT_OF(gammas); i++) {
        add_cases(&cases, LOSS_FOCAL, gammas[i], false);
        add_cases(&cases, LOSS_FOCAL, gammas[i], true);
    }
    char path[] = "/tmp/test_loss_torch_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_cases(&cases, path);
    char *command = mem_printf("OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1 %s "
                               "%s/tests/model/loss_oracle.py %s",
                               PYTHON, MUSTER_SOURCE_DIR, path);
    int code = system(command);
    remove(path);
    free(command);
    for (size_t i = 0; i < cases.n; i++) {
        free(cases.items[i]);
    }
    assert_true(WIFEXITED(code));
    assert_int_equal(WEXITSTATUS(code), 0);
}

int main(void)
{
    if (system(PYTHON " -c 'import numpy, sklearn, torch' 2>/dev/null") != 0) {
        puts("skipped: " PYTHON " lacks PyTorch or scikit-learn (python3-torch, "
             "python3-sklearn)");
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_torch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
