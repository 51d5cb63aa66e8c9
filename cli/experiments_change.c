/* `muster experiments create|rename|delete|restore|tag`. */
#include "cli/confirm.h"
#include "cli/experiments.h"
#include "cli/output.h"
#include "cli/tags.h"

#include "base/json.h"
#include "base/mem.h"
#include "tracker/store.h"

#include <stdio.h>
#include <stdlib.h>

static struct {
    const char *uri, *location;
    StrList tags;
    bool yes, remove;
} options;

#define AT(field) offsetof(__typeof__(options), field)

static const Option PLAIN_OPTIONS[] = {
    TRACKING_URI_OPTION(AT(uri)),
};

static const Option CREATE_OPTIONS[] = {
    {.name = "artifact-location",
     .kind = OPTION_TEXT,
     .offset = AT(location),
     .value = "URI",
     .help = "where its runs keep artifacts (below the store's own root)"},
    {.name = "tag",
     .kind = OPTION_LIST,
     .offset = AT(tags),
     .value = "KEY=VALUE",
     .help = "of the experiment"},
    TRACKING_URI_OPTION(AT(uri)),
};

static const Option DELETE_OPTIONS[] = {
    YES_OPTION(AT(yes)),
    TRACKING_URI_OPTION(AT(uri)),
};

static const Option TAG_OPTIONS[] = {
    {.name = "remove",
     .kind = OPTION_FLAG,
     .offset = AT(remove),
     .help = "take the tags of these keys away"},
    TRACKING_URI_OPTION(AT(uri)),
};

#undef AT

#define TABLE(options_)                                                                  \
    {                                                                                    \
        options_, sizeof options_ / sizeof options_[0], NULL, 0, &options                \
    }

/* What was done to one experiment: a line, or JSON. */
static void print_done(const Invocation *invocation, const char *id, const char *name,
                       const char *done)
{
    if (!invocation->json) {
        printf("%s %s (%s)\n", done, name, id);
        return;
    }
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "experiment_id");
    json_write_string(&w, id);
    json_write_key(&w, "name");
    json_write_string(&w, name);
    json_write_key(&w, "done");
    json_write_string(&w, done);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

/* Opens the store to be written and finds the experiment that the first argument names.
 */
static Status open_experiment(const Invocation *invocation, Store **store,
                              Experiment *experiment)
{
    StoreOptions with = {.mode = STORE_WRITE};
    TRY(store_open(options.uri, &with, store));
    Status status = store_find_experiment(*store, invocation->args[0], experiment);
    if (status != STATUS_OK) {
        store_close(*store);
    }
    return status;
}

/* ---- create ---- */

static Status read_tags(KeyValues *out)
{
    for (size_t i = 0; i < options.tags.n; i++) {
        char *key;
        const char *value;
        TRY(tag_parse(options.tags.items[i], &key, &value));
        key_values_add_take(out, key, mem_strdup(value));
    }
    return STATUS_OK;
}

static Status run_create(const Invocation *invocation)
{
    StoreOptions with = {.mode = STORE_CREATE};
    Store *store;
    KeyValues tags = {0};
    char *id = NULL;
    Status status = read_tags(&tags);
    ExperimentCreate create = {.name = invocation->args[0],
                               .artifact_location = options.location,
                               .tags = tags.items,
                               .n_tags = tags.n};
    if (status == STATUS_OK) {
        status = store_open(options.uri, &with, &store);
    }
    if (status == STATUS_OK) {
        status = store_create_experiment(store, &create, &id);
        store_close(store);
    }
    if (status == STATUS_OK) {
        print_done(invocation, id, create.name, "created");
    }
    free(id);
    key_values_free(&tags);
    return status;
}

static const Example CREATE_EXAMPLES[] = {
    {"muster experiments create sections --tag team=a", "with a tag"},
};

const Command command_experiments_create = {
    .name = "create",
    .summary = "makes an experiment",
    .usage = "experiments create NAME [options]",
    .examples = CREATE_EXAMPLES,
    .n_examples = sizeof CREATE_EXAMPLES / sizeof CREATE_EXAMPLES[0],
    .options = TABLE(CREATE_OPTIONS),
    .min_args = 1,
    .max_args = 1,
    .arg = "NAME",
    .run = run_create,
};

/* ---- rename ---- */

static Status run_rename(const Invocation *invocation)
{
    Store *store;
    Experiment experiment;
    TRY(open_experiment(invocation, &store, &experiment));
    Status status =
        store_rename_experiment(store, experiment.experiment_id, invocation->args[1]);
    if (status == STATUS_OK) {
        print_done(invocation, experiment.experiment_id, invocation->args[1], "renamed");
    }
    experiment_free(&experiment);
    store_close(store);
    return status;
}

static const Example RENAME_EXAMPLES[] = {
    {"muster experiments rename sections \"sections, old\"", "its runs stay with it"},
};

const Command command_experiments_rename = {
    .name = "rename",
    .summary = "gives an experiment another name",
    .usage = "experiments rename EXPERIMENT NEW_NAME [options]",
    .examples = RENAME_EXAMPLES,
    .n_examples = sizeof RENAME_EXAMPLES / sizeof RENAME_EXAMPLES[0],
    .options = TABLE(PLAIN_OPTIONS),
    .min_args = 2,
    .max_args = 2,
    .arg = "EXPERIMENT and NEW_NAME",
    .run = run_rename,
};

/* ---- delete, restore ---- */

static Status confirm_delete(Store *store, const Experiment *experiment, bool *go_on)
{
    size_t n = 0;
    RunQuery query = {.experiment_ids = &experiment->experiment_id,
                      .n_experiment_ids = 1};
    TRY(store_count_runs(store, &query, &n));
    char *what =
        mem_printf("mark experiment '%s' and its %zu runs deleted", experiment->name, n);
    Status status = confirm(what, options.yes, go_on);
    free(what);
    return status;
}

static Status run_delete(const Invocation *invocation)
{
    Store *store;
    Experiment experiment;
    bool go_on = false;
    TRY(open_experiment(invocation, &store, &experiment));
    Status status = experiment.deleted
                        ? status_set(STATUS_USAGE, "experiment '%s' is deleted already",
                                     experiment.name)
                        : confirm_delete(store, &experiment, &go_on);
    if (status == STATUS_OK && go_on) {
        status = store_delete_experiment(store, experiment.experiment_id);
    }
    if (status == STATUS_OK && go_on) {
        print_done(invocation, experiment.experiment_id, experiment.name, "deleted");
    }
    experiment_free(&experiment);
    store_close(store);
    return status;
}

static const Example DELETE_EXAMPLES[] = {
    {"muster experiments delete scratch --yes", "from a script"},
};

const Command command_experiments_delete = {
    .name = "delete",
    .summary = "marks an experiment and its runs deleted",
    .usage = "experiments delete EXPERIMENT [options]",
    .details =
        "`muster experiments restore` brings it back, `muster store gc` deletes for "
        "good.",
    .examples = DELETE_EXAMPLES,
    .n_examples = sizeof DELETE_EXAMPLES / sizeof DELETE_EXAMPLES[0],
    .options = TABLE(DELETE_OPTIONS),
    .min_args = 1,
    .max_args = 1,
    .arg = "EXPERIMENT",
    .run = run_delete,
};

static Status run_restore(const Invocation *invocation)
{
    Store *store;
    Experiment experiment;
    TRY(open_experiment(invocation, &store, &experiment));
    Status status =
        experiment.deleted
            ? store_restore_experiment(store, experiment.experiment_id)
            : status_set(STATUS_USAGE, "experiment '%s' is not deleted", experiment.name);
    if (status == STATUS_OK) {
        print_done(invocation, experiment.experiment_id, experiment.name, "restored");
    }
    experiment_free(&experiment);
    store_close(store);
    return status;
}

static const Example RESTORE_EXAMPLES[] = {
    {"muster experiments restore scratch", "with all of its runs"},
};

const Command command_experiments_restore = {
    .name = "restore",
    .summary = "brings a deleted experiment back, its runs too",
    .usage = "experiments restore EXPERIMENT [options]",
    .examples = RESTORE_EXAMPLES,
    .n_examples = sizeof RESTORE_EXAMPLES / sizeof RESTORE_EXAMPLES[0],
    .options = TABLE(PLAIN_OPTIONS),
    .min_args = 1,
    .max_args = 1,
    .arg = "EXPERIMENT",
    .run = run_restore,
};

/* ---- tag ---- */

static Status set_tag(Store *store, const Experiment *experiment, const char *text)
{
    char *key;
    const char *value;
    TRY(tag_parse(text, &key, &value));
    Status status =
        store_set_experiment_tag(store, experiment->experiment_id, key, value);
    free(key);
    return status;
}

static Status run_tag(const Invocation *invocation)
{
    Store *store;
    Experiment experiment;
    TRY(open_experiment(invocation, &store, &experiment));
    Status status = STATUS_OK;
    for (size_t i = 1; i < invocation->n_args && status == STATUS_OK; i++) {
        status = options.remove
                     ? store_delete_experiment_tag(store, experiment.experiment_id,
                                                   invocation->args[i])
                     : set_tag(store, &experiment, invocation->args[i]);
    }
    if (status == STATUS_OK) {
        print_done(invocation, experiment.experiment_id, experiment.name, "tagged");
    }
    experiment_free(&experiment);
    store_close(store);
    return status;
}

static const Example TAG_EXAMPLES[] = {
    {"muster experiments tag sections team=a note=\"first try\"", "sets two tags"},
    {"muster experiments tag sections --remove note", "takes one away"},
};

const Command command_experiments_tag = {
    .name = "tag",
    .summary = "sets tags of an experiment, or takes them away",
    .usage = "experiments tag EXPERIMENT KEY=VALUE ... [options]",
    .examples = TAG_EXAMPLES,
    .n_examples = sizeof TAG_EXAMPLES / sizeof TAG_EXAMPLES[0],
    .options = TABLE(TAG_OPTIONS),
    .min_args = 2,
    .max_args = ANY_ARGS,
    .arg = "EXPERIMENT and KEY=VALUE",
    .run = run_tag,
};
