/* Opening checkpoints and answering in batches. */
#include "predict/predictor.h"

#include "base/files.h"
#include "base/manifest.h"
#include "base/mem.h"
#include "model/ensemble.h"
#include "model/label_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_SIZE = 32,
    BATCH_SIZE_LIMIT = 1 << 16,
    FORMAT_VERSION = 1,
    DESCRIPTION_LIMIT = 64 << 20
};

struct Predictor {
    char *dir;
    Json *description;
    Preprocessor *pre;
    Classifier *models[MAX_MEMBERS];
    size_t n_models;
    Workspace *ws;
    size_t batch_size;
    double *thresholds; /* [classes] */
};

void predictor_close(Predictor *predictor)
{
    if (!predictor) {
        return;
    }
    workspace_close(predictor->ws);
    for (size_t i = 0; i < predictor->n_models; i++) {
        classifier_close(predictor->models[i]);
    }
    preprocessor_close(predictor->pre);
    free(predictor->thresholds);
    json_free(predictor->description);
    free(predictor->dir);
    free(predictor);
}

/* ---- opening ---- */

/* A folder of somebody else's model has no checksums; when it has no weights of ours
 * either, what is wrong with the weights says more. */
static Status verify(const char *dir)
{
    char *sums = path_join(dir, MANIFEST_NAME);
    char *weights = path_join(dir, "model.safetensors");
    Status status = STATUS_OK;
    if (dir_exists(dir) && !file_exists(sums) && !file_exists(weights)) {
        Classifier *model = NULL;
        status = classifier_load(dir, &model);
        classifier_close(model);
    }
    if (status == STATUS_OK) {
        status = manifest_verify(dir);
    }
    free(weights);
    free(sums);
    return status;
}

static Status load_description(const char *dir, Json **out)
{
    char *path = path_join(dir, "muster.json");
    Status status = json_load(path, DESCRIPTION_LIMIT, STATUS_DAMAGED, out);
    if (status == STATUS_OK) {
        int64_t version = json_int(json_get(*out, "format_version"), 0);
        if (version != FORMAT_VERSION) {
            status = status_set(STATUS_DAMAGED,
                                "%s: format_version %lld, this program reads %d", path,
                                (long long)version, FORMAT_VERSION);
            if (version > FORMAT_VERSION) {
                status_hint("it was written by a newer version of Muster");
            }
        }
    }
    free(path);
    return status;
}

typedef struct SizePair {
    const char *what;
    size_t in_model, in_preprocessor;
    bool may_be_larger; /* in the model */
} SizePair;

/* Each half is whole by itself; together they could still be of two models. */
static Status check_sizes(const Predictor *p)
{
    const ModelSizes *sizes = classifier_sizes(p->models[0]);
    /* BERT's tables may have rows that no token and no place of a text uses. */
    bool bert = classifier_config(p->models[0])->arch == ARCH_BERT;
    const SizePair pairs[] = {
        {"classes", sizes->n_classes, preprocessor_n_classes(p->pre), false},
        {"words", sizes->vocab_size, preprocessor_vocab_size(p->pre), bert},
        {"n-gram buckets", sizes->ngram_buckets, preprocessor_ngram_buckets(p->pre),
         false},
        {"words per text", sizes->max_tokens, preprocessor_max_words(p->pre), bert},
        {"wide buckets", sizes->wide_buckets, preprocessor_wide_buckets(p->pre), false},
    };
    if (sizes->multi_label != (preprocessor_label_separator(p->pre) != NULL)) {
        return status_set(STATUS_DAMAGED,
                          "%s: model and preprocessor are not of one training: "
                          "problem_type in config.json, label_separator in muster.json",
                          p->dir);
    }
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        bool larger =
            pairs[i].may_be_larger && pairs[i].in_model > pairs[i].in_preprocessor;
        if (!larger && pairs[i].in_model != pairs[i].in_preprocessor) {
            return status_set(
                STATUS_DAMAGED,
                "%s: model and preprocessor are not of one training: %zu %s "
                "in config.json, %zu in muster.json",
                p->dir, pairs[i].in_model, pairs[i].what, pairs[i].in_preprocessor);
        }
    }
    return STATUS_OK;
}

/* With validation's own batches evaluate gives validation's own figures, to the bit. */
static size_t batch_size_of(const Json *description)
{
    const Json *train = json_get(description, "train");
    const char *text = json_string(json_get(train, "eval_batch_size"));
    long long n;
    return text && text_to_int(text, &n) && n > 0 && n <= BATCH_SIZE_LIMIT ? (size_t)n
                                                                           : BATCH_SIZE;
}

/* The first model by the usual names; those of more seeds by muster.json. */
static Status load_models(Predictor *p)
{
    const Json *seeds = json_get(p->description, "more_seeds");
    TRY(classifier_load(p->dir, &p->models[p->n_models]));
    p->n_models++;
    if (json_size(seeds) >= MAX_MEMBERS) {
        return status_set(STATUS_DAMAGED,
                          "%s/muster.json: more_seeds: %zu of them, at "
                          "most %d are possible",
                          p->dir, json_size(seeds), MAX_MEMBERS - 1);
    }
    for (size_t i = 0; i < json_size(seeds); i++) {
        char name[64];
        snprintf(name, sizeof name, "model_seed_%lld.safetensors",
                 (long long)json_int(json_at(seeds, i), -1));
        TRY(classifier_load_weights(p->models[0], p->dir, name, &p->models[p->n_models]));
        p->n_models++;
    }
    for (size_t i = 0; i < p->n_models; i++) {
        classifier_settle(p->models[i]);
    }
    return STATUS_OK;
}

/* Labels that the object does not name have the usual one. */
static Status load_thresholds(Predictor *p)
{
    const Json *thresholds = json_get(p->description, "thresholds");
    size_t C = preprocessor_n_classes(p->pre);
    p->thresholds = mem_alloc(C, sizeof *p->thresholds);
    for (size_t c = 0; c < C; c++) {
        const char *label = preprocessor_label(p->pre, c);
        double value = json_double(json_get(thresholds, label), DEFAULT_THRESHOLD);
        if (!(value >= 0 && value <= 1)) {
            return status_set(STATUS_DAMAGED,
                              "%s/muster.json: thresholds.%s: expected a number from 0 "
                              "to 1",
                              p->dir, label);
        }
        p->thresholds[c] = value;
    }
    return STATUS_OK;
}

static Status load(Predictor *p)
{
    TRY(verify(p->dir));
    TRY(load_description(p->dir, &p->description));
    TRY(preprocessor_load(p->dir, &p->pre));
    TRY(load_models(p));
    TRY(check_sizes(p));
    TRY(load_thresholds(p));
    p->batch_size = batch_size_of(p->description);
    p->ws = workspace_open(p->models[0]);
    return STATUS_OK;
}

Status predictor_open(const char *checkpoint_dir, Predictor **out)
{
    Predictor *p = mem_zalloc(1, sizeof *p);
    p->dir = mem_strdup(checkpoint_dir);
    Status status = load(p);
    if (status != STATUS_OK) {
        if (status == STATUS_DAMAGED) {
            manifest_hint_siblings(checkpoint_dir);
        }
        predictor_close(p);
        return status;
    }
    *out = p;
    return STATUS_OK;
}

/* ---- answering ---- */

void predictor_predict_set(Predictor *p, const Dataset *set, size_t first, size_t n,
                           float *answers)
{
    size_t C = predictor_n_classes(p);
    BatchPacker *packer = batch_packer_open(set);
    uint32_t *examples = mem_alloc(p->batch_size, sizeof *examples);
    for (size_t at = 0; at < n; at += p->batch_size) {
        size_t n_now = n - at < p->batch_size ? n - at : p->batch_size;
        for (size_t i = 0; i < n_now; i++) {
            examples[i] = (uint32_t)(first + at + i);
        }
        PackedBatch batch;
        batch_pack(packer, examples, n_now, &batch);
        ensemble_predict(p->models, p->n_models, p->ws, &batch, answers + at * C);
    }
    free(examples);
    batch_packer_close(packer);
}

Status predictor_predict(Predictor *predictor, const Text *texts, size_t n,
                         float *answers)
{
    if (n == 0) {
        return STATUS_OK;
    }
    Dataset *set = NULL;
    TRY(dataset_open_texts(predictor->pre, texts, n, &set));
    predictor_predict_set(predictor, set, 0, n, answers);
    dataset_close(set);
    return STATUS_OK;
}

const char *predictor_label_separator(const Predictor *predictor)
{
    return preprocessor_label_separator(predictor->pre);
}

const double *predictor_thresholds(const Predictor *predictor)
{
    return predictor->thresholds;
}

Status predictor_set_threshold(Predictor *predictor, double threshold)
{
    if (!predictor_label_separator(predictor)) {
        status_set(STATUS_USAGE, "--threshold: the model gives each text its most likely "
                                 "class");
        status_hint("thresholds are for models of several labels a text");
        return STATUS_USAGE;
    }
    for (size_t c = 0; c < predictor_n_classes(predictor); c++) {
        predictor->thresholds[c] = threshold;
    }
    return STATUS_OK;
}

size_t predictor_batch_size(const Predictor *predictor)
{
    return predictor->batch_size;
}

size_t predictor_n_classes(const Predictor *predictor)
{
    return preprocessor_n_classes(predictor->pre);
}

const char *predictor_label(const Predictor *predictor, size_t class_index)
{
    return preprocessor_label(predictor->pre, class_index);
}

const Preprocessor *predictor_preprocessor(const Predictor *predictor)
{
    return predictor->pre;
}

const Json *predictor_description(const Predictor *predictor)
{
    return predictor->description;
}

const char *predictor_dir(const Predictor *predictor)
{
    return predictor->dir;
}
