/* Walking down a local artifact folder. */
#include "cli/artifact_tree.h"

#include "base/mem.h"

enum { DEEPEST = 64 };

static void add(Artifacts *out, const Artifact *entry)
{
    out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
    out->items[out->n++] =
        (Artifact){mem_strdup(entry->path), entry->is_dir, entry->size};
}

static Status walk(const char *artifact_uri, const char *name, int depth, Artifacts *out,
                   int64_t *size)
{
    Artifacts here = {0};
    TRY(artifacts_list(artifact_uri, name, &here));
    Status status = STATUS_OK;
    for (size_t i = 0; i < here.n && status == STATUS_OK; i++) {
        size_t at = out->n;
        int64_t below = here.items[i].size;
        add(out, &here.items[i]);
        if (here.items[i].is_dir && depth < DEEPEST) {
            status = walk(artifact_uri, here.items[i].path, depth + 1, out, &below);
        }
        out->items[at].size = below;
        *size += below;
    }
    artifacts_free(&here);
    return status;
}

Status artifact_tree_read(const char *artifact_uri, const char *name, Artifacts *out)
{
    int64_t size = 0;
    return walk(artifact_uri, name, 0, out, &size);
}

size_t artifact_depth(const char *path)
{
    size_t depth = 0;
    for (const char *p = path; *p; p++) {
        depth += *p == '/';
    }
    return depth;
}
