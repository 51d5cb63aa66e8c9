/* Registered models in folders; their versions are in file_versions.c. */
#include "tracker/file_registry.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/mem.h"
#include "tracker/key_files.h"
#include "tracker/meta_yaml.h"
#include "tracker/search_registry.h"
#include "tracker/store_error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *models_root(const FileStore *store)
{
    return path_join(store->root, "models");
}

static char *part_of(const char *model_dir, const char *name)
{
    return path_join(model_dir, name);
}

/* ---- where models are ---- */

/* A name is that of a folder here. */
static Status check_name(const char *name)
{
    if (*name != '.' && !strchr(name, '/') && strlen(name) < 250) {
        return STATUS_OK;
    }
    store_fail(STORE_INVALID_PARAMETER_VALUE, "Invalid name: '%s'", name);
    status_hint("a registered model's name is that of a folder in this kind of store: no "
                "slashes, no dot in front, less than 250 bytes");
    return STATUS_USAGE;
}

static char *dir_of(const FileStore *store, const char *name)
{
    char *root = models_root(store), *dir = path_join(root, name);
    free(root);
    return dir;
}

static bool is_model(const char *dir)
{
    char *meta = path_join(dir, FILE_META);
    bool result = file_exists(meta);
    free(meta);
    return result;
}

Status file_model_dir(const FileStore *store, const char *name, char **out)
{
    if (check_name(name) != STATUS_OK) {
        return no_registered_model(name);
    }
    char *dir = dir_of(store, name);
    if (!is_model(dir)) {
        free(dir);
        return no_registered_model(name);
    }
    *out = dir;
    return STATUS_OK;
}

Status file_model_dirs(const FileStore *store, StrList *out)
{
    char *root = models_root(store);
    StrList names = {0};
    Status status = dir_exists(root) ? dir_list(root, &names) : STATUS_OK;
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        char *dir = path_join(root, names.items[i]);
        if (names.items[i][0] != '.' && is_model(dir)) {
            strlist_add(out, dir);
        }
        free(dir);
    }
    strlist_free(&names);
    free(root);
    return status;
}

/* ---- reading ---- */

static char *dup_or_null(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

static Status load_meta(const char *dir, RegisteredModel *out)
{
    char *path = path_join(dir, FILE_META);
    YamlEntries meta = {0};
    Status status = meta_load(path, &meta);
    if (status == STATUS_OK) {
        const char *name = meta_text(&meta, "name");
        out->name = mem_strdup(name ? name : path_base(dir));
        out->description = dup_or_null(meta_text(&meta, "description"));
        out->creation_time = meta_int(&meta, "creation_timestamp", 0);
        out->last_updated_time = meta_int(&meta, "last_updated_timestamp", 0);
    }
    yaml_entries_free(&meta);
    free(path);
    return status;
}

static Status save_meta(const char *dir, const RegisteredModel *model)
{
    StrBuf text = {0};
    meta_add_int(&text, "creation_timestamp", model->creation_time);
    meta_add_text(&text, "description", model->description);
    meta_add_int(&text, "last_updated_timestamp", model->last_updated_time);
    meta_add_text(&text, "name", model->name);
    char *path = path_join(dir, FILE_META);
    Status status = dir_make(dir);
    if (status == STATUS_OK) {
        status = file_write(path, text.p, text.n);
    }
    free(path);
    strbuf_free(&text);
    return status;
}

Status file_read_aliases(const char *model_dir, ModelAliases *out)
{
    char *dir = part_of(model_dir, "aliases");
    KeyValues found = {0};
    Status status = key_files_read(dir, &found);
    for (size_t i = 0; i < found.n; i++) {
        model_aliases_add(out, found.items[i].key,
                          strtoll(found.items[i].value, NULL, 10));
    }
    key_values_free(&found);
    free(dir);
    return status;
}

static Status read_latest(const char *dir, RegisteredModel *out)
{
    Steps numbers = {0};
    Status status = file_version_numbers(dir, &numbers);
    for (size_t i = 0; i < numbers.n && status == STATUS_OK; i++) {
        ModelVersion version;
        status = file_read_version(dir, out->name, numbers.items[i], &version);
        if (status == STATUS_OK) {
            latest_versions_take(&out->latest_versions, &version);
        } else if (status == STATUS_NOT_FOUND) {
            status = STATUS_OK; /* deleted */
        }
    }
    free(numbers.items);
    return status;
}

static Status read_parts(const char *dir, RegisteredModel *out)
{
    char *tags = part_of(dir, "tags");
    Status status = load_meta(dir, out);
    if (status == STATUS_OK) {
        status = key_files_read(tags, &out->tags);
    }
    if (status == STATUS_OK) {
        status = file_read_aliases(dir, &out->aliases);
    }
    if (status == STATUS_OK) {
        status = read_latest(dir, out);
    }
    free(tags);
    return status;
}

static Status read_model(const char *dir, RegisteredModel *out)
{
    RegisteredModel model = {0};
    Status status = read_parts(dir, &model);
    if (status != STATUS_OK) {
        registered_model_free(&model);
        return status;
    }
    *out = model;
    return STATUS_OK;
}

static Status get_model(void *self, const char *name, RegisteredModel *out)
{
    char *dir;
    TRY(file_model_dir(self, name, &dir));
    Status status = read_model(dir, out);
    free(dir);
    return status;
}

static Status read_all(const FileStore *store, RegisteredModels *out)
{
    StrList dirs = {0};
    Status status = file_model_dirs(store, &dirs);
    for (size_t i = 0; i < dirs.n && status == STATUS_OK; i++) {
        RegisteredModel model;
        status = read_model(dirs.items[i], &model);
        if (status == STATUS_OK) {
            out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
            out->items[out->n++] = model;
        }
    }
    strlist_free(&dirs);
    return status;
}

static Status search_models(void *self, const RegistryQuery *query, RegisteredModels *out)
{
    RegisteredModels found = {0};
    TRY(search_among_models(query, &found)); /* mistakes in it, before reading */
    Status status = read_all(self, &found);
    if (status == STATUS_OK) {
        status = search_among_models(query, &found);
    }
    if (status != STATUS_OK) {
        registered_models_free(&found);
        return status;
    }
    *out = found;
    return STATUS_OK;
}

/* ---- writing ---- */

static Status write_tag(const char *dir, const KeyValue *tag)
{
    char *tags = part_of(dir, "tags");
    Status status = key_file_check(tags, tag->key);
    if (status == STATUS_OK) {
        status = key_file_write(tags, tag->key, tag->value ? tag->value : "");
    }
    free(tags);
    return status;
}

static Status create_in_lock(FileStore *store, const RegisteredModelCreate *create)
{
    TRY(check_name(create->name));
    char *dir = dir_of(store, create->name);
    int64_t now = clock_wall_ms();
    RegisteredModel model = {.name = create->name,
                             .description = create->description,
                             .creation_time = now,
                             .last_updated_time = now};
    Status status = is_model(dir) ? registered_model_exists(create->name) : dir_make(dir);
    for (size_t i = 0; i < create->n_tags && status == STATUS_OK; i++) {
        status = write_tag(dir, &create->tags[i]);
    }
    if (status == STATUS_OK) {
        status = save_meta(dir, &model); /* makes it a model */
    }
    free(dir);
    return status;
}

static Status create_model(void *self, const RegisteredModelCreate *create)
{
    TRY(file_begin(self));
    return file_end(self, create_in_lock(self, create));
}

/* What a model's file says anew: NULL and 0 leave it as it was. */
typedef struct Change {
    const char *name;
    const char *description;
    bool describe; /* set the description, to nothing if it is NULL */
    int64_t now;
} Change;

static Status change_meta(const char *dir, const Change *change)
{
    RegisteredModel model = {0};
    Status status = load_meta(dir, &model);
    if (status == STATUS_OK) {
        RegisteredModel changed = model;
        changed.name = change->name ? change->name : model.name;
        changed.description = change->describe ? change->description : model.description;
        changed.last_updated_time = change->now;
        status = save_meta(dir, &changed);
    }
    registered_model_free(&model);
    return status;
}

Status file_touch_model(const char *model_dir, int64_t now)
{
    Change change = {.now = now};
    return change_meta(model_dir, &change);
}

static Status rename_versions(const char *dir, const char *name, int64_t now)
{
    Steps numbers = {0};
    Status status = file_version_numbers(dir, &numbers);
    for (size_t i = 0; i < numbers.n && status == STATUS_OK; i++) {
        ModelVersion version = {0};
        status = file_load_version(dir, numbers.items[i], &version);
        if (status == STATUS_OK) {
            ModelVersion changed = version;
            changed.name = name;
            changed.last_updated_time = now;
            status = file_save_version(dir, &changed);
        }
        model_version_free(&version);
    }
    free(numbers.items);
    return status;
}

static Status rename_in_lock(FileStore *store, const char *name, const char *new_name)
{
    char *dir;
    TRY(file_model_dir(store, name, &dir));
    char *to = dir_of(store, new_name);
    Change change = {.name = new_name, .now = clock_wall_ms()};
    Status status = check_name(new_name);
    if (status == STATUS_OK && is_model(to)) {
        status = registered_model_exists(new_name);
    }
    if (status == STATUS_OK && rename(dir, to) != 0) {
        status = status_set(STATUS_FAILED, "%s: %s", to, strerror(errno));
    }
    if (status == STATUS_OK) {
        status = change_meta(to, &change);
    }
    if (status == STATUS_OK) {
        status = rename_versions(to, new_name, change.now);
    }
    free(dir);
    free(to);
    return status;
}

static Status rename_model(void *self, const char *name, const char *new_name)
{
    TRY(file_begin(self));
    return file_end(self, rename_in_lock(self, name, new_name));
}

static Status update_in_lock(FileStore *store, const char *name, const char *description)
{
    char *dir;
    TRY(file_model_dir(store, name, &dir));
    Change change = {
        .description = description, .describe = true, .now = clock_wall_ms()};
    Status status = change_meta(dir, &change);
    free(dir);
    return status;
}

static Status update_model(void *self, const char *name, const char *description)
{
    TRY(file_begin(self));
    return file_end(self, update_in_lock(self, name, description));
}

static Status delete_in_lock(FileStore *store, const char *name)
{
    char *dir;
    TRY(file_model_dir(store, name, &dir));
    Status status = tree_remove(dir);
    free(dir);
    return status;
}

static Status delete_model(void *self, const char *name)
{
    TRY(file_begin(self));
    return file_end(self, delete_in_lock(self, name));
}

static Status set_tag_in_lock(FileStore *store, const char *name, const KeyValue *tag)
{
    char *dir;
    TRY(file_model_dir(store, name, &dir));
    Status status = write_tag(dir, tag);
    free(dir);
    return status;
}

static Status set_tag(void *self, const char *name, const KeyValue *tag)
{
    TRY(file_begin(self));
    return file_end(self, set_tag_in_lock(self, name, tag));
}

static Status remove_key_in_lock(FileStore *store, const char *name, const char *part,
                                 const char *key)
{
    char *dir;
    bool there;
    TRY(file_model_dir(store, name, &dir));
    char *keys = part_of(dir, part);
    Status status = key_file_remove(keys, key, &there);
    free(keys);
    free(dir);
    return status;
}

static Status delete_tag(void *self, const char *name, const char *key)
{
    TRY(file_begin(self));
    return file_end(self, remove_key_in_lock(self, name, "tags", key));
}

static Status set_alias_in_lock(FileStore *store, const char *name,
                                const ModelAlias *alias)
{
    char *dir, number[24];
    ModelVersion version = {0};
    TRY(file_model_dir(store, name, &dir));
    snprintf(number, sizeof number, "%lld", (long long)alias->version);
    char *aliases = part_of(dir, "aliases");
    Status status = file_read_version(dir, name, alias->version, &version);
    if (status == STATUS_OK) {
        status = key_file_write(aliases, alias->alias, number);
    }
    model_version_free(&version);
    free(aliases);
    free(dir);
    return status;
}

static Status set_alias(void *self, const char *name, const ModelAlias *alias)
{
    TRY(file_begin(self));
    return file_end(self, set_alias_in_lock(self, name, alias));
}

static Status delete_alias(void *self, const char *name, const char *alias)
{
    TRY(file_begin(self));
    return file_end(self, remove_key_in_lock(self, name, "aliases", alias));
}

const RegistryCalls file_registry_calls = {
    .create_model = create_model,
    .get_model = get_model,
    .rename_model = rename_model,
    .update_model = update_model,
    .delete_model = delete_model,
    .search_models = search_models,
    .set_model_tag = set_tag,
    .delete_model_tag = delete_tag,
    .set_alias = set_alias,
    .delete_alias = delete_alias,
    .create_version = file_create_version,
    .import_version = file_import_version,
    .get_version = file_get_version,
    .update_version = file_update_version,
    .transition = file_transition,
    .delete_version = file_delete_version,
    .search_versions = file_search_versions,
    .set_version_tag = file_set_version_tag,
    .delete_version_tag = file_delete_version_tag,
};
