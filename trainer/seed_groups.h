/* Which ranks train which of a training's models.
 *
 * Models are trained in rounds: the ranks part into equal groups, as many as there are
 * models left, each group trains one, and the next round parts them again. With powers of
 * two ranks the groups are such powers too, so that each model's sums have the bits of
 * one rank; nobody idles, and the models of an incomplete last round get larger groups.
 */
#ifndef MUSTER_TRAINER_SEED_GROUPS_H
#define MUSTER_TRAINER_SEED_GROUPS_H

#include "base/ranks.h"
#include "model/ensemble.h"

/* Where one model is trained. */
typedef struct SeedPlace {
    int n_groups; /* of its round */
    int group;    /* 0 .. n_groups - 1 */
} SeedPlace;

/* Deals `n` models to `n_ranks` ranks, at most `most` groups a round (0: any number).
 * Local. */
void seed_places(size_t n, int n_ranks, int64_t most, SeedPlace out[MAX_MEMBERS]);

enum { MAX_SPLITS = 16 };

typedef struct SeedGroups {
    size_t n;
    bool side_by_side; /* some round has several groups */
    SeedPlace place[MAX_MEMBERS];
    int root[MAX_MEMBERS];           /* the first rank of each model's group */
    bool mine[MAX_MEMBERS];          /* this rank trains it */
    const Ranks *ranks[MAX_MEMBERS]; /* that train it; NULL where not mine */
    Ranks split[MAX_SPLITS];         /* owned, one for each size of group */
    int split_groups[MAX_SPLITS];
    size_t n_splits;
} SeedGroups;

/* `world` is borrowed until close. Collective, and so is closing. */
void seed_groups_open(const Ranks *world, size_t n, int64_t most, SeedGroups *out);
void seed_groups_close(SeedGroups *groups);

#endif
