// The upper halves of the vector registers, as the code before a call leaves them: zero, as compilers do, or in use.
#include <stdbool.h>

// Without the target attribute: the compiler would put a vzeroupper behind it.
static inline void set_upper_halves(bool in_use)
{
    if (!__builtin_cpu_supports("avx")) return;
    if (in_use) __asm__ volatile("vcmptrueps %%ymm7, %%ymm7, %%ymm7" : : : "xmm7");
    else __asm__ volatile("vzeroupper");
}
