/* Texts are short (tens of tokens), heads narrow: a call into BLAS per head would cost
 * more than the product. Here a head's operands are copied into small padded panels and
 * multiplied by a register-blocked kernel. */
#include "model/attention.h"

#include "model/vecmath.h"

#include <math.h>
#include <string.h>

/* Panels are padded to whole vectors of 8 floats; padding is zero, so it adds nothing. */
enum { VEC = 8 };

typedef float Vec __attribute__((vector_size(VEC * sizeof(float))));

/* A vector in memory: no alignment beyond a float's is promised. */
typedef float VecInMemory
    __attribute__((vector_size(VEC * sizeof(float)), aligned(4), may_alias));

#define LOAD(p)     ((Vec) * (const VecInMemory *)(p))
#define STORE(p, v) (*(VecInMemory *)(p) = (v))

ALWAYS_INLINE size_t padded(size_t n)
{
    return (n + VEC - 1) / VEC * VEC;
}

/* Rows of C computed together: enough independent sums to hide the latency of one. */
enum { ROWS = 4 };

ALWAYS_INLINE void block(float *C, size_t ldc, const float *A, size_t lda,
                         const float *B, size_t ldb, size_t rows, size_t vecs, size_t K,
                         float alpha)
{
    Vec sum[ROWS][2] = {{{0}}};
    for (size_t k = 0; k < K; k++) {
        Vec b0 = LOAD(B + k * ldb);
        Vec b1 = vecs > 1 ? LOAD(B + k * ldb + VEC) : b0;
#pragma GCC unroll 4
        for (size_t r = 0; r < ROWS; r++) {
            float a = A[(r < rows ? r : 0) * lda + k];
            sum[r][0] += a * b0;
            sum[r][1] += a * b1;
        }
    }
    for (size_t r = 0; r < rows; r++) {
        STORE(C + r * ldc, sum[r][0] * alpha);
        if (vecs > 1) {
            STORE(C + r * ldc + VEC, sum[r][1] * alpha);
        }
    }
}

/* C [M, N] = alpha A [M, K] B [K, N]; N a multiple of 8. */
ALWAYS_INLINE void product(float *C, size_t ldc, const float *A, size_t lda,
                           const float *B, size_t ldb, size_t M, size_t N, size_t K,
                           float alpha)
{
    for (size_t j = 0; j < N; j += 2 * VEC) {
        size_t vecs = N - j >= 2 * VEC ? 2 : 1;
        for (size_t i = 0; i < M; i += ROWS) {
            size_t rows = M - i < ROWS ? M - i : ROWS;
            if (rows == ROWS && vecs == 2) {
                block(C + i * ldc + j, ldc, A + i * lda, lda, B + j, ldb, ROWS, 2, K,
                      alpha);
            } else {
                block(C + i * ldc + j, ldc, A + i * lda, lda, B + j, ldb, rows, vecs, K,
                      alpha);
            }
        }
    }
}

/* panel [T, D] = a head's columns of x, zero past d. */
ALWAYS_INLINE void gather_head(float *panel, const float *x, size_t stride, size_t T,
                               size_t d, size_t D)
{
    for (size_t t = 0; t < T; t++) {
        for (size_t c = 0; c < d; c++) {
            panel[t * D + c] = x[t * stride + c];
        }
        for (size_t c = d; c < D; c++) {
            panel[t * D + c] = 0;
        }
    }
}

/* panel [d, W] = the same transposed, zero past T. */
ALWAYS_INLINE void gather_transposed(float *panel, const float *x, size_t stride,
                                     size_t T, size_t d, size_t W)
{
    for (size_t c = 0; c < d; c++) {
        for (size_t t = 0; t < T; t++) {
            panel[c * W + t] = x[t * stride + c];
        }
        for (size_t t = T; t < W; t++) {
            panel[c * W + t] = 0;
        }
    }
}

ALWAYS_INLINE void scatter_head(float *x, size_t stride, const float *panel, size_t T,
                                size_t d, size_t D)
{
    for (size_t t = 0; t < T; t++) {
        for (size_t c = 0; c < d; c++) {
            x[t * stride + c] = panel[t * D + c];
        }
    }
}

ALWAYS_INLINE void transpose(float *out, const float *in, size_t T, size_t W)
{
    for (size_t i = 0; i < T; i++) {
        for (size_t j = 0; j < T; j++) {
            out[j * W + i] = in[i * W + j];
        }
    }
    for (size_t j = 0; j < T; j++) {
        for (size_t i = T; i < W; i++) {
            out[j * W + i] = 0;
        }
    }
}

/* Each row of s [T, W] becomes its softmax over the first T entries; zero past T. */
ALWAYS_INLINE void softmax_rows(float *s, size_t T, size_t W)
{
    for (size_t i = 0; i < T; i++) {
        float *row = s + i * W;
        float top = row[0];
#pragma omp simd reduction(max : top)
        for (size_t j = 0; j < T; j++) {
            top = row[j] > top ? row[j] : top;
        }
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < T; j++) {
            float e = vec_exp(row[j] - top);
            row[j] = e;
            sum += e;
        }
        float inverse = 1.0f / sum;
        for (size_t j = 0; j < T; j++) {
            row[j] *= inverse;
        }
        for (size_t j = T; j < W; j++) {
            row[j] = 0;
        }
    }
}

size_t attention_probs(size_t T, size_t heads)
{
    return heads * T * padded(T);
}

size_t attention_scratch(size_t max_tokens, size_t d)
{
    size_t T = padded(max_tokens), D = padded(d);
    return 6 * T * D + 2 * T * T;
}

MULTIVERSION
void attention_forward(float *out, float *probs, const float *qkv,
                       const uint32_t *text_start, size_t n_texts, size_t heads,
                       size_t H, float *scratch)
{
    size_t d = H / heads, D = padded(d);
    float alpha = 1.0f / sqrtf((float)d);
    for (size_t b = 0; b < n_texts; b++) {
        size_t first = text_start[b], T = text_start[b + 1] - first, W = padded(T);
        float *keys = scratch, *values = keys + d * W, *mixed = values + T * D;
        for (size_t head = 0; head < heads; head++) {
            const float *q = qkv + first * 3 * H + head * d;
            gather_transposed(keys, q + H, 3 * H, T, d, W);
            gather_head(values, q + 2 * H, 3 * H, T, d, D);
            product(probs, W, q, 3 * H, keys, W, T, W, d, alpha);
            softmax_rows(probs, T, W);
            product(mixed, D, probs, W, values, D, T, D, T, 1.0f);
            scatter_head(out + first * H + head * d, H, mixed, T, d, D);
            probs += T * W;
        }
    }
}

/* With P the probabilities and dO the gradient of the output: dV = P^T dO,
 * dP = dO V^T, dS = P * (dP - rowsum(dP * P)), dQ = alpha dS K, dK = alpha dS^T Q. */
MULTIVERSION
void attention_backward(float *dqkv, const float *dout, const float *probs,
                        const float *qkv, const uint32_t *text_start, size_t n_texts,
                        size_t heads, size_t H, float *scratch)
{
    size_t d = H / heads, D = padded(d);
    float alpha = 1.0f / sqrtf((float)d);
    for (size_t b = 0; b < n_texts; b++) {
        size_t first = text_start[b], T = text_start[b + 1] - first, W = padded(T);
        float *panel = scratch, *grad = panel + W * D, *values = grad + T * D;
        float *ds = values + d * W, *turned = ds + T * W;
        for (size_t head = 0; head < heads; head++) {
            const float *q = qkv + first * 3 * H + head * d, *k = q + H, *v = q + 2 * H;
            float *dq = dqkv + first * 3 * H + head * d;
            const float *dO = dout + first * H + head * d;

            transpose(turned, probs, T, W);
            gather_head(panel, dO, H, T, d, D);
            product(grad, D, turned, W, panel, D, T, D, T, 1.0f);
            scatter_head(dq + 2 * H, 3 * H, grad, T, d, D);

            gather_transposed(values, v, 3 * H, T, d, W);
            product(ds, W, dO, H, values, W, T, W, d, 1.0f);
            for (size_t i = 0; i < T; i++) {
                const float *p = probs + i * W;
                float *row = ds + i * W;
                float dot = 0;
#pragma omp simd reduction(+ : dot)
                for (size_t j = 0; j < T; j++) {
                    dot += row[j] * p[j];
                }
                for (size_t j = 0; j < W; j++) {
                    row[j] = p[j] * (row[j] - dot);
                }
            }

            gather_head(panel, k, 3 * H, T, d, D);
            product(grad, D, ds, W, panel, D, T, D, T, alpha);
            scatter_head(dq, 3 * H, grad, T, d, D);

            transpose(turned, ds, T, W);
            gather_head(panel, q, 3 * H, T, d, D);
            product(grad, D, turned, W, panel, D, T, D, T, alpha);
            scatter_head(dq + H, 3 * H, grad, T, d, D);
            probs += T * W;
        }
    }
}
