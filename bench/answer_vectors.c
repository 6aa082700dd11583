// As answer.c, by code that uses vector registers of AVX2 at each call.
#include <immintrin.h>

#include "../include/usertrap.h"

__attribute__((target("avx2"))) static int enter(struct usertrap_call *call)
{
    __m256i four = _mm256_loadu_si256((const __m256i *)call->storage);
    _mm256_storeu_si256((__m256i *)call->storage, _mm256_add_epi64(four, _mm256_set1_epi64x(1)));
    call->result = 4242;
    return USERTRAP_ANSWER;
}

static const uint16_t numbers[] = {39, 500};

USERTRAP_HOOK(.name = "answer-vectors", .numbers = numbers, .count = 2, .enter = enter);
