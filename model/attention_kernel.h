/* The kernels of attention, for the file that includes it: VEC floats in a vector, ROWS
 * rows of a product together (enough independent sums to hide the latency of one). Both
 * kinds keep the same layout: rows of probabilities are padded to PAD. */
#ifndef MUSTER_MODEL_ATTENTION_KERNEL_H
#define MUSTER_MODEL_ATTENTION_KERNEL_H

#include "model/attention.h"
#include "model/vecmath.h"

#include <math.h>
#include <stdbool.h>

/* Padding is zero, so it adds nothing. */
enum { PAD = 16 };

/* Floats in a row of probabilities, and in a head's row of a panel. */
static inline size_t padded(size_t n)
{
    return (n + PAD - 1) / PAD * PAD;
}

/* The kinds, for model/attention.c to choose from. */
typedef void AttentionForward(float *out, float *probs, const float *qkv,
                              const AttentionShape *shape,
                              const AttentionDropout *dropout, float *scratch);
typedef void AttentionBackward(float *dqkv, const float *dout, const float *probs,
                               const float *qkv, const AttentionShape *shape,
                               const AttentionDropout *dropout, float *scratch);
AttentionForward attention_forward_portable, attention_forward_v4;
AttentionBackward attention_backward_portable, attention_backward_v4;

#ifdef VEC

typedef float Vec __attribute__((vector_size(VEC * sizeof(float))));

/* A vector in memory: no alignment beyond a float's is promised. */
typedef float VecInMemory
    __attribute__((vector_size(VEC * sizeof(float)), aligned(4), may_alias));

#define LOAD(p)     ((Vec) * (const VecInMemory *)(p))
#define STORE(p, v) (*(VecInMemory *)(p) = (v))

/* An operand whose element (row, k) stands at p[row * row_step + k * k_step]: a matrix or
 * its transpose, without moving it. */
typedef struct Left {
    const float *p;
    size_t row_step, k_step;
} Left;

/* `rows` and `vecs` are constants where it matters, so the sums stay in registers. */
ALWAYS_INLINE void block(float *C, size_t ldc, Left A, const float *B, size_t ldb,
                         size_t rows, size_t vecs, size_t K, float alpha)
{
    Vec sum[ROWS][2] = {{{0}}};
    for (size_t k = 0; k < K; k++) {
        Vec b0 = LOAD(B + k * ldb);
        Vec b1 = vecs > 1 ? LOAD(B + k * ldb + VEC) : b0;
        const float *a = A.p + k * A.k_step;
#pragma GCC unroll 6
        for (size_t r = 0; r < ROWS; r++) {
            if (r < rows) {
                float factor = a[r * A.row_step];
                sum[r][0] += factor * b0;
                if (vecs > 1) {
                    sum[r][1] += factor * b1;
                }
            }
        }
    }
#pragma GCC unroll 6
    for (size_t r = 0; r < ROWS; r++) {
        if (r < rows) {
            STORE(C + r * ldc, sum[r][0] * alpha);
            if (vecs > 1) {
                STORE(C + r * ldc + VEC, sum[r][1] * alpha);
            }
        }
    }
}

ALWAYS_INLINE void columns(float *C, size_t ldc, Left A, const float *B, size_t ldb,
                           size_t M, size_t vecs, size_t K, float alpha)
{
    size_t i = 0;
    for (; i + ROWS <= M; i += ROWS) {
        Left at = {A.p + i * A.row_step, A.row_step, A.k_step};
        block(C + i * ldc, ldc, at, B, ldb, ROWS, vecs, K, alpha);
    }
    for (; i + ROWS / 2 <= M; i += ROWS / 2) {
        Left at = {A.p + i * A.row_step, A.row_step, A.k_step};
        block(C + i * ldc, ldc, at, B, ldb, ROWS / 2, vecs, K, alpha);
    }
    for (; i < M; i++) {
        Left at = {A.p + i * A.row_step, A.row_step, A.k_step};
        block(C + i * ldc, ldc, at, B, ldb, 1, vecs, K, alpha);
    }
}

/* Columns that hold n entries: what is computed of a row, which is padded further. */
ALWAYS_INLINE size_t whole_vectors(size_t n)
{
    return (n + VEC - 1) / VEC * VEC;
}

/* C [M, N] = alpha A [M, K] B [K, N]; N a multiple of VEC. */
ALWAYS_INLINE void product(float *C, size_t ldc, Left A, const float *B, size_t ldb,
                           size_t M, size_t N, size_t K, float alpha)
{
    size_t j = 0;
    for (; j + 2 * VEC <= N; j += 2 * VEC) {
        columns(C + j, ldc, A, B + j, ldb, M, 2, K, alpha);
    }
    if (j < N) {
        columns(C + j, ldc, A, B + j, ldb, M, 1, K, alpha);
    }
}

/* A head's columns of a [T, stride] matrix as an operand whose rows are whole vectors: in
 * place when the head is, else copied into `panel` and padded with zeros. */
typedef struct Panel {
    const float *p;
    size_t stride;
} Panel;

ALWAYS_INLINE Panel head_rows(float *panel, const float *x, size_t stride, size_t T,
                              size_t d, size_t D)
{
    if (d == D) {
        return (Panel){x, stride};
    }
    for (size_t t = 0; t < T; t++) {
        for (size_t c = 0; c < D; c++) {
            panel[t * D + c] = c < d ? x[t * stride + c] : 0;
        }
    }
    return (Panel){panel, D};
}

/* x [T, d of stride] = alpha A B, through a padded panel where the head is no whole
 * number of vectors. */
ALWAYS_INLINE void product_to_head(float *x, size_t stride, Left A, Panel B, float *panel,
                                   size_t T, size_t d, size_t D, size_t K, float alpha)
{
    if (d == D) {
        product(x, stride, A, B.p, B.stride, T, D, K, alpha);
        return;
    }
    product(panel, D, A, B.p, B.stride, T, D, K, alpha);
    for (size_t t = 0; t < T; t++) {
        for (size_t c = 0; c < d; c++) {
            x[t * stride + c] = panel[t * D + c];
        }
    }
}

typedef float Vec8 __attribute__((vector_size(32)));
typedef float Vec8InMemory __attribute__((vector_size(32), aligned(4), may_alias));

/* Eight rows become eight columns: pairs, fours, halves. */
ALWAYS_INLINE void transpose_8(Vec8 x[8])
{
    Vec8 a[8], b[8];
    for (int i = 0; i < 8; i += 2) {
        a[i] = __builtin_shufflevector(x[i], x[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        a[i + 1] = __builtin_shufflevector(x[i], x[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i += 4) {
        b[i] = __builtin_shufflevector(a[i], a[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        b[i + 1] = __builtin_shufflevector(a[i], a[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        b[i + 2] = __builtin_shufflevector(a[i + 1], a[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
        b[i + 3] =
            __builtin_shufflevector(a[i + 1], a[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
    }
    for (int i = 0; i < 4; i++) {
        x[i] = __builtin_shufflevector(b[i], b[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        x[i + 4] = __builtin_shufflevector(b[i], b[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

/* panel [d, W] = a head's columns transposed, zero from T to V. */
ALWAYS_INLINE void transpose_head(float *panel, const float *x, size_t stride, size_t T,
                                  size_t d, size_t V, size_t W)
{
    size_t whole = d / 8 * 8;
    for (size_t t = 0; t < V; t += 8) {
        for (size_t c = 0; c < whole; c += 8) {
            Vec8 tile[8] = {{0}};
            for (size_t i = 0; i < 8; i++) {
                if (t + i < T) {
                    tile[i] = *(const Vec8InMemory *)(x + (t + i) * stride + c);
                }
            }
            transpose_8(tile);
            for (size_t i = 0; i < 8; i++) {
                *(Vec8InMemory *)(panel + (c + i) * W + t) = tile[i];
            }
        }
    }
    for (size_t c = whole; c < d; c++) {
        for (size_t t = 0; t < V; t++) {
            panel[c * W + t] = t < T ? x[t * stride + c] : 0;
        }
    }
}

/* What stands past T in each row of s [T, W] becomes `value`, as far as V. */
ALWAYS_INLINE void fill_past(float *s, size_t T, size_t V, size_t W, float value)
{
    for (size_t i = 0; i < T; i++) {
        for (size_t j = T; j < V; j++) {
            s[i * W + j] = value;
        }
    }
}

/* Each row of s [T, W] becomes its softmax over the first T entries; zero from T to V.
 * Rows are gone through in whole vectors: what stands past T is too low to count. */
ALWAYS_INLINE void softmax_rows(float *s, size_t T, size_t V, size_t W)
{
    fill_past(s, T, V, W, -3e38f);
    for (size_t i = 0; i < T; i++) {
        float *row = s + i * W;
        float top = row[0];
#pragma omp simd reduction(max : top)
        for (size_t j = 0; j < V; j++) {
            top = row[j] > top ? row[j] : top;
        }
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < V; j++) {
            float e = vec_exp(row[j] - top);
            row[j] = e;
            sum += e;
        }
        float inverse = 1.0f / sum;
        for (size_t j = 0; j < V; j++) {
            row[j] *= inverse;
        }
    }
    fill_past(s, T, V, W, 0);
}

/* kept [T, W] = probs * mask * scale; what was dropped gets a minus in `probs`. */
ALWAYS_INLINE void drop(float *kept, float *probs, const uint8_t *mask, float scale,
                        size_t T, size_t W)
{
    for (size_t i = 0; i < T; i++) {
        for (size_t j = 0; j < T; j++) {
            float p = probs[i * W + j];
            bool keep = mask[i * T + j] != 0;
            kept[i * W + j] = keep ? p * scale : 0;
            probs[i * W + j] = keep ? p : -p;
        }
        for (size_t j = T; j < W; j++) {
            kept[i * W + j] = 0;
        }
    }
}

ALWAYS_INLINE void forward(float *out, float *probs, const float *qkv,
                           const AttentionShape *shape, const AttentionDropout *dropout,
                           float *scratch)
{
    size_t heads = shape->heads, H = shape->H, d = H / heads, D = padded(d);
    float alpha = 1.0f / sqrtf((float)d);
    const uint8_t *mask = dropout ? dropout->mask : NULL;
    for (size_t b = 0; b < shape->n_texts; b++) {
        size_t first = shape->text_start[b], T = shape->text_start[b + 1] - first;
        size_t W = padded(T), V = whole_vectors(T);
        float *keys = scratch, *panel = keys + d * W, *mixed = panel + T * D;
        float *kept = mixed + T * D, *rows = probs ? probs : kept + T * W;
        for (size_t head = 0; head < heads; head++) {
            const float *q = qkv + first * 3 * H + head * d;
            transpose_head(keys, q + H, 3 * H, T, d, V, W);
            product(rows, W, (Left){q, 3 * H, 1}, keys, W, T, V, d, alpha);
            softmax_rows(rows, T, V, W);
            Panel values = head_rows(panel, q + 2 * H, 3 * H, T, d, D);
            if (mask) {
                drop(kept, rows, mask, dropout->scale, T, W);
                mask += T * T;
            }
            product_to_head(out + first * H + head * d, H,
                            (Left){mask ? kept : rows, W, 1}, values, mixed, T, d, D, T,
                            1.0f);
            rows += probs ? T * W : 0;
        }
        probs = probs ? rows : NULL;
    }
}

/* dS = P * (dP - rowsum(dP * P)), in place of dP. */
ALWAYS_INLINE void softmax_backward(float *ds, const float *probs, size_t T, size_t V,
                                    size_t W)
{
    for (size_t i = 0; i < T; i++) {
        const float *p = probs + i * W;
        float *row = ds + i * W;
        float dot = 0;
#pragma omp simd reduction(+ : dot)
        for (size_t j = 0; j < V; j++) {
            dot += row[j] * p[j];
        }
        for (size_t j = 0; j < V; j++) {
            row[j] = p[j] * (row[j] - dot);
        }
    }
}

/* What the forward pass went on with, and what its softmax gave. */
ALWAYS_INLINE void take_kept(float *kept, const float *probs, float scale, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        kept[i] = signbit(probs[i]) ? 0 : probs[i] * scale;
    }
}

ALWAYS_INLINE void take_whole(float *whole, const float *probs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        whole[i] = fabsf(probs[i]);
    }
}

ALWAYS_INLINE void drop_backward(float *dprobs, const float *probs, float scale, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        dprobs[i] = signbit(probs[i]) ? 0 : dprobs[i] * scale;
    }
}

/* With P the probabilities and dO the gradient of the output: dV = P^T dO, dP = dO V^T,
 * dS as above, dQ = alpha dS K, dK = alpha dS^T Q. With dropout, P in the first is what
 * was kept. */
ALWAYS_INLINE void backward(float *dqkv, const float *dout, const float *probs,
                            const float *qkv, const AttentionShape *shape,
                            const AttentionDropout *dropout, float *scratch)
{
    size_t heads = shape->heads, H = shape->H, d = H / heads, D = padded(d);
    float alpha = 1.0f / sqrtf((float)d);
    for (size_t b = 0; b < shape->n_texts; b++) {
        size_t first = shape->text_start[b], T = shape->text_start[b + 1] - first;
        size_t W = padded(T), V = whole_vectors(T);
        float *panel = scratch, *grad = panel + W * D, *values = grad + W * D;
        float *ds = values + d * W, *kept = ds + T * W;
        for (size_t head = 0; head < heads; head++) {
            const float *q = qkv + first * 3 * H + head * d, *k = q + H, *v = k + H;
            float *dq = dqkv + first * 3 * H + head * d, *dk = dq + H, *dv = dk + H;
            const float *dO = dout + first * H + head * d;
            const float *whole = probs;

            if (dropout) {
                take_kept(kept, probs, dropout->scale, T * W);
            }
            product_to_head(dv, 3 * H, (Left){dropout ? kept : probs, 1, W},
                            head_rows(panel, dO, H, T, d, D), grad, T, d, D, T, 1.0f);
            if (dropout) {
                take_whole(kept, probs, T * W);
                whole = kept;
            }
            transpose_head(values, v, 3 * H, T, d, V, W);
            product(ds, W, (Left){dO, H, 1}, values, W, T, V, d, 1.0f);
            if (dropout) {
                drop_backward(ds, probs, dropout->scale, T * W);
            }
            softmax_backward(ds, whole, T, V, W);
            product_to_head(dq, 3 * H, (Left){ds, W, 1},
                            head_rows(panel, k, 3 * H, T, d, D), grad, T, d, D, T, alpha);
            product_to_head(dk, 3 * H, (Left){ds, 1, W},
                            head_rows(panel, q, 3 * H, T, d, D), grad, T, d, D, T, alpha);
            probs += T * W;
        }
    }
}

#endif
#endif
