/* What a request asks for: the path of its target, and its query, decoded once. */
#ifndef MUSTER_TRACKER_HTTP_TARGET_H
#define MUSTER_TRACKER_HTTP_TARGET_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct HttpParam {
    char *name, *value;
} HttpParam;

typedef struct HttpTarget {
    char *path;  /* as sent: what it holds is decoded when it is known what it is */
    char *query; /* as sent; "" when there is none */
    HttpParam *params;
    size_t n_params, cap;
    bool is_wrong; /* a parameter holds a NUL, or no valid UTF-8 once it is decoded */
} HttpTarget;

void http_target_read(const char *target, HttpTarget *out);
void http_target_free(HttpTarget *target);

/* The first value of a query parameter; NULL when absent. Borrowed. */
const char *http_target_param(const HttpTarget *target, const char *name);

/* Decodes percent signs, and plus signs when `plus`. Free with free(); *wrong is set when
 * the result holds a NUL (it ends there) or is no valid UTF-8. */
char *http_decode(Text text, bool plus, bool *wrong);

#endif
