/* Small rules that are the same for many endpoints. */
#include "tracker/api_shared.h"

#include "tracker/validate.h"

const char *const API_VIEW_TYPES[] = {"", "ACTIVE_ONLY", "DELETED_ONLY", "ALL", NULL};

const ApiFields API_TAG =
    API_FIELDS({.name = "key", .required = true}, {.name = "value"});

Status api_max_results(ApiCall *call, int64_t otherwise, int64_t cap, int64_t *out)
{
    int64_t n = api_int(call->in, "max_results", otherwise);
    if (n < 1 || n > cap) {
        return api_fail(
            call, "INVALID_PARAMETER_VALUE",
            "Invalid value %lld for parameter 'max_results' supplied. It must "
            "be at least 1 and at most %lld",
            (long long)n, (long long)cap);
    }
    *out = n;
    return STATUS_OK;
}

Status api_check_name(ApiCall *call, const char *what, const char *name, const char *path)
{
    if (validate_key(what, name) == STATUS_OK) {
        return STATUS_OK;
    }
    if (!*status_hint_text()) {
        return api_fail(call, "INVALID_PARAMETER_VALUE", "%s", status_message());
    }
    StrBuf quoted = {0};
    JsonWriter w = json_writer(&quoted, 0);
    json_write_string(&w, name);
    Status status = api_fail(call, "INVALID_PARAMETER_VALUE",
                             "Invalid value %s for parameter '%s' supplied: %s", quoted.p,
                             path, status_hint_text());
    strbuf_free(&quoted);
    return status;
}
