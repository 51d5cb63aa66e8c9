/* Data sets of runs in folders: one per experiment, name and digest, and an edge from it
 * to each run that used it. */
#include "tracker/file_store.h"

#include "base/files.h"
#include "base/hash.h"
#include "base/mem.h"
#include "tracker/meta_yaml.h"
#include "tracker/validate.h"

#include <stdlib.h>
#include <string.h>

/* MD5 of two texts, as MLflow names the folders. */
static void make_id(const char *first, const char *second, char out[MD5_HEX])
{
    char *both = mem_printf("%s%s", first, second);
    md5_bytes(both, strlen(both), out);
    free(both);
}

/* Writes DIR/meta.yaml unless it is there already. */
static Status write_once(const char *dir, const StrBuf *text)
{
    char *path = path_join(dir, FILE_META);
    Status status = STATUS_OK;
    if (!file_exists(path)) {
        status = dir_make(dir);
        if (status == STATUS_OK) {
            status = file_write(path, text->p, text->n);
        }
    }
    free(path);
    return status;
}

static Status write_dataset(const char *experiment_dir, const char *id,
                            const TrackedDataset *dataset)
{
    StrBuf text = {0};
    meta_add_text(&text, "digest", dataset->digest);
    meta_add_text(&text, "name", dataset->name);
    meta_add_text(&text, "profile", dataset->profile);
    meta_add_text(&text, "schema", dataset->schema);
    meta_add_text(&text, "source", dataset->source ? dataset->source : "");
    meta_add_text(&text, "source_type", dataset->source_type ? dataset->source_type : "");
    char *dir = mem_printf("%s/datasets/%s", experiment_dir, id);
    Status status = write_once(dir, &text);
    free(dir);
    strbuf_free(&text);
    return status;
}

static Status write_input(const char *run_dir, const char *dataset_id, const char *run_id,
                          const KeyValues *tags)
{
    char id[MD5_HEX];
    make_id(dataset_id, run_id, id);
    StrBuf text = {0};
    meta_add_text(&text, "destination_id", run_id);
    meta_add_text(&text, "destination_type", "RUN");
    meta_add_text(&text, "source_id", dataset_id);
    meta_add_text(&text, "source_type", "DATASET");
    meta_add_map(&text, "tags", tags);
    char *dir = mem_printf("%s/inputs/%s", run_dir, id);
    Status status = write_once(dir, &text);
    free(dir);
    strbuf_free(&text);
    return status;
}

static char *parent_of(const char *path)
{
    return mem_strndup(path, (size_t)(path_base(path) - path) - 1);
}

static Status log_in_lock(FileStore *store, const char *run_id,
                          const DatasetInput *inputs, size_t n)
{
    char *run_dir;
    TRY(file_active_run_dir(store, run_id, &run_dir));
    char *experiment_dir = parent_of(run_dir);
    Status status = STATUS_OK;
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        const TrackedDataset *dataset = &inputs[i].dataset;
        char id[MD5_HEX];
        make_id(dataset->name, dataset->digest, id);
        status = write_dataset(experiment_dir, id, dataset);
        if (status == STATUS_OK) {
            status = write_input(run_dir, id, run_id, &inputs[i].tags);
        }
    }
    free(experiment_dir);
    free(run_dir);
    return status;
}

Status file_log_inputs(void *self, const char *run_id, const DatasetInput *inputs,
                       size_t n_inputs)
{
    TRY(validate_run_id(run_id));
    for (size_t i = 0; i < n_inputs; i++) {
        TRY(validate_dataset_input(&inputs[i]));
    }
    TRY(file_begin(self));
    return file_end(self, log_in_lock(self, run_id, inputs, n_inputs));
}

/* ---- reading ---- */

static char *dup_or_null(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

static char *dup_or_empty(const char *text)
{
    return mem_strdup(text ? text : "");
}

static void take_dataset(const YamlEntries *meta, TrackedDataset *out)
{
    *out = (TrackedDataset){dup_or_empty(meta_text(meta, "name")),
                            dup_or_empty(meta_text(meta, "digest")),
                            dup_or_empty(meta_text(meta, "source_type")),
                            dup_or_empty(meta_text(meta, "source")),
                            dup_or_null(meta_text(meta, "schema")),
                            dup_or_null(meta_text(meta, "profile"))};
}

/* An edge whose data set is gone is passed over. */
static Status read_input(const char *experiment_dir, const char *path, DatasetInputs *out)
{
    YamlEntries edge = {0}, meta = {0};
    TRY(meta_load(path, &edge));
    const char *id = meta_text(&edge, "source_id");
    char *dataset = id && *id != '.' && !strchr(id, '/')
                        ? mem_printf("%s/datasets/%s/%s", experiment_dir, id, FILE_META)
                        : NULL;
    Status status = STATUS_OK;
    if (dataset && file_exists(dataset)) {
        status = meta_load(dataset, &meta);
        if (status == STATUS_OK) {
            out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
            DatasetInput *input = &out->items[out->n++];
            *input = (DatasetInput){0};
            take_dataset(&meta, &input->dataset);
            meta_map(&edge, "tags", &input->tags);
            key_values_sort(&input->tags);
        }
    }
    yaml_entries_free(&edge);
    yaml_entries_free(&meta);
    free(dataset);
    return status;
}

Status file_read_inputs(const char *run_dir, DatasetInputs *out)
{
    char *dir = path_join(run_dir, "inputs"), *experiment_dir = parent_of(run_dir);
    StrList names = {0};
    Status status = dir_exists(dir) ? dir_list(dir, &names) : STATUS_OK;
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        char *path = mem_printf("%s/%s/%s", dir, names.items[i], FILE_META);
        if (file_exists(path)) {
            status = read_input(experiment_dir, path, out);
        }
        free(path);
    }
    strlist_free(&names);
    free(experiment_dir);
    free(dir);
    return status;
}
