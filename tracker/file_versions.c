/* Versions of registered models in folders. */
#include "tracker/file_registry.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/mem.h"
#include "tracker/key_files.h"
#include "tracker/meta_yaml.h"
#include "tracker/search_registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char PREFIX[] = "version-";

static char *version_dir(const char *model_dir, int64_t number)
{
    return mem_printf("%s/%s%lld", model_dir, PREFIX, (long long)number);
}

/* ---- reading ---- */

Status file_version_numbers(const char *model_dir, Steps *out)
{
    StrList names = {0};
    TRY(dir_list(model_dir, &names));
    for (size_t i = 0; i < names.n; i++) {
        int64_t number;
        if (strncmp(names.items[i], PREFIX, strlen(PREFIX)) == 0 &&
            model_version_parse(names.items[i] + strlen(PREFIX), &number) == STATUS_OK) {
            steps_add(out, number);
        }
    }
    strlist_free(&names);
    steps_sort(out);
    return STATUS_OK;
}

static char *text_or(const YamlEntries *meta, const char *key, const char *otherwise)
{
    const char *text = meta_text(meta, key);
    text = text ? text : otherwise;
    return text ? mem_strdup(text) : NULL;
}

static void take_meta(const YamlEntries *meta, ModelVersion *out)
{
    out->name = text_or(meta, "name", "");
    out->creation_time = meta_int(meta, "creation_timestamp", 0);
    out->last_updated_time = meta_int(meta, "last_updated_timestamp", 0);
    out->description = text_or(meta, "description", NULL);
    out->user_id = text_or(meta, "user_id", NULL);
    out->stage = text_or(meta, "current_stage", "None");
    out->source = text_or(meta, "source", "");
    out->run_id = text_or(meta, "run_id", "");
    out->run_link = text_or(meta, "run_link", "");
    out->status = text_or(meta, "status", "READY");
    out->status_message = text_or(meta, "status_message", NULL);
    out->storage_location = text_or(meta, "storage_location", out->source);
}

Status file_load_version(const char *model_dir, int64_t number, ModelVersion *out)
{
    char *dir = version_dir(model_dir, number), *path = path_join(dir, FILE_META);
    char *tags = path_join(dir, "tags");
    YamlEntries meta = {0};
    Status status = meta_load(path, &meta);
    if (status == STATUS_OK) {
        out->version = number;
        take_meta(&meta, out);
        status = key_files_read(tags, &out->tags);
    }
    yaml_entries_free(&meta);
    free(tags);
    free(path);
    free(dir);
    return status;
}

static void add_or_null(StrBuf *text, const char *key, const char *value)
{
    meta_add_text(text, key, value && *value ? value : NULL);
}

Status file_save_version(const char *model_dir, const ModelVersion *version)
{
    StrBuf text = {0};
    meta_add_int(&text, "creation_timestamp", version->creation_time);
    meta_add_text(&text, "current_stage", version->stage);
    meta_add_text(&text, "description", version->description);
    meta_add_int(&text, "last_updated_timestamp", version->last_updated_time);
    meta_add_text(&text, "name", version->name);
    add_or_null(&text, "run_id", version->run_id);
    add_or_null(&text, "run_link", version->run_link);
    meta_add_text(&text, "source", version->source);
    meta_add_text(&text, "status", version->status);
    meta_add_text(&text, "status_message", version->status_message);
    meta_add_text(&text, "storage_location", version->storage_location);
    meta_add_text(&text, "user_id", version->user_id);
    meta_add_int(&text, "version", version->version);
    char *dir = version_dir(model_dir, version->version);
    char *path = path_join(dir, FILE_META);
    Status status = dir_make(dir);
    if (status == STATUS_OK) {
        status = file_write(path, text.p, text.n);
    }
    free(path);
    free(dir);
    strbuf_free(&text);
    return status;
}

static Status add_aliases(const char *model_dir, ModelVersion *version)
{
    RegisteredModel holder = {0};
    Status status = file_read_aliases(model_dir, &holder.aliases);
    for (size_t i = 0; i < holder.aliases.n; i++) {
        if (holder.aliases.items[i].version == version->version) {
            strlist_add(&version->aliases, holder.aliases.items[i].alias);
        }
    }
    registered_model_free(&holder);
    return status;
}

Status file_read_version(const char *model_dir, const char *name, int64_t number,
                         ModelVersion *out)
{
    ModelVersion version = {0};
    Status status = file_load_version(model_dir, number, &version);
    if (status == STATUS_NOT_FOUND ||
        (status == STATUS_OK && strcmp(version.stage, STAGE_DELETED) == 0)) {
        status = no_model_version(name, number);
    }
    if (status == STATUS_OK) {
        status = add_aliases(model_dir, &version);
    }
    if (status != STATUS_OK) {
        model_version_free(&version);
        return status;
    }
    *out = version;
    return STATUS_OK;
}

Status file_get_version(void *self, const char *name, int64_t version, ModelVersion *out)
{
    char *dir;
    Status status = file_model_dir(self, name, &dir);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? no_model_version(name, version) : status;
    }
    status = file_read_version(dir, name, version, out);
    free(dir);
    return status;
}

static Status read_versions_of(const char *model_dir, ModelVersions *out)
{
    Steps numbers = {0};
    Status status = file_version_numbers(model_dir, &numbers);
    for (size_t i = 0; i < numbers.n && status == STATUS_OK; i++) {
        ModelVersion version;
        status = file_read_version(model_dir, path_base(model_dir), numbers.items[i],
                                   &version);
        if (status == STATUS_OK) {
            out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
            out->items[out->n++] = version;
        } else if (status == STATUS_NOT_FOUND) {
            status = STATUS_OK; /* deleted */
        }
    }
    free(numbers.items);
    return status;
}

Status file_search_versions(void *self, const RegistryQuery *query, ModelVersions *out)
{
    ModelVersions found = {0};
    StrList dirs = {0};
    TRY(search_among_versions(query, &found)); /* mistakes in it, before reading */
    Status status = file_model_dirs(self, &dirs);
    for (size_t i = 0; i < dirs.n && status == STATUS_OK; i++) {
        status = read_versions_of(dirs.items[i], &found);
    }
    strlist_free(&dirs);
    if (status == STATUS_OK) {
        status = search_among_versions(query, &found);
    }
    if (status != STATUS_OK) {
        model_versions_free(&found);
        return status;
    }
    *out = found;
    return STATUS_OK;
}

/* ---- making ---- */

static Status write_tags(const char *model_dir, int64_t number, const KeyValue *tags,
                         size_t n)
{
    char *dir = version_dir(model_dir, number), *keys = path_join(dir, "tags");
    Status status = STATUS_OK;
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        status = key_file_check(keys, tags[i].key);
        if (status == STATUS_OK) {
            status =
                key_file_write(keys, tags[i].key, tags[i].value ? tags[i].value : "");
        }
    }
    free(keys);
    free(dir);
    return status;
}

static Status next_number(const char *model_dir, int64_t *out)
{
    Steps numbers = {0};
    TRY(file_version_numbers(model_dir, &numbers));
    *out = numbers.n ? numbers.items[numbers.n - 1] + 1 : 1;
    free(numbers.items);
    return STATUS_OK;
}

static Status create_in_lock(FileStore *store, const ModelVersionCreate *create,
                             int64_t *number)
{
    char *dir;
    TRY(file_model_dir(store, create->name, &dir));
    int64_t now = clock_wall_ms();
    Status status = next_number(dir, number);
    ModelVersion version = {.name = create->name,
                            .version = *number,
                            .creation_time = now,
                            .last_updated_time = now,
                            .description = create->description,
                            .user_id = create->user_id,
                            .stage = "None",
                            .source = create->source,
                            .run_id = create->run_id,
                            .run_link = create->run_link,
                            .status = "READY",
                            .storage_location = create->storage_location};
    if (status == STATUS_OK) {
        status = write_tags(dir, *number, create->tags, create->n_tags);
    }
    if (status == STATUS_OK) {
        status = file_save_version(dir, &version);
    }
    if (status == STATUS_OK) {
        status = file_touch_model(dir, now);
    }
    free(dir);
    return status;
}

Status file_create_version(void *self, const ModelVersionCreate *create, int64_t *version)
{
    TRY(file_begin(self));
    return file_end(self, create_in_lock(self, create, version));
}

static Status import_in_lock(FileStore *store, const ModelVersion *version, bool *made)
{
    char *dir;
    Steps numbers = {0};
    TRY(file_model_dir(store, version->name, &dir));
    Status status = file_version_numbers(dir, &numbers);
    *made = status == STATUS_OK;
    for (size_t i = 0; i < numbers.n; i++) {
        *made = *made && numbers.items[i] != version->version;
    }
    if (*made) {
        status = write_tags(dir, version->version, version->tags.items, version->tags.n);
        if (status == STATUS_OK) {
            status = file_save_version(dir, version);
        }
    }
    free(numbers.items);
    free(dir);
    return status;
}

Status file_import_version(void *self, const ModelVersion *version, bool *made)
{
    TRY(file_begin(self));
    return file_end(self, import_in_lock(self, version, made));
}

/* ---- changing ---- */

/* The folder of the model of a version that is there, to be freed, and the version. */
static Status find(FileStore *store, const char *name, int64_t number, char **dir,
                   ModelVersion *version)
{
    Status status = file_model_dir(store, name, dir);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? no_model_version(name, number) : status;
    }
    status = file_read_version(*dir, name, number, version);
    if (status != STATUS_OK) {
        free(*dir);
    }
    return status;
}

static Status update_in_lock(FileStore *store, const char *name, int64_t number,
                             const char *description)
{
    char *dir;
    ModelVersion version;
    TRY(find(store, name, number, &dir, &version));
    ModelVersion changed = version;
    changed.description = description;
    changed.last_updated_time = clock_wall_ms();
    Status status = file_save_version(dir, &changed);
    model_version_free(&version);
    free(dir);
    return status;
}

Status file_update_version(void *self, const char *name, int64_t version,
                           const char *description)
{
    TRY(file_begin(self));
    return file_end(self, update_in_lock(self, name, version, description));
}

static Status move_to(const char *dir, const ModelVersion *version, const char *stage,
                      int64_t now)
{
    ModelVersion changed = *version;
    changed.stage = stage;
    changed.last_updated_time = now;
    return file_save_version(dir, &changed);
}

static Status archive_others(const char *dir, const ModelVersion *but, const char *stage,
                             int64_t now)
{
    ModelVersions all = {0};
    Status status = read_versions_of(dir, &all);
    for (size_t i = 0; i < all.n && status == STATUS_OK; i++) {
        if (all.items[i].version != but->version &&
            strcmp(all.items[i].stage, stage) == 0) {
            status = move_to(dir, &all.items[i], "Archived", now);
        }
    }
    model_versions_free(&all);
    return status;
}

static Status transition_in_lock(FileStore *store, const char *name, int64_t number,
                                 const char *stage, bool archive)
{
    char *dir;
    ModelVersion version;
    int64_t now = clock_wall_ms();
    TRY(find(store, name, number, &dir, &version));
    Status status = archive ? archive_others(dir, &version, stage, now) : STATUS_OK;
    if (status == STATUS_OK) {
        status = move_to(dir, &version, stage, now);
    }
    if (status == STATUS_OK) {
        status = file_touch_model(dir, now);
    }
    model_version_free(&version);
    free(dir);
    return status;
}

Status file_transition(void *self, const char *name, int64_t version, const char *stage,
                       bool archive)
{
    TRY(file_begin(self));
    return file_end(self, transition_in_lock(self, name, version, stage, archive));
}

static Status remove_aliases(const char *dir, const ModelVersion *version)
{
    char *aliases = path_join(dir, "aliases");
    Status status = STATUS_OK;
    for (size_t i = 0; i < version->aliases.n && status == STATUS_OK; i++) {
        bool there;
        status = key_file_remove(aliases, version->aliases.items[i], &there);
    }
    free(aliases);
    return status;
}

/* The folder stays for its number, and says nothing any more. */
static Status delete_in_lock(FileStore *store, const char *name, int64_t number)
{
    char *dir;
    ModelVersion version;
    int64_t now = clock_wall_ms();
    TRY(find(store, name, number, &dir, &version));
    ModelVersion gone = {.name = version.name,
                         .version = number,
                         .creation_time = version.creation_time,
                         .last_updated_time = now,
                         .stage = STAGE_DELETED,
                         .source = "REDACTED-SOURCE-PATH",
                         .run_id = "REDACTED-RUN-ID",
                         .run_link = "REDACTED-RUN-LINK",
                         .status = version.status,
                         .storage_location = version.storage_location};
    Status status = remove_aliases(dir, &version);
    if (status == STATUS_OK) {
        status = file_save_version(dir, &gone);
    }
    if (status == STATUS_OK) {
        status = file_touch_model(dir, now);
    }
    model_version_free(&version);
    free(dir);
    return status;
}

Status file_delete_version(void *self, const char *name, int64_t version)
{
    TRY(file_begin(self));
    return file_end(self, delete_in_lock(self, name, version));
}

static Status set_tag_in_lock(FileStore *store, const char *name, int64_t number,
                              const KeyValue *tag)
{
    char *dir;
    ModelVersion version;
    TRY(find(store, name, number, &dir, &version));
    Status status = write_tags(dir, number, tag, 1);
    model_version_free(&version);
    free(dir);
    return status;
}

Status file_set_version_tag(void *self, const char *name, int64_t version,
                            const KeyValue *tag)
{
    TRY(file_begin(self));
    return file_end(self, set_tag_in_lock(self, name, version, tag));
}

static Status delete_tag_in_lock(FileStore *store, const char *name, int64_t number,
                                 const char *key)
{
    char *dir;
    bool there;
    ModelVersion version;
    TRY(find(store, name, number, &dir, &version));
    char *inner = version_dir(dir, number), *tags = path_join(inner, "tags");
    Status status = key_file_remove(tags, key, &there);
    free(tags);
    free(inner);
    model_version_free(&version);
    free(dir);
    return status;
}

Status file_delete_version_tag(void *self, const char *name, int64_t version,
                               const char *key)
{
    TRY(file_begin(self));
    return file_end(self, delete_tag_in_lock(self, name, version, key));
}
