// A hook library whose code shows what it changes: with -DPART it changes all of that part, at each call and at each
// result, and nothing else. Call 500 is answered.
#include "usertrap.h"

#ifndef FLAGS
#define FLAGS 0
#endif
#define ANSWER 0x4242424242 // no pid
#define EACH16 "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"
#define HIGH16 "16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"

#ifdef BY_POINTER
static void nothing(struct usertrap_call *call) { call->storage[1]++; }
static void (*volatile by_pointer)(struct usertrap_call *) = nothing;
#endif

// Not inlined: direct calls are followed.
__attribute__((noinline)) static void spoil(struct usertrap_call *call) {
    call->storage[0]++;
#ifdef LOW
    __asm__ volatile(".irp i," EACH16 "\n pcmpeqd %%xmm\\i, %%xmm\\i\n .endr" ::: "memory");
#endif
#ifdef X87
    static const uint16_t control = 0x0c7f;
    __asm__ volatile("fninit\n\tfldz\n\tfld1\n\tfldpi\n\tfninit\n\tfldcw %0" ::"m"(control) : "memory");
#endif
#ifdef MMX
    __asm__ volatile(".irp i,0,1,2,3,4,5,6,7\n movq %%rsp, %%mm\\i\n .endr\n emms" ::: "memory");
#endif
#ifdef CONTROL
    static const uint32_t mxcsr = 0x7fbf;
    __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr) : "memory");
#endif
#ifdef UPPER
    __asm__ volatile(".irp i," EACH16 "\n vcmptrueps %%ymm\\i, %%ymm\\i, %%ymm\\i\n .endr" ::: "memory");
#endif
#ifdef WIDE
    __asm__ volatile(".irp i," EACH16 "\n vpternlogd $255, %%zmm\\i, %%zmm\\i, %%zmm\\i\n .endr" ::: "memory");
#endif
#ifdef HIGH
    __asm__ volatile(".irp i," HIGH16 "\n vpternlogd $255, %%zmm\\i, %%zmm\\i, %%zmm\\i\n .endr" ::: "memory");
#endif
#ifdef MASKS
    __asm__ volatile(".irp i,0,1,2,3,4,5,6,7\n kxnorw %%k\\i, %%k\\i, %%k\\i\n .endr" ::: "memory");
#endif
#ifdef BLOCK
    static __attribute__((tls_model("initial-exec"))) _Thread_local uint64_t calls;
    if (++calls != call->storage[0]) __builtin_trap(); // both are of the thread's alone
#endif
#ifdef BY_POINTER
    by_pointer(call);
#endif
}

static int enter(struct usertrap_call *call) {
    spoil(call);
    if (call->number == 500) {
        call->result = ANSWER;
        return USERTRAP_ANSWER;
    }
    return USERTRAP_PASS_THEN_EXIT;
}

static void leave(struct usertrap_call *call) {
    if (call->result == ANSWER) __builtin_trap(); // no answered call comes here
    spoil(call);
}

USERTRAP_HOOK(.name = "touches", .flags = FLAGS, .enter = enter, .exit = leave);
