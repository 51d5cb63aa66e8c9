/* Reading spool files, and delivering them. */
#include "tracker/spool.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/files.h"
#include "tracker/validate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BLOCK = 1 << 16,
    LINE_MAX_BYTES = 1 << 24, /* longer ones are none of ours */
    GROUP = LIMIT_BATCH_TOTAL
};

struct SpoolReader {
    char *path;
    FILE *file;
    StrBuf line;
    char *store_uri, *run_id;
    LogItems group; /* read and not yet delivered, from n_done on */
    size_t n_done;
    size_t n_torn;
};

/* ---- lines ---- */

/* The next whole line, without its newline; false at the end. One without a newline, or
 * too long a one, is torn. */
static bool next_line(SpoolReader *reader, Text *out)
{
    char block[4096];
    bool too_long = false;
    reader->line.n = 0;
    while (fgets(block, sizeof block, reader->file)) {
        size_t n = strlen(block);
        bool whole = n > 0 && block[n - 1] == '\n';
        too_long |= reader->line.n + n > LINE_MAX_BYTES;
        if (!too_long) {
            strbuf_add(&reader->line, block, n - whole);
        }
        if (whole && too_long) {
            reader->n_torn++;
            reader->line.n = 0;
            too_long = false;
        } else if (whole) {
            *out = (Text){reader->line.p, reader->line.n};
            return true;
        }
    }
    reader->n_torn += reader->line.n > 0 || too_long;
    return false;
}

static char *dup_member(const Json *object, const char *key)
{
    return mem_strdup(json_string(json_get(object, key)));
}

/* What kind of item the line is; false when it is none that can be delivered. */
static bool read_kind(const Json *object, LogItem *item)
{
    const char *kind = json_string(json_get(object, "kind"));
    const char *status = json_string(json_get(object, "status"));
    bool keyed = json_string(json_get(object, "key")) != NULL;
    if (!kind) {
        return false;
    }
    if (strcmp(kind, "end") == 0) {
        item->kind = ITEM_END;
        return status && run_status_parse(status, &item->status);
    }
    if (strcmp(kind, "metric") == 0) {
        item->kind = ITEM_METRIC;
        return keyed && json_get(object, "value");
    }
    item->kind = strcmp(kind, "param") == 0 ? ITEM_PARAM
                 : strcmp(kind, "tag") == 0 ? ITEM_TAG
                                            : ITEM_DATASET;
    return keyed && (item->kind != ITEM_DATASET || strcmp(kind, "dataset") == 0);
}

static bool read_item(const Json *object, LogItem *out)
{
    LogItem item = {.timestamp = json_int(json_get(object, "timestamp"), 0),
                    .step = json_int(json_get(object, "step"), 0),
                    .value = json_double(json_get(object, "value"), 0)};
    if (!read_kind(object, &item)) {
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

/* What one line says: a header, an item, or nothing that counts. */
static void take_line(SpoolReader *reader, Text line)
{
    Json *object = NULL;
    LogItem item;
    if (line.n == 0) {
        return;
    }
    if (json_parse(line, SPOOL_NAME, STATUS_DATA, &object) != STATUS_OK) {
        reader->n_torn++;
    } else if (is_header(object)) {
        if (!reader->run_id) {
            reader->store_uri = dup_member(object, "store");
            reader->run_id = dup_member(object, "run_id");
        }
    } else if (read_item(object, &item)) {
        log_items_add_take(&reader->group, &item);
    } else {
        reader->n_torn++;
    }
    json_free(object);
}

/* Fills the empty group; it stays empty at the end of the file. */
static void read_group(SpoolReader *reader)
{
    Text line;
    log_items_clear(&reader->group);
    reader->n_done = 0;
    while (reader->group.n < GROUP && next_line(reader, &line)) {
        take_line(reader, line);
    }
}

/* ---- files ---- */

void spool_reader_close(SpoolReader *reader)
{
    if (!reader) {
        return;
    }
    if (reader->file) {
        fclose(reader->file);
    }
    strbuf_free(&reader->line);
    log_items_free(&reader->group);
    free(reader->path);
    free(reader->store_uri);
    free(reader->run_id);
    free(reader);
}

static Status open_failed(const char *path)
{
    Status code = errno == ENOENT   ? STATUS_NOT_FOUND
                  : errno == EACCES ? STATUS_DENIED
                                    : STATUS_FAILED;
    return status_set(code, "%s: %s", path, strerror(errno));
}

/* A file that may not be written is delivered without a lock, and cannot be removed. */
static Status open_locked(const char *path, FILE **out)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool writable = fd >= 0;
    fd = writable ? fd : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return open_failed(path);
    }
    bool locked = !writable || spool_lock(fd);
    bool there = access(path, F_OK) == 0; /* else it was delivered just before */
    if (locked && there) {
        *out = fdopen(fd, "r");
        return STATUS_OK;
    }
    close(fd);
    return locked
               ? status_set(STATUS_NOT_FOUND, "%s: was delivered", path)
               : status_set(STATUS_DENIED, "%s: another process is delivering it", path);
}

Status spool_reader_open(const char *path, SpoolReader **out)
{
    FILE *file = NULL;
    TRY(open_locked(path, &file));
    SpoolReader *reader = mem_zalloc(1, sizeof *reader);
    reader->path = mem_strdup(path);
    reader->file = file;
    read_group(reader);
    if (!reader->run_id) {
        spool_reader_close(reader);
        return status_set(STATUS_DATA, "%s: no line says which run it belongs to", path);
    }
    *out = reader;
    return STATUS_OK;
}

const char *spool_reader_store_uri(const SpoolReader *reader)
{
    return reader->store_uri;
}

const char *spool_reader_run_id(const SpoolReader *reader)
{
    return reader->run_id;
}

static Status deliver_group(SpoolReader *reader, Store *store, double deadline,
                            SpoolReport *report)
{
    size_t n_done = 0, n_refused = 0;
    Status status = log_items_deliver(
        store, reader->run_id, reader->group.items + reader->n_done,
        reader->group.n - reader->n_done, deadline, &n_done, &n_refused);
    reader->n_done += n_done;
    report->n_delivered += n_done - n_refused;
    report->n_refused += n_refused;
    return status;
}

/* Another process may have delivered the same file meanwhile, and removed it. */
static Status remove_delivered(const SpoolReader *reader)
{
    return unlink(reader->path) == 0 || errno == ENOENT
               ? STATUS_OK
               : status_set(STATUS_FAILED, "%s: delivered, but cannot be removed",
                            reader->path);
}

Status spool_reader_deliver(SpoolReader *reader, Store *store, double deadline,
                            SpoolReport *report)
{
    while (reader->group.n > 0) {
        TRY(deliver_group(reader, store, deadline, report));
        read_group(reader);
    }
    if (ferror(reader->file)) {
        return status_set(STATUS_FAILED, "%s: %s", reader->path, strerror(errno));
    }
    report->n_torn += reader->n_torn;
    reader->n_torn = 0;
    return remove_delivered(reader);
}

Status spool_deliver(const char *path, Store *store, double deadline, SpoolReport *out)
{
    SpoolReader *reader;
    SpoolReport report = {0};
    TRY(spool_reader_open(path, &reader));
    Status status = spool_reader_deliver(reader, store, deadline, &report);
    spool_reader_close(reader);
    if (status == STATUS_OK) {
        *out = report;
    }
    return status;
}
