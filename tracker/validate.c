/* Names and limits. */
#include "tracker/validate.h"

#include "base/text.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

char *text_to_store(const char *text, size_t limit)
{
    StrBuf out = {0};
    strbuf_add(&out, "", 0);
    Text rest = text_of(text);
    for (size_t n = 0; rest.n > 0 && n < limit; n++) {
        size_t length = utf8_decode(rest, NULL);
        if (length > 0) {
            strbuf_add(&out, rest.p, length);
        } else {
            strbuf_add_text(&out, "\xef\xbf\xbd"); /* U+FFFD */
            length = 1;
        }
        rest.p += length;
        rest.n -= length;
    }
    return strbuf_take(&out);
}

static Status refuse_malformed(const char *what, const char *text)
{
    Text whole = text_of(text);
    size_t at = utf8_valid_prefix(whole);
    return at == whole.n
               ? STATUS_OK
               : status_set(STATUS_USAGE, "%s: byte %zu is no valid UTF-8", what, at);
}

static Status too_long(const char *what, const char *text, size_t limit)
{
    if (utf8_count(text_of(text)) <= limit) {
        return STATUS_OK;
    }
    return status_set(STATUS_USAGE, "'%s' exceeds the maximum length of %zu characters",
                      what, limit);
}

Status validate_text(const char *what, const char *text, size_t limit)
{
    TRY(refuse_malformed(what, text));
    return too_long(what, text, limit);
}

/* Letters beyond ASCII count as letters, as they do for MLflow. */
static bool key_character(char c)
{
    return isalnum((unsigned char)c) || strchr("_-./: ", c) || (unsigned char)c >= 0x80;
}

/* What path normalisation would leave as it is: no leading or doubled slash, no trailing
 * one, no "." or ".." component. */
static bool is_normal_path(const char *key)
{
    for (const char *part = key;;) {
        size_t n = strcspn(part, "/");
        if (n == 0 || (n == 1 && part[0] == '.') ||
            (n == 2 && strncmp(part, "..", 2) == 0)) {
            return false;
        }
        if (!part[n]) {
            return true;
        }
        part += n + 1;
    }
}

Status validate_key(const char *what, const char *key)
{
    if (!key || !*key) {
        return status_set(STATUS_USAGE, "%s: the key is missing", what);
    }
    TRY(refuse_malformed(what, key));
    TRY(too_long(key, key, LIMIT_KEY));
    for (const char *p = key; *p; p++) {
        if (!key_character(*p)) {
            status_set(STATUS_USAGE, "invalid %s name '%s'", what, key);
            status_hint("Names may only contain alphanumerics, underscores (_), dashes "
                        "(-), periods (.), spaces ( ), colons (:) and slashes (/)");
            return STATUS_USAGE;
        }
    }
    if (!is_normal_path(key)) {
        status_set(STATUS_USAGE, "invalid %s name '%s'", what, key);
        status_hint("Names may be treated as files in certain cases, so they must read "
                    "like a relative path without . and ..");
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

static Status check_location(const char *location)
{
    TRY(too_long("artifact_location", location, LIMIT_ARTIFACT_LOCATION));
    const char *query = strchr(location, '?');
    if (strchr(location, '#') || (query && strstr(query, ".."))) {
        return status_set(STATUS_USAGE,
                          "artifact_location '%s': a fragment (#) or '..' "
                          "in the query is not allowed",
                          location);
    }
    return STATUS_OK;
}

Status validate_experiment(const ExperimentCreate *create)
{
    if (!create->name || !*create->name) {
        return status_set(STATUS_USAGE, "the experiment needs a name");
    }
    TRY(refuse_malformed("name", create->name));
    TRY(too_long("name", create->name, LIMIT_EXPERIMENT_NAME));
    if (create->artifact_location) {
        TRY(check_location(create->artifact_location));
    }
    for (size_t i = 0; i < create->n_tags; i++) {
        TRY(validate_key("tag", create->tags[i].key));
        TRY(too_long(create->tags[i].key, create->tags[i].value,
                     LIMIT_EXPERIMENT_TAG_VALUE));
    }
    return STATUS_OK;
}

static const char *find_value(const KeyValue *items, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(items[i].key, key) == 0) {
            return items[i].value;
        }
    }
    return NULL;
}

Status validate_run_create(const RunCreate *create)
{
    for (size_t i = 0; i < create->n_tags; i++) {
        TRY(validate_key("tag", create->tags[i].key));
    }
    const char *tag = find_value(create->tags, create->n_tags, "mlflow.runName");
    const char *name = create->run_name;
    if (name && *name && tag && strcmp(name, tag) != 0) {
        return status_set(STATUS_USAGE,
                          "run_name '%s' and tag mlflow.runName '%s' differ", name, tag);
    }
    return STATUS_OK;
}

static Status too_many(const char *what, size_t n, size_t limit)
{
    if (n <= limit) {
        return STATUS_OK;
    }
    return status_set(STATUS_USAGE,
                      "A batch logging request can contain at most %zu %s. Got %zu %s.",
                      limit, what, n, what);
}

static Status check_params(const KeyValue *params, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        TRY(validate_key("param", params[i].key));
        if (find_value(params, i, params[i].key)) {
            return status_set(STATUS_USAGE,
                              "Duplicate parameter keys have been submitted: %s",
                              params[i].key);
        }
    }
    return STATUS_OK;
}

Status validate_batch(const LogBatch *batch)
{
    TRY(too_many("metrics", batch->n_metrics, LIMIT_BATCH_METRICS));
    TRY(too_many("params", batch->n_params, LIMIT_BATCH_PARAMS));
    TRY(too_many("tags", batch->n_tags, LIMIT_BATCH_TAGS));
    TRY(too_many("metrics, params, and tags",
                 batch->n_metrics + batch->n_params + batch->n_tags, LIMIT_BATCH_TOTAL));
    for (size_t i = 0; i < batch->n_metrics; i++) {
        const Metric *metric = &batch->metrics[i];
        TRY(validate_key("metric", metric->key));
        if (metric->timestamp < 0) {
            return status_set(STATUS_USAGE, "metric %s: timestamp %lld is negative",
                              metric->key, (long long)metric->timestamp);
        }
    }
    TRY(check_params(batch->params, batch->n_params));
    for (size_t i = 0; i < batch->n_tags; i++) {
        TRY(validate_key("tag", batch->tags[i].key));
    }
    return STATUS_OK;
}

Status validate_dataset_input(const DatasetInput *input)
{
    const TrackedDataset *dataset = &input->dataset;
    if (!dataset->name || !*dataset->name || !dataset->digest || !*dataset->digest) {
        return status_set(STATUS_USAGE, "a data set needs a name and a digest");
    }
    TRY(too_long("name", dataset->name, LIMIT_DATASET_NAME));
    TRY(too_long("digest", dataset->digest, LIMIT_DATASET_DIGEST));
    for (size_t i = 0; i < input->tags.n; i++) {
        TRY(too_long("key", input->tags.items[i].key, LIMIT_INPUT_TAG_KEY));
        TRY(too_long("value", input->tags.items[i].value, LIMIT_INPUT_TAG_VALUE));
    }
    return STATUS_OK;
}

bool is_run_id(const char *text)
{
    size_t n = strspn(text, "0123456789abcdef");
    return n == 32 && !text[n];
}

Status validate_run_id(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) ||
           (n > 0 && text[n] && strchr("_-", text[n]))) {
        n++;
    }
    if (n == 0 || n > 256 || text[n]) {
        return status_set(STATUS_USAGE, "'%s' is no run id", text);
    }
    return STATUS_OK;
}
