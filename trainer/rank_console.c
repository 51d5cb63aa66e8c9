/* A log for each rank. */
#include "trainer/rank_console.h"

#include "base/console_capture.h"
#include "base/files.h"
#include "base/mem.h"

#include <stdlib.h>

void rank_console_keep(const Ranks *ranks, const char *result_dir)
{
    char *dir = ranks->rank == 0 ? mem_strdup(result_dir) : NULL;
    ranks_broadcast_text(ranks, &dir);
    if (dir && dir_exists(dir)) {
        char *path = mem_printf("%s/" CONSOLE_LOGS "/rank-%d.log", dir, ranks->rank);
        console_capture_file(path);
        free(path);
    }
    free(dir);
}
