/* Rounds of equal groups, and a split of the ranks for every size that occurs. */
#include "trainer/seed_groups.h"

/* The largest part of the ranks that parts them evenly. */
static int groups_for(size_t n_left, int n_ranks, int64_t most)
{
    int n = n_ranks;
    while (n > 1 && (n_ranks % n != 0 || (size_t)n > n_left || (most > 0 && n > most))) {
        n--;
    }
    return n;
}

void seed_places(size_t n, int n_ranks, int64_t most, SeedPlace out[MAX_MEMBERS])
{
    for (size_t at = 0; at < n;) {
        int n_groups = groups_for(n - at, n_ranks, most);
        for (int group = 0; group < n_groups; group++) {
            out[at++] = (SeedPlace){n_groups, group};
        }
    }
}

/* The ranks of this one's group when the world parts into so many. */
static const Ranks *split_into(SeedGroups *groups, const Ranks *world, int n_groups)
{
    for (size_t i = 0; i < groups->n_splits; i++) {
        if (groups->split_groups[i] == n_groups) {
            return &groups->split[i];
        }
    }
    CHECK(groups->n_splits < MAX_SPLITS);
    Ranks *split = &groups->split[groups->n_splits];
    groups->split_groups[groups->n_splits++] = n_groups;
    world->split(world->self, world->rank / (world->size / n_groups), split);
    return split;
}

void seed_groups_open(const Ranks *world, size_t n, int64_t most, SeedGroups *out)
{
    *out = (SeedGroups){.n = n};
    seed_places(n, world->size, most, out->place);
    for (size_t m = 0; m < n; m++) {
        const SeedPlace *place = &out->place[m];
        int size = world->size / place->n_groups;
        out->root[m] = place->group * size;
        out->mine[m] = world->rank / size == place->group;
        out->side_by_side |= place->n_groups > 1;
        const Ranks *ranks =
            place->n_groups == 1 ? world : split_into(out, world, place->n_groups);
        out->ranks[m] = out->mine[m] ? ranks : NULL;
    }
}

void seed_groups_close(SeedGroups *groups)
{
    for (size_t i = 0; i < groups->n_splits; i++) {
        groups->split[i].leave(groups->split[i].self);
    }
    *groups = (SeedGroups){0};
}
