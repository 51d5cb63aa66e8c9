/* The checks of `muster doctor`: each looks at one thing and says what it found. */
#ifndef MUSTER_CLI_DOCTOR_H
#define MUSTER_CLI_DOCTOR_H

#include "base/text.h"

typedef enum Level { LEVEL_OK, LEVEL_WARN, LEVEL_FAIL } Level;

/* Zero-initialised is a check that found nothing to say. */
typedef struct Finding {
    Level level;
    StrBuf text;   /* one line: the fact */
    StrBuf advice; /* one line: what to do about it; empty when all is well */
} Finding;

/* Sets level and fact; a later call replaces an earlier one. */
void finding_set(Finding *finding, Level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Raises the level to at least `level` and says what to do. */
void finding_advise(Finding *finding, Level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* doctor_machine.c */
void check_cpu(Finding *finding);
void check_cores(Finding *finding);
void check_vector_units(Finding *finding);
void check_memory(Finding *finding);
void check_cpu_limit(Finding *finding);

/* doctor_software.c */
void check_blas(Finding *finding);
void check_sqlite(Finding *finding);
void check_mpi_library(Finding *finding);
void check_mpi_launcher(Finding *finding);
void check_started_by(Finding *finding);

/* doctor_system.c */
void check_file_system(Finding *finding);
void check_disk(Finding *finding);
void check_temporary_folder(Finding *finding);
void check_shared_memory(Finding *finding);
void check_open_files(Finding *finding);
void check_locale(Finding *finding);
void check_home(Finding *finding);

#endif
