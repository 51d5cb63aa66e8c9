/* Page tokens as MLflow makes them: base64 of {"offset": N}. */
#ifndef MUSTER_TRACKER_PAGE_TOKEN_H
#define MUSTER_TRACKER_PAGE_TOKEN_H

#include "base/status.h"

#include <stdint.h>

/* The token of the page that begins at `offset`; free with free(). */
char *page_token_make(int64_t offset);

/* NULL and "" mean the first page. STATUS_USAGE for what is no token. */
Status page_token_read(const char *token, int64_t *offset);

#endif
