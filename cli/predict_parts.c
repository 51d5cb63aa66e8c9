/* Rounds: rank 0 tells how large each rank's part is, hands them out, and all gather the
 * answers. */
#include "cli/predict_parts.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A part is full with the first of these. */
enum { PART_TEXTS = 256, PART_BYTES = 4 << 20 };

typedef struct Part {
    StrBuf bytes;               /* of all texts */
    uint64_t begin[PART_TEXTS]; /* of each in `bytes` */
    size_t n;
} Part;

/* What rank 0 says of a part before it sends it. */
typedef struct PartSize {
    uint64_t n, bytes; /* texts, and bytes of them; no texts for anybody is the end */
} PartSize;

struct PredictParts {
    const Ranks *ranks;
    Predictor *predictor;
    AnswerPrinter *printer;
    bool patient, failed;
    size_t C;
    Part *parts;     /* [size] on rank 0; one on the others */
    size_t at;       /* the part that is being filled */
    PartSize *sizes; /* [size] */
    float *answers;  /* [size * PART_TEXTS, C] */
    size_t *counts;  /* [size] bytes of answers */
};

PredictParts *predict_parts_open(const Ranks *ranks, Predictor *predictor,
                                 AnswerPrinter *printer, bool patient)
{
    size_t size = (size_t)ranks->size;
    PredictParts *p = mem_zalloc(1, sizeof *p);
    p->ranks = ranks;
    p->predictor = predictor;
    p->printer = printer;
    p->patient = patient && size > 1;
    p->C = predictor_n_classes(predictor);
    p->parts = mem_zalloc(ranks->rank == 0 ? size : 1, sizeof *p->parts);
    p->sizes = mem_zalloc(size, sizeof *p->sizes);
    p->answers = mem_alloc(size * PART_TEXTS * p->C, sizeof *p->answers);
    p->counts = mem_alloc(size, sizeof *p->counts);
    return p;
}

/* ---- a round ---- */

static void announce(PredictParts *p)
{
    if (p->patient) {
        p->ranks->wait(p->ranks->self);
    }
    p->ranks->broadcast(p->ranks->self, p->sizes,
                        (size_t)p->ranks->size * sizeof *p->sizes);
}

static void send_parts(PredictParts *p)
{
    const Ranks *ranks = p->ranks;
    for (int r = 1; r < ranks->size && p->parts[r].n > 0; r++) {
        const Part *part = &p->parts[r];
        ranks->exchange(ranks->self, r, part->begin, part->n * sizeof *part->begin, NULL,
                        0);
        ranks->exchange(ranks->self, r, part->bytes.p, part->bytes.n, NULL, 0);
    }
}

static void receive_part(PredictParts *p)
{
    const Ranks *ranks = p->ranks;
    const PartSize *size = &p->sizes[ranks->rank];
    Part *part = &p->parts[0];
    part->n = size->n;
    part->bytes.n = size->bytes;
    if (size->n > 0) {
        part->bytes.p =
            mem_grow(part->bytes.p, &part->bytes.cap, size->bytes + 1, sizeof(char));
        ranks->exchange(ranks->self, 0, NULL, 0, part->begin,
                        size->n * sizeof *part->begin);
        ranks->exchange(ranks->self, 0, NULL, 0, part->bytes.p, size->bytes);
    }
}

/* This rank's own part. */
static Status predict_part(PredictParts *p, const Part *part, float *answers)
{
    Text texts[PART_TEXTS];
    for (size_t i = 0; i < part->n; i++) {
        size_t end = i + 1 < part->n ? part->begin[i + 1] : part->bytes.n;
        texts[i] = (Text){part->bytes.p + part->begin[i], end - part->begin[i]};
    }
    return predictor_predict(p->predictor, texts, part->n, answers);
}

/* The parts are in place: answers, and gathers them on every rank. */
static Status answer_round(PredictParts *p)
{
    const Ranks *ranks = p->ranks;
    size_t first = 0, n = 0;
    for (int r = 0; r < ranks->size; r++) {
        p->counts[r] = p->sizes[r].n * p->C * sizeof *p->answers;
        first += r < ranks->rank ? p->sizes[r].n : 0;
        n += p->sizes[r].n;
    }
    float *mine = p->answers + first * p->C;
    Status status = ranks_agree(ranks, predict_part(p, &p->parts[0], mine));
    if (status != STATUS_OK) {
        p->failed = true;
        return status;
    }
    ranks->gather(ranks->self, mine, p->answers, p->counts);
    if (p->printer) {
        answers_add(p->printer, p->answers, n);
    }
    return STATUS_OK;
}

Status predict_parts_follow(PredictParts *p)
{
    Status status = STATUS_OK;
    while (status == STATUS_OK) {
        announce(p);
        if (p->sizes[0].n == 0) {
            break;
        }
        receive_part(p);
        status = answer_round(p);
    }
    return status;
}

Status predict_parts_answer(PredictParts *p)
{
    size_t size = (size_t)p->ranks->size;
    for (size_t r = 0; r < size; r++) {
        p->sizes[r] = (PartSize){p->parts[r].n, p->parts[r].bytes.n};
    }
    announce(p);
    send_parts(p);
    Status status = answer_round(p);
    for (size_t r = 0; r < size; r++) {
        strbuf_clear(&p->parts[r].bytes);
        p->parts[r].n = 0;
    }
    p->at = 0;
    return status;
}

/* ---- rank 0 ---- */

bool predict_parts_waiting(const PredictParts *p)
{
    return p->parts[0].n > 0;
}

Status predict_parts_add(PredictParts *p, const Text *fields, size_t n_fields)
{
    Part *part = &p->parts[p->at];
    part->begin[part->n++] = part->bytes.n;
    for (size_t i = 0; i < n_fields; i++) {
        if (i > 0) {
            strbuf_add_char(&part->bytes, ' ');
        }
        strbuf_add(&part->bytes, fields[i].p, fields[i].n);
    }
    if (part->n == PART_TEXTS || part->bytes.n >= PART_BYTES) {
        p->at++;
    }
    return p->at == (size_t)p->ranks->size ? predict_parts_answer(p) : STATUS_OK;
}

void predict_parts_close(PredictParts *p)
{
    bool root = p->ranks->rank == 0;
    if (root && !p->failed && p->ranks->size > 1) {
        memset(p->sizes, 0, (size_t)p->ranks->size * sizeof *p->sizes);
        announce(p);
    }
    for (size_t r = 0; r < (root ? (size_t)p->ranks->size : 1); r++) {
        strbuf_free(&p->parts[r].bytes);
    }
    free(p->parts);
    free(p->sizes);
    free(p->answers);
    free(p->counts);
    free(p);
}
