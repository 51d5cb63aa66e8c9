/* safetensors: what opens has all of its tensors within the file, each can be had, and
 * the same tensors are written and read back the same. With a first byte of 'i' the rest
 * is the index of a model in shards, one of which is there. */
#include "tests/fuzz/fuzz.h"

#include "base/files.h"
#include "base/safetensors.h"

static char folder[] = "/tmp/fuzz_safetensors_XXXXXX";
static char *again_path;

static void remove_folder(void)
{
    tree_remove(folder);
    free(again_path);
}

static void make_folder(void)
{
    Tensor tensors[] = {{"a", TENSOR_U8, 0, {0}, "x"}, {"b", TENSOR_U8, 0, {0}, "y"}};
    CHECK(mkdtemp(folder));
    again_path = path_join(folder, "s");
    CHECK(safetensors_write(again_path, tensors, 2, NULL, 0) == STATUS_OK);
    free(again_path);
    again_path = path_join(folder, "again");
    atexit(remove_folder);
}

static void read_tensor(const Safetensors *file, const Tensor *tensor, size_t n_file)
{
    size_t count = tensor_count(tensor), bytes = count * tensor_type_size(tensor->type);
    const void *data = NULL;
    CHECK(bytes <= n_file);
    CHECK(safetensors_find(file, tensor->name) == tensor);
    CHECK(safetensors_get(file, tensor->name, tensor->type, tensor->rank, tensor->dims,
                          &data) == STATUS_OK);
    CHECK((uintptr_t)data % tensor_type_size(tensor->type) == 0);
    CHECK(bytes == 0 || memcmp(data, tensor->data, bytes) == 0);
    float *out = mem_alloc(count, sizeof *out);
    const float *borrowed;
    Status copied =
        safetensors_copy_f32(file, tensor->name, tensor->rank, tensor->dims, out);
    Status checked =
        safetensors_check_f32(file, tensor->name, tensor->rank, tensor->dims);
    CHECK((checked == STATUS_OK) == tensor_is_float(tensor->type));
    CHECK(copied == STATUS_OK || *status_message());
    if (tensor->type == TENSOR_F32) {
        CHECK(safetensors_f32(file, tensor->name, tensor->rank, tensor->dims,
                              &borrowed) == copied);
        CHECK(copied != STATUS_OK || memcmp(borrowed, out, bytes) == 0 || bytes == 0);
    }
    free(out);
}

static void write_again(const Safetensors *file)
{
    size_t n = safetensors_size(file);
    Tensor *tensors = mem_alloc(n, sizeof *tensors);
    Safetensors *again;
    for (size_t i = 0; i < n; i++) {
        tensors[i] = *safetensors_at(file, i);
    }
    CHECK(safetensors_write(again_path, tensors, n, NULL, 0) == STATUS_OK);
    CHECK(safetensors_open(again_path, &again) == STATUS_OK);
    CHECK(safetensors_size(again) == n);
    for (size_t i = 0; i < n; i++) {
        const Tensor *tensor = safetensors_find(again, tensors[i].name);
        size_t bytes = tensor_count(&tensors[i]) * tensor_type_size(tensors[i].type);
        CHECK(tensor && tensor->type == tensors[i].type);
        CHECK(tensor_has_shape(tensor, tensors[i].rank, tensors[i].dims));
        CHECK(bytes == 0 || memcmp(tensor->data, tensors[i].data, bytes) == 0);
    }
    safetensors_close(again);
    free(tensors);
}

static void read_file(const uint8_t *data, size_t n)
{
    char path[64];
    int fd = fuzz_file(data, n, path);
    Safetensors *file = NULL;
    if (safetensors_open(path, &file) == STATUS_OK) {
        for (size_t i = 0; i < safetensors_size(file); i++) {
            read_tensor(file, safetensors_at(file, i), n);
        }
        static unsigned turn; /* syncing a file takes longer than all the rest */
        if (turn++ % 64 == 0) {
            write_again(file);
        }
    } else {
        CHECK(*status_message());
    }
    safetensors_close(file);
    close(fd);
}

static void read_index(const uint8_t *data, size_t n)
{
    char *path = path_join(folder, "model.safetensors.index.json");
    FILE *out = fopen(path, "wb");
    Safetensors *model = NULL;
    CHECK(out && fwrite(data, 1, n, out) == n && fclose(out) == 0);
    Status status = safetensors_open_shards(folder, &model);
    CHECK(status == STATUS_OK || status == STATUS_DAMAGED);
    CHECK(status != STATUS_OK || safetensors_size(model) >= 2);
    safetensors_close(model);
    free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (!again_path) {
        make_folder();
    }
    if (n > 0 && data[0] == 'i') {
        read_index(data + 1, n - 1);
    } else {
        read_file(data, n);
    }
    return 0;
}
