/* `muster runs delete` and `muster runs restore`: a mark, and its removal. */
#include "cli/output.h"
#include "cli/runs.h"

#include "base/json.h"
#include "tracker/reference.h"
#include "tracker/store.h"

#include <stdio.h>

static struct {
    const char *uri;
} options;

static const Option OPTIONS[] = {
    TRACKING_URI_OPTION(offsetof(__typeof__(options), uri)),
};

/* Every name is looked up before any run is touched. */
static Status find_runs(Store *store, const Invocation *invocation, StrList *ids)
{
    for (size_t i = 0; i < invocation->n_args; i++) {
        Run run;
        TRY(run_reference_find(store, invocation->args[i], &run));
        strlist_add(ids, run.run_id);
        run_free(&run);
    }
    return STATUS_OK;
}

static void print_ids(const StrList *ids, bool delete, bool json)
{
    if (!json) {
        for (size_t i = 0; i < ids->n; i++) {
            printf("%s %s\n", ids->items[i], delete ? "deleted" : "restored");
        }
        return;
    }
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, delete ? "deleted" : "restored");
    json_begin_array(&w);
    for (size_t i = 0; i < ids->n; i++) {
        json_write_string(&w, ids->items[i]);
    }
    json_end_array(&w);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static Status set_stage(const Invocation *invocation, bool delete)
{
    StoreOptions with = {.mode = STORE_WRITE};
    Store *store;
    StrList ids = {0};
    TRY(store_open(options.uri, &with, &store));
    Status status = find_runs(store, invocation, &ids);
    for (size_t i = 0; i < ids.n && status == STATUS_OK; i++) {
        status = delete ? store_delete_run(store, ids.items[i])
                        : store_restore_run(store, ids.items[i]);
    }
    store_close(store);
    if (status == STATUS_OK) {
        print_ids(&ids, delete, invocation->json);
    }
    strlist_free(&ids);
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

const Command command_runs_delete = {
    .name = "delete",
    .summary = "marks runs deleted: lists leave them out, restore brings them back",
    .usage = "runs delete RUN ... [options]",
    .details = RUN_REFERENCE_HELP "\n`muster store gc` deletes for good what is marked.",
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
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
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 1,
    .max_args = ANY_ARGS,
    .arg = "RUN",
    .run = run_restore,
};
