/* Philox in vectors of 64-bit lanes, whose multiplication takes the low halves alone:
 * what lands in the high halves is never looked at, so nothing is masked between rounds.
 */
#include "model/dropout_kernels.h"

#include "model/dispatch.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>

enum { ROUNDS = 10 };

/* Sixteen results of 16 blocks, two vectors of 8: word `w` of the blocks in order. */
typedef struct Words {
    __m256i low[4], high[4]; /* blocks 0 .. 7 and 8 .. 15 */
} Words;

/* Bytes 0 or 1 of 32 draws of 16 bits. */
TARGET_V3 static inline __m256i keep(__m256i a, __m256i b, __m256i threshold)
{
    a = _mm256_cmpeq_epi16(_mm256_max_epu16(a, threshold), a);
    b = _mm256_cmpeq_epi16(_mm256_max_epu16(b, threshold), b);
    __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xD8);
    return _mm256_and_si256(bytes, _mm256_set1_epi8(1));
}

/* The draws of a chunk in their order: low halves of words 0 .. 3, then high halves. */
TARGET_V3 static inline void store_chunk(uint8_t *mask, const Words *words,
                                         uint32_t threshold)
{
    __m256i least = _mm256_set1_epi16((short)threshold), first[4], second[4];
    for (int w = 0; w < 4; w++) {
        __m256i a = words->low[w], b = words->high[w];
        __m256i lows = _mm256_blend_epi16(a, _mm256_setzero_si256(), 0xAA);
        __m256i more = _mm256_blend_epi16(b, _mm256_setzero_si256(), 0xAA);
        first[w] = _mm256_permute4x64_epi64(_mm256_packus_epi32(lows, more), 0xD8);
        second[w] = _mm256_permute4x64_epi64(
            _mm256_packus_epi32(_mm256_srli_epi32(a, 16), _mm256_srli_epi32(b, 16)),
            0xD8);
    }
    for (int w = 0; w < 4; w += 2) {
        _mm256_storeu_si256((__m256i *)(void *)(mask + 16 * w),
                            keep(first[w], first[w + 1], least));
        _mm256_storeu_si256((__m256i *)(void *)(mask + 64 + 16 * w),
                            keep(second[w], second[w + 1], least));
    }
}

/* The low halves of two vectors of 4 lanes. */
TARGET_V3 static inline __m256i low_halves(__m256i a, __m256i b)
{
    __m256 both = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88);
    return _mm256_permute4x64_epi64(_mm256_castps_si256(both), 0xD8);
}

/* Blocks first .. first + 7. */
TARGET_V3 static inline void philox_8(__m256i out[4], DropoutKey key, uint32_t example,
                                      uint32_t first)
{
    const __m256i m0 = _mm256_set1_epi64x(0xD2511F53),
                  m1 = _mm256_set1_epi64x(0xCD9E8D57);
    __m256i c0[2], c1[2], c2[2], c3[2];
    for (int v = 0; v < 2; v++) {
        __m256i start = _mm256_set1_epi64x((long long)first + 4 * v);
        c0[v] = _mm256_add_epi64(start, _mm256_set_epi64x(3, 2, 1, 0));
        c1[v] = _mm256_set1_epi64x(example);
        c2[v] = _mm256_set1_epi64x(key.step);
        c3[v] = _mm256_set1_epi64x(key.purpose);
    }
    uint32_t k0 = (uint32_t)key.seed, k1 = (uint32_t)(key.seed >> 32);
    for (int round = 0; round < ROUNDS; round++) {
        __m256i key0 = _mm256_set1_epi64x(k0), key1 = _mm256_set1_epi64x(k1);
        for (int v = 0; v < 2; v++) {
            __m256i p0 = _mm256_mul_epu32(c0[v], m0), p1 = _mm256_mul_epu32(c2[v], m1);
            c0[v] = _mm256_xor_si256(_mm256_srli_epi64(p1, 32),
                                     _mm256_xor_si256(c1[v], key0));
            c2[v] = _mm256_xor_si256(_mm256_srli_epi64(p0, 32),
                                     _mm256_xor_si256(c3[v], key1));
            c1[v] = p1;
            c3[v] = p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = low_halves(c0[0], c0[1]);
    out[1] = low_halves(c1[0], c1[1]);
    out[2] = low_halves(c2[0], c2[1]);
    out[3] = low_halves(c3[0], c3[1]);
}

TARGET_V3
void dropout_chunks_v3(uint8_t *mask, size_t n_chunks, DropoutKey key, uint32_t example,
                       uint32_t first_block, uint32_t threshold)
{
    for (size_t i = 0; i < n_chunks; i++, first_block += LANES) {
        Words words;
        philox_8(words.low, key, example, first_block);
        philox_8(words.high, key, example, first_block + 8);
        store_chunk(mask + i * CHUNK, &words, threshold);
    }
}

TARGET_V4 static inline void philox_16(Words *out, DropoutKey key, uint32_t example,
                                       uint32_t first)
{
    const __m512i m0 = _mm512_set1_epi64(0xD2511F53), m1 = _mm512_set1_epi64(0xCD9E8D57);
    __m512i c0[2], c1[2], c2[2], c3[2];
    for (int v = 0; v < 2; v++) {
        __m512i start = _mm512_set1_epi64((long long)first + 8 * v);
        c0[v] = _mm512_add_epi64(start, _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
        c1[v] = _mm512_set1_epi64(example);
        c2[v] = _mm512_set1_epi64(key.step);
        c3[v] = _mm512_set1_epi64(key.purpose);
    }
    uint32_t k0 = (uint32_t)key.seed, k1 = (uint32_t)(key.seed >> 32);
    for (int round = 0; round < ROUNDS; round++) {
        __m512i key0 = _mm512_set1_epi64(k0), key1 = _mm512_set1_epi64(k1);
        for (int v = 0; v < 2; v++) {
            __m512i p0 = _mm512_mul_epu32(c0[v], m0), p1 = _mm512_mul_epu32(c2[v], m1);
            c0[v] = _mm512_xor_si512(_mm512_srli_epi64(p1, 32),
                                     _mm512_xor_si512(c1[v], key0));
            c2[v] = _mm512_xor_si512(_mm512_srli_epi64(p0, 32),
                                     _mm512_xor_si512(c3[v], key1));
            c1[v] = p1;
            c3[v] = p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    const __m512i *const c[4] = {c0, c1, c2, c3};
    for (int w = 0; w < 4; w++) {
        out->low[w] = _mm512_cvtepi64_epi32(c[w][0]);
        out->high[w] = _mm512_cvtepi64_epi32(c[w][1]);
    }
}

TARGET_V4
void dropout_chunks_v4(uint8_t *mask, size_t n_chunks, DropoutKey key, uint32_t example,
                       uint32_t first_block, uint32_t threshold)
{
    for (size_t i = 0; i < n_chunks; i++, first_block += LANES) {
        Words words;
        philox_16(&words, key, example, first_block);
        store_chunk(mask + i * CHUNK, &words, threshold);
    }
}

#else

void dropout_chunks_v3(uint8_t *mask, size_t n_chunks, DropoutKey key, uint32_t example,
                       uint32_t first_block, uint32_t threshold)
{
    dropout_chunks_portable(mask, n_chunks, key, example, first_block, threshold);
}

void dropout_chunks_v4(uint8_t *mask, size_t n_chunks, DropoutKey key, uint32_t example,
                       uint32_t first_block, uint32_t threshold)
{
    dropout_chunks_portable(mask, n_chunks, key, example, first_block, threshold);
}

#endif
