/* A version's number is a string, here as in MLflow. */
#include "tracker/api_model_write.h"

#include "tracker/api_write.h"

#include <stdio.h>

static void write_number(JsonWriter *w, const char *key, int64_t version)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)version);
    api_write_text(w, key, text);
}

void api_write_model_version(JsonWriter *w, const ModelVersion *version)
{
    json_begin_object(w);
    api_write_text(w, "name", version->name);
    write_number(w, "version", version->version);
    api_write_int(w, "creation_timestamp", version->creation_time);
    api_write_int(w, "last_updated_timestamp", version->last_updated_time);
    api_write_optional(w, "user_id", version->user_id);
    api_write_text(w, "current_stage", version->stage);
    api_write_text(w, "description", version->description);
    api_write_text(w, "source", version->source);
    api_write_text(w, "run_id", version->run_id);
    api_write_text(w, "status", version->status);
    api_write_optional(w, "status_message", version->status_message);
    api_write_key_values(w, "tags", &version->tags);
    api_write_text(w, "run_link", version->run_link);
    if (version->aliases.n > 0) {
        json_write_key(w, "aliases");
        json_begin_array(w);
        for (size_t i = 0; i < version->aliases.n; i++) {
            json_write_string(w, version->aliases.items[i]);
        }
        json_end_array(w);
    }
    json_end_object(w);
}

void api_write_model_versions(JsonWriter *w, const char *key, const ModelVersions *list)
{
    if (list->n == 0) {
        return;
    }
    json_write_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < list->n; i++) {
        api_write_model_version(w, &list->items[i]);
    }
    json_end_array(w);
}

void api_write_registered_model(JsonWriter *w, const RegisteredModel *model)
{
    json_begin_object(w);
    api_write_text(w, "name", model->name);
    api_write_int(w, "creation_timestamp", model->creation_time);
    api_write_int(w, "last_updated_timestamp", model->last_updated_time);
    api_write_optional(w, "description", model->description);
    api_write_model_versions(w, "latest_versions", &model->latest_versions);
    api_write_key_values(w, "tags", &model->tags);
    if (model->aliases.n > 0) {
        json_write_key(w, "aliases");
        json_begin_array(w);
        for (size_t i = 0; i < model->aliases.n; i++) {
            json_begin_object(w);
            api_write_text(w, "alias", model->aliases.items[i].alias);
            write_number(w, "version", model->aliases.items[i].version);
            json_end_object(w);
        }
        json_end_array(w);
    }
    json_end_object(w);
}
