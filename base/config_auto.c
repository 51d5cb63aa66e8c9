/* Values that wait for the rows, the rules that end their waiting, and what is told of
 * it. */
#include "base/config_auto.h"

#include "base/config_field.h"
#include "base/log.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool config_is_auto(const Section *section, const Field *field)
{
    const void *at = (const char *)section->target + field->offset;
    if (!field->automatic) {
        return false;
    }
    switch (field->type) {
    case FIELD_INT:
        return *(const int64_t *)at == AUTO_INT;
    case FIELD_DOUBLE:
        return isnan(*(const double *)at);
    case FIELD_CHOICE:
        return *(const int *)at == AUTO_CHOICE;
    default:
        return false;
    }
}

bool config_has_auto(const Section *sections, size_t n_sections)
{
    for (size_t i = 0; i < n_sections; i++) {
        for (size_t k = 0; k < sections[i].n_fields; k++) {
            if (config_is_auto(&sections[i], &sections[i].fields[k])) {
                return true;
            }
        }
    }
    return false;
}

static char *dotted_key(const Section *section, const Field *field)
{
    return mem_printf("%s%s%s", section->name, *section->name ? "." : "", field->key);
}

/* A rule whose value its own table refuses is our mistake, not the user's. */
static void resolve_field(AutoNotes *notes, const Section *section, const Field *field,
                          const DataFacts *facts)
{
    AutoChoice choice = {0};
    field->automatic(facts, section->target, &choice);
    YamlValue value = {.kind = YAML_IS_SCALAR, .line = 1, .column = 1};
    strlist_add(&value.texts, choice.value);
    bool good = config_set_field(section, field, "auto", &value) == STATUS_OK &&
                !config_is_auto(section, field);
    if (!good) {
        log_status();
    }
    CHECK(good);
    yaml_value_free(&value);
    if (notes) {
        strlist_add_take(&notes->keys, dotted_key(section, field));
        strlist_add(&notes->whys, choice.why);
    }
}

void config_resolve(Config *config, const Section *sections, size_t n_sections,
                    const DataFacts *facts)
{
    for (size_t i = 0; i < n_sections; i++) {
        for (size_t k = 0; k < sections[i].n_fields; k++) {
            const Field *field = &sections[i].fields[k];
            if (config_is_auto(&sections[i], field)) {
                resolve_field(config_auto_notes(config), &sections[i], field, facts);
            }
        }
    }
}

void config_leave_auto(Config *config, const char *why)
{
    AutoNotes *notes = config_auto_notes(config);
    free(notes->left);
    notes->left = mem_strdup(why);
}

void auto_notes_free(AutoNotes *notes)
{
    strlist_free(&notes->keys);
    strlist_free(&notes->whys);
    free(notes->left);
    notes->left = NULL;
}

static char *why_of(const AutoNotes *notes, const char *key, bool is_auto)
{
    for (size_t i = 0; i < notes->keys.n; i++) {
        if (strcmp(notes->keys.items[i], key) == 0) {
            return mem_printf("auto: %s", notes->whys.items[i]);
        }
    }
    return is_auto && notes->left ? mem_printf("auto, not known: %s", notes->left) : NULL;
}

char *config_why(const Config *config, const Section *section, const Field *field)
{
    char *key = dotted_key(section, field);
    /* Only looked at; the accessor serves both who write and who read. */
    const AutoNotes *notes = config_auto_notes((Config *)(uintptr_t)config);
    char *why = notes ? why_of(notes, key, config_is_auto(section, field)) : NULL;
    why = why ? why : mem_strdup(config_origin(config, key));
    free(key);
    return why;
}

/* "22,265" */
static void count_text(size_t n, char out[32])
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%zu", n), at = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            out[at++] = ',';
        }
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

void auto_rows_text(const DataFacts *facts, char out[96])
{
    char rows[32];
    count_text(facts->n_train, rows);
    snprintf(out, 96, "%s training rows", rows);
}

void auto_by_rows(const DataFacts *facts, const AutoStep *steps, AutoChoice *out)
{
    while (steps->up_to < facts->n_train) {
        steps++;
    }
    snprintf(out->value, sizeof out->value, "%s", steps->value);
    auto_rows_text(facts, out->why);
}
