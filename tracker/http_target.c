/* The one place that decodes what stands in a request line. */
#include "tracker/http_target.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *http_decode(Text text, bool plus, bool *wrong)
{
    StrBuf out = {0};
    strbuf_add(&out, "", 0);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        int high = c == '%' && i + 2 < text.n ? hex_digit(text.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.p[i + 2]) : -1;
        if (low >= 0) {
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        strbuf_add_char(&out, c);
    }
    Text whole = {out.p, out.n};
    if (memchr(out.p, 0, out.n) || utf8_valid_prefix(whole) != out.n) {
        *wrong = true;
    }
    return strbuf_take(&out);
}

static void add_param(HttpTarget *target, Text pair)
{
    if (pair.n == 0) {
        return;
    }
    const char *equals = memchr(pair.p, '=', pair.n);
    size_t n = equals ? (size_t)(equals - pair.p) : pair.n;
    Text value = {equals ? equals + 1 : "", equals ? pair.n - n - 1 : 0};
    target->params = mem_grow(target->params, &target->cap, target->n_params + 1,
                              sizeof *target->params);
    target->params[target->n_params++] =
        (HttpParam){http_decode((Text){pair.p, n}, true, &target->is_wrong),
                    http_decode(value, true, &target->is_wrong)};
}

void http_target_read(const char *text, HttpTarget *out)
{
    HttpTarget target = {0};
    size_t n = strcspn(text, "?");
    target.path = mem_strndup(text, n);
    target.query = mem_strdup(text[n] ? text + n + 1 : "");
    for (const char *p = target.query; *p;) {
        size_t length = strcspn(p, "&");
        add_param(&target, (Text){p, length});
        p += length + (p[length] == '&');
    }
    *out = target;
}

void http_target_free(HttpTarget *target)
{
    for (size_t i = 0; i < target->n_params; i++) {
        free(target->params[i].name);
        free(target->params[i].value);
    }
    free(target->params);
    free(target->path);
    free(target->query);
    *target = (HttpTarget){0};
}

const char *http_target_param(const HttpTarget *target, const char *name)
{
    for (size_t i = 0; i < target->n_params; i++) {
        if (strcmp(target->params[i].name, name) == 0) {
            return target->params[i].value;
        }
    }
    return NULL;
}
