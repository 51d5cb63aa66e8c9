/* Every update rule, several steps of it, against torch.optim. */
#include "model/update_rule.h"

#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/safetensors.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

enum { N = 100, STEPS = 7 };

typedef struct Case {
    const char *name, *kind;
    UpdateSettings settings;
    double lr, decay;
} Case;

static const Case CASES[] = {
    {"adamw", "adamw", {OPTIMIZER_ADAMW, 0.9, 0.999, 1e-8, 0}, 1e-2, 0.1},
    {"adam", "adam", {OPTIMIZER_ADAM, 0.8, 0.99, 1e-6, 0}, 1e-2, 0},
    {"adam-l2", "adam", {OPTIMIZER_ADAM, 0.9, 0.999, 1e-8, 0}, 1e-2, 0.1},
    {"sgd", "sgd", {OPTIMIZER_SGD, 0.9, 0.999, 1e-8, 0}, 1e-1, 0.05},
    {"sgd-momentum", "sgd", {OPTIMIZER_SGD, 0.9, 0.999, 1e-8, 0.9}, 1e-2, 0.05},
    {"adagrad", "adagrad", {OPTIMIZER_ADAGRAD, 0.9, 0.999, 1e-10, 0}, 1e-1, 0.05},
};

enum { N_CASES = sizeof CASES / sizeof CASES[0] };

static void write_rules(const char *path)
{
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 2);
    json_begin_array(&w);
    for (size_t i = 0; i < N_CASES; i++) {
        const Case *c = &CASES[i];
        const struct {
            const char *name;
            double value;
        } numbers[] = {{"lr", c->lr},
                       {"decay", c->decay},
                       {"momentum", c->settings.momentum},
                       {"eps", c->settings.eps}};
        json_begin_object(&w);
        json_write_key(&w, "name");
        json_write_string(&w, c->name);
        json_write_key(&w, "kind");
        json_write_string(&w, c->kind);
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
            json_write_key(&w, numbers[k].name);
            json_write_double(&w, numbers[k].value);
        }
        json_write_key(&w, "betas");
        json_begin_array(&w);
        json_write_double(&w, c->settings.beta1);
        json_write_double(&w, c->settings.beta2);
        json_end_array(&w);
        json_end_object(&w);
    }
    json_end_array(&w);
    assert_int_equal(file_write(path, out.p, out.n), STATUS_OK);
    strbuf_free(&out);
}

static void take_steps(const Case *c, const float *start, const float *grad, float *p)
{
    float m[N] = {0}, v[N] = {0};
    bool keeps_m = optimizer_keeps_m(c->settings.kind, c->settings.momentum);
    bool keeps_v = optimizer_keeps_v(c->settings.kind);
    memcpy(p, start, N * sizeof *p);
    for (int64_t t = 1; t <= STEPS; t++) {
        UpdateRule rule = update_rule(&c->settings, t, c->lr, c->decay);
        update_apply(&rule, p, keeps_m ? m : NULL, keeps_v ? v : NULL, grad + (t - 1) * N,
                     N);
    }
}

static void test_against_torch(void **state)
{
    (void)state;
    static float start[N], grad[STEPS * N], after[N_CASES][N];
    char dir[] = "/tmp/muster-rules-XXXXXX", path[256], command[1024];
    Rng rng = rng_stream(1, 97, 0, 0);
    for (size_t i = 0; i < N; i++) {
        start[i] = (float)rng_normal(&rng);
    }
    for (size_t i = 0; i < STEPS * N; i++) {
        grad[i] = (float)rng_normal(&rng);
    }
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/rules.json", dir);
    write_rules(path);
    Tensor tensors[2 + N_CASES] = {{"start", TENSOR_F32, 1, {N}, start},
                                   {"grad", TENSOR_F32, 2, {STEPS, N}, grad}};
    for (size_t i = 0; i < N_CASES; i++) {
        take_steps(&CASES[i], start, grad, after[i]);
        tensors[2 + i] =
            (Tensor){mem_printf("after.%s", CASES[i].name), TENSOR_F32, 1, {N}, after[i]};
    }
    snprintf(path, sizeof path, "%s/steps.safetensors", dir);
    assert_int_equal(safetensors_write(path, tensors, 2 + N_CASES, NULL, 0), STATUS_OK);
    for (size_t i = 0; i < N_CASES; i++) {
        free((void *)(uintptr_t)tensors[2 + i].name);
    }
    snprintf(command, sizeof command,
             "/usr/bin/python3 " ORACLE_DIR "/update_rule_torch.py %s", dir);
    int status = system(command);
    tree_remove(dir);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        skip();
    }
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_torch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
