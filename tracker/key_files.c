/* Reading and writing files named by keys. */
#include "tracker/key_files.h"

#include "base/files.h"
#include "base/mem.h"
#include "tracker/validate.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEEPEST = 128 }; /* a key has at most 250 characters */

/* ---- keys ---- */

static Status list_below(const char *dir, const char *prefix, int depth, StrList *keys)
{
    StrList names = {0};
    Status status = depth < DEEPEST ? dir_list(dir, &names) : STATUS_OK;
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        char *path = path_join(dir, names.items[i]);
        char *key =
            *prefix ? path_join(prefix, names.items[i]) : mem_strdup(names.items[i]);
        if (dir_exists(path)) {
            status = list_below(path, key, depth + 1, keys);
        } else if (file_exists(path)) {
            strlist_add(keys, key);
        }
        free(key);
        free(path);
    }
    strlist_free(&names);
    return status;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

Status key_files_list(const char *dir, StrList *keys)
{
    if (!dir_exists(dir)) {
        return STATUS_OK;
    }
    TRY(list_below(dir, "", 0, keys));
    if (keys->n > 0) {
        qsort(keys->items, keys->n, sizeof(char *), compare_texts);
    }
    return STATUS_OK;
}

Status key_file_read(const char *dir, const char *key, char **out)
{
    char *path = path_join(dir, key);
    StrBuf text = {0};
    Status status = STATUS_OK;
    *out = NULL;
    if (file_exists(path)) {
        status = file_read(path, KEY_FILE_MAX_BYTES, STATUS_NOT_FOUND, &text);
        *out = status == STATUS_OK ? strbuf_take(&text) : NULL;
    }
    strbuf_free(&text);
    free(path);
    return status;
}

Status key_files_read(const char *dir, KeyValues *out)
{
    StrList keys = {0};
    Status status = key_files_list(dir, &keys);
    for (size_t i = 0; i < keys.n && status == STATUS_OK; i++) {
        char *value;
        status = key_file_read(dir, keys.items[i], &value);
        if (status == STATUS_OK && value) {
            key_values_add_take(out, mem_strdup(keys.items[i]), value);
        }
    }
    strlist_free(&keys);
    return status;
}

Status key_file_check(const char *dir, const char *key)
{
    char *path = path_join(dir, key);
    bool taken = dir_exists(path);
    for (char *slash = path + strlen(dir) + 1; !taken && (slash = strchr(slash, '/'));
         slash++) {
        *slash = '\0';
        taken = file_exists(path);
        *slash = '/';
    }
    free(path);
    if (taken) {
        status_set(STATUS_USAGE,
                   "the key '%s' cannot stand beside one that begins or "
                   "continues it",
                   key);
        status_hint("keys are files in this kind of store: a, or a/b, but not both");
    }
    return taken ? STATUS_USAGE : STATUS_OK;
}

/* Makes the folders of a key with slashes. */
static Status make_parent(const char *path)
{
    char *dir = mem_strndup(path, (size_t)(path_base(path) - path));
    Status status = dir_make(dir);
    free(dir);
    return status;
}

/* Written above the folder and moved into it: nobody sees a half-written key there, and
 * a key may be as long as a name can be. */
Status key_file_write(const char *dir, const char *key, const char *value)
{
    char *path = path_join(dir, key);
    char *aside = mem_printf("%.*s.muster-new", (int)(path_base(dir) - dir), dir);
    Status status = make_parent(path);
    if (status == STATUS_OK) {
        status = file_write(aside, value, strlen(value));
    }
    if (status == STATUS_OK && rename(aside, path) != 0) {
        status = status_set(STATUS_FAILED, "%s: %s", path, strerror(errno));
    }
    free(aside);
    free(path);
    return status;
}

Status key_file_remove(const char *dir, const char *key, bool *there)
{
    char *path = path_join(dir, key);
    Status status = STATUS_OK;
    *there = validate_key("tag", key) == STATUS_OK && file_exists(path);
    if (*there && unlink(path) != 0) {
        status = status_set(STATUS_FAILED, "%s: %s", path, strerror(errno));
    }
    free(path);
    return status;
}

/* ---- metrics ---- */

/* The shortest digits that read back, laid out by Python's rule: an exponent below -4 and
 * from 16 on. */
void python_from_double(double value, char out[32])
{
    if (isnan(value) || isinf(value)) {
        strcpy(out, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return;
    }
    int digits = 0;
    do {
        snprintf(out, 32, "%.*e", digits, value);
    } while (strtod(out, NULL) != value && ++digits <= 17);
    int exponent = atoi(strchr(out, 'e') + 1);
    if (exponent < -4 || exponent >= 16) {
        return; /* "%e" writes as Python does there */
    }
    int decimals = digits - exponent;
    snprintf(out, 32, "%.*f", decimals > 0 ? decimals : 1, value);
}

/* "1e3", "nan", "inf", as Python's float() reads them. */
static bool parse_double(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return *text && !*end;
}

static bool parse_int(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return *text && !*end && errno == 0;
}

/* "TIMESTAMP VALUE [STEP [DATASET DIGEST]]"; cuts the line up. */
static bool parse_point(char *line, Metric *out)
{
    char *rest;
    char *timestamp = strtok_r(line, " ", &rest);
    char *value = timestamp ? strtok_r(NULL, " ", &rest) : NULL;
    char *step = value ? strtok_r(NULL, " ", &rest) : NULL;
    return value && parse_int(timestamp, &out->timestamp) &&
           parse_double(value, &out->value) && (!step || parse_int(step, &out->step));
}

Status metric_file_read(const char *dir, const char *key, Metrics *out)
{
    char *text;
    TRY(key_file_read(dir, key, &text));
    size_t number = 0;
    Status status = STATUS_OK;
    for (char *line = text; line && *line && status == STATUS_OK;) {
        char *end = strchr(line, '\n');
        Metric point = {0};
        number++;
        if (end) {
            *end = '\0';
        }
        if (*line && parse_point(line, &point)) {
            metrics_add(out, key, point.value, point.timestamp, point.step);
        } else if (*line && end) {
            status = status_set(STATUS_DAMAGED, "%s/%s:%zu: no point of a metric", dir,
                                key, number);
        }
        line = end ? end + 1 : NULL;
    }
    free(text);
    if (status != STATUS_OK) {
        metrics_free(out);
    }
    return status;
}

/* NaN equals NaN here, and comes last. */
static int compare_values(double a, double b)
{
    return isnan(a) || isnan(b) ? isnan(a) - isnan(b) : (a > b) - (a < b);
}

static int compare_points(const void *pa, const void *pb)
{
    const Metric *a = pa, *b = pb;
    if (a->timestamp != b->timestamp) {
        return a->timestamp < b->timestamp ? -1 : 1;
    }
    if (a->step != b->step) {
        return a->step < b->step ? -1 : 1;
    }
    return compare_values(a->value, b->value);
}

static bool holds_point(const Metrics *sorted, const Metric *point)
{
    return sorted->n > 0 && bsearch(point, sorted->items, sorted->n,
                                    sizeof sorted->items[0], compare_points);
}

static bool is_repeated(const Metric *const *points, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (compare_points(points[k], points[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The lines of those points that are not there yet. */
static void add_lines(const Metrics *there, const Metric *const *points, size_t n,
                      StrBuf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (holds_point(there, points[i]) || is_repeated(points, i)) {
            continue;
        }
        char value[32];
        python_from_double(points[i]->value, value);
        strbuf_printf(out, "%lld %s %lld\n", (long long)points[i]->timestamp, value,
                      (long long)points[i]->step);
    }
}

Status metric_file_append(const char *dir, const char *key, const Metric *const *points,
                          size_t n)
{
    Metrics there = {0};
    TRY(metric_file_read(dir, key, &there));
    if (there.n > 0) {
        qsort(there.items, there.n, sizeof there.items[0], compare_points);
    }
    StrBuf lines = {0};
    add_lines(&there, points, n, &lines);
    metrics_free(&there);
    char *path = path_join(dir, key);
    Status status = lines.n > 0 ? make_parent(path) : STATUS_OK;
    if (status == STATUS_OK && lines.n > 0) {
        status = file_append(path, lines.p, lines.n, true);
    }
    free(path);
    strbuf_free(&lines);
    return status;
}
