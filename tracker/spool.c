/* Writing and delivering spool files. */
#include "tracker/spool.h"

#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPOOL_LIMIT = 1 << 30 };

void spool_init(Spool *spool, const char *result_dir, const char *store_uri,
                const char *run_id)
{
    *spool = (Spool){.path = path_join(result_dir, SPOOL_NAME),
                     .store_uri = mem_strdup(store_uri),
                     .run_id = mem_strdup(run_id)};
}

void spool_free(Spool *spool)
{
    free(spool->path);
    free(spool->store_uri);
    free(spool->run_id);
    *spool = (Spool){0};
}

/* ---- writing ---- */

static void write_text(JsonWriter *w, const char *key, const char *value)
{
    if (value) {
        json_write_key(w, key);
        json_write_string(w, value);
    }
}

static void write_item(JsonWriter *w, const LogItem *item)
{
    static const char *const KINDS[] = {
        [ITEM_METRIC] = "metric",   [ITEM_PARAM] = "param", [ITEM_TAG] = "tag",
        [ITEM_DATASET] = "dataset", [ITEM_END] = "end",
    };
    json_begin_object(w);
    write_text(w, "kind", KINDS[item->kind]);
    write_text(w, "key", item->key);
    write_text(w, "text", item->text);
    if (item->kind == ITEM_METRIC) {
        json_write_key(w, "value");
        json_write_double(w, item->value);
        json_write_key(w, "step");
        json_write_int(w, item->step);
    }
    if (item->kind == ITEM_METRIC || item->kind == ITEM_END) {
        json_write_key(w, "timestamp");
        json_write_int(w, item->timestamp);
    }
    if (item->kind == ITEM_END) {
        write_text(w, "status", run_status_name(item->status));
    }
    write_text(w, "source", item->source);
    write_text(w, "profile", item->profile);
    write_text(w, "context", item->context);
    json_end_object(w);
}

static void write_header(const Spool *spool, StrBuf *lines)
{
    JsonWriter w = json_writer(lines, 0);
    json_begin_object(&w);
    write_text(&w, "kind", "spool");
    write_text(&w, "store", spool->store_uri);
    write_text(&w, "run_id", spool->run_id);
    json_end_object(&w);
    strbuf_add_char(lines, '\n');
}

Status spool_append(Spool *spool, const LogItem *items, size_t n)
{
    if (n == 0) {
        return STATUS_OK;
    }
    StrBuf lines = {0};
    if (spool->torn) {
        strbuf_add_char(&lines, '\n');
    }
    if (!spool->begun) {
        write_header(spool, &lines);
    }
    for (size_t i = 0; i < n; i++) {
        JsonWriter w = json_writer(&lines, 0);
        write_item(&w, &items[i]);
        strbuf_add_char(&lines, '\n');
    }
    Status status = file_append(spool->path, lines.p, lines.n, false);
    spool->torn = status != STATUS_OK;
    spool->begun = spool->begun || status == STATUS_OK;
    strbuf_free(&lines);
    return status;
}

/* ---- reading ---- */

static char *dup_member(const Json *object, const char *key)
{
    return mem_strdup(json_string(json_get(object, key)));
}

/* False when the line is no item that can be delivered. */
static bool read_item(const Json *object, LogItem *out)
{
    const char *kind = json_string(json_get(object, "kind"));
    const char *status = json_string(json_get(object, "status"));
    LogItem item = {.timestamp = json_int(json_get(object, "timestamp"), 0),
                    .step = json_int(json_get(object, "step"), 0),
                    .value = json_double(json_get(object, "value"), 0)};
    bool keyed = json_string(json_get(object, "key")) != NULL;
    if (!kind) {
        return false;
    }
    if (strcmp(kind, "metric") == 0 && keyed && json_get(object, "value")) {
        item.kind = ITEM_METRIC;
    } else if (strcmp(kind, "param") == 0 && keyed) {
        item.kind = ITEM_PARAM;
    } else if (strcmp(kind, "tag") == 0 && keyed) {
        item.kind = ITEM_TAG;
    } else if (strcmp(kind, "dataset") == 0 && keyed) {
        item.kind = ITEM_DATASET;
    } else if (strcmp(kind, "end") == 0 && status &&
               run_status_parse(status, &item.status)) {
        item.kind = ITEM_END;
    } else {
        return false;
    }
    item.key = dup_member(object, "key");
    item.text = dup_member(object, "text");
    item.source = dup_member(object, "source");
    item.profile = dup_member(object, "profile");
    item.context = dup_member(object, "context");
    *out = item;
    return true;
}

static bool is_header(const Json *object)
{
    const char *kind = json_string(json_get(object, "kind"));
    return kind && strcmp(kind, "spool") == 0 &&
           json_string(json_get(object, "run_id")) &&
           json_string(json_get(object, "store"));
}

/* Calls for every whole line that is JSON; torn and foreign ones are counted. */
static size_t parse_lines(Text all, LogItems *items, char **store_uri, char **run_id)
{
    size_t n_torn = 0;
    const char *end = all.p + all.n;
    for (const char *line = all.p; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        Text text = {line, (size_t)((stop ? stop : end) - line)};
        line += text.n + 1;
        Json *object = NULL;
        LogItem item;
        if (text.n == 0) {
            continue;
        }
        if (!stop || json_parse(text, SPOOL_NAME, STATUS_DATA, &object) != STATUS_OK) {
            n_torn++;
        } else if (is_header(object)) {
            if (!*run_id) {
                *store_uri = dup_member(object, "store");
                *run_id = dup_member(object, "run_id");
            }
        } else if (read_item(object, &item)) {
            log_items_add_take(items, &item);
        } else {
            n_torn++;
        }
        json_free(object);
    }
    return n_torn;
}

static Status load(const char *path, LogItems *items, char **store_uri, char **run_id,
                   size_t *n_torn)
{
    StrBuf bytes = {0};
    TRY(file_read(path, SPOOL_LIMIT, STATUS_NOT_FOUND, &bytes));
    *store_uri = *run_id = NULL;
    *n_torn = parse_lines((Text){bytes.p, bytes.n}, items, store_uri, run_id);
    strbuf_free(&bytes);
    if (!*run_id) {
        return status_set(STATUS_DATA, "%s: no line says which run it belongs to", path);
    }
    return STATUS_OK;
}

Status spool_read_header(const char *path, char **store_uri, char **run_id)
{
    LogItems items = {0};
    size_t n_torn;
    Status status = load(path, &items, store_uri, run_id, &n_torn);
    log_items_free(&items);
    return status;
}

Status spool_deliver(const char *path, Store *store, double deadline, SpoolReport *out)
{
    LogItems items = {0};
    char *store_uri = NULL, *run_id = NULL;
    SpoolReport report = {0};
    Status status = load(path, &items, &store_uri, &run_id, &report.n_torn);
    if (status == STATUS_OK) {
        status = log_items_deliver(store, run_id, items.items, items.n, deadline,
                                   &report.n_delivered, &report.n_refused);
    }
    if (status == STATUS_OK && unlink(path) != 0) {
        status = status_set(STATUS_FAILED, "%s: delivered, but cannot be removed", path);
    }
    log_items_free(&items);
    free(store_uri);
    free(run_id);
    if (status == STATUS_OK) {
        report.n_delivered -= report.n_refused;
        *out = report;
    }
    return status;
}
