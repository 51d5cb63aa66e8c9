/* Errors as MLflow's clients know them. */
#include "tracker/api.h"

#include "base/log.h"
#include "base/mem.h"
#include "tracker/names.h"
#include "tracker/store_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_VALUE = 500 }; /* bytes of a value in a message */

/* Clients repeat what was answered with 429 and 5xx, for minutes: a mistake of theirs is
 * never among those, INVALID_STATE neither. */
static const struct {
    const char *name;
    int http;
} CODES[] = {
    {"INVALID_PARAMETER_VALUE", 400},
    {"BAD_REQUEST", 400},
    {"RESOURCE_ALREADY_EXISTS", 400},
    {"INVALID_STATE", 400},
    {"PERMISSION_DENIED", 403},
    {"RESOURCE_DOES_NOT_EXIST", 404},
    {"NOT_FOUND", 404},
    {"ENDPOINT_NOT_FOUND", 404},
    {"REQUEST_TOO_LARGE", 413},
    {"INTERNAL_ERROR", 500},
    {"NOT_IMPLEMENTED", 501},
    {"TEMPORARILY_UNAVAILABLE", 503},
};

int api_http_status(const char *code)
{
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++) {
        if (strcmp(CODES[i].name, code) == 0) {
            return CODES[i].http;
        }
    }
    CHECK(!"an error code without a status");
    return 500;
}

static void set_error(ApiCall *call, const char *code, const char *message)
{
    HttpReply *reply = &call->x->reply;
    strbuf_clear(&reply->body);
    reply->status = api_http_status(code);
    reply->content_type = "application/json";
    JsonWriter w = json_writer(&reply->body, 0);
    json_begin_object(&w);
    json_write_key(&w, "error_code");
    json_write_string(&w, code);
    json_write_key(&w, "message");
    json_write_string(&w, message);
    json_end_object(&w);
    if (reply->status == 503) {
        http_reply_header(reply, "Retry-After", "1");
    }
    call->failed = true;
}

Status api_fail(ApiCall *call, const char *code, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = mem_alloc((size_t)n + 1, 1);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    set_error(call, code, text);
    free(text);
    return STATUS_FAILED;
}

#define SEE_THE_DOCS "See the API docs for more information about request parameters."

Status api_missing(ApiCall *call, const char *parameter)
{
    return api_fail(call, "INVALID_PARAMETER_VALUE",
                    "Missing value for required parameter '%s'. " SEE_THE_DOCS,
                    parameter);
}

/* As Python's json.dumps(separators=(",", ":")) has it. */
static void write_compact(StrBuf *out, const Json *value)
{
    JsonWriter w = json_writer(out, 0);
    const Json *member;
    const char *key;
    switch (json_type(value)) {
    case JSON_NULL:
        json_write_null(&w);
        break;
    case JSON_BOOL:
        json_write_bool(&w, json_bool(value, false));
        break;
    case JSON_INT:
        json_write_int(&w, json_int(value, 0));
        break;
    case JSON_DOUBLE:
        json_write_double(&w, json_double(value, 0));
        break;
    case JSON_STRING:
        json_write_text(&w, json_text(value));
        break;
    case JSON_ARRAY:
        strbuf_add_char(out, '[');
        for (size_t i = 0; i < json_size(value) && out->n < SHOWN_VALUE; i++) {
            strbuf_add_text(out, i ? "," : "");
            write_compact(out, json_at(value, i));
        }
        strbuf_add_char(out, ']');
        break;
    case JSON_OBJECT:
        strbuf_add_char(out, '{');
        for (size_t i = 0; (key = json_key(value, i, &member)) && out->n < SHOWN_VALUE;
             i++) {
            strbuf_add_text(out, i ? "," : "");
            w = json_writer(out, 0);
            json_write_text(&w, text_of(key));
            strbuf_add_char(out, ':');
            write_compact(out, member);
        }
        strbuf_add_char(out, '}');
        break;
    }
}

static const char *python_type(const Json *value)
{
    static const char *const NAMES[] = {
        [JSON_NULL] = "NoneType", [JSON_BOOL] = "bool",  [JSON_INT] = "int",
        [JSON_DOUBLE] = "float",  [JSON_STRING] = "str", [JSON_ARRAY] = "list",
        [JSON_OBJECT] = "dict"};
    return NAMES[json_type(value)];
}

Status api_invalid(ApiCall *call, const char *parameter, const Json *value)
{
    StrBuf shown = {0};
    write_compact(&shown, value);
    Status status =
        api_fail(call, "INVALID_PARAMETER_VALUE",
                 "Invalid value %.*s for parameter '%s' supplied. Hint: Value was of "
                 "type '%s'. " SEE_THE_DOCS,
                 SHOWN_VALUE, shown.p, parameter, python_type(value));
    strbuf_free(&shown);
    return status;
}

/* The client gets a number that the log explains: what went wrong here is not for it to
 * know, paths above all. */
static void fail_internally(ApiCall *call)
{
    char id[RUN_ID_CAP];
    run_id_make(id);
    log_warning("internal error %.8s: %s %s: %s", id, call->x->method, call->target.path,
                status_message());
    api_fail(call, "INTERNAL_ERROR", "internal error %.8s: the server's log has more",
             id);
}

void api_fail_with_status(ApiCall *call, Status status)
{
    StoreError error = store_error(status);
    switch (error) {
    case STORE_NO_ERROR:
    case STORE_INTERNAL_ERROR:
        fail_internally(call);
        break;
    case STORE_TEMPORARILY_UNAVAILABLE:
        log_warning("%s %s: %s", call->x->method, call->target.path, status_message());
        api_fail(call, "TEMPORARILY_UNAVAILABLE", "the run store is locked, try again");
        break;
    default:
        if (*status_hint_text()) {
            api_fail(call, store_error_name(error), "%s. %s", status_message(),
                     status_hint_text());
        } else {
            api_fail(call, store_error_name(error), "%s", status_message());
        }
    }
}
