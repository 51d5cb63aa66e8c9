/* Bringing an older database to the schema of this version. */
#ifndef MUSTER_TRACKER_UPGRADE_H
#define MUSTER_TRACKER_UPGRADE_H

#include "base/status.h"

#include <stdbool.h>

typedef struct UpgradeReport {
    char *from;   /* the revision there was */
    char *backup; /* the copy that was made before; NULL when nothing was to be done */
    bool upgraded;
} UpgradeReport;

void upgrade_report_free(UpgradeReport *report);

/* Upgrades the store at `uri`: a backup beside it first ("FILE.REVISION.backup", or with
 * a number behind it), then one transaction, so that it is upgraded or as it was whenever
 * the process dies, and can be done again. `dry_run` only looks. STATUS_DAMAGED for
 * revisions that are newer or too old, which stay as they are; STATUS_USAGE for stores
 * that have no schema. */
Status store_upgrade(const char *uri, bool dry_run, UpgradeReport *out);

#endif
