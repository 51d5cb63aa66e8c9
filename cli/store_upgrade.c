/* `muster store upgrade` and `muster store backup`: databases as files. */
#include "cli/command.h"
#include "cli/output.h"

#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"
#include "tracker/db_backup.h"
#include "tracker/schema.h"
#include "tracker/store.h"
#include "tracker/upgrade.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const Command command_store_upgrade, command_store_backup;

/* ---- upgrade ---- */

static struct {
    const char *uri;
    bool dry_run;
} upgrade_options;

static const Option UPGRADE_OPTIONS[] = {
    {.name = "dry-run",
     .kind = OPTION_FLAG,
     .offset = offsetof(__typeof__(upgrade_options), dry_run),
     .help = "say what would be done, and leave it"},
    TRACKING_URI_OPTION(offsetof(__typeof__(upgrade_options), uri)),
};

static void print_upgrade_json(const UpgradeReport *report)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "dry_run");
    json_write_bool(&w, upgrade_options.dry_run);
    json_write_key(&w, "from");
    json_write_string(&w, report->from);
    json_write_key(&w, "to");
    json_write_string(&w, SCHEMA_REVISION);
    json_write_key(&w, "upgraded");
    json_write_bool(&w, report->upgraded);
    json_write_key(&w, "backup");
    json_write_string(&w, report->backup);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static void print_upgrade(const UpgradeReport *report)
{
    if (!report->backup) {
        printf("nothing to do: the schema is %s\n", report->from);
    } else {
        printf("%s from %s to %s; the store as it was: %s\n",
               upgrade_options.dry_run ? "would be upgraded" : "upgraded", report->from,
               SCHEMA_REVISION, report->backup);
    }
}

static Status run_upgrade(const Invocation *invocation)
{
    UpgradeReport report;
    const char *uri = invocation->n_args > 0 ? invocation->args[0] : upgrade_options.uri;
    TRY(store_upgrade(uri, upgrade_options.dry_run, &report));
    if (invocation->json) {
        print_upgrade_json(&report);
    } else {
        print_upgrade(&report);
    }
    upgrade_report_free(&report);
    return STATUS_OK;
}

static const Example UPGRADE_EXAMPLES[] = {
    {"muster store upgrade sqlite:///mlflow.db --dry-run",
     "what it is, and would become"},
};

const Command command_store_upgrade = {
    .name = "upgrade",
    .summary = "brings a database of MLflow 3.3 to the schema of today",
    .usage = "store upgrade [STORE] [options]",
    .details =
        "A backup is made beside the database first; then it is upgraded wholly or "
        "not at all. It\ncan be done again after an interruption.",
    .examples = UPGRADE_EXAMPLES,
    .n_examples = sizeof UPGRADE_EXAMPLES / sizeof UPGRADE_EXAMPLES[0],
    .options = {UPGRADE_OPTIONS, sizeof UPGRADE_OPTIONS / sizeof UPGRADE_OPTIONS[0], NULL,
                0, &upgrade_options},
    .max_args = 1,
    .arg = "STORE",
    .run = run_upgrade,
};

/* ---- backup ---- */

/* "sqlite:///FILE", or a path; free with free(). */
static Status file_named(const char *text, char **out)
{
    if (strncmp(text, "sqlite:", 7) != 0) {
        bool uri = strncmp(text, "file:", 5) == 0 || strstr(text, "://");
        if (uri || dir_exists(text)) {
            status_set(STATUS_USAGE, "%s: only databases are backed up", text);
            status_hint("`muster store copy` copies a store of any kind");
            return STATUS_USAGE;
        }
        *out = path_absolute(text);
        return STATUS_OK;
    }
    char *resolved;
    TRY(store_uri_resolve(text, &resolved));
    *out = store_uri_path(resolved);
    free(resolved);
    return STATUS_OK;
}

/* Only what is a run store is taken for one. */
static Status check_store(const char *path)
{
    Store *store;
    char *uri = mem_printf("sqlite:///%s", path);
    Status status = store_open(uri, NULL, &store);
    if (status == STATUS_OK) {
        store_close(store);
    }
    free(uri);
    return status;
}

static Status run_backup(const Invocation *invocation)
{
    char *from = NULL, *to = NULL;
    Status status = file_named(invocation->args[0], &from);
    if (status == STATUS_OK) {
        status = file_named(invocation->args[1], &to);
    }
    if (status == STATUS_OK) {
        status = check_store(from);
    }
    if (status == STATUS_OK) {
        status = db_backup(from, to);
    }
    if (status == STATUS_OK && invocation->json) {
        StrBuf text = {0};
        JsonWriter w = json_writer(&text, 2);
        json_begin_object(&w);
        json_write_key(&w, "backup");
        json_write_string(&w, to);
        json_end_object(&w);
        printf("%s\n", text.p);
        strbuf_free(&text);
    } else if (status == STATUS_OK) {
        printf("%s is a whole copy\n", to);
    }
    free(from);
    free(to);
    return status;
}

static const Example BACKUP_EXAMPLES[] = {
    {"muster store backup sqlite:///muster.db sqlite:////backups/monday.db",
     "while trainings go on"},
};

const Command command_store_backup = {
    .name = "backup",
    .summary = "copies a database as it is, while it is in use",
    .usage = "store backup FROM TO [options]",
    .details =
        "FROM and TO are sqlite:///FILE or paths of files. TO must not be there; it "
        "appears when it\nis complete and checked. Artifacts are not part of it: "
        "they are files.",
    .examples = BACKUP_EXAMPLES,
    .n_examples = sizeof BACKUP_EXAMPLES / sizeof BACKUP_EXAMPLES[0],
    .min_args = 2,
    .max_args = 2,
    .arg = "FROM and TO",
    .run = run_backup,
};
