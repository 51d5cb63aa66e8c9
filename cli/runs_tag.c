/* `muster runs tag` and `muster runs rename`: what is changed about a run afterwards. */
#include "cli/runs.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cli/output.h"
#include "tracker/reference.h"
#include "tracker/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    StrList removed;
    const char *uri;
    OutputOptions output;
} options;

#define AT(field) offsetof(__typeof__(options), field)

static const Option TAG_OPTIONS[] = {
    {.name = "delete",
     .alias = 'd',
     .kind = OPTION_LIST,
     .offset = AT(removed),
     .value = "TAG",
     .help = "removes a tag"},
    OUTPUT_OPTIONS(AT(output)),
    TRACKING_URI_OPTION(AT(uri)),
};

static const Option RENAME_OPTIONS[] = {
    TRACKING_URI_OPTION(AT(uri)),
};

#undef AT

static Status open_run(const char *reference, StoreMode mode, Store **store, Run *run)
{
    StoreOptions with = {.mode = mode};
    TRY(store_open(options.uri, &with, store));
    Status status = run_reference_find(*store, reference, run);
    if (status != STATUS_OK) {
        store_close(*store);
    }
    return status;
}

/* ---- tag ---- */

/* "KEY=VALUE" cut in two. */
static Status parse_tags(const Invocation *invocation, KeyValues *out)
{
    for (size_t i = 1; i < invocation->n_args; i++) {
        const char *text = invocation->args[i], *equals = strchr(text, '=');
        if (!equals || equals == text) {
            status_set(STATUS_USAGE, "expected KEY=VALUE, found '%s'", text);
            status_hint("muster runs tag RUN owner=me");
            return STATUS_USAGE;
        }
        key_values_add_take(out, mem_strndup(text, (size_t)(equals - text)),
                            mem_strdup(equals + 1));
    }
    return STATUS_OK;
}

/* Looks for what is to go before anything is changed. */
static Status check_removed(const Run *run)
{
    for (size_t i = 0; i < options.removed.n; i++) {
        if (!key_values_get(&run->tags, options.removed.items[i])) {
            return status_set(STATUS_NOT_FOUND, "run %s (%.8s) has no tag '%s'",
                              run->run_name, run->run_id, options.removed.items[i]);
        }
    }
    return STATUS_OK;
}

static Status change_tags(Store *store, const char *run_id, const KeyValues *tags)
{
    LogBatch batch = {.tags = tags->items, .n_tags = tags->n};
    if (tags->n > 0) {
        TRY(store_log_batch(store, run_id, &batch));
    }
    for (size_t i = 0; i < options.removed.n; i++) {
        TRY(store_delete_tag(store, run_id, options.removed.items[i]));
    }
    return STATUS_OK;
}

static void print_json(const Run *run, Output *output)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "run_id");
    json_write_string(&w, run->run_id);
    json_write_key(&w, "tags");
    json_begin_object(&w);
    for (size_t i = 0; i < run->tags.n; i++) {
        json_write_key(&w, run->tags.items[i].key);
        json_write_string(&w, run->tags.items[i].value);
    }
    json_end_object(&w);
    json_end_object(&w);
    output_json(output, &text);
    strbuf_free(&text);
}

static void print_tags(const Run *run, Output *output)
{
    static const char *const HEADINGS[] = {"tag", "value"};
    Table *table = table_open(HEADINGS, 2);
    if (output->csv) {
        output_csv_row(output, HEADINGS, 2);
    }
    for (size_t i = 0; i < run->tags.n; i++) {
        const char *const fields[] = {run->tags.items[i].key, run->tags.items[i].value};
        if (output->csv) {
            output_csv_row(output, fields, 2);
        } else {
            table_cell(table, fields[0]);
            table_cell(table, fields[1]);
        }
    }
    if (!output->csv) {
        output_table(output, table);
    }
    table_close(table);
}

static Status run_tag(const Invocation *invocation)
{
    Output output;
    KeyValues tags = {0};
    Store *store;
    Run run = {0};
    Status status = parse_tags(invocation, &tags);
    if (status != STATUS_OK) {
        key_values_free(&tags);
        return status;
    }
    bool changes = tags.n > 0 || options.removed.n > 0;
    status = output_open(&options.output, invocation->json, &output);
    if (status == STATUS_OK) {
        status = open_run(invocation->args[0], changes ? STORE_WRITE : STORE_READ, &store,
                          &run);
    }
    if (status != STATUS_OK) {
        key_values_free(&tags);
        return status;
    }
    char *id = mem_strdup(run.run_id);
    status = check_removed(&run);
    if (status == STATUS_OK && changes) {
        status = change_tags(store, id, &tags);
        run_free(&run);
        status = status == STATUS_OK ? store_get_run(store, id, &run) : status;
    }
    if (status == STATUS_OK) {
        (output.json ? print_json : print_tags)(&run, &output);
    }
    output_close(&output);
    free(id);
    run_free(&run);
    key_values_free(&tags);
    store_close(store);
    return status;
}

static const Example TAG_EXAMPLES[] = {
    {"muster runs tag last owner=me stage=draft", "sets two, and shows all"},
    {"muster runs tag best:news --delete stage", "removes one"},
};

const Command command_runs_tag = {
    .name = "tag",
    .summary = "shows, sets and removes the tags of a run",
    .usage = "runs tag RUN [KEY=VALUE ...] [--delete KEY] [options]",
    .details = RUN_REFERENCE_HELP,
    .examples = TAG_EXAMPLES,
    .n_examples = sizeof TAG_EXAMPLES / sizeof TAG_EXAMPLES[0],
    .options = {TAG_OPTIONS, sizeof TAG_OPTIONS / sizeof TAG_OPTIONS[0], NULL, 0,
                &options},
    .min_args = 1,
    .max_args = ANY_ARGS,
    .arg = "RUN",
    .run = run_tag,
};

/* ---- rename ---- */

static Status run_rename(const Invocation *invocation)
{
    Store *store;
    Run run = {0};
    const char *name = invocation->args[1];
    if (!*name) {
        return status_set(STATUS_USAGE, "the new name is empty");
    }
    TRY(open_run(invocation->args[0], STORE_WRITE, &store, &run));
    RunUpdate update = {.run_name = name};
    Status status = store_update_run(store, run.run_id, &update);
    store_close(store);
    if (status == STATUS_OK && invocation->json) {
        StrBuf text = {0};
        JsonWriter w = json_writer(&text, 2);
        json_begin_object(&w);
        json_write_key(&w, "run_id");
        json_write_string(&w, run.run_id);
        json_write_key(&w, "old_name");
        json_write_string(&w, run.run_name);
        json_write_key(&w, "run_name");
        json_write_string(&w, name);
        json_end_object(&w);
        printf("%s\n", text.p);
        strbuf_free(&text);
    } else if (status == STATUS_OK) {
        char *line = mem_printf("%s %s is now %s", run.run_id, run.run_name, name);
        char *shown = utf8_printable(line);
        printf("%s\n", shown);
        free(shown);
        free(line);
    }
    run_free(&run);
    return status;
}

static const Example RENAME_EXAMPLES[] = {
    {"muster runs rename last baseline", "by which it can be named from now on"},
};

const Command command_runs_rename = {
    .name = "rename",
    .summary = "gives a run another name",
    .usage = "runs rename RUN NAME [options]",
    .details = RUN_REFERENCE_HELP,
    .examples = RENAME_EXAMPLES,
    .n_examples = sizeof RENAME_EXAMPLES / sizeof RENAME_EXAMPLES[0],
    .options = {RENAME_OPTIONS, sizeof RENAME_OPTIONS / sizeof RENAME_OPTIONS[0], NULL, 0,
                &options},
    .min_args = 2,
    .max_args = 2,
    .arg = "RUN and NAME",
    .run = run_rename,
};
