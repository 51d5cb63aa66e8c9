/* A logistic regression on hashed words, with a train loop of its own.
 *
 *     cc custom_loop.c $(pkg-config --cflags --libs muster) -lm -o custom_loop
 *     ./custom_loop configs/tiny.yaml                  one rank
 *     mpirun -n 2 ./custom_loop configs/tiny.yaml      two, the same bits
 *     ./custom_loop configs/tiny.yaml --resume last    go on where it was stopped
 *
 * The rows, their splits and their words are those of the config's data section; the
 * model is a matrix [N_BUCKETS, classes], trained by plain gradient descent for
 * train.epochs. Muster does the rest: the run in the store, checkpoints, progress,
 * resuming. */
#include <muster/trainer.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_BUCKETS = 4096, N_LEAVES = 8, BATCH = 32, MAX_WORDS = 256 };

static const float LEARNING_RATE = 2;

typedef struct Model {
    const MusterDataset *train, *val;
    size_t n_classes, n_weights;
    float *weights; /* [N_BUCKETS, n_classes] */
} Model;

/* FNV-1a. */
static size_t bucket_of(MusterText word)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < word.n; i++) {
        hash = (hash ^ (unsigned char)word.p[i]) * 16777619u;
    }
    return hash % N_BUCKETS;
}

static size_t buckets_of(const MusterDataset *set, size_t row, size_t buckets[MAX_WORDS])
{
    MusterText words[MAX_WORDS];
    size_t n = muster_dataset_words(set, row, words, MAX_WORDS);
    n = n < MAX_WORDS ? n : MAX_WORDS;
    for (size_t i = 0; i < n; i++) {
        buckets[i] = bucket_of(words[i]);
    }
    return n;
}

/* Softmax of the mean of the words' rows; returns the loss, and the gradient of the
 * logits in p [n_classes]. */
static float forward(const Model *m, const size_t *buckets, size_t n, int32_t label,
                     float *p)
{
    float largest = -INFINITY, sum = 0;
    for (size_t c = 0; c < m->n_classes; c++) {
        p[c] = 0;
        for (size_t i = 0; i < n; i++) {
            p[c] += m->weights[buckets[i] * m->n_classes + c] / (float)n;
        }
        largest = p[c] > largest ? p[c] : largest;
    }
    for (size_t c = 0; c < m->n_classes; c++) {
        p[c] = expf(p[c] - largest);
        sum += p[c];
    }
    for (size_t c = 0; c < m->n_classes; c++) {
        p[c] /= sum;
    }
    float loss = -logf(p[label] > 1e-12f ? p[label] : 1e-12f);
    p[label] -= 1;
    return loss;
}

/* Rows [begin, end) into out: the gradient [n_weights], then the loss. */
static void add_gradient(const Model *m, size_t begin, size_t end, float *out)
{
    size_t buckets[MAX_WORDS];
    float p[64];
    for (size_t row = begin; row < end; row++) {
        size_t n = buckets_of(m->train, row, buckets);
        out[m->n_weights] +=
            forward(m, buckets, n, muster_dataset_class(m->train, row), p);
        for (size_t i = 0; i < n; i++) {
            for (size_t c = 0; c < m->n_classes; c++) {
                out[buckets[i] * m->n_classes + c] += p[c] / (float)n;
            }
        }
    }
}

/* One step: each leaf by itself, all leaves in one tree, so that any number of ranks does
 * the same. */
static float step(Model *m, MusterSum *sum, size_t first_row, size_t n_rows)
{
    size_t first, last, begin, end;
    muster_sum_leaves(sum, &first, &last);
    for (size_t leaf = first; leaf < last; leaf++) {
        muster_sum_rows(sum, n_rows, leaf, &begin, &end);
        add_gradient(m, first_row + begin, first_row + end, muster_sum_next(sum));
    }
    const float *total = muster_sum_finish(sum);
    for (size_t i = 0; i < m->n_weights; i++) {
        m->weights[i] -= LEARNING_RATE * total[i] / (float)n_rows;
    }
    return total[m->n_weights] / (float)n_rows;
}

/* The validation split is small: every rank looks at all of it. */
static void validate(const Model *m, double *loss, double *accuracy)
{
    size_t n = muster_dataset_size(m->val), buckets[MAX_WORDS];
    float p[64];
    *loss = *accuracy = 0;
    for (size_t row = 0; row < n; row++) {
        int32_t label = muster_dataset_class(m->val, row);
        size_t n_words = buckets_of(m->val, row, buckets);
        *loss += (double)forward(m, buckets, n_words, label, p) / (double)n;
        p[label] += 1;
        bool right = true;
        for (size_t c = 0; c < m->n_classes; c++) {
            right = right && p[c] <= p[label];
        }
        *accuracy += right ? 1 / (double)n : 0;
    }
}

static int transfer(const Model *m, const char *dir, const char *mode)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/weights.bin", dir);
    FILE *file = fopen(path, mode);
    if (!file) {
        perror(path);
        return MUSTER_FAILED;
    }
    size_t n = *mode == 'r' ? fread(m->weights, sizeof(float), m->n_weights, file)
                            : fwrite(m->weights, sizeof(float), m->n_weights, file);
    return fclose(file) == 0 && n == m->n_weights ? MUSTER_OK : MUSTER_FAILED;
}

static MusterStatus open_model(MusterWorker *worker, Model *m)
{
    MusterStatus status = muster_worker_dataset(worker, "train", &m->train);
    if (status == MUSTER_OK) {
        status = muster_worker_dataset(worker, "val", &m->val);
    }
    if (status != MUSTER_OK) {
        return status;
    }
    m->n_classes = muster_dataset_n_classes(m->train);
    m->n_weights = N_BUCKETS * m->n_classes;
    m->weights = calloc(m->n_weights, sizeof *m->weights);
    const char *from = muster_worker_checkpoint(worker);
    return from ? (MusterStatus)transfer(m, from, "rb") : MUSTER_OK;
}

static MusterStatus run_epoch(MusterWorker *worker, Model *m, MusterSum *sum, int epoch)
{
    size_t n = muster_dataset_size(m->train);
    double train_loss = 0, val_loss, val_accuracy;
    for (size_t at = 0; at < n; at += BATCH) {
        size_t n_rows = n - at < BATCH ? n - at : BATCH;
        float loss = step(m, sum, at, n_rows);
        train_loss += (double)loss * (double)n_rows / (double)n;
        muster_worker_step(worker, loss, LEARNING_RATE, (int64_t)n_rows);
    }
    validate(m, &val_loss, &val_accuracy);
    const MusterNamedValue metrics[] = {{"epoch", epoch},
                                        {"train_loss", train_loss},
                                        {"val_loss", val_loss},
                                        {"val_accuracy", val_accuracy}};
    const char *dir = muster_worker_checkpoint_dir(worker); /* rank 0's, else NULL */
    if (dir && transfer(m, dir, "wb") != MUSTER_OK) {
        dir = NULL;
    }
    return muster_report(worker, metrics, 4, dir);
}

static int train_loop(MusterWorker *worker, void *context)
{
    (void)context;
    Model model = {0};
    MusterSum *sum = NULL;
    MusterStatus status = open_model(worker, &model);
    if (status == MUSTER_OK) {
        status = muster_sum_open(worker, model.n_weights + 1, N_LEAVES, &sum);
    }
    int epoch = (int)muster_worker_iteration(worker);
    int n_epochs = atoi(muster_worker_param(worker, "train.epochs"));
    while (status == MUSTER_OK && epoch < n_epochs &&
           !muster_worker_should_stop(worker)) {
        status = run_epoch(worker, &model, sum, epoch++);
    }
    muster_sum_close(sum);
    free(model.weights);
    return status;
}

int main(int argc, char **argv)
{
    static const MusterNamedText params[] = {{"n_buckets", "4096"}, {"lr", "2"}};
    MusterTrainerConfig config = MUSTER_TRAINER_CONFIG_INIT;
    bool resumes = argc > 3 && strcmp(argv[2], "--resume") == 0;
    if (argc < 2) {
        fprintf(stderr,
                "usage: custom_loop CONFIG [--resume RUN] [section.key=value ...]\n");
        return MUSTER_USAGE;
    }
    config.train_loop = train_loop;
    config.config_file = argv[1];
    config.resume = resumes ? argv[3] : NULL;
    config.overrides = (const char *const *)argv + (resumes ? 4 : 2);
    config.n_overrides = (size_t)(argc - (resumes ? 4 : 2));
    config.run.experiment = "custom-loop";
    config.params = params;
    config.n_params = sizeof params / sizeof params[0];
    return muster_trainer_main(&config);
}
