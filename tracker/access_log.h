/* One line on stderr for each request that was answered. */
#ifndef MUSTER_TRACKER_ACCESS_LOG_H
#define MUSTER_TRACKER_ACCESS_LOG_H

#include "base/status.h"
#include "tracker/http.h"

#include <stdint.h>

typedef enum AccessLog { ACCESS_LOG_TEXT, ACCESS_LOG_JSON, ACCESS_LOG_OFF } AccessLog;

/* "text", "json", "off". */
Status access_log_parse(const char *text, AccessLog *out);

/* `bytes` of the body of the reply; `status` 0 when the client went away before. */
void access_log_write(AccessLog format, const HttpExchange *x, int status,
                      uint64_t bytes);

#endif
