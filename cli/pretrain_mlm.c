/* Start, texts, training, folder. */
#include "cli/pretrain_mlm.h"

#include "cli/bert_config.h"
#include "cli/lite_config.h"
#include "cli/same_everywhere.h"

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/facts.h"
#include "model/schedule.h"
#include "trainer/pretrain_mlm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- config ---- */

static bool same_path(const char *a, const char *b)
{
    char *first = path_absolute(a), *second = path_absolute(b);
    bool same = strcmp(first, second) == 0;
    free(first);
    free(second);
    return same;
}

static void take_out_own_result(WholeConfig *w)
{
    const char *from = w->model.init_from;
    if (from && *from && w->pretrain.out && same_path(from, w->pretrain.out)) {
        free(w->model.init_from);
        w->model.init_from = NULL;
    }
}

/* What a training with this config would choose by its rows; from text files alone what
 * it would choose by many. */
static Status resolve(WholeConfig *w, Config *config)
{
    if (!config_has_auto(w->sections, N_TRAIN_SECTIONS)) {
        return STATUS_OK;
    }
    if (w->data.train.n == 0) {
        w->data.max_words = w->data.max_words == AUTO_INT ? 64 : w->data.max_words;
        w->train.batch_size = w->train.batch_size == AUTO_INT ? 64 : w->train.batch_size;
        return STATUS_OK;
    }
    DataFacts facts;
    DataConfig untested = w->data;
    untested.test = (StrList){0}; /* test rows are not even opened */
    TRY(data_facts_read(&untested, (uint64_t)w->top.seed, &facts));
    config_resolve(config, w->sections, N_TRAIN_SECTIONS, &facts);
    return STATUS_OK;
}

static Status check_train(const WholeConfig *w, const Config *config, int n_ranks)
{
    if (w->train.scheduler == SCHEDULE_PLATEAU) {
        status_set(STATUS_CONFIG,
                   "%s: train.scheduler: plateau watches a validation, and pretraining "
                   "has none",
                   config_origin(config, "train.scheduler"));
        status_hint("train.scheduler=linear, for the pretraining");
        return STATUS_CONFIG;
    }
    return train_config_check(&w->train, config, n_ranks);
}

Status pretrain_mlm_settle(WholeConfig *w, Config *config, int n_ranks)
{
    take_out_own_result(w);
    w->model.head = HEAD_TOKENS;
    w->init_place = mem_strdup(config_origin(config, "model.init_from"));
    TRY(bert_config_settle(w, config, false));
    TRY(lite_config_settle(w, config, false));
    TRY(pretrain_config_settle(&w->pretrain, config, w->train.lr));
    if (w->data.train.n > 0 || w->pretrain.text.n == 0) {
        TRY(data_config_check(&w->data, config));
    } else {
        TRY(data_config_check_cleaning(&w->data, config));
    }
    TRY(resolve(w, config));
    TRY(model_config_check(&w->model, config));
    return check_train(w, config, n_ranks);
}

/* ---- the end ---- */

static void print_json(const WholeConfig *w, const MlmResult *r, const TextSet *texts)
{
    StrBuf text = {0};
    JsonWriter j = json_writer(&text, 2);
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"vocab_size", (double)classifier_sizes(r->model)->vocab_size},
        {"texts", (double)dataset_size(texts->examples)},
        {"tokens", (double)dataset_n_tokens(texts->examples)},
        {"loss", r->loss},
        {"tokens_per_s", (double)r->tokens / r->seconds},
        {"tokens_per_cpu_s", (double)r->tokens / r->cpu_seconds},
        {"seconds", r->seconds},
    };
    json_begin_object(&j);
    json_write_key(&j, "out");
    json_write_string(&j, w->pretrain.out);
    json_write_key(&j, "objective");
    json_write_string(&j, "mlm");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_write_key(&j, numbers[i].name);
        json_write_double(&j, numbers[i].value);
    }
    json_end_object(&j);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static void print_text(const WholeConfig *w, const MlmResult *r)
{
    log_note("loss %.4f, %.0f tokens/s", r->loss, (double)r->tokens / r->seconds);
    log_note("%s: next: muster train CONFIG model.init_from=%s", w->pretrain.out,
             w->pretrain.out);
}

/* data, model, train and pretrain, as they were settled. */
static Status save(const WholeConfig *w, const MlmJob *job, const MlmResult *result)
{
    const Section sections[] = {w->sections[1], w->sections[2], w->sections[3],
                                w->sections[N_ALL_SECTIONS - 1]};
    return mlm_result_save(result, job, w->pretrain.out, sections, 4);
}

/* ---- all of it ---- */

static Status run(const WholeConfig *w, const MlmJob *job, bool json)
{
    MlmResult result = {0};
    TRY(pretrain_mlm_run(job, &result));
    Status status = STATUS_OK;
    bool root = job->ranks->rank == 0;
    if (root) {
        status = save(w, job, &result);
    }
    if (status == STATUS_OK && root && json) {
        print_json(w, &result, job->texts);
    } else if (status == STATUS_OK) {
        print_text(w, &result);
    }
    mlm_result_free(&result);
    return ranks_agree(job->ranks, status);
}

/* What a lite begins from; bert's folder is read when the model is made. */
static Status read_start(const WholeConfig *w, const Ranks *ranks, WordVectors *out)
{
    const char *from = w->model.init_from;
    if (w->model.arch != ARCH_LITE || !from || !*from) {
        return STATUS_OK;
    }
    TRY(ranks_agree(ranks, lite_start_read(w, out)));
    return same_everywhere(ranks, out->digest, STATUS_CONFIG, "model.init_from");
}

static Status read_texts(const WholeConfig *w, const Ranks *ranks,
                         const WordVectors *start, TextSet *out)
{
    DataConfig data = w->data;
    AddedWords added = {start->n, start->words, start->digest};
    data.added = start->n > 0 ? &added : NULL;
    uint64_t seed = (uint64_t)w->top.seed;
    TRY(ranks_agree(ranks, text_set_open(&data, seed, &w->pretrain.text, out)));
    return same_everywhere(ranks, out->digest, STATUS_DATA, "the text");
}

Status pretrain_mlm(const WholeConfig *w, const Ranks *ranks, bool json)
{
    WordVectors start = {0};
    TextSet texts = {0};
    Status status = read_start(w, ranks, &start);
    status = status == STATUS_OK ? read_texts(w, ranks, &start, &texts) : status;
    if (status == STATUS_OK) {
        log_note("%zu texts, %zu tokens, a vocabulary of %zu",
                 dataset_size(texts.examples), dataset_n_tokens(texts.examples),
                 preprocessor_vocab_size(texts.preprocessor));
        MlmJob job = {.ranks = ranks,
                      .config = &w->pretrain,
                      .train = &w->train,
                      .model = &w->model,
                      .start = start.n > 0 ? &start : NULL,
                      .seed = (uint64_t)w->top.seed,
                      .texts = &texts};
        status = run(w, &job, json);
    }
    text_set_close(&texts);
    word_vectors_free(&start);
    return status;
}
