/* Preparing, and keeping what was prepared: a folder beside the rows, with the
 * preprocessor as a checkpoint has it and one file of lists and tables. */
#include "data/prepared.h"

#include "base/config.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "data/row_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char VERSION[8] = "MUSTFIT2";

/* The rules of data/config_auto.c: an entry is found by values that may be `auto`. */
static const char RULES[] = "auto 1";

/* The end of the file's payload: where the rest of it lies. */
typedef struct Layout {
    uint64_t list_at[3], n_list[3]; /* train, val, test */
    uint64_t length_at, n_rows;
    uint64_t n_shared, n_shared_val, first_shared;
    EncodedWordsLayout words;
    char digest[SHA256_HEX + 7]; /* of the splits */
    char version[8];
} Layout;

void prepared_close(PreparedData *data)
{
    preprocessor_close(data->preprocessor);
    encoded_words_free(&data->words);
    splits_free(&data->splits);
    checked_map_close(data->map);
    free(data->owned_length);
    *data = (PreparedData){0};
}

/* ---- making ---- */

typedef struct Measuring {
    const PreparedData *data;
    uint16_t *length;
} Measuring;

static void measure_part(void *context, size_t part, size_t begin, size_t end)
{
    (void)part;
    Measuring *m = context;
    WordScratch scratch = {0};
    for (size_t row = begin; row < end; row++) {
        m->length[row] = (uint16_t)dataset_row_length(
            m->data->preprocessor, m->data->splits.rows, &m->data->words, row, &scratch);
    }
    word_scratch_free(&scratch);
}

static void measure_rows(PreparedData *data)
{
    size_t n = tokenized_size(data->splits.rows);
    Measuring m = {data, mem_alloc(n, sizeof *m.length)};
    parallel_for(n, n < 10000 ? 1 : parallel_cores(), measure_part, &m);
    data->owned_length = m.length;
    data->row_length = m.length;
}

static Status make(const DataConfig *config, uint64_t seed, PreparedData *data)
{
    Splits *splits = &data->splits;
    TRY(splits_cut(config, seed, splits));
    data->facts = data_facts(splits);
    DataConfig settled = data_config_settled(config, &data->facts);
    TRY(preprocessor_fit(&settled, splits->rows, splits->train, splits->n_train,
                         &data->preprocessor));
    TRY(encoded_words_make(data->preprocessor, splits->rows, 0, &data->words));
    measure_rows(data);
    return STATUS_OK;
}

/* ---- keeping ---- */

static void write_tables(const PreparedData *data, CheckedWriter *file)
{
    const Splits *splits = &data->splits;
    const uint32_t *lists[3] = {splits->train, splits->val, splits->test};
    Layout at = {.n_list = {splits->n_train, splits->n_val, splits->n_test},
                 .n_rows = tokenized_size(splits->rows),
                 .n_shared = splits->n_shared,
                 .n_shared_val = splits->n_shared_val,
                 .first_shared = splits->first_shared};
    for (int i = 0; i < 3; i++) {
        at.list_at[i] = checked_writer_align(file);
        checked_writer_add(file, lists[i], at.n_list[i] * sizeof *lists[i]);
    }
    at.length_at = checked_writer_align(file);
    checked_writer_add(file, data->row_length, at.n_rows * sizeof *data->row_length);
    encoded_words_write(&data->words, file, &at.words);
    memcpy(at.digest, splits->digest, SHA256_HEX);
    memcpy(at.version, VERSION, sizeof VERSION);
    checked_writer_align(file);
    checked_writer_add(file, &at, sizeof at);
}

static Status save_tables(const PreparedData *data, const char *dir)
{
    char *path = path_join(dir, "tables.bin");
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    Status status;
    if (fd < 0) {
        status = status_set(STATUS_FAILED, "%s: %s", path, strerror(errno));
    } else {
        CheckedWriter *file = checked_writer_open(fd, path);
        write_tables(data, file);
        status = checked_writer_end(file, true, NULL);
    }
    free(path);
    return status;
}

static Status save_preprocessor(const Preprocessor *pre, const char *dir)
{
    StrBuf json = {0};
    JsonWriter w = json_writer(&json, 2);
    json_begin_object(&w);
    json_write_key(&w, "preprocessor");
    preprocessor_describe(pre, &w);
    json_end_object(&w);
    char *path = path_join(dir, "muster.json");
    Status status = file_write(path, json.p, json.n);
    free(path);
    strbuf_free(&json);
    TRY(status);
    return preprocessor_save(pre, dir);
}

/* Not being able to keep what was made is no reason to stop. */
static void keep(const PreparedData *data, const char *path)
{
    char *aside = mem_printf("%s.new-%ld", path, (long)getpid());
    Status status = tree_remove(aside);
    status = status == STATUS_OK ? dir_make(aside) : status;
    status = status == STATUS_OK ? save_preprocessor(data->preprocessor, aside) : status;
    status = status == STATUS_OK ? save_tables(data, aside) : status;
    if (status == STATUS_OK && rename(aside, path) != 0) {
        status = status_set(STATUS_FAILED, "%s: %s", path, strerror(errno));
    }
    if (status != STATUS_OK) {
        log_warning("what was fitted is not kept for the next start: %s",
                    status_message());
        tree_remove(aside);
    }
    free(aside);
}

/* ---- mapping ---- */

static Status read_layout(const CheckedMap *map, size_t n_rows, Layout *at)
{
    uint64_t size = checked_map_size(map);
    if (size < sizeof *at) {
        return STATUS_DAMAGED;
    }
    TRY(checked_map_verify(map, size - sizeof *at, sizeof *at));
    memcpy(at, checked_map_get(map, size - sizeof *at, sizeof *at), sizeof *at);
    bool fits = memcmp(at->version, VERSION, sizeof VERSION) == 0 &&
                at->n_rows == n_rows && at->digest[SHA256_HEX - 1] == '\0';
    return fits ? STATUS_OK : STATUS_DAMAGED;
}

static Status map_tables(const char *path, PreparedData *data)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return STATUS_NOT_FOUND;
    }
    TRY(checked_map_open(fd, path, &data->map));
    Layout at;
    Splits *splits = &data->splits;
    TRY(read_layout(data->map, tokenized_size(splits->rows), &at));
    const uint32_t *lists[3];
    for (int i = 0; i < 3; i++) {
        uint64_t bytes = at.n_list[i] * sizeof *lists[i];
        TRY(checked_map_verify(data->map, at.list_at[i], bytes));
        lists[i] = checked_map_get(data->map, at.list_at[i], bytes);
    }
    uint64_t bytes = at.n_rows * sizeof *data->row_length;
    TRY(checked_map_verify(data->map, at.length_at, bytes));
    data->row_length = checked_map_get(data->map, at.length_at, bytes);
    TRY(encoded_words_map(data->map, &at.words, &data->words));
    splits->train = lists[0];
    splits->val = lists[1];
    splits->test = lists[2];
    splits->n_train = at.n_list[0];
    splits->n_val = at.n_list[1];
    splits->n_test = at.n_list[2];
    splits->n_shared = at.n_shared;
    splits->n_shared_val = at.n_shared_val;
    splits->first_shared = at.first_shared;
    memcpy(splits->digest, at.digest, SHA256_HEX);
    return STATUS_OK;
}

static Status map_entry(const char *path, PreparedData *data)
{
    char *tables = path_join(path, "tables.bin");
    Status status = map_tables(tables, data);
    if (status == STATUS_OK) {
        status = preprocessor_load(path, &data->preprocessor);
    }
    free(tables);
    return status;
}

/* What an entry that was not whole left behind; the rows stay. */
static void unmap(PreparedData *data)
{
    Splits *splits = &data->splits;
    splits->train = splits->val = splits->test = NULL;
    splits->n_train = splits->n_val = splits->n_test = 0;
    preprocessor_close(data->preprocessor);
    checked_map_close(data->map);
    *data = (PreparedData){.splits = *splits};
}

static bool open_entry(const char *path, PreparedData *data)
{
    if (!dir_exists(path)) {
        return false;
    }
    if (map_entry(path, data) == STATUS_OK) {
        data->facts = data_facts(&data->splits);
        utimensat(AT_FDCWD, path, NULL, 0);
        return true;
    }
    log_warning("%s: is not whole; it is made again", path);
    unmap(data);
    tree_remove(path);
    return false;
}

/* ---- opening ---- */

static void add_value(void *context, const char *key, const char *value)
{
    Sha256 *sha = context;
    sha256_add(sha, key, strlen(key) + 1);
    sha256_add(sha, value, strlen(value) + 1);
}

/* The entry's name: the rows, every setting of the section, and the seed. */
static char *entry_path(const char *dir, const DataConfig *config, uint64_t seed,
                        const Splits *splits)
{
    const Section section = {"data", "", data_fields, n_data_fields,
                             (void *)(uintptr_t)config};
    char key[SHA256_HEX];
    Sha256 *sha = sha256_begin();
    sha256_add(sha, VERSION, sizeof VERSION);
    sha256_add(sha, RULES, sizeof RULES);
    sha256_add(sha, splits->rows_key, SHA256_HEX);
    sha256_add(sha, splits->test_key, SHA256_HEX);
    sha256_add(sha, &seed, sizeof seed);
    config_flatten(&section, 1, add_value, sha);
    if (config->added) {
        add_value(sha, "added", config->added->digest);
    }
    sha256_end(sha, key);
    return mem_printf("%s/%.32s.fit", dir, key);
}

static Status open_or_make(const DataConfig *config, uint64_t seed, const char *dir,
                           PreparedData *data)
{
    char *path = entry_path(dir, config, seed, &data->splits);
    Status status = STATUS_OK;
    if (!open_entry(path, data)) {
        int lock = row_cache_lock(path);
        if (!open_entry(path, data)) {
            log_note("fitting on %zu rows; the next start finds this done",
                     tokenized_size(data->splits.rows));
            status = make(config, seed, data);
            if (status == STATUS_OK) {
                keep(data, path);
            }
        }
        row_cache_unlock(path, lock);
    }
    free(path);
    return status;
}

static Status prepare(const DataConfig *config, const WordSplitter *splitter,
                      uint64_t seed, bool progress, PreparedData *data)
{
    TRY(splits_open_rows(config, splitter, progress, &data->splits));
    RowsRequest request = {config, &config->train, splitter, false};
    char *dir = NULL;
    Status status;
    if (*data->splits.rows_key && row_cache_wanted(&request, &dir)) {
        status = open_or_make(config, seed, dir, data);
    } else {
        status = make(config, seed, data);
    }
    free(dir);
    TRY(status);
    return splits_check_shared(config, &data->splits);
}

Status prepared_open(const DataConfig *config, uint64_t seed, bool progress,
                     PreparedData *out)
{
    WordSplitter *splitter;
    PreparedData data = {0};
    TRY(word_splitter_open(config, &splitter));
    Status status = prepare(config, splitter, seed, progress, &data);
    word_splitter_close(splitter);
    if (status != STATUS_OK) {
        prepared_close(&data);
        return status;
    }
    *out = data;
    return STATUS_OK;
}

bool prepared_is_kept(const DataConfig *config)
{
    char *dir = NULL;
    RowsRequest request = {.config = config, .files = &config->train};
    bool yes = row_cache_wanted(&request, &dir);
    free(dir);
    return yes;
}

Status prepared_dataset(const PreparedData *data, const uint32_t *index, size_t n,
                        Dataset **out)
{
    DatasetSource source = {.rows = data->splits.rows,
                            .words = &data->words,
                            .index = index,
                            .n = n,
                            .labelled = true,
                            .row_length = data->row_length};
    return dataset_open(data->preprocessor, &source, out);
}
