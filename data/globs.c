/* Patterns through glob(3). */
#include "data/globs.h"

#include "base/files.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static Status no_match(const char *pattern)
{
    status_set(STATUS_DATA, "%s: no file matches", pattern);
    status_hint("patterns are those of the shell: * ? [a-z]; ** is not known");
    return STATUS_DATA;
}

static Status add(StrList *out, const char *name)
{
    if (strlist_has(out, name)) {
        status_set(STATUS_DATA, "%s: would be read twice", name);
        status_hint("name each file once, or let only one pattern match it");
        return STATUS_DATA;
    }
    strlist_add(out, name);
    return STATUS_OK;
}

static Status add_matches(const char *pattern, StrList *out)
{
    glob_t found;
    int code = glob(pattern, GLOB_NOSORT, NULL, &found);
    if (code == GLOB_NOMATCH) {
        return no_match(pattern);
    }
    if (code != 0) {
        return status_set(STATUS_DATA, "%s: the folders cannot be read", pattern);
    }
    qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, compare_names);
    Status status = STATUS_OK;
    for (size_t i = 0; i < found.gl_pathc && status == STATUS_OK; i++) {
        status = add(out, found.gl_pathv[i]);
    }
    globfree(&found);
    return status;
}

Status globs_expand(const StrList *patterns, StrList *out)
{
    for (size_t i = 0; i < patterns->n; i++) {
        const char *item = patterns->items[i];
        bool literal = !strpbrk(item, "*?[") || file_exists(item);
        TRY(literal ? add(out, item) : add_matches(item, out));
    }
    return STATUS_OK;
}
