/* Patience, and a factor for every time it runs out. */
#include "trainer/plateau.h"

#include "trainer/result_files.h"

#include <math.h>

static const double THRESHOLD = 1e-4;

Plateau plateau_begin(double factor, int64_t patience, double least)
{
    return (Plateau){
        .factor = factor, .patience = patience, .least = least, .best = HUGE_VAL};
}

bool plateau_see(Plateau *plateau, double loss)
{
    if (loss < plateau->best * (1 - THRESHOLD)) {
        plateau->best = loss;
        plateau->n_waiting = 0;
        return false;
    }
    plateau->n_waiting++;
    if (plateau->n_waiting <= plateau->patience) {
        return false;
    }
    double before = plateau_factor(plateau);
    plateau->n_waiting = 0;
    plateau->n_reduced++;
    return plateau_factor(plateau) < before;
}

double plateau_factor(const Plateau *plateau)
{
    double factor = 1;
    for (int64_t i = 0; i < plateau->n_reduced && factor > plateau->least; i++) {
        factor *= plateau->factor;
    }
    return factor > plateau->least ? factor : plateau->least;
}

Status plateau_replay(Plateau *plateau, const char *result_dir, int64_t last_iteration)
{
    ResultHistory history = {0};
    TRY(result_history_load(result_dir, last_iteration, &history));
    for (size_t i = 0; i < history.n; i++) {
        double train = json_double(json_get(history.rows[i], "train_loss"), NAN);
        plateau_see(plateau, json_double(json_get(history.rows[i], "val_loss"), train));
    }
    result_history_free(&history);
    return STATUS_OK;
}
