/* JSON: jansson parses, our own tree answers, our own writer writes.
 *
 * The tree stands beside jansson's values so that members can be reached by number as
 * well as by key in constant time (a vocabulary has tens of thousands of them). */
#include "base/json.h"

#include "base/files.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* jansson uses some of our names for things of its own; these renamings last for its
 * header alone. */
#define json_type   jansson_type
#define json_string jansson_string
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY  JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_NULL   JANSSON_NULL
#include <jansson.h>
#undef json_type
#undef json_string
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_NULL

struct Json {
    JsonType type;
    json_t *value;
    size_t n;          /* members of an object, items of an array */
    Json *children;    /* [n] */
    const char **keys; /* [n] of an object; jansson's own strings */
    uint32_t *slots;   /* hash table over the keys of a large object: member + 1, or 0 */
    size_t n_slots;    /* a power of two */
};

enum { SMALL_OBJECT = 16 };

static void index_keys(Json *object)
{
    object->n_slots = 64;
    while (object->n_slots < 2 * object->n) {
        object->n_slots *= 2;
    }
    object->slots = mem_zalloc(object->n_slots, sizeof *object->slots);
    for (size_t i = 0; i < object->n; i++) {
        size_t at = hash_bytes(0, object->keys[i], strlen(object->keys[i]));
        while (object->slots[at &= object->n_slots - 1]) {
            at++;
        }
        object->slots[at] = (uint32_t)i + 1;
    }
}

static void build(Json *node, json_t *value);

static void build_object(Json *node)
{
    node->type = JSON_OBJECT;
    node->n = json_object_size(node->value);
    node->children = mem_zalloc(node->n, sizeof *node->children);
    node->keys = mem_zalloc(node->n, sizeof *node->keys);
    void *member = json_object_iter(node->value);
    for (size_t i = 0; i < node->n; i++) {
        node->keys[i] = json_object_iter_key(member);
        build(&node->children[i], json_object_iter_value(member));
        member = json_object_iter_next(node->value, member);
    }
    if (node->n > SMALL_OBJECT) {
        index_keys(node);
    }
}

static void build_array(Json *node)
{
    node->type = JSON_ARRAY;
    node->n = json_array_size(node->value);
    node->children = mem_zalloc(node->n, sizeof *node->children);
    for (size_t i = 0; i < node->n; i++) {
        build(&node->children[i], json_array_get(node->value, i));
    }
}

/* Recursion is bounded by jansson's own limit of 2048 levels. */
static void build(Json *node, json_t *value)
{
    node->value = value;
    switch (json_typeof(value)) {
    case JANSSON_OBJECT:
        build_object(node);
        break;
    case JANSSON_ARRAY:
        build_array(node);
        break;
    case JANSSON_STRING:
        node->type = JSON_STRING;
        break;
    case JSON_INTEGER:
        node->type = JSON_INT;
        break;
    case JSON_REAL:
        node->type = JSON_DOUBLE;
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        node->type = JSON_BOOL;
        break;
    case JANSSON_NULL:
        node->type = JSON_NULL;
        break;
    }
}

static void free_children(Json *node)
{
    for (size_t i = 0; i < node->n; i++) {
        free_children(&node->children[i]);
    }
    free(node->children);
    free(node->keys);
    free(node->slots);
}

/* jansson's position is where it stopped reading, just behind the offending token, which
 * it quotes at the end of its text; people look for the place where it starts. At a byte
 * that is no UTF-8 it stopped before that byte. */
static size_t error_offset(const json_error_t *error, size_t n)
{
    size_t at = error->position < 0 ? 0 : (size_t)error->position;
    const char *near = strstr(error->text, " near '");
    size_t length = near ? strlen(near + 7) : 0;
    bool behind_token = strncmp(error->text, "unable to decode", 16) != 0;
    if (behind_token && length > 1 && length - 1 <= at) {
        at -= length - 1;
    }
    return at < n ? at : n;
}

static Status parse_failed(Text text, const char *name, Status code,
                           const json_error_t *error)
{
    size_t at = error_offset(error, text.n), line = 1, begin = 0;
    for (size_t i = 0; i < at; i++) {
        if (text.p[i] == '\n') {
            line++;
            begin = i + 1;
        }
    }
    size_t column = utf8_count((Text){text.p + begin, at - begin}) + 1;
    return status_set(code, "%s:%zu:%zu: %s", name, line, column, error->text);
}

Status json_parse(Text text, const char *name, Status code, Json **out)
{
    json_error_t error;
    json_t *value =
        json_loadb(text.n ? text.p : "", text.n,
                   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!value) {
        return parse_failed(text, name, code, &error);
    }
    Json *root = mem_zalloc(1, sizeof *root);
    build(root, value);
    *out = root;
    return STATUS_OK;
}

Status json_load(const char *path, size_t limit, Status code, Json **out)
{
    StrBuf bytes = {0};
    TRY(file_read(path, limit, code, &bytes));
    Status status = json_parse((Text){bytes.p, bytes.n}, path, code, out);
    strbuf_free(&bytes);
    return status;
}

void json_free(Json *root)
{
    if (root) {
        free_children(root);
        json_decref(root->value);
        free(root);
    }
}

JsonType json_type(const Json *value)
{
    return value ? value->type : JSON_NULL;
}

static bool is_type(const Json *value, JsonType type)
{
    return value && value->type == type;
}

static const Json *get_indexed(const Json *object, const char *key)
{
    size_t at = hash_bytes(0, key, strlen(key));
    uint32_t member;
    while ((member = object->slots[at &= object->n_slots - 1])) {
        if (strcmp(object->keys[member - 1], key) == 0) {
            return &object->children[member - 1];
        }
        at++;
    }
    return NULL;
}

const Json *json_get(const Json *object, const char *key)
{
    if (!is_type(object, JSON_OBJECT)) {
        return NULL;
    }
    if (object->slots) {
        return get_indexed(object, key);
    }
    for (size_t i = 0; i < object->n; i++) {
        if (strcmp(object->keys[i], key) == 0) {
            return &object->children[i];
        }
    }
    return NULL;
}

const Json *json_at(const Json *array, size_t index)
{
    return is_type(array, JSON_ARRAY) && index < array->n ? &array->children[index]
                                                          : NULL;
}

size_t json_size(const Json *array_or_object)
{
    return array_or_object ? array_or_object->n : 0;
}

const char *json_string(const Json *value)
{
    return is_type(value, JSON_STRING) ? json_string_value(value->value) : NULL;
}

Text json_text(const Json *value)
{
    if (!is_type(value, JSON_STRING)) {
        return (Text){"", 0};
    }
    return (Text){json_string_value(value->value), json_string_length(value->value)};
}

int64_t json_int(const Json *value, int64_t otherwise)
{
    return is_type(value, JSON_INT) ? json_integer_value(value->value) : otherwise;
}

double json_double(const Json *value, double otherwise)
{
    if (is_type(value, JSON_INT) || is_type(value, JSON_DOUBLE)) {
        return json_number_value(value->value);
    }
    Text name = json_text(value);
    if (text_is(name, "NaN")) {
        return NAN;
    }
    if (text_is(name, "Infinity")) {
        return INFINITY;
    }
    return text_is(name, "-Infinity") ? -INFINITY : otherwise;
}

bool json_bool(const Json *value, bool otherwise)
{
    return is_type(value, JSON_BOOL) ? json_typeof(value->value) == JSON_TRUE : otherwise;
}

const char *json_key(const Json *object, size_t index, const Json **value)
{
    if (!is_type(object, JSON_OBJECT) || index >= object->n) {
        return NULL;
    }
    if (value) {
        *value = &object->children[index];
    }
    return object->keys[index];
}

JsonWriter json_writer(StrBuf *out, int indent)
{
    return (JsonWriter){.out = out, .indent = indent};
}

static void new_line(JsonWriter *w)
{
    strbuf_add_char(w->out, '\n');
    for (int i = 0; i < w->depth * w->indent; i++) {
        strbuf_add_char(w->out, ' ');
    }
}

/* What stands between this value and the one before. */
static void before_value(JsonWriter *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->need_comma) {
        strbuf_add_text(w->out, w->indent ? "," : ", ");
    }
    if (w->indent && w->depth > 0) {
        new_line(w);
    }
}

static void begin(JsonWriter *w, char bracket)
{
    before_value(w);
    strbuf_add_char(w->out, bracket);
    w->depth++;
    w->need_comma = false;
}

static void end(JsonWriter *w, char bracket)
{
    CHECK(w->depth > 0 && !w->after_key);
    w->depth--;
    if (w->indent && w->need_comma) {
        new_line(w);
    }
    strbuf_add_char(w->out, bracket);
    w->need_comma = true;
}

void json_begin_object(JsonWriter *w)
{
    begin(w, '{');
}

void json_end_object(JsonWriter *w)
{
    end(w, '}');
}

void json_begin_array(JsonWriter *w)
{
    begin(w, '[');
}

void json_end_array(JsonWriter *w)
{
    end(w, ']');
}

static void add_escaped(StrBuf *out, unsigned char c)
{
    static const char NAMED[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *p = NAMED; *p; p += 2) {
        if ((unsigned char)p[0] == c) {
            strbuf_add_char(out, '\\');
            strbuf_add_char(out, p[1]);
            return;
        }
    }
    strbuf_printf(out, "\\u%04x", c);
}

/* Bytes that are no UTF-8 become U+FFFD: what is written can always be read. */
static void add_quoted(StrBuf *out, Text value)
{
    strbuf_add_char(out, '"');
    size_t from = 0, at = 0;
    while (at < value.n) {
        unsigned char c = (unsigned char)value.p[at];
        size_t n = utf8_decode((Text){value.p + at, value.n - at}, NULL);
        if (n > 0 && c >= 0x20 && c != '"' && c != '\\') {
            at += n;
            continue;
        }
        strbuf_add(out, value.p + from, at - from);
        if (n == 0) {
            strbuf_add_text(out, "\xEF\xBF\xBD");
        } else {
            add_escaped(out, c);
        }
        from = ++at;
    }
    strbuf_add(out, value.p + from, at - from);
    strbuf_add_char(out, '"');
}

void json_write_key(JsonWriter *w, const char *key)
{
    CHECK(!w->after_key);
    before_value(w);
    add_quoted(w->out, text_of(key));
    strbuf_add_text(w->out, ": ");
    w->after_key = true;
}

static void write_raw(JsonWriter *w, const char *text)
{
    before_value(w);
    strbuf_add_text(w->out, text);
    w->need_comma = true;
}

void json_write_string(JsonWriter *w, const char *value)
{
    if (value) {
        json_write_text(w, text_of(value));
    } else {
        json_write_null(w);
    }
}

void json_write_text(JsonWriter *w, Text value)
{
    before_value(w);
    add_quoted(w->out, value);
    w->need_comma = true;
}

void json_write_int(JsonWriter *w, int64_t value)
{
    char text[24];
    char *p = text + sizeof text - 1;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    *p = '\0';
    do {
        *--p = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        *--p = '-';
    }
    write_raw(w, p);
}

void json_write_double(JsonWriter *w, double value)
{
    char text[40];
    text_from_double(value, text);
    if (!isfinite(value)) {
        json_write_string(w, text);
        return;
    }
    if (!strpbrk(text, ".e")) {
        strcat(text, ".0");
    }
    write_raw(w, text);
}

void json_write_bool(JsonWriter *w, bool value)
{
    write_raw(w, value ? "true" : "false");
}

void json_write_null(JsonWriter *w)
{
    write_raw(w, "null");
}
