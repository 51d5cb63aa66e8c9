/* Reading a result folder. A run that was killed and resumed has reported some iterations
 * twice: the later report counts. */
#include "tracker/result.h"

#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"
#include "tracker/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESULT_LIMIT = 1 << 28, PARAMS_LIMIT = 1 << 24 };

static const char CHECKPOINT_PREFIX[] = "checkpoint_";

/* ---- what is what ---- */

bool result_is_checkpoint_name(const char *name)
{
    size_t n = strlen(CHECKPOINT_PREFIX);
    return strncmp(name, CHECKPOINT_PREFIX, n) == 0 && name[n] &&
           strspn(name + n, "0123456789") == strlen(name + n);
}

static bool has_file(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    bool there = file_exists(path);
    free(path);
    return there;
}

bool result_dir_is_checkpoint(const char *dir)
{
    return has_file(dir, "model.safetensors") || has_file(dir, "muster.json");
}

static Status list_checkpoints(const char *dir, StrList *out)
{
    StrList names = {0};
    TRY(dir_list(dir, &names));
    for (size_t i = 0; i < names.n; i++) {
        char *path = path_join(dir, names.items[i]);
        if (result_is_checkpoint_name(names.items[i]) && dir_exists(path)) {
            strlist_add(out, names.items[i]);
        }
        free(path);
    }
    strlist_free(&names);
    return STATUS_OK;
}

bool result_dir_is_result(const char *dir)
{
    StrList checkpoints = {0};
    bool result = has_file(dir, "result.json");
    if (!result && dir_exists(dir) && list_checkpoints(dir, &checkpoints) == STATUS_OK) {
        result = checkpoints.n > 0;
    }
    strlist_free(&checkpoints);
    return result;
}

/* ---- result.json ---- */

/* The parsed lines, the later one of each training_iteration. */
typedef struct Lines {
    Json **items;
    size_t n, cap;
} Lines;

static void lines_free(Lines *lines)
{
    for (size_t i = 0; i < lines->n; i++) {
        json_free(lines->items[i]);
    }
    free(lines->items);
}

static void lines_add(Lines *lines, Json *object)
{
    int64_t iteration = json_int(json_get(object, "training_iteration"), -1);
    for (size_t i = lines->n; i-- > 0 && iteration >= 0;) {
        if (json_int(json_get(lines->items[i], "training_iteration"), -2) == iteration) {
            json_free(lines->items[i]);
            lines->items[i] = object;
            return;
        }
    }
    lines->items = mem_grow(lines->items, &lines->cap, lines->n + 1, sizeof(Json *));
    lines->items[lines->n++] = object;
}

/* A last line without its end is what a killed process leaves: not there yet. */
static Status parse_lines(const char *path, Text all, Lines *out)
{
    const char *end = all.p + all.n;
    size_t number = 1;
    for (const char *line = all.p; line < end; number++) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        Text text = {line, (size_t)((stop ? stop : end) - line)};
        line += text.n + 1;
        if (text.n == 0 || !stop) {
            continue;
        }
        char *name = mem_printf("%s: line %zu", path, number);
        Json *object = NULL;
        Status status = json_parse(text, name, STATUS_DAMAGED, &object);
        free(name);
        TRY(status);
        if (json_type(object) != JSON_OBJECT) {
            json_free(object);
            return status_set(STATUS_DAMAGED, "%s:%zu:1: expected an object", path,
                              number);
        }
        lines_add(out, object);
    }
    return STATUS_OK;
}

static Status load_lines(const char *dir, Lines *out)
{
    char *path = path_join(dir, "result.json");
    StrBuf bytes = {0};
    Status status = STATUS_OK;
    if (file_exists(path)) {
        status = file_read(path, RESULT_LIMIT, STATUS_DAMAGED, &bytes);
    }
    if (status == STATUS_OK && bytes.n > 0) {
        status = parse_lines(path, (Text){bytes.p, bytes.n}, out);
    }
    strbuf_free(&bytes);
    free(path);
    return status;
}

static ResultCell cell_of(const Json *value)
{
    char text[32];
    switch (json_type(value)) {
    case JSON_BOOL:
        return (ResultCell){mem_strdup(json_bool(value, false) ? "true" : "false"),
                            json_bool(value, false), true};
    case JSON_INT:
        return (ResultCell){mem_printf("%lld", (long long)json_int(value, 0)),
                            json_double(value, 0), true};
    case JSON_DOUBLE:
        text_from_double(json_double(value, 0), text);
        return (ResultCell){mem_strdup(text), json_double(value, 0), true};
    case JSON_STRING: {
        const char *string = json_string(value);
        double number = json_double(value, 0.5);
        bool special = isnan(number) || isinf(number);
        return (ResultCell){mem_strdup(string), special ? number : 0, special};
    }
    default:
        return (ResultCell){0};
    }
}

static void fill_table(const Lines *lines, Result *out)
{
    for (size_t i = 0; i < lines->n; i++) {
        const Json *value;
        const char *key;
        for (size_t k = 0; (key = json_key(lines->items[i], k, &value)); k++) {
            if (!strlist_has(&out->columns, key)) {
                strlist_add(&out->columns, key);
            }
        }
    }
    out->n_rows = lines->n;
    out->cells = mem_zalloc(lines->n * out->columns.n, sizeof *out->cells);
    for (size_t i = 0; i < lines->n; i++) {
        for (size_t j = 0; j < out->columns.n; j++) {
            const Json *value = json_get(lines->items[i], out->columns.items[j]);
            if (value) {
                out->cells[i * out->columns.n + j] = cell_of(value);
            }
        }
    }
}

const ResultCell *result_cell(const Result *result, size_t row, const char *column)
{
    for (size_t j = 0; j < result->columns.n; j++) {
        if (strcmp(result->columns.items[j], column) == 0) {
            const ResultCell *cell = &result->cells[row * result->columns.n + j];
            return cell->text ? cell : NULL;
        }
    }
    return NULL;
}

/* ---- checkpoints ---- */

/* What the run was trained with; without params.json the usual val_loss, min. */
static Status load_scoring(Result *result)
{
    char *path = path_join(result->dir, "params.json");
    Json *params = NULL;
    Status status = STATUS_OK;
    if (file_exists(path)) {
        status = json_load(path, PARAMS_LIMIT, STATUS_DAMAGED, &params);
    }
    free(path);
    TRY(status);
    const char *attribute =
        params ? json_string(json_get(params, "checkpoint.checkpoint_score_attribute"))
               : "val_loss";
    const char *order =
        json_string(json_get(params, "checkpoint.checkpoint_score_order"));
    if (attribute && *attribute) {
        result->score_attribute = mem_strdup(attribute);
        bool given = order && (strcmp(order, "min") == 0 || strcmp(order, "max") == 0);
        result->score_max =
            strcmp(given ? order : metric_default_order(attribute), "max") == 0;
    }
    json_free(params);
    return STATUS_OK;
}

static long row_of_checkpoint(const Result *result, const char *name)
{
    for (size_t i = result->n_rows; i-- > 0;) {
        const ResultCell *cell = result_cell(result, i, "checkpoint_dir_name");
        if (cell && strcmp(cell->text, name) == 0) {
            return (long)i;
        }
    }
    return -1;
}

static ResultCheckpoint describe(const Result *result, const char *name)
{
    ResultCheckpoint checkpoint = {.name = mem_strdup(name),
                                   .dir = path_join(result->dir, name),
                                   .row = row_of_checkpoint(result, name)};
    const ResultCell *cell =
        checkpoint.row >= 0 && result->score_attribute
            ? result_cell(result, (size_t)checkpoint.row, result->score_attribute)
            : NULL;
    if (cell && cell->is_number && !isnan(cell->number)) {
        checkpoint.scored = true;
        checkpoint.score = cell->number;
    }
    return checkpoint;
}

/* Numbers of checkpoints have the same number of digits, or the longer is the newer. */
static int compare_age(const ResultCheckpoint *a, const ResultCheckpoint *b)
{
    size_t na = strlen(a->name), nb = strlen(b->name);
    return na != nb ? (na < nb ? -1 : 1) : strcmp(a->name, b->name);
}

/* Best first, as the trainer keeps them: scored before unscored, then by score; of equal
 * scores the earlier, of those without one the newer. */
static int compare_checkpoints(const void *pa, const void *pb, void *context)
{
    const ResultCheckpoint *a = pa, *b = pb;
    const Result *result = context;
    if (a->scored != b->scored) {
        return a->scored ? -1 : 1;
    }
    if (a->scored && a->score != b->score) {
        return (a->score < b->score) == result->score_max ? 1 : -1;
    }
    return a->scored ? compare_age(a, b) : -compare_age(a, b);
}

static Status find_checkpoints(Result *result)
{
    StrList names = {0};
    TRY(list_checkpoints(result->dir, &names));
    result->checkpoints = mem_zalloc(names.n, sizeof *result->checkpoints);
    result->n_checkpoints = names.n;
    for (size_t i = 0; i < names.n; i++) {
        result->checkpoints[i] = describe(result, names.items[i]);
    }
    strlist_free(&names);
    qsort_r(result->checkpoints, result->n_checkpoints, sizeof *result->checkpoints,
            compare_checkpoints, result);
    return STATUS_OK;
}

/* ---- the whole ---- */

void result_free(Result *result)
{
    for (size_t i = 0; i < result->n_rows * result->columns.n; i++) {
        free(result->cells[i].text);
    }
    free(result->cells);
    for (size_t i = 0; i < result->n_checkpoints; i++) {
        free(result->checkpoints[i].name);
        free(result->checkpoints[i].dir);
    }
    free(result->checkpoints);
    strlist_free(&result->columns);
    free(result->score_attribute);
    free(result->dir);
    *result = (Result){0};
}

static Status load_into(Result *result)
{
    Lines lines = {0};
    Status status = load_lines(result->dir, &lines);
    if (status == STATUS_OK) {
        fill_table(&lines, result);
    }
    lines_free(&lines);
    TRY(status);
    TRY(load_scoring(result));
    return find_checkpoints(result);
}

Status result_load(const char *dir, Result *out)
{
    if (!dir_exists(dir)) {
        return status_set(STATUS_NOT_FOUND, "%s: there is no such folder", dir);
    }
    if (!result_dir_is_result(dir)) {
        status_set(STATUS_NOT_FOUND, "%s: no result.json and no checkpoint there", dir);
        status_hint("a result folder is a run's artifact folder: "
                    "mlartifacts/<experiment>/<run>/artifacts");
        return STATUS_NOT_FOUND;
    }
    Result result = {.dir = path_absolute(dir)};
    Status status = load_into(&result);
    if (status != STATUS_OK) {
        result_free(&result);
        return status;
    }
    *out = result;
    return STATUS_OK;
}
