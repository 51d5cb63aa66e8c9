/* `muster runs delete` and `muster runs restore`: a mark, and its removal. */
#include "cli/output.h"
#include "cli/confirm.h"
#include "cli/run_find.h"
#include "cli/runs.h"

#include "base/json.h"
#include "base/mem.h"
#include "tracker/store.h"

#include <stdio.h>
#include <stdlib.h>

static struct {
    const char *uri;
    bool yes;
} options;

#define AT(field) offsetof(__typeof__(options), field)

static const Option DELETE_OPTIONS[] = {
    YES_OPTION(AT(yes)),
    TRACKING_URI_OPTION(AT(uri)),
};

static const Option RESTORE_OPTIONS[] = {
    TRACKING_URI_OPTION(AT(uri)),
};

#undef AT

static void print_ids(const Runs *runs, bool delete, bool json)
{
    if (!json) {
        for (size_t i = 0; i < runs->n; i++) {
            printf("%s %s\n", runs->items[i].run_id, delete ? "deleted" : "restored");
        }
        return;
    }
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, delete ? "deleted" : "restored");
    json_begin_array(&w);
    for (size_t i = 0; i < runs->n; i++) {
        json_write_string(&w, runs->items[i].run_id);
    }
    json_end_array(&w);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

/* Names are looked up, and people asked, before any run is touched. */
static Status ask(const Runs *runs, bool *go_on)
{
    char *question = runs->n == 1
                         ? mem_printf("delete run %s (%.8s)", runs->items[0].run_name,
                                      runs->items[0].run_id)
                         : mem_printf("delete %zu runs", runs->n);
    Status status = confirm(question, options.yes, go_on);
    free(question);
    return status;
}

static Status set_stages(Store *store, const Runs *runs, bool delete)
{
    for (size_t i = 0; i < runs->n; i++) {
        const char *id = runs->items[i].run_id;
        TRY(delete ? store_delete_run(store, id) : store_restore_run(store, id));
    }
    return STATUS_OK;
}

static Status set_stage(const Invocation *invocation, bool delete)
{
    StoreOptions with = {.mode = STORE_WRITE};
    Store *store;
    Runs runs = {0};
    bool go_on = true;
    TRY(store_open(options.uri, &with, &store));
    Status status = runs_find(store, invocation->args, invocation->n_args, &runs);
    if (status == STATUS_OK && delete) {
        status = ask(&runs, &go_on);
    }
    if (status == STATUS_OK && go_on) {
        status = set_stages(store, &runs, delete);
    }
    store_close(store);
    if (status == STATUS_OK && go_on) {
        print_ids(&runs, delete, invocation->json);
    }
    runs_free(&runs);
    return status;
}

static Status run_delete(const Invocation *invocation)
{
    return set_stage(invocation, true);
}

static Status run_restore(const Invocation *invocation)
{
    return set_stage(invocation, false);
}

static const Example DELETE_EXAMPLES[] = {
    {"muster runs rm last", "asks first"},
    {"muster runs rm 3f2a 77b1 --yes", "from a script"},
};

static const char DELETE_DETAILS[] =
    RUN_REFERENCE_HELP "\n`muster store gc` deletes for good what is marked.";
const Command command_runs_delete = {
    .name = "delete",
    .summary = "marks runs deleted: lists leave them out, restore brings them back",
    .usage = "runs delete RUN ... [--yes] [options]",
    .details = DELETE_DETAILS,
    .examples = DELETE_EXAMPLES,
    .n_examples = sizeof DELETE_EXAMPLES / sizeof DELETE_EXAMPLES[0],
    .options = {DELETE_OPTIONS, sizeof DELETE_OPTIONS / sizeof DELETE_OPTIONS[0], NULL, 0,
                &options},
    .min_args = 1,
    .max_args = ANY_ARGS,
    .arg = "RUN",
    .run = run_delete,
};

const Command command_runs_rm = {
    .name = "rm",
    .summary = "the same as delete",
    .usage = "runs rm RUN ... [--yes] [options]",
    .details = DELETE_DETAILS,
    .examples = DELETE_EXAMPLES,
    .n_examples = sizeof DELETE_EXAMPLES / sizeof DELETE_EXAMPLES[0],
    .options = {DELETE_OPTIONS, sizeof DELETE_OPTIONS / sizeof DELETE_OPTIONS[0], NULL, 0,
                &options},
    .min_args = 1,
    .max_args = ANY_ARGS,
    .arg = "RUN",
    .run = run_delete,
};

const Command command_runs_restore = {
    .name = "restore",
    .summary = "brings runs back that are marked deleted",
    .usage = "runs restore RUN ... [options]",
    .details = "RUN is an id, the beginning of one, or a name; `muster runs list --view "
               "deleted` shows\nthem.",
    .options = {RESTORE_OPTIONS, sizeof RESTORE_OPTIONS / sizeof RESTORE_OPTIONS[0], NULL,
                0, &options},
    .min_args = 1,
    .max_args = ANY_ARGS,
    .arg = "RUN",
    .run = run_restore,
};
