/* Word vectors for a new run; for a resumed one the words alone, from its checkpoint, so
 * that it does not need the folder again. */
#include "cli/train_start.h"

#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { JSON_LIMIT = 64 << 20 };
static const size_t VOCAB_LIMIT = (size_t)4 << 30;

void train_start_free(TrainStart *start)
{
    word_vectors_free(&start->vectors);
    strbuf_free(&start->words);
    free(start->items);
    *start = (TrainStart){0};
}

static Status check_width(const WholeConfig *config, const WordVectors *vectors)
{
    if (vectors->dim == (size_t)config->model.hidden) {
        return STATUS_OK;
    }
    status_set(STATUS_CONFIG,
               "%s: model.init_from: %s has vectors of %zu numbers, but model.hidden is "
               "%lld",
               config->init_place, config->model.init_from, vectors->dim,
               (long long)config->model.hidden);
    status_hint("set model.hidden=%zu, or pretrain with pretrain.dim=%lld", vectors->dim,
                (long long)config->model.hidden);
    return STATUS_CONFIG;
}

/* N-gram vectors mean something under the hashes that they were learnt with alone. */
static Status check_ngrams(const WholeConfig *config, const WordVectors *vectors)
{
    const DataConfig *data = &config->data;
    if (vectors->ngram_buckets == 0 ||
        (vectors->ngram_min == (size_t)data->ngram_min &&
         vectors->ngram_max == (size_t)data->ngram_max &&
         vectors->ngram_buckets == (size_t)data->ngram_buckets)) {
        return STATUS_OK;
    }
    status_set(STATUS_CONFIG,
               "%s: model.init_from: %s has other character n-grams than data.ngram_*",
               config->init_place, config->model.init_from);
    status_hint("data.ngram_min=%zu data.ngram_max=%zu data.ngram_buckets=%zu, or "
                "pretrain.ngrams=no",
                vectors->ngram_min, vectors->ngram_max, vectors->ngram_buckets);
    return STATUS_CONFIG;
}

static Status read_folder(const WholeConfig *config, TrainStart *start)
{
    Status status = word_vectors_load(config->model.init_from, &start->vectors);
    if (status == STATUS_NOT_FOUND) {
        status_prefix("%s: model.init_from", config->init_place);
        status_hint("muster pretrain makes such a folder");
    }
    TRY(status);
    start->added =
        (AddedWords){start->vectors.n, start->vectors.words, start->vectors.digest};
    TRY(check_width(config, &start->vectors));
    return check_ngrams(config, &start->vectors);
}

/* The vocabulary's lines: the words of the rows come first and are found again, those
 * behind them are the added ones. */
static void list_words(TrainStart *start)
{
    size_t cap = 0, n = 0;
    Text rest = {start->words.p, start->words.n};
    while (rest.n > 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t length = end ? (size_t)(end - rest.p) : rest.n;
        start->items = mem_grow(start->items, &cap, n + 1, sizeof *start->items);
        start->items[n++] = (Text){rest.p, length};
        length += end ? 1 : 0;
        rest = (Text){rest.p + length, rest.n - length};
    }
    start->added = (AddedWords){n, start->items, start->digest};
}

/* The digest of the vectors, so that what was prepared for the run is found again. */
static Status read_digest(const char *dir, TrainStart *start)
{
    char *path = path_join(dir, "muster.json");
    Json *json = NULL;
    Status status = json_load(path, JSON_LIMIT, STATUS_DAMAGED, &json);
    const char *digest = json_string(json_get(json_get(json, "digests"), "init"));
    if (status == STATUS_OK && digest && strlen(digest) == SHA256_HEX - 1) {
        memcpy(start->digest, digest, SHA256_HEX);
    } else if (status == STATUS_OK) {
        status = status_set(STATUS_DAMAGED, "%s: digests.init: expected a SHA-256", path);
        status_hint("the run was begun without model.init_from; resume it without");
    }
    json_free(json);
    free(path);
    return status;
}

static Status read_checkpoint(const char *dir, TrainStart *start)
{
    TRY(read_digest(dir, start));
    char *path = path_join(dir, "vocab.txt");
    Status status = file_read(path, VOCAB_LIMIT, STATUS_DAMAGED, &start->words);
    free(path);
    TRY(status);
    list_words(start);
    return STATUS_OK;
}

Status train_start_open(WholeConfig *config, const ResumePoint *resume, TrainStart *out)
{
    const char *dir = config->model.init_from;
    if (config->model.arch != ARCH_LITE || !dir || !*dir) {
        return STATUS_OK;
    }
    TRY(resume->checkpoint_dir ? read_checkpoint(resume->checkpoint_dir, out)
                               : read_folder(config, out));
    config->data.added = &out->added;
    return STATUS_OK;
}
