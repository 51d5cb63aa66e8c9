/* `muster models alias|stage|tag|delete`. */
#include "cli/confirm.h"
#include "cli/models.h"
#include "cli/tags.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char *uri, *version;
    bool yes, remove, archive_others;
} options;

#define AT(field) offsetof(__typeof__(options), field)

static const Option ALIAS_OPTIONS[] = {
    {.name = "remove",
     .kind = OPTION_FLAG,
     .offset = AT(remove),
     .help = "take the alias away"},
    TRACKING_URI_OPTION(AT(uri)),
};

static const Option STAGE_OPTIONS[] = {
    {.name = "archive-others",
     .kind = OPTION_FLAG,
     .offset = AT(archive_others),
     .help = "whatever else is in that stage moves to Archived"},
    TRACKING_URI_OPTION(AT(uri)),
};

static const Option TAG_OPTIONS[] = {
    {.name = "version",
     .kind = OPTION_TEXT,
     .offset = AT(version),
     .value = "N",
     .help = "tags of this version instead of the model"},
    {.name = "remove",
     .kind = OPTION_FLAG,
     .offset = AT(remove),
     .help = "take the tags of these keys away"},
    TRACKING_URI_OPTION(AT(uri)),
};

static const Option DELETE_OPTIONS[] = {
    YES_OPTION(AT(yes)),
    TRACKING_URI_OPTION(AT(uri)),
};

#undef AT

#define TABLE(options_)                                                                  \
    {                                                                                    \
        options_, sizeof options_ / sizeof options_[0], NULL, 0, &options                \
    }

static Status open_store(Store **store)
{
    StoreOptions with = {.mode = STORE_WRITE};
    return store_open(options.uri, &with, store);
}

static void print_done(const Invocation *invocation, const char *done, const char *what)
{
    if (!invocation->json) {
        printf("%s %s\n", done, what);
        return;
    }
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "done");
    json_write_string(&w, done);
    json_write_key(&w, "what");
    json_write_string(&w, what);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

/* ---- alias ---- */

static Status set_alias(Store *store, const Invocation *invocation)
{
    int64_t number;
    ModelVersion version;
    const char *name = invocation->args[0];
    if (invocation->n_args < 3) {
        return status_set(STATUS_USAGE, "missing argument VERSION");
    }
    TRY(model_version_parse(invocation->args[2], &number));
    TRY(store_set_model_alias(store, name, invocation->args[1], number));
    TRY(store_get_model_version(store, name, number, &version));
    print_version_done(invocation, &version, "named");
    model_version_free(&version);
    return STATUS_OK;
}

static Status remove_alias(Store *store, const Invocation *invocation)
{
    if (invocation->n_args > 2) {
        return status_set(STATUS_USAGE, "unexpected argument %s", invocation->args[2]);
    }
    TRY(store_delete_model_alias(store, invocation->args[0], invocation->args[1]));
    char *what = mem_printf("%s@%s", invocation->args[0], invocation->args[1]);
    print_done(invocation, "removed", what);
    free(what);
    return STATUS_OK;
}

static Status run_alias(const Invocation *invocation)
{
    Store *store;
    TRY(open_store(&store));
    Status status =
        options.remove ? remove_alias(store, invocation) : set_alias(store, invocation);
    store_close(store);
    return status;
}

static const Example ALIAS_EXAMPLES[] = {
    {"muster models alias sections champion 3", "models:/sections@champion is version 3"},
    {"muster models alias sections champion --remove", "and is none any more"},
};

const Command command_models_alias = {
    .name = "alias",
    .summary = "names a version; the name leaves the one that had it",
    .usage = "models alias NAME ALIAS VERSION | models alias NAME ALIAS --remove",
    .examples = ALIAS_EXAMPLES,
    .n_examples = sizeof ALIAS_EXAMPLES / sizeof ALIAS_EXAMPLES[0],
    .options = TABLE(ALIAS_OPTIONS),
    .min_args = 2,
    .max_args = 3,
    .arg = "NAME and ALIAS",
    .run = run_alias,
};

/* ---- stage ---- */

static Status set_stage(Store *store, const Invocation *invocation)
{
    int64_t number;
    ModelVersion version;
    const char *name = invocation->args[0];
    TRY(model_version_parse(invocation->args[1], &number));
    TRY(store_transition_stage(store, name, number, invocation->args[2],
                               options.archive_others));
    TRY(store_get_model_version(store, name, number, &version));
    print_version_done(invocation, &version, "moved");
    model_version_free(&version);
    return STATUS_OK;
}

static Status run_stage(const Invocation *invocation)
{
    Store *store;
    TRY(open_store(&store));
    Status status = set_stage(store, invocation);
    store_close(store);
    return status;
}

static const Example STAGE_EXAMPLES[] = {
    {"muster models stage sections 3 Production --archive-others",
     "the only one in production"},
};

const Command command_models_stage = {
    .name = "stage",
    .summary = "moves a version to None, Staging, Production or Archived",
    .usage = "models stage NAME VERSION STAGE [options]",
    .examples = STAGE_EXAMPLES,
    .n_examples = sizeof STAGE_EXAMPLES / sizeof STAGE_EXAMPLES[0],
    .options = TABLE(STAGE_OPTIONS),
    .min_args = 3,
    .max_args = 3,
    .arg = "NAME, VERSION and STAGE",
    .run = run_stage,
};

/* ---- tag ---- */

static Status change_tag(Store *store, const char *name, int64_t version,
                         const char *text)
{
    if (options.remove) {
        return version ? store_delete_model_version_tag(store, name, version, text)
                       : store_delete_registered_model_tag(store, name, text);
    }
    char *key;
    const char *value;
    TRY(tag_parse(text, &key, &value));
    Status status = version
                        ? store_set_model_version_tag(store, name, version, key, value)
                        : store_set_registered_model_tag(store, name, key, value);
    free(key);
    return status;
}

static Status run_tag(const Invocation *invocation)
{
    Store *store;
    int64_t version = 0;
    const char *name = invocation->args[0];
    if (options.version) {
        TRY(model_version_parse(options.version, &version));
    }
    TRY(open_store(&store));
    Status status = STATUS_OK;
    for (size_t i = 1; i < invocation->n_args && status == STATUS_OK; i++) {
        status = change_tag(store, name, version, invocation->args[i]);
    }
    store_close(store);
    if (status == STATUS_OK) {
        print_done(invocation, "tagged", name);
    }
    return status;
}

static const Example TAG_EXAMPLES[] = {
    {"muster models tag sections team=a", "the model"},
    {"muster models tag sections --version 3 ready=yes", "one version"},
};

const Command command_models_tag = {
    .name = "tag",
    .summary = "sets tags of a model or a version, or takes them away",
    .usage = "models tag NAME KEY=VALUE ... [options]",
    .examples = TAG_EXAMPLES,
    .n_examples = sizeof TAG_EXAMPLES / sizeof TAG_EXAMPLES[0],
    .options = TABLE(TAG_OPTIONS),
    .min_args = 2,
    .max_args = ANY_ARGS,
    .arg = "NAME and KEY=VALUE",
    .run = run_tag,
};

/* ---- delete ---- */

static Status delete_version(Store *store, const char *name, const char *text,
                             const Invocation *invocation)
{
    int64_t number;
    ModelVersion version;
    TRY(model_version_parse(text, &number));
    TRY(store_get_model_version(store, name, number, &version));
    char *what = mem_printf("delete version %s of model '%s'%s", text, name,
                            version.aliases.n ? " and its aliases" : "");
    model_version_free(&version);
    bool go_on = false;
    Status status = confirm(what, options.yes, &go_on);
    free(what);
    if (status == STATUS_OK && go_on) {
        status = store_delete_model_version(store, name, number);
    }
    if (status == STATUS_OK && go_on) {
        what = mem_printf("models:/%s/%lld", name, (long long)number);
        print_done(invocation, "deleted", what);
        free(what);
    }
    return status;
}

static Status delete_model(Store *store, const char *name, const Invocation *invocation)
{
    RegisteredModel model;
    TRY(store_get_registered_model(store, name, &model));
    const ModelVersions *latest = &model.latest_versions;
    char *what =
        latest->n ? mem_printf("delete model '%s' with all of its versions (up to %lld)",
                               name, (long long)latest->items[latest->n - 1].version)
                  : mem_printf("delete model '%s'", name);
    registered_model_free(&model);
    bool go_on = false;
    Status status = confirm(what, options.yes, &go_on);
    free(what);
    if (status == STATUS_OK && go_on) {
        status = store_delete_registered_model(store, name);
    }
    if (status == STATUS_OK && go_on) {
        print_done(invocation, "deleted", name);
    }
    return status;
}

static Status run_delete(const Invocation *invocation)
{
    Store *store;
    const char *name = invocation->args[0];
    TRY(open_store(&store));
    Status status = invocation->n_args > 1
                        ? delete_version(store, name, invocation->args[1], invocation)
                        : delete_model(store, name, invocation);
    store_close(store);
    return status;
}

static const Example DELETE_EXAMPLES[] = {
    {"muster models delete sections 2", "one version; its number is not used again"},
    {"muster models delete sections --yes", "all of it, from a script"},
};

const Command command_models_delete = {
    .name = "delete",
    .summary = "deletes a version, or a model with all of its versions, for good",
    .usage = "models delete NAME [VERSION] [options]",
    .details = "The files that versions were made of stay: they belong to their runs.",
    .examples = DELETE_EXAMPLES,
    .n_examples = sizeof DELETE_EXAMPLES / sizeof DELETE_EXAMPLES[0],
    .options = TABLE(DELETE_OPTIONS),
    .min_args = 1,
    .max_args = 2,
    .arg = "NAME",
    .run = run_delete,
};
