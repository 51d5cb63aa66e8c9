/* `muster models register`: a trained model becomes a version of a named one. */
#include "cli/models.h"
#include "cli/tags.h"

#include "base/mem.h"
#include "tracker/environment.h"
#include "tracker/reference.h"

#include <stdlib.h>
#include <string.h>

static struct {
    const char *name, *stage, *description, *uri;
    StrList aliases, tags;
} options;

#define AT(field) offsetof(__typeof__(options), field)

static const Option OPTIONS[] = {
    {.name = "name",
     .kind = OPTION_TEXT,
     .offset = AT(name),
     .value = "NAME",
     .help = "the model it becomes a version of; made when it is not there"},
    {.name = "alias",
     .kind = OPTION_LIST,
     .offset = AT(aliases),
     .value = "ALIAS",
     .help = "name the version by it (it leaves another one)"},
    {.name = "stage",
     .kind = OPTION_TEXT,
     .offset = AT(stage),
     .value = "STAGE",
     .help = "Staging, Production or Archived"},
    {.name = "description",
     .kind = OPTION_TEXT,
     .offset = AT(description),
     .value = "TEXT",
     .help = "of the version"},
    {.name = "tag",
     .kind = OPTION_LIST,
     .offset = AT(tags),
     .value = "KEY=VALUE",
     .help = "of the version"},
    TRACKING_URI_OPTION(AT(uri)),
};

#undef AT

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

static Status make_model(Store *store)
{
    RegisteredModel model;
    Status status = store_get_registered_model(store, options.name, &model);
    if (status == STATUS_OK) {
        registered_model_free(&model);
    } else if (status == STATUS_NOT_FOUND) {
        RegisteredModelCreate create = {.name = options.name};
        status = store_create_registered_model(store, &create, NULL);
    }
    return status;
}

/* Everything after the version is there; `version` is read again at the end. */
static Status name_version(Store *store, ModelVersion *version)
{
    int64_t number = version->version;
    for (size_t i = 0; i < options.aliases.n; i++) {
        TRY(store_set_model_alias(store, options.name, options.aliases.items[i], number));
    }
    if (options.stage) {
        TRY(store_transition_stage(store, options.name, number, options.stage, false));
    }
    ModelVersion now;
    TRY(store_get_model_version(store, options.name, number, &now));
    model_version_free(version);
    *version = now;
    return STATUS_OK;
}

/* All of it or nothing, where the store can. */
static Status make_version(Store *store, const ModelReference *model,
                           const KeyValues *tags, ModelVersion *out)
{
    char *user = environment_user();
    ModelVersionCreate create = {.name = options.name,
                                 .source = model->checkpoint_dir,
                                 .run_id = model->run_id,
                                 .description = options.description,
                                 .user_id = user,
                                 .tags = tags->items,
                                 .n_tags = tags->n};
    ModelVersion version = {0};
    Status status = store_begin(store);
    if (status == STATUS_OK) {
        status = make_model(store);
        if (status == STATUS_OK) {
            status = store_create_model_version(store, &create, &version);
        }
        if (status == STATUS_OK) {
            status = name_version(store, &version);
        }
        if (status == STATUS_OK) {
            status = store_commit(store);
        } else {
            store_rollback(store);
        }
    }
    free(user);
    if (status != STATUS_OK) {
        model_version_free(&version);
        return status;
    }
    *out = version;
    return STATUS_OK;
}

static Status run_register(const Invocation *invocation)
{
    if (!options.name) {
        status_set(STATUS_USAGE, "--name: under which name is missing");
        status_hint("muster models register %s --name NAME", invocation->args[0]);
        return STATUS_USAGE;
    }
    ModelReference model = {0};
    KeyValues tags = {0};
    ModelVersion version;
    Store *store = NULL;
    StoreOptions with = {.mode = STORE_CREATE};
    Status status = read_tags(&tags);
    if (status == STATUS_OK) {
        status = model_reference_resolve(options.uri, invocation->args[0], &model);
    }
    if (status == STATUS_OK) {
        status = store_open(options.uri, &with, &store);
    }
    if (status == STATUS_OK) {
        status = make_version(store, &model, &tags, &version);
    }
    if (status == STATUS_OK) {
        print_version_done(invocation, &version, "registered");
        model_version_free(&version);
    }
    store_close(store);
    key_values_free(&tags);
    model_reference_free(&model);
    return status;
}

static const Example EXAMPLES[] = {
    {"muster models register last --name sections --alias candidate",
     "the last run's best checkpoint"},
    {"muster models register best:sections:val_f1 --name sections --alias champion",
     "the best run's"},
    {"muster predict models:/sections@champion \"the text\"", "what it is good for"},
};

const Command command_models_register = {
    .name = "register",
    .summary = "makes a trained model a version of a named one",
    .usage = "models register RUN|PATH --name NAME [options]",
    .details = "RUN is an id, the beginning of one, a name, last, or "
               "best:EXPERIMENT[:METRIC]; PATH is a\ncheckpoint or result folder. The "
               "files stay where they are: the version says where.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 1,
    .max_args = 1,
    .arg = "RUN or PATH",
    .run = run_register,
};
