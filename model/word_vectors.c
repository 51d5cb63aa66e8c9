/* Writing and reading folders of word vectors. */
#include "model/word_vectors.h"

#include "base/files.h"
#include "base/json.h"
#include "base/manifest.h"
#include "base/mem.h"
#include "base/safetensors.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_LIMIT = 1 << 20, MAX_DIM = 8192, MAX_NGRAM = 16 };
static const int64_t MAX_WORDS = 1 << 28, MAX_BUCKETS = 1 << 24;
static const size_t VOCAB_LIMIT = (size_t)4 << 30;
static const char TENSOR_NAME[] = "embeddings.word_embeddings.weight";
static const char NGRAM_TENSOR_NAME[] = "embeddings.ngram_embeddings.weight";
static const char ENCODER_TENSOR_NAME[] = "embedding.word.weight";
static const char MODEL_TYPE[] = "muster-skipgram";
static const char ENCODER_TYPE[] = "muster-lite-mlm";

void word_vectors_free(WordVectors *vectors)
{
    free(vectors->words);
    free(vectors->rows);
    free(vectors->ngrams);
    strbuf_free(&vectors->bytes);
    pretrained_free(&vectors->model);
    *vectors = (WordVectors){0};
}

static void digest_vectors(WordVectors *vectors)
{
    Sha256 *sha = sha256_begin();
    sha256_add(sha, vectors->bytes.p, vectors->bytes.n);
    sha256_add(sha, vectors->rows, vectors->n * vectors->dim * sizeof *vectors->rows);
    if (vectors->ngram_buckets > 0) {
        const size_t sizes[] = {vectors->ngram_min, vectors->ngram_max};
        sha256_add(sha, sizes, sizeof sizes);
        sha256_add(sha, vectors->ngrams,
                   vectors->ngram_buckets * vectors->dim * sizeof *vectors->ngrams);
    }
    pretrained_digest(&vectors->model, sha);
    sha256_end(sha, vectors->digest);
}

/* ---- saving ---- */

static Status write_in(const char *dir, const char *name, const StrBuf *bytes)
{
    char *path = path_join(dir, name);
    Status status = file_write(path, bytes->p, bytes->n);
    free(path);
    return status;
}

static Status save_words(const WordVectors *vectors, const char *dir)
{
    StrBuf lines = {0};
    for (size_t i = 0; i < vectors->n; i++) {
        strbuf_add(&lines, vectors->words[i].p, vectors->words[i].n);
        strbuf_add_char(&lines, '\n');
    }
    Status status = write_in(dir, "vocab.txt", &lines);
    strbuf_free(&lines);
    return status;
}

static void write_ngram_sizes(const WordVectors *vectors, JsonWriter *w)
{
    json_write_key(w, "ngram_min");
    json_write_int(w, (int64_t)vectors->ngram_min);
    json_write_key(w, "ngram_max");
    json_write_int(w, (int64_t)vectors->ngram_max);
    json_write_key(w, "ngram_buckets");
    json_write_int(w, (int64_t)vectors->ngram_buckets);
}

static Status save_config(const WordVectors *vectors, const VectorsInfo *info,
                          const char *dir)
{
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 2);
    json_begin_object(&w);
    json_write_key(&w, "model_type");
    json_write_string(&w, MODEL_TYPE);
    json_write_key(&w, "vocab_size");
    json_write_int(&w, (int64_t)vectors->n);
    json_write_key(&w, "hidden_size");
    json_write_int(&w, (int64_t)vectors->dim);
    if (vectors->ngram_buckets > 0) {
        write_ngram_sizes(vectors, &w);
    }
    json_write_key(&w, "seed");
    json_write_int(&w, (int64_t)info->seed);
    json_write_key(&w, "corpus_digest");
    json_write_string(&w, info->corpus_digest);
    json_write_key(&w, "source_digest");
    json_write_string(&w, info->source_digest);
    json_write_key(&w, "loss");
    json_write_double(&w, info->loss);
    config_write_json(info->settings, &w);
    json_end_object(&w);
    strbuf_add_char(&out, '\n');
    Status status = write_in(dir, "config.json", &out);
    strbuf_free(&out);
    return status;
}

static Status save_rows(const WordVectors *vectors, const char *dir)
{
    static const char *const METADATA[][2] = {{"format", "pt"}};
    const Tensor tensors[] = {{.name = TENSOR_NAME,
                               .type = TENSOR_F32,
                               .rank = 2,
                               .dims = {vectors->n, vectors->dim},
                               .data = vectors->rows},
                              {.name = NGRAM_TENSOR_NAME,
                               .type = TENSOR_F32,
                               .rank = 2,
                               .dims = {vectors->ngram_buckets, vectors->dim},
                               .data = vectors->ngrams}};
    size_t n = vectors->ngram_buckets > 0 ? 2 : 1;
    char *path = path_join(dir, "model.safetensors");
    Status status = safetensors_write(path, tensors, n, METADATA, 1);
    free(path);
    return status;
}

static Status compose(const WordVectors *vectors, const VectorsInfo *info,
                      const char *dir)
{
    TRY(dir_make(dir));
    TRY(save_words(vectors, dir));
    TRY(save_config(vectors, info, dir));
    TRY(save_rows(vectors, dir));
    return manifest_write(dir);
}

Status word_vectors_save(const WordVectors *vectors, const VectorsInfo *info,
                         const char *dir)
{
    char *aside = mem_printf("%s.tmp", dir);
    Status status = tree_remove(aside);
    status = status == STATUS_OK ? compose(vectors, info, aside) : status;
    status = status == STATUS_OK ? tree_replace(aside, dir) : status;
    if (status != STATUS_OK) {
        char *message = mem_strdup(status_message());
        tree_remove(aside); /* must not lose the reason */
        status_set(status, "%s", message);
        free(message);
    }
    free(aside);
    return status;
}

/* ---- loading ---- */

static Status read_size(const Json *json, const char *path, const char *key, int64_t max,
                        size_t *out)
{
    int64_t value = json_int(json_get(json, key), 0);
    if (value < 1 || value > max) {
        return status_set(STATUS_DAMAGED,
                          "%s: %s: expected a whole number from 1 to %lld", path, key,
                          (long long)max);
    }
    *out = (size_t)value;
    return STATUS_OK;
}

static Status wrong_type(const char *path, const char *type, const char *hint)
{
    status_set(STATUS_DAMAGED, "%s: model_type: expected \"%s\", found \"%s\"", path,
               MODEL_TYPE, type ? type : "");
    status_hint("%s", hint);
    return STATUS_DAMAGED;
}

static Status read_sizes(const Json *json, const char *path, WordVectors *out,
                         bool *encoder)
{
    const char *type = json_string(json_get(json, "model_type"));
    *encoder = type && strcmp(type, ENCODER_TYPE) == 0;
    if (!*encoder && (!type || strcmp(type, MODEL_TYPE) != 0)) {
        return wrong_type(path, type,
                          "model.arch: lite starts from what muster pretrain leaves");
    }
    TRY(read_size(json, path, "vocab_size", MAX_WORDS, &out->n));
    TRY(read_size(json, path, "hidden_size", MAX_DIM, &out->dim));
    if (*encoder || !json_get(json, "ngram_buckets")) {
        return STATUS_OK; /* words alone, or n-grams among the encoder's tensors */
    }
    TRY(read_size(json, path, "ngram_min", MAX_NGRAM, &out->ngram_min));
    TRY(read_size(json, path, "ngram_max", MAX_NGRAM, &out->ngram_max));
    return read_size(json, path, "ngram_buckets", MAX_BUCKETS, &out->ngram_buckets);
}

static Status load_config(const char *dir, WordVectors *out, bool *encoder)
{
    char *path = path_join(dir, "config.json");
    Json *json = NULL;
    Status status = json_load(path, CONFIG_LIMIT, STATUS_DAMAGED, &json);
    if (status == STATUS_OK) {
        status = read_sizes(json, path, out, encoder);
    }
    json_free(json);
    free(path);
    return status;
}

/* Finite numbers of the shape that config.json gives. */
static Status copy_rows(const Safetensors *file, const char *name, size_t n, size_t dim,
                        float **out)
{
    const float *rows;
    TRY(safetensors_f32(file, name, 2, (size_t[]){n, dim}, &rows));
    *out = mem_alloc(n * dim, sizeof **out);
    memcpy(*out, rows, n * dim * sizeof *rows);
    return STATUS_OK;
}

static Status load_rows(const char *dir, bool encoder, WordVectors *out)
{
    const char *name = encoder ? ENCODER_TENSOR_NAME : TENSOR_NAME;
    char *path = path_join(dir, "model.safetensors");
    Safetensors *file = NULL;
    Status status = safetensors_open(path, &file);
    status = status == STATUS_NOT_FOUND ? STATUS_DAMAGED : status;
    if (status == STATUS_OK) {
        status = copy_rows(file, name, out->n, out->dim, &out->rows);
    }
    if (status == STATUS_OK && out->ngram_buckets > 0) {
        status = copy_rows(file, NGRAM_TENSOR_NAME, out->ngram_buckets, out->dim,
                           &out->ngrams);
    }
    if (status == STATUS_OK && encoder) {
        status = pretrained_load(dir, file, name, &out->model);
    }
    safetensors_close(file);
    free(path);
    return status;
}

static Status bad_words(const char *path, size_t line, const char *what)
{
    return status_set(STATUS_DAMAGED, "%s:%zu:1: %s", path, line, what);
}

static int compare_words(const void *a, const void *b)
{
    return text_compare(*(const Text *)a, *(const Text *)b);
}

static Status check_distinct(const char *path, const WordVectors *vectors)
{
    Text *sorted = mem_alloc(vectors->n, sizeof *sorted);
    memcpy(sorted, vectors->words, vectors->n * sizeof *sorted);
    qsort(sorted, vectors->n, sizeof *sorted, compare_words);
    Status status = STATUS_OK;
    for (size_t i = 1; i < vectors->n && status == STATUS_OK; i++) {
        if (text_equal(sorted[i - 1], sorted[i])) {
            status =
                status_set(STATUS_DAMAGED, "%s: the word \"%.*s\" stands there twice",
                           path, (int)sorted[i].n, sorted[i].p);
        }
    }
    free(sorted);
    return status;
}

static Status parse_words(const char *path, WordVectors *out)
{
    Text rest = {out->bytes.p, out->bytes.n};
    out->words = mem_alloc(out->n, sizeof *out->words);
    size_t n = 0;
    while (rest.n > 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        if (!end || end == rest.p) {
            return bad_words(path, n + 1, end ? "an empty word" : "the line is cut off");
        }
        Text word = {rest.p, (size_t)(end - rest.p)};
        if (utf8_valid_prefix(word) < word.n) {
            return bad_words(path, n + 1, "is not UTF-8");
        }
        if (n < out->n) {
            out->words[n] = word;
        }
        n++;
        rest = (Text){end + 1, rest.n - word.n - 1};
    }
    if (n != out->n) {
        return status_set(STATUS_DAMAGED, "%s: %zu words, but %zu vectors", path, n,
                          out->n);
    }
    return check_distinct(path, out);
}

static Status load_words(const char *dir, WordVectors *out)
{
    char *path = path_join(dir, "vocab.txt");
    Status status = file_read(path, VOCAB_LIMIT, STATUS_DAMAGED, &out->bytes);
    status = status == STATUS_OK ? parse_words(path, out) : status;
    free(path);
    return status;
}

Status word_vectors_load(const char *dir, WordVectors *out)
{
    WordVectors vectors = {0};
    Status status = manifest_verify(dir);
    bool encoder = false;
    status = status == STATUS_OK ? load_config(dir, &vectors, &encoder) : status;
    status = status == STATUS_OK ? load_rows(dir, encoder, &vectors) : status;
    status = status == STATUS_OK ? load_words(dir, &vectors) : status;
    if (status != STATUS_OK) {
        word_vectors_free(&vectors);
        return status;
    }
    digest_vectors(&vectors);
    *out = vectors;
    return STATUS_OK;
}

Status word_vectors_source(const char *dir, char out[SHA256_HEX])
{
    WordVectors sizes = {0};
    Json *json = NULL;
    if (!dir_exists(dir)) {
        return status_set(STATUS_NOT_FOUND, "%s: no such folder", dir);
    }
    char *path = path_join(dir, "config.json");
    Status status = json_load(path, CONFIG_LIMIT, STATUS_DAMAGED, &json);
    status = status == STATUS_NOT_FOUND ? STATUS_DAMAGED : status;
    bool encoder = false;
    status = status == STATUS_OK ? read_sizes(json, path, &sizes, &encoder) : status;
    if (status == STATUS_OK && encoder) {
        status = wrong_type(path, ENCODER_TYPE,
                            "an encoder is taken with pretrain.objective=mlm");
    }
    if (status == STATUS_OK) {
        const char *source = json_string(json_get(json, "source_digest"));
        snprintf(out, SHA256_HEX, "%s", source ? source : "");
    }
    json_free(json);
    free(path);
    return status;
}
