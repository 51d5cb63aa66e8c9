/* The two directions between errors and statuses. */
#include "tracker/store_error.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *name;
    Status status;
} ERRORS[] = {
    [STORE_NO_ERROR] = {"", STATUS_OK},
    [STORE_INVALID_PARAMETER_VALUE] = {"INVALID_PARAMETER_VALUE", STATUS_USAGE},
    [STORE_RESOURCE_ALREADY_EXISTS] = {"RESOURCE_ALREADY_EXISTS", STATUS_USAGE},
    [STORE_RESOURCE_DOES_NOT_EXIST] = {"RESOURCE_DOES_NOT_EXIST", STATUS_NOT_FOUND},
    [STORE_BAD_REQUEST] = {"BAD_REQUEST", STATUS_USAGE},
    [STORE_INVALID_STATE] = {"INVALID_STATE", STATUS_USAGE},
    [STORE_TEMPORARILY_UNAVAILABLE] = {"TEMPORARILY_UNAVAILABLE", STATUS_DENIED},
    [STORE_INTERNAL_ERROR] = {"INTERNAL_ERROR", STATUS_FAILED},
};

Status store_fail(StoreError error, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    status_set(ERRORS[error].status, "%s", text);
    status_set_detail((int)error);
    return ERRORS[error].status;
}

StoreError store_error(Status status)
{
    StoreError finer = (StoreError)status_detail();
    switch (status) {
    case STATUS_OK:
        return STORE_NO_ERROR;
    case STATUS_USAGE:
        return finer && ERRORS[finer].status == status ? finer
                                                       : STORE_INVALID_PARAMETER_VALUE;
    case STATUS_NOT_FOUND:
        return STORE_RESOURCE_DOES_NOT_EXIST;
    case STATUS_DENIED:
        return STORE_TEMPORARILY_UNAVAILABLE;
    default:
        return STORE_INTERNAL_ERROR;
    }
}

const char *store_error_name(StoreError error)
{
    return ERRORS[error].name;
}
