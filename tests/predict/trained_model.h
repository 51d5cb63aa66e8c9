/* A small model, really trained, as a result folder with its checkpoints. */
#ifndef MUSTER_TESTS_TRAINED_MODEL_H
#define MUSTER_TESTS_TRAINED_MODEL_H

/* Trains on tests/data/tiny into `result_dir` (created): result.json and
 * checkpoint_000000, checkpoint_000001. The test split is the file test.csv, or with
 * `cut_test` a fifth of the training file. `train_csv` NULL: the one in the tree. */
void trained_model_make(const char *result_dir, const char *train_csv, int cut_test);

#endif
