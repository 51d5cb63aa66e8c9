/* An optimizer's state as named arrays: saving, taking up, gathering from ranks. */
#include "base/mem.h"
#include "base/ranks.h"
#include "model/optimizer_parts.h"

#include <string.h>

static Tensor flat(const char *name, TensorType type, const void *data, size_t n)
{
    return (Tensor){.name = name, .type = type, .rank = 1, .dims = {n}, .data = data};
}

size_t optimizer_state(const Optimizer *opt, Tensor out[OPTIMIZER_TENSORS])
{
    const struct {
        const char *m, *v;
        const Moments *moments;
    } blocks[] = {{"optimizer.dense.m", "optimizer.dense.v", &opt->dense},
                  {"optimizer.words.m", "optimizer.words.v", &opt->words},
                  {"optimizer.ngrams.m", "optimizer.ngrams.v", &opt->ngrams}};
    size_t n = 0;
    out[n++] = flat("optimizer.step", TENSOR_I64, &opt->step, 1);
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        const Moments *some = blocks[i].moments;
        if (some->m) {
            out[n++] = flat(blocks[i].m, TENSOR_F32, some->m, some->n);
        }
        if (some->v) {
            out[n++] = flat(blocks[i].v, TENSOR_F32, some->v, some->n);
        }
    }
    return n + (opt->average ? weight_average_state(opt->average, out + n) : 0);
}

/* The views point into the optimizer itself; only their type says const. */
void optimizer_copy_state(Optimizer *to, const Optimizer *from)
{
    Tensor ours[OPTIMIZER_TENSORS], theirs[OPTIMIZER_TENSORS];
    size_t n = optimizer_state(to, ours);
    CHECK(optimizer_state(from, theirs) == n);
    for (size_t i = 0; i < n; i++) {
        CHECK(ours[i].dims[0] == theirs[i].dims[0]);
        mem_copy_changed((void *)(uintptr_t)ours[i].data, theirs[i].data,
                         ours[i].dims[0] * tensor_type_size(ours[i].type));
    }
}

Status optimizer_check_average(const Optimizer *opt, const Safetensors *file)
{
    return weight_average_check(opt->average, file);
}

/* A block's moments as they are saved: all ranks'. The views point into the optimizer
 * itself; only their type says const. */
static Status restore_tensor(const Optimizer *opt, Tensor *tensor,
                             const Safetensors *file)
{
    const Moments *const blocks[] = {&opt->dense, &opt->words, &opt->ngrams};
    float *own = (void *)(uintptr_t)tensor->data;
    size_t bytes = tensor->dims[0] * tensor_type_size(tensor->type);
    const Moments *parted = NULL;
    for (size_t i = 0; opt->shard && i < 3; i++) {
        if (own == blocks[i]->m || own == blocks[i]->v) {
            parted = blocks[i];
            tensor->dims[0] = parted->whole;
        }
    }
    const void *data;
    TRY(safetensors_get(file, tensor->name, tensor->type, 1, tensor->dims, &data));
    if (parted) {
        shard_take(opt->shard, own, data, parted->whole,
                   parted == &opt->dense ? 0 : opt->H);
    } else {
        memcpy(own, data, bytes);
    }
    return STATUS_OK;
}

Status optimizer_restore(Optimizer *opt, const Safetensors *file)
{
    Tensor tensors[OPTIMIZER_TENSORS];
    size_t n = optimizer_state(opt, tensors);
    for (size_t i = 0; i < n; i++) {
        TRY(restore_tensor(opt, &tensors[i], file));
    }
    return STATUS_OK;
}

bool optimizer_is_sharded(const Optimizer *opt)
{
    return opt->shard != NULL;
}

OptimizerBytes optimizer_bytes(const Optimizer *opt)
{
    const Moments *const blocks[] = {&opt->dense, &opt->words, &opt->ngrams};
    OptimizerBytes bytes = {0};
    for (size_t i = 0; i < 3; i++) {
        size_t arrays = (blocks[i]->m != NULL) + (blocks[i]->v != NULL);
        bytes.here += arrays * blocks[i]->n * sizeof(float);
        bytes.whole += arrays * blocks[i]->whole * sizeof(float);
    }
    return bytes;
}

void optimizer_gather(const Optimizer *opt, Optimizer *whole)
{
    const Moments *const blocks[] = {&opt->dense, &opt->words, &opt->ngrams};
    const Moments *const all[] = {whole ? &whole->dense : NULL,
                                  whole ? &whole->words : NULL,
                                  whole ? &whole->ngrams : NULL};
    for (size_t i = 0; i < 3; i++) {
        size_t n = blocks[i]->whole, H = i == 0 ? 0 : opt->H;
        if (blocks[i]->m) {
            shard_gather(opt->shard, blocks[i]->m, whole ? all[i]->m : NULL, n, H);
        }
        if (blocks[i]->v) {
            shard_gather(opt->shard, blocks[i]->v, whole ? all[i]->v : NULL, n, H);
        }
    }
    if (!whole) {
        return;
    }
    whole->step = opt->step;
    if (opt->average) {
        weight_average_copy(whole->average, opt->average);
    }
}
