/* How fast a trained model answers. bench/infer runs it beside ONNX Runtime.
 *
 *     infer_steps CHECKPOINT TEXTS [--batch 32] [--rounds 5] [--dump FILE]
 *     infer_steps CHECKPOINT TEXTS --single N
 *
 * TEXTS has one text a line. The first form packs all of them into batches in their order
 * and prints tokens/s of classifier_predict on packed batches, per CPU second: the median
 * of the rounds. --dump writes what another program needs to answer the same and to
 * compare: a JSON object with the batches' tokens as rows of the embedding table and the
 * answers. The second form hands the first N texts one by one to a predictor and prints
 * the 50th and 99th percentile of the microseconds from raw text to answer, the process
 * started and the model read. */
#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/dataset.h"
#include "model/classifier.h"
#include "predict/predictor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS_LIMIT = 1 << 30, WARM_UP = 50 };

typedef struct Bench {
    const char *checkpoint, *texts_path, *dump;
    size_t batch, rounds, single;
    StrBuf bytes; /* of the file */
    Text *texts;
    size_t n;
} Bench;

static Status read_texts(Bench *bench)
{
    size_t cap = 0;
    TRY(file_read(bench->texts_path, TEXTS_LIMIT, STATUS_NOT_FOUND, &bench->bytes));
    size_t size = bench->bytes.n;
    for (size_t at = 0; at < size;) {
        const char *line = bench->bytes.p + at, *end = memchr(line, '\n', size - at);
        size_t length = end ? (size_t)(end - line) : size - at;
        bench->texts = mem_grow(bench->texts, &cap, bench->n + 1, sizeof *bench->texts);
        bench->texts[bench->n++] = (Text){line, length};
        at += length + 1;
    }
    return bench->n > 0 ? STATUS_OK
                        : status_set(STATUS_DATA, "%s: no texts", bench->texts_path);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(double *values, size_t n, double share)
{
    qsort(values, n, sizeof *values, compare);
    size_t at = (size_t)(share * (double)n);
    return values[at < n ? at : n - 1];
}

/* ---- one by one ---- */

static Status time_single(const Bench *bench)
{
    Predictor *predictor;
    TRY(predictor_open(bench->checkpoint, &predictor));
    size_t n = bench->single < bench->n ? bench->single : bench->n;
    float *answer = mem_alloc(predictor_n_classes(predictor), sizeof *answer);
    double *us = mem_alloc(n, sizeof *us);
    Status status = STATUS_OK;
    for (size_t i = 0; i < WARM_UP + n && status == STATUS_OK; i++) {
        const Text *text = &bench->texts[i < WARM_UP ? i % n : i - WARM_UP];
        double before = clock_seconds();
        status = predictor_predict(predictor, text, 1, answer);
        if (i >= WARM_UP) {
            us[i - WARM_UP] = (clock_seconds() - before) * 1e6;
        }
    }
    if (status == STATUS_OK) {
        double p50 = percentile(us, n, 0.5), p99 = percentile(us, n, 0.99);
        printf(
            "{\"texts\": %zu, \"p50_us\": %.1f, \"p99_us\": %.1f, \"most_us\": %.1f}\n",
            n, p50, p99, us[n - 1]);
    }
    free(us);
    free(answer);
    predictor_close(predictor);
    return status;
}

/* ---- in batches ---- */

typedef struct Model {
    Preprocessor *pre;
    Classifier *classifier;
    Workspace *workspace;
    Dataset *set;
    BatchPacker *packer;
} Model;

static Status open_model(const Bench *bench, Model *m)
{
    TRY(preprocessor_load(bench->checkpoint, &m->pre));
    TRY(classifier_load(bench->checkpoint, &m->classifier));
    classifier_settle(m->classifier);
    TRY(dataset_open_texts(m->pre, bench->texts, bench->n, &m->set));
    m->workspace = workspace_open(m->classifier);
    m->packer = batch_packer_open(m->set);
    return STATUS_OK;
}

static void close_model(Model *m)
{
    batch_packer_close(m->packer);
    workspace_close(m->workspace);
    dataset_close(m->set);
    classifier_close(m->classifier);
    preprocessor_close(m->pre);
}

static void pack(const Bench *bench, const Model *m, size_t first, PackedBatch *out)
{
    size_t n = bench->n - first < bench->batch ? bench->n - first : bench->batch;
    uint32_t *examples = mem_alloc(n, sizeof *examples);
    for (size_t i = 0; i < n; i++) {
        examples[i] = (uint32_t)(first + i);
    }
    batch_pack(m->packer, examples, n, out);
    free(examples);
}

/* CPU seconds of answering all texts, packing left out. */
static double run_round(const Bench *bench, const Model *m, float *answers)
{
    size_t C = classifier_sizes(m->classifier)->n_classes;
    double seconds = 0;
    for (size_t at = 0; at < bench->n; at += bench->batch) {
        PackedBatch batch;
        pack(bench, m, at, &batch);
        double before = clock_cpu_seconds();
        classifier_predict(m->classifier, m->workspace, &batch, answers + at * C);
        seconds += clock_cpu_seconds() - before;
    }
    return seconds;
}

static void write_batch(JsonWriter *w, const PackedBatch *batch, const float *answers,
                        size_t C)
{
    for (size_t b = 0; b < batch->n_texts; b++) {
        json_begin_object(w);
        json_write_key(w, "rows");
        json_begin_array(w);
        for (size_t t = batch->text_start[b]; t < batch->text_start[b + 1]; t++) {
            json_write_int(w, batch->word_row[batch->token_word[t]]);
        }
        json_end_array(w);
        json_write_key(w, "log_probs");
        json_begin_array(w);
        for (size_t c = 0; c < C; c++) {
            json_write_double(w, (double)answers[b * C + c]);
        }
        json_end_array(w);
        json_end_object(w);
    }
}

static Status dump(const Bench *bench, const Model *m, const float *answers)
{
    size_t C = classifier_sizes(m->classifier)->n_classes;
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 0);
    json_begin_array(&w);
    for (size_t at = 0; at < bench->n; at += bench->batch) {
        PackedBatch batch;
        pack(bench, m, at, &batch);
        write_batch(&w, &batch, answers + at * C, C);
    }
    json_end_array(&w);
    Status status = file_write(bench->dump, out.p, out.n);
    strbuf_free(&out);
    return status;
}

static Status time_batches(const Bench *bench)
{
    Model m = {0};
    Status status = open_model(bench, &m);
    if (status == STATUS_OK) {
        size_t C = classifier_sizes(m.classifier)->n_classes;
        float *answers = mem_alloc(bench->n * C, sizeof *answers);
        double *seconds = mem_alloc(bench->rounds, sizeof *seconds);
        run_round(bench, &m, answers);
        for (size_t i = 0; i < bench->rounds; i++) {
            seconds[i] = run_round(bench, &m, answers);
        }
        double tokens = (double)dataset_n_tokens(m.set);
        printf("{\"tokens_per_s\": %.1f, \"tokens\": %.0f, \"texts\": %zu}\n",
               tokens / percentile(seconds, bench->rounds, 0.5), tokens, bench->n);
        status = bench->dump ? dump(bench, &m, answers) : STATUS_OK;
        free(seconds);
        free(answers);
    }
    close_model(&m);
    return status;
}

static Status read_options(Bench *bench, int argc, char **argv)
{
    *bench = (Bench){.batch = 32, .rounds = 5};
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--batch") == 0 && more) {
            bench->batch = strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--rounds") == 0 && more) {
            bench->rounds = strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--single") == 0 && more) {
            bench->single = strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--dump") == 0 && more) {
            bench->dump = argv[++i];
        } else if (!bench->checkpoint) {
            bench->checkpoint = argv[i];
        } else {
            bench->texts_path = argv[i];
        }
    }
    return bench->texts_path && bench->batch > 0 && bench->rounds > 0
               ? STATUS_OK
               : status_set(STATUS_USAGE,
                            "usage: infer_steps CHECKPOINT TEXTS [--batch N] "
                            "[--rounds N] [--dump FILE] [--single N]");
}

int main(int argc, char **argv)
{
    Bench bench;
    Status status = read_options(&bench, argc, argv);
    status = status == STATUS_OK ? read_texts(&bench) : status;
    if (status == STATUS_OK) {
        status = bench.single ? time_single(&bench) : time_batches(&bench);
    }
    if (status != STATUS_OK) {
        log_status();
    }
    free(bench.texts);
    strbuf_free(&bench.bytes);
    return (int)status;
}
