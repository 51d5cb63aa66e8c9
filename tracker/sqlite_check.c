/* The database's own checks, and what no constraint of it says. */
#include "tracker/check.h"
#include "tracker/sqlite_store.h"

#include <string.h>

#define AT_MOST "100"

/* Each row is one problem, in words. */
static const struct {
    bool damage;
    const char *sql;
} QUESTIONS[] = {
    {true,
     "SELECT 'row ' || coalesce(rowid, '?') || ' of ' || \"table\" || ' refers to a "
     "row of ' || parent || ' that is not there' "
     "FROM pragma_foreign_key_check LIMIT " AT_MOST},
    {true, "SELECT 'run ' || m.run_uuid || ': the latest value of ' || m.key || ' is not "
           "the last of its history' FROM metrics m LEFT JOIN latest_metrics l "
           "ON l.key = m.key AND l.run_uuid = m.run_uuid WHERE l.key IS NULL "
           "OR (m.step, m.timestamp, m.value) > (l.step, l.timestamp, l.value) "
           "GROUP BY m.run_uuid, m.key LIMIT " AT_MOST},
    {true,
     "SELECT 'run ' || l.run_uuid || ': the latest value of ' || l.key || ' is in no "
     "history' FROM latest_metrics l WHERE NOT EXISTS (SELECT 1 FROM metrics m "
     "WHERE m.key = l.key AND m.timestamp = l.timestamp AND m.step = l.step "
     "AND m.run_uuid = l.run_uuid AND m.value = l.value AND m.is_nan = l.is_nan) "
     "LIMIT " AT_MOST},
    {true, "SELECT 'alias ' || a.alias || ' of ' || a.name || ' names version ' || "
           "a.version || ', which is not there' FROM registered_model_aliases a "
           "WHERE NOT EXISTS (SELECT 1 FROM model_versions v WHERE v.name = a.name "
           "AND v.version = a.version AND v.current_stage != 'Deleted_Internal') "
           "LIMIT " AT_MOST},
    {false,
     "SELECT 'run ' || i.destination_id || ', which is not there, has a data set' "
     "FROM inputs i WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' "
     "AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_uuid = i.destination_id) "
     "LIMIT " AT_MOST},
    {false, "SELECT 'run ' || i.destination_id || ' has a data set that is not there' "
            "FROM inputs i WHERE i.source_type = 'DATASET' AND NOT EXISTS (SELECT 1 FROM "
            "datasets d WHERE d.dataset_uuid = i.source_id) LIMIT " AT_MOST},
    {false, "SELECT 'tag ' || t.name || ' of data set ties that are not there' FROM "
            "input_tags t WHERE NOT EXISTS (SELECT 1 FROM inputs i WHERE i.input_uuid = "
            "t.input_uuid) LIMIT " AT_MOST},
};

static Status ask(Db *db, const char *sql, bool damage, CheckReport *out)
{
    Stmt *stmt;
    TRY(db_prepare(db, sql, &stmt));
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        const char *what = stmt_text(stmt, 0);
        if (what && strcmp(what, "ok") != 0) {
            check_add(out, damage, "%s", what);
        }
    }
    stmt_free(stmt);
    return status;
}

/* A file that is damaged is asked no further. */
static Status check(Db *db, CheckReport *out)
{
    TRY(ask(db, "PRAGMA integrity_check(" AT_MOST ")", true, out));
    for (size_t i = 0; i < sizeof QUESTIONS / sizeof QUESTIONS[0]; i++) {
        if (out->n_damaged == 0 || i > 0) {
            TRY(ask(db, QUESTIONS[i].sql, QUESTIONS[i].damage, out));
        }
    }
    return STATUS_OK;
}

Status sqlite_check(void *self, CheckReport *out)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin_read(db));
    Status status = check(db, out);
    db_end_read(db);
    return status;
}
