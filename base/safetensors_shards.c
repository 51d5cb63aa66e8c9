/* A model in several safetensors files: model.safetensors.index.json and what it lists.
 */
#include "base/files.h"
#include "base/mem.h"
#include "base/safetensors_view.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define INDEX_NAME  "model.safetensors.index.json"
#define SINGLE_NAME "model.safetensors"

enum { INDEX_LIMIT = 100 * 1000 * 1000, MAX_SHARDS = 512 }; /* each keeps a file open */

/* An index as far as it has been read. */
typedef struct Index {
    const char *dir;
    char *path;
    Json *json;
    const Json *map; /* {tensor: file} */
    char **names;    /* [n] the distinct files, sorted; borrowed from json */
    size_t n;
} Index;

/* A name that cannot lead out of the folder. */
static bool is_plain_name(Text name)
{
    return name.n > 0 && !memchr(name.p, '/', name.n) && !memchr(name.p, '\\', name.n) &&
           !memchr(name.p, '\0', name.n) && name.p[0] != '.';
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static Status check_shard_name(const Index *index, const char *tensor, const Json *file)
{
    if (json_type(file) == JSON_STRING && is_plain_name(json_text(file))) {
        return STATUS_OK;
    }
    status_set(STATUS_DAMAGED, "%s: tensor \"%s\": \"%s\" is no name of a file beside it",
               index->path, tensor, json_string(file) ? json_string(file) : "");
    status_hint("shards lie in the index's own folder: no slashes, no leading dot");
    return STATUS_DAMAGED;
}

static Status read_map(Index *index)
{
    TRY(json_load(index->path, INDEX_LIMIT, STATUS_DAMAGED, &index->json));
    index->map = json_get(index->json, "weight_map");
    size_t n = json_size(index->map);
    if (json_type(index->map) != JSON_OBJECT || n == 0) {
        return status_set(STATUS_DAMAGED, "%s: holds no weight_map {tensor: file}",
                          index->path);
    }
    index->names = mem_alloc(n, sizeof *index->names);
    for (size_t i = 0; i < n; i++) {
        const Json *file;
        const char *tensor = json_key(index->map, i, &file);
        TRY(check_shard_name(index, tensor, file));
        index->names[i] = (char *)(uintptr_t)json_string(file);
    }
    qsort(index->names, n, sizeof *index->names, compare_texts);
    for (size_t i = 0; i < n; i++) {
        if (index->n == 0 || strcmp(index->names[index->n - 1], index->names[i]) != 0) {
            index->names[index->n++] = index->names[i];
        }
    }
    return index->n <= MAX_SHARDS ? STATUS_OK
                                  : status_set(STATUS_DAMAGED, "%s: more than %d shards",
                                               index->path, MAX_SHARDS);
}

/* A shard that is not there is the index's damage. */
static Status open_files(const Index *index, Safetensors *view)
{
    for (size_t i = 0; i < index->n; i++) {
        char *path = path_join(index->dir, index->names[i]);
        Status status = safetensors_file_open(&view->files[i], path);
        free(path);
        if (status == STATUS_NOT_FOUND) {
            status_set(STATUS_DAMAGED, "%s: shard %s is missing", index->path,
                       index->names[i]);
            status_hint("copy all files of the model into %s", index->dir);
            return STATUS_DAMAGED;
        }
        TRY(status);
    }
    return safetensors_view_index(view);
}

static Status check_map(const Index *index, const Safetensors *view)
{
    for (size_t i = 0; i < json_size(index->map); i++) {
        const Json *file;
        const char *tensor = json_key(index->map, i, &file);
        const SafetensorsEntry *entry = safetensors_view_find(view, tensor);
        if (!entry || strcmp(path_base(entry->file->path), json_string(file)) != 0) {
            return status_set(STATUS_DAMAGED, "%s: tensor \"%s\" is not in %s",
                              index->path, tensor, json_string(file));
        }
    }
    return STATUS_OK;
}

Status safetensors_open_shards(const char *dir, Safetensors **out)
{
    Index index = {.dir = dir, .path = path_join(dir, INDEX_NAME)};
    Safetensors *view = NULL;
    Status status = file_exists(index.path)
                        ? read_map(&index)
                        : status_set(STATUS_NOT_FOUND, "%s: no such file", index.path);
    if (status == STATUS_OK) {
        view = safetensors_view_open(index.n);
        status = open_files(&index, view);
    }
    if (status == STATUS_OK) {
        status = check_map(&index, view);
    }
    if (status == STATUS_OK) {
        *out = view;
    } else {
        safetensors_close(view);
    }
    json_free(index.json);
    free(index.names);
    free(index.path);
    return status;
}

Status safetensors_open_model(const char *dir, Safetensors **out)
{
    char *single = path_join(dir, SINGLE_NAME), *shards = path_join(dir, INDEX_NAME);
    Status status;
    if (file_exists(single)) {
        status = safetensors_open(single, out);
    } else if (file_exists(shards)) {
        status = safetensors_open_shards(dir, out);
    } else {
        status = status_set(STATUS_NOT_FOUND,
                            "%s: neither " SINGLE_NAME " nor " INDEX_NAME, dir);
    }
    free(single);
    free(shards);
    return status;
}
