// Shows that a new image has the kernel's vDSO, at AT_SYSINFO_EHDR, and that libc finds it: the clock
// is read although the system call is refused.
// forms: pie nopie static static-pie
#include "image.h"
#include "maps.h"
#include <elf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <time.h>

#ifdef IMAGE
int main(void) {
    const Elf64_Ehdr *vdso = (void *)getauxval(AT_SYSINFO_EHDR);
    CHECK(vdso && !memcmp(vdso, ELFMAG, SELFMAG) && vdso->e_type == ET_DYN && vdso->e_machine == EM_X86_64);
    CHECK_EQ(mapping_of(vdso).from, (uintptr_t)vdso);
    CHECK_PROTECTION(vdso, "r-xp");

    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, filter};
    struct timespec now, later;
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
    CHECK_EQ(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now), -1);
    CHECK_EQ(errno, ENOTTY);
    if (clock_gettime(CLOCK_MONOTONIC_COARSE, &now) != 0 || clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        SHOW("no clock without a call");
    else
        CHECK(clock_gettime(CLOCK_MONOTONIC, &later) == 0 && later.tv_sec >= now.tv_sec && now.tv_sec > 0);
    return 0;
}
#else
int main(void) {
    EACH_FORM(form) IMAGE_PASSES(form);
    PASS();
}
#endif
