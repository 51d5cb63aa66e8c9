/* Tensors by name, from one model to another. */
#include "model/pretrained.h"

#include "base/mem.h"
#include "model/classifier_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t count_of(const PretrainedTensor *tensor)
{
    return tensor->dims[0] * (tensor->rank == 2 ? tensor->dims[1] : 1);
}

void pretrained_free(Pretrained *pretrained)
{
    for (size_t i = 0; i < pretrained->n; i++) {
        free(pretrained->tensors[i].name);
        free(pretrained->tensors[i].data);
    }
    free(pretrained->tensors);
    *pretrained = (Pretrained){0};
}

void pretrained_digest(const Pretrained *pretrained, Sha256 *sha)
{
    for (size_t i = 0; i < pretrained->n; i++) {
        const PretrainedTensor *tensor = &pretrained->tensors[i];
        sha256_add(sha, tensor->name, strlen(tensor->name));
        sha256_add(sha, tensor->data, count_of(tensor) * sizeof *tensor->data);
    }
}

/* ---- reading ---- */

static Status copy_tensor(const char *dir, const Safetensors *file, const Tensor *from,
                          PretrainedTensor *to)
{
    const float *data;
    if (from->rank != 1 && from->rank != 2) {
        return status_set(STATUS_DAMAGED, "%s: tensor \"%s\" has %d dimensions", dir,
                          from->name, from->rank);
    }
    TRY(safetensors_f32(file, from->name, from->rank, from->dims, &data));
    *to =
        (PretrainedTensor){.name = mem_strdup(from->name),
                           .rank = from->rank,
                           .dims = {from->dims[0], from->rank == 2 ? from->dims[1] : 0}};
    to->data = mem_alloc(count_of(to), sizeof *to->data);
    memcpy(to->data, data, count_of(to) * sizeof *data);
    return STATUS_OK;
}

Status pretrained_load(const char *dir, const Safetensors *file, const char *words,
                       Pretrained *out)
{
    Pretrained read = {0};
    Status status = classifier_config_load(dir, &read.config, &read.sizes);
    read.tensors = mem_zalloc(safetensors_size(file), sizeof *read.tensors);
    for (size_t i = 0; i < safetensors_size(file) && status == STATUS_OK; i++) {
        const Tensor *tensor = safetensors_at(file, i);
        if (strcmp(tensor->name, words) != 0) {
            status = copy_tensor(dir, file, tensor, &read.tensors[read.n]);
            read.n += status == STATUS_OK;
        }
    }
    if (status != STATUS_OK) {
        pretrained_free(&read);
        return status;
    }
    *out = read;
    return STATUS_OK;
}

/* ---- whether it fits ---- */

static const PretrainedTensor *find(const Pretrained *pretrained, const char *name)
{
    for (size_t i = 0; i < pretrained->n; i++) {
        if (strcmp(pretrained->tensors[i].name, name) == 0) {
            return &pretrained->tensors[i];
        }
    }
    return NULL;
}

static Status check_facts(const Pretrained *from, const char *dir,
                          const ModelConfig *config, const ModelSizes *sizes)
{
    const ModelConfig *c = &from->config;
    const ModelSizes *s = &from->sizes;
    bool ngrams = s->ngram_buckets > 0 && sizes->ngram_buckets > 0;
    const struct {
        const char *key;
        int64_t there, here;
    } facts[] = {
        {"model.hidden", c->hidden, config->hidden},
        {"model.layers", c->layers, config->layers},
        {"model.heads", c->heads, config->heads},
        {"model.ff", c->ff, config->ff},
        {"data.max_words", (int64_t)s->max_tokens, (int64_t)sizes->max_tokens},
        {"data.ngram_buckets", (int64_t)s->ngram_buckets, (int64_t)sizes->ngram_buckets},
        {"data.ngram_min", ngrams ? (int64_t)s->ngram_min : 0,
         ngrams ? (int64_t)sizes->ngram_min : 0},
        {"data.ngram_max", ngrams ? (int64_t)s->ngram_max : 0,
         ngrams ? (int64_t)sizes->ngram_max : 0},
    };
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        if (facts[i].there != facts[i].here) {
            status_set(STATUS_CONFIG,
                       "%s was pretrained with %s %lld, but here it is %lld", dir,
                       facts[i].key, (long long)facts[i].there, (long long)facts[i].here);
            status_hint("set %s=%lld, or pretrain with this config", facts[i].key,
                        (long long)facts[i].there);
            return STATUS_CONFIG;
        }
    }
    return STATUS_OK;
}

/* What no number of the above says. */
static Status check_kinds(const Pretrained *from, const char *dir,
                          const ModelConfig *config, const ModelSizes *sizes)
{
    const char *differs = NULL;
    if (from->config.activation != config->activation) {
        differs = "model.activation";
    } else if (from->sizes.pieces != sizes->pieces) {
        differs = "data.tokenizer";
    }
    if (!differs) {
        return STATUS_OK;
    }
    status_set(STATUS_CONFIG, "%s was pretrained with another %s", dir, differs);
    status_hint("use the config that it was pretrained with");
    return STATUS_CONFIG;
}

static bool is_new(const Param *param)
{
    return param->block == BLOCK_WIDE || strncmp(param->name, "head.", 5) == 0 ||
           strncmp(param->name, "mlm.", 4) == 0;
}

/* `there` is NULL where the folder has no such tensor. */
static Status check_tensor(const PretrainedTensor *there, const char *dir,
                           const Param *param)
{
    if (!there) {
        return status_set(STATUS_DAMAGED, "%s: tensor \"%s\" is missing", dir,
                          param->name);
    }
    if (there->dims[0] != param->rows || there->dims[1] != param->columns) {
        return status_set(
            STATUS_DAMAGED, "%s: tensor \"%s\" is [%zu, %zu], expected [%zu, %zu]", dir,
            param->name, there->dims[0], there->dims[1], param->rows, param->columns);
    }
    return STATUS_OK;
}

/* The words' rows and what hangs on their number are not looked at: another vocabulary
 * has others. */
static bool of_vocabulary(const ParamTable *table, const Param *param)
{
    return param == &table->items[0] || strcmp(param->name, "mlm.bias") == 0;
}

static Status check_tensors(const Pretrained *from, const char *dir,
                            const ParamTable *table, InitReport *report)
{
    report->n_taken = 1; /* the words' */
    for (size_t i = 0; i < table->n; i++) {
        const Param *param = &table->items[i];
        const PretrainedTensor *there = find(from, param->name);
        if (i == 0) {
            continue;
        }
        if (of_vocabulary(table, param) || (!there && is_new(param))) {
            strlist_add(&report->drawn, param->name);
        } else {
            TRY(check_tensor(there, dir, param));
            report->n_taken++;
        }
    }
    return STATUS_OK;
}

static void list_unused(const Pretrained *from, const ParamTable *table,
                        InitReport *report)
{
    for (size_t i = 0; i < from->n; i++) {
        bool used = false;
        for (size_t k = 0; k < table->n && !used; k++) {
            used = !of_vocabulary(table, &table->items[k]) &&
                   strcmp(table->items[k].name, from->tensors[i].name) == 0;
        }
        if (!used) {
            strlist_add(&report->unused, from->tensors[i].name);
        }
    }
}

Status pretrained_check(const Pretrained *pretrained, const char *dir,
                        const ModelConfig *config, const ModelSizes *sizes,
                        InitReport *report)
{
    *report = (InitReport){0};
    TRY(check_facts(pretrained, dir, config, sizes));
    TRY(check_kinds(pretrained, dir, config, sizes));
    ParamTable table = params_of(config, sizes);
    Status status = check_tensors(pretrained, dir, &table, report);
    if (status == STATUS_OK) {
        list_unused(pretrained, &table, report);
    }
    params_free(&table);
    return status;
}

/* ---- taking ---- */

void classifier_init_pretrained(Classifier *model, const Pretrained *pretrained)
{
    const ParamTable *table = &model->table;
    for (size_t i = 0; i < table->n; i++) {
        const Param *param = &table->items[i];
        const PretrainedTensor *there = find(pretrained, param->name);
        if (!there || of_vocabulary(table, param)) {
            continue;
        }
        CHECK(there->dims[0] == param->rows && there->dims[1] == param->columns);
        memcpy(classifier_tensor(model, param), there->data,
               count_of(there) * sizeof *there->data);
    }
}
