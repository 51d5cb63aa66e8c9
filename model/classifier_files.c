/* A classifier as files of a model folder: model.safetensors and config.json. */
#include "base/files.h"
#include "base/mem.h"
#include "base/safetensors.h"
#include "model/classifier_parts.h"
#include "model/training.h"

#include <stdlib.h>
#include <string.h>

static Tensor tensor_of(const Classifier *model, const Param *param)
{
    Tensor tensor = {
        .name = param->name,
        .type = TENSOR_F32,
        .rank = param->columns ? 2 : 1,
        .dims = {param->rows, param->columns},
        .data = classifier_tensor(model, param),
    };
    return tensor;
}

size_t classifier_n_tensors(const Classifier *model)
{
    return model->table.n;
}

void classifier_tensors(const Classifier *model, Tensor *out)
{
    for (size_t i = 0; i < model->table.n; i++) {
        out[i] = tensor_of(model, &model->table.items[i]);
    }
}

Status classifier_save_weights(const Classifier *model, const char *dir, const char *name)
{
    static const char *const METADATA[][2] = {{"format", "pt"}};
    Tensor *tensors = mem_alloc(model->table.n, sizeof *tensors);
    classifier_tensors(model, tensors);
    char *path = path_join(dir, name);
    Status status = safetensors_write(path, tensors, model->table.n, METADATA, 1);
    free(path);
    free(tensors);
    return status;
}

Status classifier_save(const Classifier *model, const char *dir,
                       const char *const *labels)
{
    TRY(classifier_config_save(model, dir, labels));
    return classifier_save_weights(model, dir, "model.safetensors");
}

/* Weights saved as Python pickles run code when they are loaded; they are refused by
 * name, with what to do instead. */
Status classifier_refuse_pickles(const char *dir)
{
    static const char *const NAMES[] = {"pytorch_model.bin", "model.pt", "model.pth",
                                        "model.pkl"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        char *path = path_join(dir, NAMES[i]);
        bool there = file_exists(path);
        free(path);
        if (there) {
            status_set(STATUS_DAMAGED,
                       "%s/%s: pickle-based weights are not loaded, since "
                       "loading them runs code",
                       dir, NAMES[i]);
            status_hint("save the model as model.safetensors");
            return STATUS_DAMAGED;
        }
    }
    return STATUS_OK;
}

Status classifier_take_weights(Classifier *model, const Safetensors *file)
{
    for (size_t i = 0; i < model->table.n; i++) {
        const Param *param = &model->table.items[i];
        Tensor want = tensor_of(model, param);
        const float *data;
        TRY(safetensors_f32(file, want.name, want.rank, want.dims, &data));
        memcpy(classifier_tensor(model, param), data, tensor_count(&want) * sizeof *data);
    }
    return STATUS_OK;
}

/* Every tensor is looked up with its shape before memory is set aside for the model. */
static Status check_shapes(const ModelConfig *config, const ModelSizes *sizes,
                           const Safetensors *file)
{
    ParamTable table = params_of(config, sizes);
    Status status = STATUS_OK;
    for (size_t i = 0; i < table.n && status == STATUS_OK; i++) {
        const Param *param = &table.items[i];
        size_t dims[] = {param->rows, param->columns};
        const void *data;
        status = safetensors_get(file, param->name, TENSOR_F32, param->columns ? 2 : 1,
                                 dims, &data);
    }
    params_free(&table);
    return status;
}

Status classifier_load_weights(const Classifier *like, const char *dir, const char *name,
                               Classifier **out)
{
    char *path = path_join(dir, name);
    Safetensors *file = NULL;
    Status status = safetensors_open(path, &file);
    Classifier *model = NULL;
    if (status == STATUS_OK) {
        model = classifier_allocate(&like->config, &like->sizes);
        status = classifier_take_weights(model, file);
    }
    if (status == STATUS_OK) {
        *out = model;
    } else {
        classifier_close(model);
    }
    safetensors_close(file);
    free(path);
    return status;
}

Status classifier_load(const char *dir, Classifier **out)
{
    char *weights_path = path_join(dir, "model.safetensors");
    Safetensors *file = NULL;
    Classifier *model = NULL;
    ModelConfig config = {0};
    ModelSizes sizes;
    Status status =
        file_exists(weights_path) ? STATUS_OK : classifier_refuse_pickles(dir);
    if (status == STATUS_OK) {
        status = classifier_config_load(dir, &config, &sizes);
    }
    if (status == STATUS_OK && config.head == HEAD_TOKENS) {
        status =
            status_set(STATUS_DAMAGED, "%s: is pretrained, but no classifier yet", dir);
        status_hint("train one from it: muster train CONFIG model.init_from=%s", dir);
    }
    if (status == STATUS_OK) {
        status = safetensors_open(weights_path, &file);
    }
    if (status == STATUS_OK) {
        status = check_shapes(&config, &sizes, file);
    }
    if (status == STATUS_OK) {
        model = classifier_allocate(&config, &sizes);
        status = classifier_take_weights(model, file);
    }
    if (status == STATUS_OK) {
        *out = model;
    } else {
        classifier_close(model);
    }
    safetensors_close(file);
    free(weights_path);
    return status;
}
