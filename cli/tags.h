/* Tags as commands read and print them. */
#ifndef MUSTER_CLI_TAGS_H
#define MUSTER_CLI_TAGS_H

#include "base/json.h"
#include "cli/output.h"
#include "tracker/entities.h"

/* {"key": "value", ...} */
void write_tags_json(JsonWriter *w, const KeyValues *tags);

/* A line each, below a heading; nothing when there are none. */
void print_tags(const KeyValues *tags, Output *output);

/* "KEY=VALUE": STATUS_USAGE for what is not. The key is to be freed, the value borrowed.
 */
Status tag_parse(const char *text, char **key, const char **value);

#endif
