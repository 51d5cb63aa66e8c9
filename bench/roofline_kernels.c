/* How near each kernel of a training step comes to what this core can do; bench/roofline
 * prints it.
 *
 *     roofline_kernels [--rounds N] CONFIG [section.key=value ...]
 *
 * The kernels run on one leaf of the config's own rows, over and over, so what fits a
 * cache is in it. A kernel's time has a lower bound: its arithmetic at the peak of the
 * vector units, or its bytes at the bandwidth that plain loops reach over a working set
 * of the same size, whichever takes longer. Medians of rounds; peaks are the best of all.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "bench/job.h"
#include "bench/peaks.h"
#include "model/activation.h"
#include "model/add_norm.h"
#include "model/attention.h"
#include "model/classifier_parts.h"
#include "model/dropout.h"
#include "model/elementwise.h"
#include "model/gemm.h"
#include "model/wide.h"
#include "model/words.h"
#include "trainer/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KERNELS = 40, MAX_ROUNDS = 101, MANY_TEXTS = 4096 };
static const double RUN_SECONDS = 0.005;

/* Operations that a kernel's source asks for per element, as FMA = 2; exp is 22 of them.
 */
enum { GELU_OPS = 48, SOFTMAX_OPS = 26, SOFTMAX_BACKWARD_OPS = 5, LOSS_OPS = 60 };
enum { NORM_OPS = 12, NORM_BACKWARD_OPS = 18, ADAM_OPS = 14 };
/* Of Philox: ten rounds of two products give 8 draws of 16 bits. */
static const double PRODUCTS_PER_DRAW = 2.5;

typedef struct Bench {
    BenchJob job;
    BatchPacker *packer, *many_packer;
    PackedBatch leaf, many; /* `many`: texts enough that rows of the wide table differ */
    EncoderWeights weights;
    size_t N, H, F, C, heads, batch_texts;
    double pairs; /* sum of T^2 over the leaf's texts */
    /* Operands: [N, H] thrice and more, [N, max(3H, F)] four times. */
    float *narrow[6], *broad[4];
    float *probs, *scratch, *rstd, *gradient, *words, *logits, *many_logits, *moments[2];
    size_t n_probs;
    uint8_t *mask;
    int32_t *label;
} Bench;

typedef struct Kernel Kernel;
struct Kernel {
    char name[40];
    void (*run)(Bench *bench, const Kernel *kernel);
    size_t m, n, k;     /* of a product */
    double flop, bytes; /* of one call; bytes that have to move */
    double products;    /* 32-bit integer ones */
    double footprint;   /* bytes that one call touches */
    double seconds[MAX_ROUNDS];
    double gbytes; /* the roof of its working set */
};

typedef struct Roofline {
    Kernel kernel[MAX_KERNELS];
    size_t n;
    double gflops, gmul, l2_gbytes, memory_gbytes; /* peaks */
} Roofline;

/* ---- kernels ---- */

static void run_nt(Bench *b, const Kernel *k)
{
    gemm_fp32()->nt(b->broad[0], b->broad[1], b->gradient, k->m, k->n, k->k, 0);
}

static void run_nn(Bench *b, const Kernel *k)
{
    gemm_fp32()->nn(b->broad[0], b->broad[1], b->gradient, k->m, k->n, k->k, 0);
}

static void run_tn(Bench *b, const Kernel *k)
{
    gemm_fp32()->tn(b->gradient, b->broad[0], b->broad[1], k->m, k->n, k->k, 1);
}

static AttentionShape shape_of(const Bench *b)
{
    return (AttentionShape){b->leaf.text_start, b->leaf.n_texts, b->heads, b->H};
}

static void run_attention_forward(Bench *b, const Kernel *k)
{
    (void)k;
    AttentionShape shape = shape_of(b);
    attention_forward(b->narrow[0], b->probs, b->broad[0], &shape, NULL, b->scratch);
}

static void run_attention_backward(Bench *b, const Kernel *k)
{
    (void)k;
    AttentionShape shape = shape_of(b);
    attention_backward(b->broad[1], b->narrow[0], b->probs, b->broad[0], &shape, NULL,
                       b->scratch);
}

static AddNorm join_of(const Bench *b)
{
    const LayerParams *p = &b->weights.dense.layer[0];
    return (AddNorm){
        b->narrow[0], p->output_bias,         b->mask, 1.1f, p->after_attention,
        1e-5f,        {b->narrow[1], b->rstd}};
}

static void run_add_norm_forward(Bench *b, const Kernel *k)
{
    (void)k;
    AddNorm join = join_of(b);
    add_norm_forward(b->narrow[2], b->narrow[3], b->narrow[4], &join, b->N, b->H);
}

static void run_add_norm_backward(Bench *b, const Kernel *k)
{
    (void)k;
    AddNorm join = join_of(b);
    AddNormGradient grad = {
        b->narrow[2], b->gradient, {b->gradient + b->H, b->gradient + 2 * b->H}};
    add_norm_backward(b->narrow[3], false, &grad, b->narrow[4], &join, b->N, b->H);
}

static void run_activation_forward(Bench *b, const Kernel *k)
{
    (void)k;
    activation_forward((Activation)b->job.model.activation, b->broad[0], b->broad[1],
                       b->weights.dense.layer[0].in_bias, b->N, b->F);
}

static void run_activation_backward(Bench *b, const Kernel *k)
{
    (void)k;
    gelu_backward(b->broad[0], b->broad[0], b->broad[1], b->N * b->F);
}

static void run_dropout_masks(Bench *b, const Kernel *k)
{
    (void)k;
    DropoutKey key = {1, RNG_ATTN_DROPOUT, 1};
    for (size_t i = 0; i < b->leaf.n_texts; i++) {
        size_t first = b->leaf.text_start[i] * b->H;
        dropout_mask(b->mask + first, b->leaf.text_start[i + 1] * b->H - first, key,
                     b->leaf.example[i], 0.1f);
    }
}

static void run_words(Bench *b, const Kernel *k)
{
    (void)k;
    words_forward(b->words, b->weights.word_rows, b->weights.ngram_rows, &b->leaf, NULL,
                  b->H);
}

static UpdateRule adamw_rule(void)
{
    UpdateSettings settings = {OPTIMIZER_ADAMW, 0.9, 0.999, 1e-8, 0};
    return update_rule(&settings, 1000, 1e-9, 0);
}

static void run_sparse_adam(Bench *b, const Kernel *k)
{
    (void)k;
    UpdateRule rule = adamw_rule();
    for (size_t w = 0; w < b->leaf.n_words; w++) {
        size_t at = (size_t)b->leaf.word_row[w] * b->H;
        update_apply(&rule, b->job.classifier->words + at, b->moments[0] + at,
                     b->moments[1] + at, b->words + w * b->H, b->H);
    }
}

static void run_dense_adam(Bench *b, const Kernel *k)
{
    (void)k;
    UpdateRule rule = adamw_rule();
    update_apply(&rule, b->job.classifier->dense, b->moments[0], b->moments[1],
                 b->gradient, b->job.classifier->table.n_dense);
}

static void run_wide_forward(Bench *b, const Kernel *k)
{
    (void)k;
    wide_forward(b->many_logits, b->job.classifier->wide, &b->many, NULL, 0, NULL, b->C);
}

static void run_wide_update(Bench *b, const Kernel *k)
{
    (void)k;
    WideTable table = {b->many.wide_begin, b->many.wide_count, b->many.wide_id,
                       b->many.wide_value};
    wide_update(b->job.classifier->wide, NULL, &table, b->many.example, b->many.n_texts,
                b->many_logits, 1e-12f, NULL, 0, NULL, b->C);
}

static void run_loss(Bench *b, const Kernel *k)
{
    (void)k;
    Loss loss = {LOSS_CROSS_ENTROPY, 0, 0.1f, 1.0f, NULL};
    Targets targets = {b->label, NULL};
    loss_apply(b->logits, &targets, &loss, b->batch_texts, b->C);
}

/* ---- what each has to do ---- */

static Kernel *add(Roofline *r, const char *name,
                   void (*run)(Bench *bench, const Kernel *kernel), double flop,
                   double bytes)
{
    CHECK(r->n < MAX_KERNELS);
    Kernel *k = &r->kernel[r->n++];
    snprintf(k->name, sizeof k->name, "%s", name);
    k->run = run;
    k->flop = flop;
    k->bytes = k->footprint = bytes;
    return k;
}

/* A Linear layer from `in` to `out` features: forward, its input's gradient, its
 * weight's. */
static void add_linear(Roofline *r, const Bench *b, const char *layer, size_t in,
                       size_t out)
{
    const struct {
        const char *pass;
        void (*run)(Bench *bench, const Kernel *kernel);
        size_t m, n, k;
    } passes[] = {{"forward", run_nt, b->N, out, in},
                  {"input gradient", run_nn, b->N, in, out},
                  {"weight gradient", run_tn, out, in, b->N}};
    for (size_t i = 0; i < sizeof passes / sizeof passes[0]; i++) {
        char name[40];
        snprintf(name, sizeof name, "%s %s", layer, passes[i].pass);
        double m = (double)passes[i].m, n = (double)passes[i].n, k = (double)passes[i].k;
        double touched = 4 * (m * k + k * n + m * n);
        double read_again = passes[i].run == run_tn ? 4 * m * n : 0;
        Kernel *kernel = add(r, name, passes[i].run, 2 * m * n * k, touched + read_again);
        kernel->footprint = touched;
        kernel->m = passes[i].m;
        kernel->n = passes[i].n;
        kernel->k = passes[i].k;
    }
}

static void add_layer(Roofline *r, const Bench *b)
{
    double N = (double)b->N, H = (double)b->H, F = (double)b->F, heads = (double)b->heads;
    double probs = 4 * (double)b->n_probs;
    add_linear(r, b, "qkv", b->H, 3 * b->H);
    add_linear(r, b, "output", b->H, b->H);
    add_linear(r, b, "ff in", b->H, b->F);
    add_linear(r, b, "ff out", b->F, b->H);
    add(r, "attention forward", run_attention_forward,
        b->pairs * (4 * H + heads * SOFTMAX_OPS), 16 * N * H + probs);
    add(r, "attention backward", run_attention_backward,
        b->pairs * (8 * H + heads * SOFTMAX_BACKWARD_OPS), 28 * N * H + probs);
    add(r, "add_norm forward", run_add_norm_forward, NORM_OPS * N * H, 21 * N * H);
    add(r, "add_norm backward", run_add_norm_backward, NORM_BACKWARD_OPS * N * H,
        17 * N * H);
    Kernel *k = add(r, "activation forward", run_activation_forward, GELU_OPS * N * F,
                    12 * N * F);
    k->footprint = 8 * N * F;
    k = add(r, "activation backward", run_activation_backward, N * F, 12 * N * F);
    k->footprint = 8 * N * F;
    add(r, "dropout mask", run_dropout_masks, 0, N * H)->products =
        PRODUCTS_PER_DRAW * N * H;
}

/* Rows that the kernel reads or writes, and the table that they come from at most. */
static void add_rows(Roofline *r, const Bench *b)
{
    const PackedBatch *leaf = &b->leaf, *many = &b->many;
    const ParamTable *table = &b->job.classifier->table;
    double H = (double)b->H, C = (double)b->C, words = (double)leaf->n_words;
    double ngrams = 0, features = 0;
    for (size_t w = 0; w < leaf->n_words; w++) {
        ngrams += leaf->ngram_count[w];
    }
    for (size_t i = 0; i < many->n_texts; i++) {
        features += many->wide_count[i];
    }
    Kernel *k = add(r, "word vectors", run_words, (ngrams + 2 * words) * H,
                    4 * H * (ngrams + 2 * words));
    double own = 4 * (double)table->n_ngrams + 8 * H * words;
    k->footprint = own < k->bytes ? own : k->bytes;
    add(r, "sparse Adam, a row a word", run_sparse_adam, ADAM_OPS * words * H,
        28 * words * H)
        ->footprint = 16 * words * H;
    double dense = (double)table->n_dense;
    add(r, "dense AdamW", run_dense_adam, ADAM_OPS * dense, 28 * dense)->footprint =
        16 * dense;
    if (features > 0) {
        double whole = 4 * (double)table->n_wide + 8 * features;
        k = add(r, "wide forward", run_wide_forward, 2 * features * C,
                features * (4 * C + 8));
        k->footprint = whole < k->bytes ? whole : k->bytes;
        double footprint = k->footprint;
        k = add(r, "wide update", run_wide_update, 2 * features * C,
                features * (8 * C + 8));
        k->footprint = footprint;
    }
    double logits = (double)b->batch_texts * C;
    add(r, "softmax and loss", run_loss, LOSS_OPS * logits, 8 * logits)->footprint =
        4 * logits;
}

/* ---- operands ---- */

static float *random_floats(size_t n)
{
    Rng rng = rng_stream(7, 90, 0, 0);
    float *x = mem_zalloc_aligned(n, sizeof *x);
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(rng_uniform(&rng) - 0.5);
    }
    return x;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void pack(Bench *b)
{
    const BenchJob *job = &b->job;
    size_t n = dataset_size(job->train_set);
    size_t texts = (size_t)(job->train.batch_size / job->train.leaves);
    uint32_t *order = mem_alloc(n, sizeof *order);
    plan_epoch(order, n, (uint64_t)job->seed, 0);
    b->packer = batch_packer_open(job->train_set);
    b->many_packer = batch_packer_open(job->train_set);
    batch_pack(b->packer, order, texts < n ? larger(texts, 1) : n, &b->leaf);
    batch_pack(b->many_packer, order, n < MANY_TEXTS ? n : MANY_TEXTS, &b->many);
    free(order);
}

static void make_operands(Bench *b)
{
    const ModelConfig *m = &b->job.model;
    pack(b);
    b->weights = classifier_encoder(b->job.classifier);
    b->N = b->leaf.n_tokens;
    b->H = (size_t)m->hidden;
    b->F = (size_t)m->ff;
    b->heads = (size_t)m->heads;
    b->C = classifier_sizes(b->job.classifier)->n_classes;
    b->batch_texts = (size_t)b->job.train.batch_size;
    size_t longest = 0;
    for (size_t i = 0; i < b->leaf.n_texts; i++) {
        size_t T = b->leaf.text_start[i + 1] - b->leaf.text_start[i];
        b->pairs += (double)T * (double)T;
        b->n_probs += attention_probs(T, b->heads);
        longest = larger(longest, T);
    }
    for (size_t i = 0; i < 6; i++) {
        b->narrow[i] = random_floats(b->N * b->H);
    }
    for (size_t i = 0; i < 4; i++) {
        b->broad[i] = random_floats(b->N * larger(3 * b->H, b->F));
    }
    const ParamTable *table = &b->job.classifier->table;
    size_t layer = b->H * larger(3 * b->H, b->F);
    b->gradient = random_floats(larger(table->n_dense, layer));
    for (size_t i = 0; i < 2; i++) {
        b->moments[i] = mem_zalloc_aligned(larger(table->n_dense, table->n_words), 4);
    }
    b->probs = random_floats(b->n_probs);
    b->scratch = random_floats(attention_scratch(longest, b->H / b->heads));
    b->rstd = random_floats(b->N);
    b->words = random_floats(b->leaf.n_words * b->H);
    b->logits = random_floats(b->batch_texts * b->C);
    b->many_logits = random_floats(b->many.n_texts * b->C);
    b->mask = mem_zalloc(b->N * b->H, 1);
    b->label = mem_zalloc(b->batch_texts, sizeof *b->label);
}

static void free_operands(Bench *b)
{
    for (size_t i = 0; i < 6; i++) {
        free(b->narrow[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        free(b->broad[i]);
    }
    void *rest[] = {b->gradient,    b->moments[0], b->moments[1], b->probs,
                    b->scratch,     b->rstd,       b->words,      b->logits,
                    b->many_logits, b->mask,       b->label};
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        free(rest[i]);
    }
    batch_packer_close(b->packer);
    batch_packer_close(b->many_packer);
}

/* ---- measuring ---- */

static double time_kernel(Bench *b, const Kernel *k)
{
    k->run(b, k);
    double before = clock_cpu_seconds(), seconds = 0;
    size_t calls = 0;
    while (seconds < RUN_SECONDS) {
        k->run(b, k);
        calls++;
        seconds = clock_cpu_seconds() - before;
    }
    return seconds / (double)calls;
}

static void raise_to(double *best, double value)
{
    *best = value > *best ? value : *best;
}

static void measure(Bench *b, Roofline *r, size_t rounds)
{
    static const double LEAST = 16 << 10; /* a smaller working set is all overhead */
    for (size_t round = 0; round < rounds; round++) {
        raise_to(&r->gflops, peak_gflops());
        raise_to(&r->gmul, peak_gmul());
        raise_to(&r->l2_gbytes, peak_gbytes((size_t)256 << 10));
        raise_to(&r->memory_gbytes, peak_gbytes((size_t)256 << 20));
        for (size_t i = 0; i < r->n; i++) {
            Kernel *k = &r->kernel[i];
            k->seconds[round] = time_kernel(b, k);
            raise_to(&k->gbytes,
                     peak_gbytes((size_t)(k->footprint > LEAST ? k->footprint : LEAST)));
        }
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The longest of the times that its work takes at the peaks, and which that is. */
static double least_seconds(const Roofline *r, const Kernel *k, const char **bound)
{
    const struct {
        const char *bound;
        double seconds;
    } times[] = {{"compute", k->flop / r->gflops},
                 {"integer", r->gmul > 0 ? k->products / r->gmul : 0},
                 {"memory", k->bytes / k->gbytes}};
    size_t longest = 0;
    for (size_t i = 1; i < 3; i++) {
        longest = times[i].seconds > times[longest].seconds ? i : longest;
    }
    *bound = times[longest].bound;
    return times[longest].seconds * 1e-9;
}

static void write_number(JsonWriter *w, const char *key, double value)
{
    json_write_key(w, key);
    json_write_double(w, value);
}

static void print_kernel(JsonWriter *w, const Roofline *r, Kernel *k, size_t rounds)
{
    const char *bound;
    double least = least_seconds(r, k, &bound);
    qsort(k->seconds, rounds, sizeof *k->seconds, ascending);
    double median = (k->seconds[(rounds - 1) / 2] + k->seconds[rounds / 2]) / 2;
    json_begin_object(w);
    json_write_key(w, "kernel");
    json_write_string(w, k->name);
    json_write_key(w, "bound");
    json_write_string(w, bound);
    write_number(w, "m", (double)k->m);
    write_number(w, "n", (double)k->n);
    write_number(w, "k", (double)k->k);
    write_number(w, "microseconds", median * 1e6);
    write_number(w, "gflop_per_s", k->flop / median * 1e-9);
    write_number(w, "gmul_per_s", k->products / median * 1e-9);
    write_number(w, "gbyte_per_s", k->bytes / median * 1e-9);
    write_number(w, "working_set_kb", k->footprint / 1024);
    write_number(w, "roof_gbyte_per_s", k->gbytes);
    write_number(w, "percent_of_peak", 100 * least / median);
    json_end_object(w);
}

static void print(const Bench *b, Roofline *r, size_t rounds)
{
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 0);
    json_begin_object(&w);
    write_number(&w, "tokens", (double)b->N);
    write_number(&w, "texts", (double)b->leaf.n_texts);
    write_number(&w, "distinct_words", (double)b->leaf.n_words);
    write_number(&w, "peak_gflop_per_s", r->gflops);
    write_number(&w, "peak_gmul_per_s", r->gmul);
    write_number(&w, "l2_gbyte_per_s", r->l2_gbytes);
    write_number(&w, "memory_gbyte_per_s", r->memory_gbytes);
    json_write_key(&w, "kernels");
    json_begin_array(&w);
    for (size_t i = 0; i < r->n; i++) {
        print_kernel(&w, r, &r->kernel[i], rounds);
    }
    json_end_array(&w);
    json_end_object(&w);
    puts(out.p);
    strbuf_free(&out);
}

static Status run(Bench *b, int argc, char **argv, size_t rounds)
{
    TRY(bench_job_read(&b->job, argc, argv));
    TRY(bench_job_prepare(&b->job));
    static Roofline roofline;
    make_operands(b);
    if (b->job.model.layers > 0) {
        add_layer(&roofline, b);
    }
    add_rows(&roofline, b);
    measure(b, &roofline, rounds);
    print(b, &roofline, rounds);
    free_operands(b);
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    size_t rounds = 5;
    if (argc > 2 && strcmp(argv[1], "--rounds") == 0) {
        int asked = atoi(argv[2]);
        rounds = asked >= 1 && asked <= MAX_ROUNDS ? (size_t)asked : 0;
        argc -= 2;
        argv += 2;
    }
    if (argc < 2 || argv[1][0] == '-' || rounds == 0) {
        fprintf(stderr,
                "usage: roofline_kernels [--rounds 1..%d] CONFIG "
                "[section.key=value ...]\n",
                MAX_ROUNDS);
        return STATUS_USAGE;
    }
    Bench bench = {0};
    Status status = run(&bench, argc, argv, rounds);
    if (status != STATUS_OK) {
        log_status();
    }
    bench_job_close(&bench.job);
    return (int)status;
}
