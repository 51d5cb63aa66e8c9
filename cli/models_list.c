/* `muster models list`, `show` and `versions`. */
#include "cli/models.h"
#include "cli/tags.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct ListOptions {
    const char *filter, *page_token, *uri;
    StrList order_by;
    int64_t max_results;
    OutputOptions output;
} ListOptions;

#define AT(field) offsetof(ListOptions, field)

#define LIST_OPTIONS(filter_help, order_help)                                            \
    {.name = "filter",                                                                   \
     .kind = OPTION_TEXT,                                                                \
     .offset = AT(filter),                                                               \
     .value = "FILTER",                                                                  \
     .help = (filter_help)},                                                             \
        {.name = "order-by",                                                             \
         .kind = OPTION_LIST,                                                            \
         .offset = AT(order_by),                                                         \
         .value = "KEY",                                                                 \
         .help = (order_help)},                                                          \
        {.name = "max-results",                                                          \
         .alias = 'n',                                                                   \
         .kind = OPTION_INT,                                                             \
         .offset = AT(max_results),                                                      \
         .value = "N",                                                                   \
         .min = 1,                                                                       \
         .max = 200000,                                                                  \
         .help = "at most so many (1000)"},                                              \
        {.name = "page-token",                                                           \
         .kind = OPTION_TEXT,                                                            \
         .offset = AT(page_token),                                                       \
         .value = "TOKEN",                                                               \
         .help = "the page after one that ended with this next_page_token"},             \
        OUTPUT_OPTIONS(AT(output)), TRACKING_URI_OPTION(AT(uri))

static RegistryQuery query_of(const ListOptions *options)
{
    return (RegistryQuery){.filter = options->filter,
                           .order_by = (const char *const *)options->order_by.items,
                           .n_order_by = options->order_by.n,
                           .max_results = options->max_results,
                           .page_token = options->page_token};
}

static void tell_more(const char *token, const Output *output)
{
    if (token && !output->json) {
        log_note("there are more: --page-token %s", token);
    }
}

/* ---- models ---- */

static void write_model_json(JsonWriter *w, const RegisteredModel *model)
{
    json_begin_object(w);
    json_write_key(w, "name");
    json_write_string(w, model->name);
    json_write_key(w, "description");
    json_write_string(w, model->description);
    json_write_key(w, "creation_timestamp");
    json_write_int(w, model->creation_time);
    json_write_key(w, "last_updated_timestamp");
    json_write_int(w, model->last_updated_time);
    json_write_key(w, "aliases");
    json_begin_object(w);
    for (size_t i = 0; i < model->aliases.n; i++) {
        json_write_key(w, model->aliases.items[i].alias);
        json_write_int(w, model->aliases.items[i].version);
    }
    json_end_object(w);
    json_write_key(w, "tags");
    write_tags_json(w, &model->tags);
    json_write_key(w, "latest_versions");
    json_begin_array(w);
    for (size_t i = 0; i < model->latest_versions.n; i++) {
        write_version_json(w, &model->latest_versions.items[i]);
    }
    json_end_array(w);
    json_end_object(w);
}

/* "champion 3, candidate 4"; free with free(). */
static char *aliases_text(const RegisteredModel *model)
{
    StrBuf text = {0};
    strbuf_add(&text, "", 0);
    for (size_t i = 0; i < model->aliases.n; i++) {
        strbuf_printf(&text, "%s%s %lld", i ? ", " : "", model->aliases.items[i].alias,
                      (long long)model->aliases.items[i].version);
    }
    return strbuf_take(&text);
}

static int64_t newest_version(const RegisteredModel *model)
{
    const ModelVersions *latest = &model->latest_versions;
    return latest->n ? latest->items[latest->n - 1].version : 0;
}

static void print_models(const RegisteredModels *models, Output *output)
{
    static const char *const HEADINGS[] = {"name", ">latest", "aliases", "changed",
                                           "description"};
    Table *table = table_open(HEADINGS, sizeof HEADINGS / sizeof HEADINGS[0]);
    for (size_t i = 0; i < models->n; i++) {
        const RegisteredModel *model = &models->items[i];
        char changed[20];
        char *aliases = aliases_text(model);
        int64_t newest = newest_version(model);
        clock_format(model->last_updated_time, changed);
        table_cell(table, model->name);
        table_cell_printf(table, newest ? "%lld" : "-", (long long)newest);
        table_cell(table, *aliases ? aliases : NULL);
        table_style(table, TABLE_GOOD);
        table_cell(table, changed);
        table_cell(table, model->description);
        free(aliases);
    }
    output_table(output, table);
    table_close(table);
}

static void print_models_csv(const RegisteredModels *models, Output *output)
{
    static const char *const HEADINGS[] = {"name", "latest_version", "aliases",
                                           "last_updated_timestamp", "description"};
    output_csv_row(output, HEADINGS, sizeof HEADINGS / sizeof HEADINGS[0]);
    for (size_t i = 0; i < models->n; i++) {
        const RegisteredModel *model = &models->items[i];
        char newest[24], changed[24];
        char *aliases = aliases_text(model);
        snprintf(newest, sizeof newest, "%lld", (long long)newest_version(model));
        snprintf(changed, sizeof changed, "%lld", (long long)model->last_updated_time);
        const char *fields[] = {model->name, newest, aliases, changed,
                                model->description};
        output_csv_row(output, fields, sizeof fields / sizeof fields[0]);
        free(aliases);
    }
}

static void print_models_json(const RegisteredModels *models, Output *output)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "registered_models");
    json_begin_array(&w);
    for (size_t i = 0; i < models->n; i++) {
        write_model_json(&w, &models->items[i]);
    }
    json_end_array(&w);
    if (models->next_page_token) {
        json_write_key(&w, "next_page_token");
        json_write_string(&w, models->next_page_token);
    }
    json_end_object(&w);
    output_json(output, &text);
    strbuf_free(&text);
}

static ListOptions list_options = {.max_results = 1000};

static const Option MODEL_OPTIONS[] = {
    LIST_OPTIONS("only matching ones: \"name LIKE 'a%' AND tags.team = 'x'\"",
                 "\"last_updated_timestamp DESC\"; by name without "
                 "it"),
};

static Status run_list(const Invocation *invocation)
{
    Output output;
    Store *store;
    RegisteredModels found = {0};
    RegistryQuery query = query_of(&list_options);
    TRY(output_open(&list_options.output, invocation->json, &output));
    Status status = store_open(list_options.uri, NULL, &store);
    if (status == STATUS_OK) {
        status = store_search_registered_models(store, &query, &found);
        store_close(store);
    }
    if (status == STATUS_OK && output.json) {
        print_models_json(&found, &output);
    } else if (status == STATUS_OK && output.csv) {
        print_models_csv(&found, &output);
    } else if (status == STATUS_OK && found.n == 0) {
        log_note("no models match; `muster models register` makes one");
    } else if (status == STATUS_OK) {
        print_models(&found, &output);
    }
    output_close(&output);
    tell_more(found.next_page_token, &output);
    registered_models_free(&found);
    return status;
}

static const Example LIST_EXAMPLES[] = {
    {"muster models list --filter \"tags.team = 'a'\"", "those of one team"},
};

const Command command_models_list = {
    .name = "list",
    .summary = "lists registered models by name, or as ordered",
    .usage = "models list [options]",
    .examples = LIST_EXAMPLES,
    .n_examples = sizeof LIST_EXAMPLES / sizeof LIST_EXAMPLES[0],
    .options = {MODEL_OPTIONS, sizeof MODEL_OPTIONS / sizeof MODEL_OPTIONS[0], NULL, 0,
                &list_options},
    .run = run_list,
};

/* ---- versions ---- */

static ListOptions version_options = {.max_results = 1000};

static const Option VERSION_OPTIONS[] = {
    LIST_OPTIONS("only matching ones: \"run_id = '...' OR version_number > 3\"",
                 "\"version_number DESC\"; newest first without it"),
};

static void print_versions_json(const ModelVersions *versions, Output *output)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "model_versions");
    json_begin_array(&w);
    for (size_t i = 0; i < versions->n; i++) {
        write_version_json(&w, &versions->items[i]);
    }
    json_end_array(&w);
    if (versions->next_page_token) {
        json_write_key(&w, "next_page_token");
        json_write_string(&w, versions->next_page_token);
    }
    json_end_object(&w);
    output_json(output, &text);
    strbuf_free(&text);
}

/* The filter of a search for one model's versions, and what was asked beside it; free
 * with free(). */
static Status filter_for(const char *name, const char *filter, char **out)
{
    char quote = strchr(name, '\'') ? '"' : '\'';
    if (strchr(name, quote)) {
        return status_set(STATUS_USAGE, "no model has both kinds of quotes in its name");
    }
    *out = filter && *filter
               ? mem_printf("name = %c%s%c AND (%s)", quote, name, quote, filter)
               : mem_printf("name = %c%s%c", quote, name, quote);
    return STATUS_OK;
}

static Status search_versions(const Invocation *invocation, ModelVersions *out)
{
    Store *store;
    RegistryQuery query = query_of(&version_options);
    char *filter = NULL;
    if (invocation->n_args > 0) {
        TRY(filter_for(invocation->args[0], query.filter, &filter));
        query.filter = filter;
    }
    Status status = store_open(version_options.uri, NULL, &store);
    if (status == STATUS_OK) {
        status = store_search_model_versions(store, &query, out);
        store_close(store);
    }
    free(filter);
    return status;
}

static Status run_versions(const Invocation *invocation)
{
    Output output;
    ModelVersions found = {0};
    TRY(output_open(&version_options.output, invocation->json, &output));
    Status status = search_versions(invocation, &found);
    if (status == STATUS_OK && output.json) {
        print_versions_json(&found, &output);
    } else if (status == STATUS_OK && output.csv) {
        print_versions_csv(&found, &output);
    } else if (status == STATUS_OK && found.n == 0) {
        log_note("no versions match");
    } else if (status == STATUS_OK) {
        print_versions(&found, invocation->n_args == 0, &output);
    }
    output_close(&output);
    tell_more(found.next_page_token, &output);
    model_versions_free(&found);
    return status;
}

static const Example VERSION_EXAMPLES[] = {
    {"muster models versions sections", "all of one model"},
    {"muster models versions --filter \"tags.ready = 'yes'\" --csv", "of all models"},
};

const Command command_models_versions = {
    .name = "versions",
    .summary = "lists versions, of one model or of all",
    .usage = "models versions [NAME] [options]",
    .examples = VERSION_EXAMPLES,
    .n_examples = sizeof VERSION_EXAMPLES / sizeof VERSION_EXAMPLES[0],
    .options = {VERSION_OPTIONS, sizeof VERSION_OPTIONS / sizeof VERSION_OPTIONS[0], NULL,
                0, &version_options},
    .max_args = 1,
    .arg = "NAME",
    .run = run_versions,
};

/* ---- show ---- */

static struct {
    const char *uri;
} show_options;

static const Option SHOW_OPTIONS[] = {
    TRACKING_URI_OPTION(offsetof(__typeof__(show_options), uri)),
};

static void print_line(const char *label, const char *value, Output *output)
{
    if (value && *value) {
        fprintf(output->out, "  %-10s ", label);
        output_text(output, value);
        fputc('\n', output->out);
    }
}

static void print_model(const RegisteredModel *model, Output *output)
{
    char created[20], changed[20];
    char *aliases = aliases_text(model);
    clock_format(model->creation_time, created);
    clock_format(model->last_updated_time, changed);
    output_text(output, model->name);
    fputc('\n', output->out);
    print_line("about", model->description, output);
    print_line("created", created, output);
    print_line("changed", changed, output);
    print_line("aliases", aliases, output);
    print_tags(&model->tags, output);
    if (model->latest_versions.n > 0) {
        fputs("\nthe newest version of each stage\n", output->out);
        print_versions(&model->latest_versions, false, output);
    }
    free(aliases);
}

static void print_version(const ModelVersion *version, Output *output)
{
    char created[20];
    char *aliases = strlist_join(&version->aliases, ", ");
    clock_format(version->creation_time, created);
    output_text(output, version->name);
    fprintf(output->out, ", version %lld\n", (long long)version->version);
    print_line("about", version->description, output);
    print_line("stage", version->stage, output);
    print_line("aliases", aliases, output);
    print_line("run", version->run_id, output);
    print_line("source", version->source, output);
    print_line("created", created, output);
    print_line("by", version->user_id, output);
    print_tags(&version->tags, output);
    free(aliases);
}

static Status show_model(Store *store, const char *name, Output *output)
{
    RegisteredModel model;
    TRY(store_get_registered_model(store, name, &model));
    if (output->json) {
        StrBuf text = {0};
        JsonWriter w = json_writer(&text, 2);
        write_model_json(&w, &model);
        output_json(output, &text);
        strbuf_free(&text);
    } else {
        print_model(&model, output);
    }
    registered_model_free(&model);
    return STATUS_OK;
}

static Status show_version(Store *store, const char *reference, Output *output)
{
    ModelVersion version;
    TRY(store_find_model_version(store, reference, &version));
    if (output->json) {
        StrBuf text = {0};
        JsonWriter w = json_writer(&text, 2);
        write_version_json(&w, &version);
        output_json(output, &text);
        strbuf_free(&text);
    } else {
        print_version(&version, output);
    }
    model_version_free(&version);
    return STATUS_OK;
}

static Status run_show(const Invocation *invocation)
{
    Output output;
    Store *store;
    const char *what = invocation->args[0];
    TRY(store_open(show_options.uri, NULL, &store));
    Status status = output_open(NULL, invocation->json, &output);
    if (status == STATUS_OK) {
        status = is_model_reference(what) ? show_version(store, what, &output)
                                          : show_model(store, what, &output);
        output_close(&output);
    }
    store_close(store);
    return status;
}

static const Example SHOW_EXAMPLES[] = {
    {"muster models show sections", "the model"},
    {"muster models show models:/sections@champion", "one version of it"},
};

const Command command_models_show = {
    .name = "show",
    .summary = "shows a model, or one version of it",
    .usage = "models show NAME|models:/NAME/VERSION [options]",
    .examples = SHOW_EXAMPLES,
    .n_examples = sizeof SHOW_EXAMPLES / sizeof SHOW_EXAMPLES[0],
    .options = {SHOW_OPTIONS, sizeof SHOW_OPTIONS / sizeof SHOW_OPTIONS[0], NULL, 0,
                &show_options},
    .min_args = 1,
    .max_args = 1,
    .arg = "NAME",
    .run = run_show,
};
