/* Starting a BERT from a folder of weights. */
#include "base/files.h"
#include "base/mem.h"
#include "base/safetensors.h"
#include "model/classifier_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void init_report_free(InitReport *report)
{
    strlist_free(&report->drawn);
    strlist_free(&report->unused);
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* The early checkpoints' gamma and beta. */
static char *old_name(const char *name)
{
    static const char *const NEW[] = {"LayerNorm.weight", "LayerNorm.bias"};
    static const char *const OLD[] = {"LayerNorm.gamma", "LayerNorm.beta"};
    for (int i = 0; i < 2; i++) {
        const char *at = strstr(name, NEW[i]);
        if (at) {
            return mem_printf("%.*s%s", (int)(at - name), name, OLD[i]);
        }
    }
    return mem_strdup(name);
}

/* A model's tensor as the file names it: as it is, old, or without "bert."; NULL when it
 * is not there. Borrowed from the file. */
static const char *name_in(const Safetensors *file, const char *name)
{
    char *old = old_name(name);
    const char *bare = starts_with(name, "bert.") ? name + 5 : name;
    const char *bare_old = starts_with(old, "bert.") ? old + 5 : old;
    const char *const tries[] = {name, old, bare, bare_old};
    const Tensor *found = NULL;
    for (int i = 0; !found && i < 4; i++) {
        found = safetensors_find(file, tries[i]);
    }
    free(old);
    return found ? found->name : NULL;
}

static bool is_head(const char *name)
{
    return starts_with(name, "classifier.") || starts_with(name, "bert.pooler.") ||
           starts_with(name, "cls.predictions.");
}

static Status check_all(const Classifier *model, const char *dir, const Safetensors *file,
                        InitReport *report)
{
    for (size_t i = 0; i < model->table.n; i++) {
        const Param *param = &model->table.items[i];
        const char *name = name_in(file, param->name);
        size_t dims[] = {param->rows, param->columns};
        if (name) {
            TRY(safetensors_check_f32(file, name, param->columns ? 2 : 1, dims));
        } else if (is_head(param->name)) {
            strlist_add(&report->drawn, param->name);
        } else {
            return status_set(STATUS_DAMAGED, "%s: tensor \"%s\" is missing", dir,
                              param->name);
        }
    }
    return STATUS_OK;
}

static void list_unused(const Classifier *model, const Safetensors *file,
                        InitReport *report)
{
    bool *used = mem_zalloc(safetensors_size(file), sizeof *used);
    for (size_t i = 0; i < model->table.n; i++) {
        const char *name = name_in(file, model->table.items[i].name);
        for (size_t k = 0; name && k < safetensors_size(file); k++) {
            used[k] = used[k] || strcmp(safetensors_at(file, k)->name, name) == 0;
        }
    }
    for (size_t k = 0; k < safetensors_size(file); k++) {
        if (!used[k]) {
            strlist_add(&report->unused, safetensors_at(file, k)->name);
        }
    }
    free(used);
}

static Status copy_all(Classifier *model, const Safetensors *file, InitReport *report)
{
    for (size_t i = 0; i < model->table.n; i++) {
        const Param *param = &model->table.items[i];
        const char *name = name_in(file, param->name);
        size_t dims[] = {param->rows, param->columns};
        if (name) {
            TRY(safetensors_copy_f32(file, name, param->columns ? 2 : 1, dims,
                                     classifier_tensor(model, param)));
            report->n_taken++;
        }
    }
    return STATUS_OK;
}

Status classifier_init_from(Classifier *model, const char *dir, InitReport *report)
{
    Safetensors *file = NULL;
    *report = (InitReport){0};
    Status status = classifier_refuse_pickles(dir);
    status = status == STATUS_OK ? safetensors_open_model(dir, &file) : status;
    status = status == STATUS_OK ? check_all(model, dir, file, report) : status;
    if (status == STATUS_OK) {
        list_unused(model, file, report);
        status = copy_all(model, file, report);
    }
    safetensors_close(file);
    return status;
}
