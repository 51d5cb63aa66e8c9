/* Names and places of new runs. */
#include "tracker/run_create.h"

#include "base/mem.h"

#include <string.h>

static const char *tag_value(const RunCreate *create, const char *key)
{
    for (size_t i = 0; i < create->n_tags; i++) {
        if (strcmp(create->tags[i].key, key) == 0) {
            return create->tags[i].value;
        }
    }
    return NULL;
}

const char *run_create_name(const RunCreate *create, char made[RUN_NAME_CAP])
{
    const char *tag = tag_value(create, "mlflow.runName");
    if (create->run_name && *create->run_name) {
        return create->run_name;
    }
    if (tag && *tag) {
        return tag;
    }
    run_name_make(made);
    return made;
}

char *run_artifact_uri(const char *location, const char *run_id)
{
    const char *query = strchr(location, '?');
    size_t n = query ? (size_t)(query - location) : strlen(location);
    while (n > 0 && location[n - 1] == '/') {
        n--;
    }
    return mem_printf("%.*s/%s/artifacts%s", (int)n, location, run_id,
                      query ? query : "");
}
