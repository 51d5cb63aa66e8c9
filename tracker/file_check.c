/* Every file of every experiment, run and model is read once. */
#include "tracker/check.h"
#include "tracker/file_registry.h"

#include "base/files.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A status that speaks of one file is a problem of the store; others end the check. */
static Status note(Status status, const char *dir, CheckReport *out)
{
    if (status == STATUS_DAMAGED || status == STATUS_NOT_FOUND) {
        check_add(out, true, "%s: %s", path_base(dir), status_message());
        return STATUS_OK;
    }
    return status;
}

static Status check_runs(FileStore *store, const char *experiment_dir, CheckReport *out)
{
    StrList dirs = {0};
    Status status = file_run_dirs(experiment_dir, &dirs);
    for (size_t i = 0; i < dirs.n && status == STATUS_OK; i++) {
        Run run = {0};
        status =
            note(file_get_run(store, path_base(dirs.items[i]), &run), dirs.items[i], out);
        run_free(&run);
    }
    strlist_free(&dirs);
    return status;
}

static Status check_experiment(FileStore *store, const char *id, CheckReport *out)
{
    char *dir = file_experiment_dir(store, id);
    Experiment experiment = {0};
    if (!dir) {
        return STATUS_OK;
    }
    Status status = note(file_read_experiment(store, id, &experiment), dir, out);
    experiment_free(&experiment);
    if (status == STATUS_OK) {
        status = check_runs(store, dir, out);
    }
    free(dir);
    return status;
}

static bool has_number(const Steps *numbers, int64_t number)
{
    for (size_t i = 0; i < numbers->n; i++) {
        if (numbers->items[i] == number) {
            return true;
        }
    }
    return false;
}

static Status check_aliases(const char *dir, const Steps *numbers, CheckReport *out)
{
    RegisteredModel holder = {0};
    Status status = file_read_aliases(dir, &holder.aliases);
    for (size_t i = 0; i < holder.aliases.n && status == STATUS_OK; i++) {
        const ModelAlias *alias = &holder.aliases.items[i];
        if (!has_number(numbers, alias->version)) {
            check_add(out, true, "alias %s of %s names version %lld, which is not there",
                      alias->alias, path_base(dir), (long long)alias->version);
        }
    }
    registered_model_free(&holder);
    return status;
}

static Status check_model(const char *dir, CheckReport *out)
{
    Steps numbers = {0};
    Status status = file_version_numbers(dir, &numbers);
    for (size_t i = 0; i < numbers.n && status == STATUS_OK; i++) {
        ModelVersion version = {0};
        status = note(file_load_version(dir, numbers.items[i], &version), dir, out);
        model_version_free(&version);
    }
    if (status == STATUS_OK) {
        status = check_aliases(dir, &numbers, out);
    }
    free(numbers.items);
    return status;
}

Status file_check(void *self, CheckReport *out)
{
    FileStore *store = self;
    StrList ids = {0}, models = {0};
    Status status = file_experiment_ids(store, &ids);
    for (size_t i = 0; i < ids.n && status == STATUS_OK; i++) {
        status = check_experiment(store, ids.items[i], out);
    }
    if (status == STATUS_OK) {
        status = file_model_dirs(store, &models);
    }
    for (size_t i = 0; i < models.n && status == STATUS_OK; i++) {
        status = check_model(models.items[i], out);
    }
    strlist_free(&models);
    strlist_free(&ids);
    return status;
}
