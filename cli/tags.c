/* Keys and values, in and out. */
#include "cli/tags.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

void write_tags_json(JsonWriter *w, const KeyValues *tags)
{
    json_begin_object(w);
    for (size_t i = 0; i < tags->n; i++) {
        json_write_key(w, tags->items[i].key);
        json_write_string(w, tags->items[i].value);
    }
    json_end_object(w);
}

void print_tags(const KeyValues *tags, Output *output)
{
    for (size_t i = 0; i < tags->n; i++) {
        fputs(i == 0 ? "  tags       " : "             ", output->out);
        output_text(output, tags->items[i].key);
        fputs(" = ", output->out);
        output_text(output, tags->items[i].value);
        fputc('\n', output->out);
    }
}

Status tag_parse(const char *text, char **key, const char **value)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        return status_set(STATUS_USAGE, "expected KEY=VALUE, found '%s'", text);
    }
    *key = mem_strndup(text, (size_t)(equals - text));
    *value = equals + 1;
    return STATUS_OK;
}
