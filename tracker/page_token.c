/* Base64 (RFC 4648, section 4) around a line of JSON. */
#include "tracker/page_token.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const char DIGITS[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { TOKEN_MAX = 256 }; /* no offset needs more */

static char *encode(const char *text)
{
    size_t n = strlen(text);
    StrBuf out = {0};
    for (size_t i = 0; i < n; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++) {
            bits = bits << 8 | (i + k < n ? (unsigned char)text[i + k] : 0);
        }
        for (size_t k = 0; k < 4; k++) {
            bool padding = k > 1 && i + k - 1 >= n;
            strbuf_add_char(&out, padding ? '=' : DIGITS[bits >> (18 - 6 * k) & 63]);
        }
    }
    return strbuf_take(&out);
}

/* False for other characters, lengths and padding. */
static bool decode(const char *token, StrBuf *out)
{
    size_t n = strlen(token), padding = 0;
    if (n % 4 != 0 || n > TOKEN_MAX) {
        return false;
    }
    while (padding < 2 && padding < n && token[n - 1 - padding] == '=') {
        padding++;
    }
    for (size_t i = 0; i < n; i += 4) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            bool pad = i + k >= n - padding;
            const char *digit = pad ? DIGITS : strchr(DIGITS, token[i + k]);
            if (!digit) {
                return false;
            }
            bits = bits << 6 | (uint32_t)(digit - DIGITS);
        }
        size_t n_bytes = i + 4 == n ? 3 - padding : 3;
        for (size_t k = 0; k < n_bytes; k++) {
            strbuf_add_char(out, (char)(bits >> (16 - 8 * k)));
        }
    }
    return true;
}

char *page_token_make(int64_t offset)
{
    char *text = mem_printf("{\"offset\": %lld}", (long long)offset);
    char *token = encode(text);
    free(text);
    return token;
}

Status page_token_read(const char *token, int64_t *offset)
{
    if (!token || !*token) {
        *offset = 0;
        return STATUS_OK;
    }
    StrBuf text = {0};
    Json *json = NULL;
    int64_t found = -1;
    if (decode(token, &text) && json_parse((Text){text.p, text.n}, "page token",
                                           STATUS_USAGE, &json) == STATUS_OK) {
        found = json_int(json_get(json, "offset"), -1);
    }
    json_free(json);
    strbuf_free(&text);
    if (found < 0) {
        status_set(STATUS_USAGE, "Invalid page token '%.60s'", token);
        status_hint("give the next_page_token of the page before, as it is");
        return STATUS_USAGE;
    }
    *offset = found;
    return STATUS_OK;
}
