/* Passwords in URIs are not for showing. In a file of its own, so that who shows URIs and
 * reads no configs needs no YAML. */
#include "base/config.h"

#include <string.h>

static const char MASK[] = "****";

char *config_mask_uris(const char *text)
{
    StrBuf out = {0};
    const char *from = text, *found;
    while ((found = strstr(from, "://"))) {
        const char *authority = found + 3;
        size_t n = strcspn(authority, "/?# \t");
        const char *at = memrchr(authority, '@', n);
        const char *colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
        const char *keep_to = colon ? colon + 1 : authority + n;
        strbuf_add(&out, from, (size_t)(keep_to - from));
        strbuf_add_text(&out, colon ? MASK : "");
        from = colon ? at : keep_to;
    }
    strbuf_add_text(&out, from);
    return strbuf_take(&out);
}
