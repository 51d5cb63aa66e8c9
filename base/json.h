/* JSON in (strict, bounded, positions in errors) and out (a small writer).
 *
 * Objects keep their members' order; duplicate keys are refused. */
#ifndef MUSTER_BASE_JSON_H
#define MUSTER_BASE_JSON_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Json Json; /* a parsed value; its root owns the whole tree */

typedef enum JsonType {
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,
    JSON_DOUBLE,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
} JsonType;

/* Parses all of `text`. On failure `code` with "NAME:line:column: what". */
Status json_parse(Text text, const char *name, Status code, Json **out);
Status json_load(const char *path, size_t limit, Status code, Json **out);
void json_free(Json *root); /* the root only; NULL is fine */

/* Everything below borrows from the root; NULL in gives NULL, 0, "" or false out. */
JsonType json_type(const Json *value);
const Json *json_get(const Json *object, const char *key); /* NULL when absent */
const Json *json_at(const Json *array, size_t index);
size_t json_size(const Json *array_or_object);
const char *json_string(const Json *value); /* NULL when not a string */
Text json_text(const Json *value); /* the same with its length (it may hold NUL) */
int64_t json_int(const Json *value, int64_t otherwise);
double json_double(const Json *value, double otherwise); /* ints too; "NaN", "Infinity" */
bool json_bool(const Json *value, bool otherwise);

/* Walks an object's members in their order: returns the i-th key or NULL past the end. */
const char *json_key(const Json *object, size_t index, const Json **value);

/* A writer over a growing string. Commas, quoting and indentation are its business.
 * Calls nest: json_begin_object / json_end_object. Inside an object each value follows a
 * json_write_key. */
typedef struct JsonWriter {
    StrBuf *out;
    int indent; /* spaces per level; 0 = one line */
    int depth;
    bool need_comma;
    bool after_key;
} JsonWriter;

JsonWriter json_writer(StrBuf *out, int indent);
void json_begin_object(JsonWriter *w);
void json_end_object(JsonWriter *w);
void json_begin_array(JsonWriter *w);
void json_end_array(JsonWriter *w);
void json_write_key(JsonWriter *w, const char *key);
void json_write_string(JsonWriter *w, const char *value); /* NULL writes null */
void json_write_text(JsonWriter *w, Text value);
void json_write_int(JsonWriter *w, int64_t value);
void json_write_double(JsonWriter *w, double value); /* shortest; 3.0; "NaN" quoted */
void json_write_bool(JsonWriter *w, bool value);
void json_write_null(JsonWriter *w);

#endif
