/* Versions of models for people and programs. */
#include "cli/models.h"
#include "cli/tags.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

static void write_member(JsonWriter *w, const char *key, const char *value)
{
    json_write_key(w, key);
    json_write_string(w, value);
}

void write_version_json(JsonWriter *w, const ModelVersion *version)
{
    json_begin_object(w);
    write_member(w, "name", version->name);
    json_write_key(w, "version");
    json_write_int(w, version->version);
    write_member(w, "stage", version->stage);
    json_write_key(w, "aliases");
    json_begin_array(w);
    for (size_t i = 0; i < version->aliases.n; i++) {
        json_write_string(w, version->aliases.items[i]);
    }
    json_end_array(w);
    write_member(w, "description", version->description);
    write_member(w, "source", version->source);
    write_member(w, "storage_location", version->storage_location);
    write_member(w, "run_id", *version->run_id ? version->run_id : NULL);
    write_member(w, "user_id", version->user_id);
    write_member(w, "status", version->status);
    json_write_key(w, "creation_timestamp");
    json_write_int(w, version->creation_time);
    json_write_key(w, "last_updated_timestamp");
    json_write_int(w, version->last_updated_time);
    json_write_key(w, "tags");
    write_tags_json(w, &version->tags);
    json_end_object(w);
}

static void add_row(Table *table, const ModelVersion *version, bool name)
{
    char created[20];
    char *aliases = strlist_join(&version->aliases, ", ");
    clock_format(version->creation_time, created);
    if (name) {
        table_cell(table, version->name);
    }
    table_cell_printf(table, "%lld", (long long)version->version);
    table_cell(table, *aliases ? aliases : NULL);
    table_style(table, TABLE_GOOD);
    table_cell(table, version->stage);
    table_cell_printf(table, "%.8s", *version->run_id ? version->run_id : "-");
    table_cell(table, created);
    table_cell(table, version->source);
    free(aliases);
}

void print_versions(const ModelVersions *versions, bool name, Output *output)
{
    static const char *const HEADINGS[] = {"name", ">version", "aliases", "stage",
                                           "run",  "created",  "source"};
    size_t n = sizeof HEADINGS / sizeof HEADINGS[0];
    Table *table = table_open(HEADINGS + !name, n - !name);
    for (size_t i = 0; i < versions->n; i++) {
        add_row(table, &versions->items[i], name);
    }
    output_table(output, table);
    table_close(table);
}

void print_versions_csv(const ModelVersions *versions, Output *output)
{
    static const char *const HEADINGS[] = {
        "name", "version", "stage", "aliases", "run_id", "creation_timestamp", "source"};
    output_csv_row(output, HEADINGS, sizeof HEADINGS / sizeof HEADINGS[0]);
    for (size_t i = 0; i < versions->n; i++) {
        const ModelVersion *v = &versions->items[i];
        char number[24], created[24];
        char *aliases = strlist_join(&v->aliases, " ");
        snprintf(number, sizeof number, "%lld", (long long)v->version);
        snprintf(created, sizeof created, "%lld", (long long)v->creation_time);
        const char *fields[] = {v->name,   number,  v->stage, aliases,
                                v->run_id, created, v->source};
        output_csv_row(output, fields, sizeof fields / sizeof fields[0]);
        free(aliases);
    }
}

void print_version_done(const Invocation *invocation, const ModelVersion *version,
                        const char *done)
{
    if (!invocation->json) {
        printf("%s models:/%s/%lld\n", done, version->name, (long long)version->version);
        return;
    }
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    write_version_json(&w, version);
    printf("%s\n", text.p);
    strbuf_free(&text);
}
