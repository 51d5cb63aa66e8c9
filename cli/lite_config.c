/* Word vectors go with words; an encoder with whatever it was pretrained with. */
#include "cli/lite_config.h"

#include "base/mem.h"
#include "trainer/start_report.h"

#include <stdlib.h>

static Status refuse_pieces(const Config *config)
{
    status_set(STATUS_CONFIG,
               "%s: model.init_from: goes with data.tokenizer: words, but for models "
               "that were pretrained on pieces",
               config_origin(config, "model.init_from"));
    status_hint("pretrain with this config and pretrain.objective=mlm, or use "
                "data.tokenizer=words");
    return STATUS_CONFIG;
}

Status lite_config_settle(WholeConfig *w, const Config *config, bool resumed)
{
    const char *dir = w->model.init_from;
    ModelConfig there;
    ModelSizes sizes;
    if (w->model.arch != ARCH_LITE || !dir || !*dir || resumed) {
        return STATUS_OK;
    }
    bool encoder = classifier_config_load(dir, &there, &sizes) == STATUS_OK &&
                   there.arch == ARCH_LITE && there.head == HEAD_TOKENS;
    if (encoder && !config_is_given(config, "data.max_words") && !w->model.positions) {
        w->data.max_words = (int64_t)sizes.max_tokens;
    }
    if (w->data.tokenizer == TOKENIZER_WORDS) {
        return STATUS_OK;
    }
    if (!encoder || !sizes.pieces) {
        return refuse_pieces(config);
    }
    if (!w->data.vocab || !*w->data.vocab) {
        free(w->data.vocab);
        w->data.vocab = mem_strdup(dir);
    }
    return STATUS_OK;
}

static Status check_width(const WholeConfig *w, const WordVectors *vectors)
{
    if (vectors->dim == (size_t)w->model.hidden) {
        return STATUS_OK;
    }
    status_set(STATUS_CONFIG,
               "%s: model.init_from: %s has vectors of %zu numbers, but model.hidden is "
               "%lld",
               w->init_place, w->model.init_from, vectors->dim,
               (long long)w->model.hidden);
    status_hint("set model.hidden=%zu, or pretrain with pretrain.dim=%lld", vectors->dim,
                (long long)w->model.hidden);
    return STATUS_CONFIG;
}

/* N-gram vectors mean something under the hashes that they were learnt with alone. */
static Status check_ngrams(const WholeConfig *w, const WordVectors *vectors)
{
    const DataConfig *data = &w->data;
    if (vectors->ngram_buckets == 0 ||
        (vectors->ngram_min == (size_t)data->ngram_min &&
         vectors->ngram_max == (size_t)data->ngram_max &&
         vectors->ngram_buckets == (size_t)data->ngram_buckets)) {
        return STATUS_OK;
    }
    status_set(STATUS_CONFIG,
               "%s: model.init_from: %s has other character n-grams than data.ngram_*",
               w->init_place, w->model.init_from);
    status_hint("data.ngram_min=%zu data.ngram_max=%zu data.ngram_buckets=%zu, or "
                "pretrain.ngrams=no",
                vectors->ngram_min, vectors->ngram_max, vectors->ngram_buckets);
    return STATUS_CONFIG;
}

static Status check_vectors(const WholeConfig *w, const WordVectors *vectors)
{
    TRY(check_width(w, vectors));
    return check_ngrams(w, vectors);
}

/* The shape that the config asks for, as far as an encoder goes. */
static ModelSizes sizes_of(const WholeConfig *w)
{
    const DataConfig *data = &w->data;
    int64_t longest = w->model.positions ? w->model.positions : data->max_words;
    return (ModelSizes){.n_classes = 1,
                        .vocab_size = N_SPECIAL_WORDS,
                        .ngram_buckets = (size_t)data->ngram_buckets,
                        .ngram_min = (size_t)data->ngram_min,
                        .ngram_max = (size_t)data->ngram_max,
                        .max_tokens = (size_t)longest,
                        .wide_buckets = data->wide == WIDE_NONE ? 0 : 1,
                        .pieces = data->tokenizer == TOKENIZER_WORDPIECE};
}

static Status check_encoder(const WholeConfig *w, const WordVectors *vectors)
{
    const char *dir = w->model.init_from;
    ModelSizes sizes = sizes_of(w);
    InitReport report;
    Status status = pretrained_check(&vectors->model, dir, &w->model, &sizes, &report);
    if (status == STATUS_OK) {
        start_report_tell(dir, &report);
    } else {
        status_prefix("%s: model.init_from", w->init_place);
    }
    init_report_free(&report);
    return status;
}

Status lite_start_read(const WholeConfig *w, WordVectors *out)
{
    WordVectors vectors;
    Status status = word_vectors_load(w->model.init_from, &vectors);
    if (status == STATUS_NOT_FOUND) {
        status_prefix("%s: model.init_from", w->init_place);
        status_hint("muster pretrain makes such a folder");
    }
    TRY(status);
    status =
        vectors.model.n > 0 ? check_encoder(w, &vectors) : check_vectors(w, &vectors);
    if (status != STATUS_OK) {
        word_vectors_free(&vectors);
        return status;
    }
    *out = vectors;
    return STATUS_OK;
}
