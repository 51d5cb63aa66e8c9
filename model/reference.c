/* One formula, one loop; nothing here is meant to be fast. */
#include "model/reference.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double mean_of(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i];
    }
    return sum / (double)n;
}

/* 1 / sqrt(variance + eps), the variance being the biased one. */
static double rstd_of(const float *x, double mean, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += ((double)x[i] - mean) * ((double)x[i] - mean);
    }
    return 1 / sqrt(sum / (double)n + 1e-5);
}

void reference_layernorm_forward(double *y, const float *x, const float *weight,
                                 const float *bias, size_t n, size_t H)
{
    for (size_t i = 0; i < n; i++) {
        double mean = mean_of(x + i * H, H);
        double rstd = rstd_of(x + i * H, mean, H);
        for (size_t h = 0; h < H; h++) {
            double xhat = ((double)x[i * H + h] - mean) * rstd;
            y[i * H + h] = xhat * (double)weight[h] + (double)bias[h];
        }
    }
}

/* dx_j = sum_h dy_h w_h d(xhat_h)/dx_j with
 * d(xhat_h)/dx_j = rstd (delta_hj - 1/H - xhat_h xhat_j / H). */
void reference_layernorm_backward(double *dx, double *dweight, double *dbias,
                                  const float *dy, const float *x, const float *weight,
                                  size_t n, size_t H)
{
    memset(dweight, 0, H * sizeof *dweight);
    memset(dbias, 0, H * sizeof *dbias);
    double *xhat = mem_alloc(H, sizeof *xhat);
    for (size_t i = 0; i < n; i++) {
        double mean = mean_of(x + i * H, H);
        double rstd = rstd_of(x + i * H, mean, H);
        for (size_t h = 0; h < H; h++) {
            xhat[h] = ((double)x[i * H + h] - mean) * rstd;
            dweight[h] += (double)dy[i * H + h] * xhat[h];
            dbias[h] += (double)dy[i * H + h];
        }
        for (size_t j = 0; j < H; j++) {
            double sum = 0;
            for (size_t h = 0; h < H; h++) {
                double slope = rstd * ((h == j) - (1 + xhat[h] * xhat[j]) / (double)H);
                sum += (double)dy[i * H + h] * (double)weight[h] * slope;
            }
            dx[i * H + j] = sum;
        }
    }
    free(xhat);
}

double reference_gelu(double x)
{
    return x * 0.5 * erfc(-x / sqrt(2));
}

double reference_gelu_slope(double x)
{
    return 0.5 * erfc(-x / sqrt(2)) + x * exp(-x * x / 2) / sqrt(2 * acos(-1));
}

static double keep_of(const uint8_t *mask, double rate, size_t i)
{
    return mask ? (double)mask[i] / (1 - rate) : 1;
}

void reference_residual_forward(double *out, const float *x, const float *branch,
                                const float *bias, const uint8_t *mask, double rate,
                                size_t n, size_t H)
{
    for (size_t i = 0; i < n * H; i++) {
        double added = (double)branch[i] + (double)bias[i % H];
        out[i] = (double)x[i] + added * keep_of(mask, rate, i);
    }
}

void reference_residual_backward(double *dbranch, double *dbias, const float *dout,
                                 const uint8_t *mask, double rate, size_t n, size_t H)
{
    memset(dbias, 0, H * sizeof *dbias);
    for (size_t i = 0; i < n * H; i++) {
        dbranch[i] = (double)dout[i] * keep_of(mask, rate, i);
        dbias[i % H] += dbranch[i];
    }
}

/* One head of one text, as pointers into packed arrays of width 3H. */
typedef struct Head {
    const float *q, *k, *v;
    size_t T, d, stride;
} Head;

static Head head_at(const float *qkv, size_t first, size_t T, size_t head, size_t heads,
                    size_t H)
{
    const float *q = qkv + first * 3 * H + head * (H / heads);
    return (Head){q, q + H, q + 2 * H, T, H / heads, 3 * H};
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    return sum;
}

/* probs [T, T] = softmax over j of q_i . k_j / sqrt(d). */
static void head_probs(double *probs, const Head *h)
{
    for (size_t i = 0; i < h->T; i++) {
        double *row = probs + i * h->T, top = -INFINITY, sum = 0;
        for (size_t j = 0; j < h->T; j++) {
            row[j] = dot(h->q + i * h->stride, h->k + j * h->stride, h->d) /
                     sqrt((double)h->d);
            top = fmax(top, row[j]);
        }
        for (size_t j = 0; j < h->T; j++) {
            row[j] = exp(row[j] - top);
            sum += row[j];
        }
        for (size_t j = 0; j < h->T; j++) {
            row[j] /= sum;
        }
    }
}

void reference_attention_forward(double *out, const float *qkv,
                                 const uint32_t *text_start, size_t n_texts, size_t heads,
                                 size_t H)
{
    for (size_t b = 0; b < n_texts; b++) {
        size_t first = text_start[b], T = text_start[b + 1] - first;
        double *probs = mem_alloc(T * T, sizeof *probs);
        for (size_t head = 0; head < heads; head++) {
            Head h = head_at(qkv, first, T, head, heads, H);
            head_probs(probs, &h);
            for (size_t i = 0; i < T; i++) {
                for (size_t c = 0; c < h.d; c++) {
                    double sum = 0;
                    for (size_t j = 0; j < T; j++) {
                        sum += probs[i * T + j] * (double)h.v[j * h.stride + c];
                    }
                    out[(first + i) * H + head * h.d + c] = sum;
                }
            }
        }
        free(probs);
    }
}

/* dS_ij = P_ij (dP_ij - sum_l dP_il P_il), where dP_ij = dout_i . v_j. */
static void head_dscores(double *ds, const double *probs, const float *dout,
                         const Head *h, size_t H)
{
    for (size_t i = 0; i < h->T; i++) {
        double *row = ds + i * h->T, mean = 0;
        for (size_t j = 0; j < h->T; j++) {
            row[j] = dot(dout + i * H, h->v + j * h->stride, h->d);
            mean += row[j] * probs[i * h->T + j];
        }
        for (size_t j = 0; j < h->T; j++) {
            row[j] = probs[i * h->T + j] * (row[j] - mean);
        }
    }
}

static void head_backward(double *dq, const double *probs, const double *ds,
                          const float *dout, const Head *h, size_t H)
{
    double *dk = dq + H, *dv = dk + H, scale = 1 / sqrt((double)h->d);
    for (size_t i = 0; i < h->T; i++) {
        for (size_t c = 0; c < h->d; c++) {
            double to_q = 0, to_k = 0, to_v = 0;
            for (size_t j = 0; j < h->T; j++) {
                to_q += ds[i * h->T + j] * (double)h->k[j * h->stride + c];
                to_k += ds[j * h->T + i] * (double)h->q[j * h->stride + c];
                to_v += probs[j * h->T + i] * (double)dout[j * H + c];
            }
            dq[i * h->stride + c] = scale * to_q;
            dk[i * h->stride + c] = scale * to_k;
            dv[i * h->stride + c] = to_v;
        }
    }
}

void reference_attention_backward(double *dqkv, const float *dout, const float *qkv,
                                  const uint32_t *text_start, size_t n_texts,
                                  size_t heads, size_t H)
{
    for (size_t b = 0; b < n_texts; b++) {
        size_t first = text_start[b], T = text_start[b + 1] - first;
        double *probs = mem_alloc(T * T, sizeof *probs);
        double *ds = mem_alloc(T * T, sizeof *ds);
        for (size_t head = 0; head < heads; head++) {
            Head h = head_at(qkv, first, T, head, heads, H);
            const float *dO = dout + first * H + head * h.d;
            head_probs(probs, &h);
            head_dscores(ds, probs, dO, &h, H);
            head_backward(dqkv + first * 3 * H + head * h.d, probs, ds, dO, &h, H);
        }
        free(ds);
        free(probs);
    }
}

void reference_log_softmax(double *out, const float *x, size_t n, size_t C)
{
    for (size_t i = 0; i < n; i++) {
        double top = -INFINITY, sum = 0;
        for (size_t c = 0; c < C; c++) {
            top = fmax(top, (double)x[i * C + c]);
        }
        for (size_t c = 0; c < C; c++) {
            sum += exp((double)x[i * C + c] - top);
        }
        for (size_t c = 0; c < C; c++) {
            out[i * C + c] = (double)x[i * C + c] - top - log(sum);
        }
    }
}

/* Two losses per row, as PyTorch defines them: that of the label, and the mean of all
 * classes' with share `smoothing`, each class by its weight. */
double reference_cross_entropy(double *dlogits, const float *logits, const int32_t *label,
                               const float *weight, double smoothing, double scale,
                               size_t n, size_t C)
{
    double *log_p = mem_alloc(n * C, sizeof *log_p), loss = 0;
    reference_log_softmax(log_p, logits, n, C);
    memset(dlogits, 0, n * C * sizeof *dlogits);
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < C; c++) {
            double w = weight ? (double)weight[c] : 1;
            double share = smoothing / (double)C;
            if (c == (size_t)label[i]) {
                share += 1 - smoothing;
            }
            loss -= scale * w * share * log_p[i * C + c];
            /* d(-log p_c)/dlogit_j = p_j - delta_cj */
            for (size_t j = 0; j < C; j++) {
                dlogits[i * C + j] +=
                    scale * w * share * (exp(log_p[i * C + j]) - (c == j));
            }
        }
    }
    free(log_p);
    return loss;
}

void reference_words_forward(double *vectors, const float *word_rows,
                             const float *ngram_rows, const PackedBatch *batch, size_t H)
{
    for (size_t w = 0; w < batch->n_words; w++) {
        uint32_t n = batch->ngram_count[w];
        for (size_t h = 0; h < H; h++) {
            double sum = 0;
            for (uint32_t g = 0; g < n; g++) {
                size_t bucket = batch->ngram[batch->ngram_begin[w] + g];
                sum += (double)ngram_rows[bucket * H + h];
            }
            vectors[w * H + h] =
                (double)word_rows[batch->word_row[w] * H + h] + (n ? sum / (double)n : 0);
        }
    }
}

/* Loshchilov, Hutter 2019, algorithm 2, with PyTorch's place for eps. */
void reference_adam_step(double *p, double *m, double *v, const double *g, size_t n,
                         const ReferenceAdam *adam)
{
    for (size_t i = 0; i < n; i++) {
        m[i] = adam->beta1 * m[i] + (1 - adam->beta1) * g[i];
        v[i] = adam->beta2 * v[i] + (1 - adam->beta2) * g[i] * g[i];
        double m_hat = m[i] / (1 - pow(adam->beta1, (double)adam->t));
        double v_hat = v[i] / (1 - pow(adam->beta2, (double)adam->t));
        p[i] -= adam->lr * adam->weight_decay * p[i];
        p[i] -= adam->lr * m_hat / (sqrt(v_hat) + adam->eps);
    }
}

void reference_gemm(double *c, const float *a, bool a_transposed, const float *b,
                    bool b_transposed, size_t m, size_t n, size_t k, double beta)
{
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t l = 0; l < k; l++) {
                sum += (double)a[a_transposed ? l * m + i : i * k + l] *
                       (double)b[b_transposed ? j * k + l : l * n + j];
            }
            c[i * n + j] = beta * c[i * n + j] + sum;
        }
    }
}
