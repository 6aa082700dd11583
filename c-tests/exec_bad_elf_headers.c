// static: yes
// ELF files whose headers cannot be: what the kernel refuses is refused with its errno, what it
// notices too late kills the child by the same signal, and what it overlooks runs.
#include "exec.h"

// Prints what becomes of the file; the output is compared with the native one.
static void tell(const char *what, const struct tiny *elf) {
    write_file("file", elf, sizeof *elf, 0755);
    int status;
    IN_CHILD(status, {
        execl("file", "file", NULL);
        _exit(errno);
    });
    if (WIFSIGNALED(status))
        printf("%s: SIG%s\n", what, sigabbrev_np(WTERMSIG(status)));
    else
        printf("%s: %s\n", what, WEXITSTATUS(status) ? strerrorname_np(WEXITSTATUS(status)) : "runs");
}

// WITH("what", field = value): a good file with that changed. The interpreter is the program itself.
#define WITH(what, change)                   \
    do {                                     \
        struct tiny elf = tiny_elf(NULL);    \
        elf.change;                          \
        tell(what, &elf);                    \
    } while (0)
#define WITH_INTERPRETER(what, change)       \
    do {                                     \
        struct tiny elf = tiny_elf("good");  \
        elf.change;                          \
        tell(what, &elf);                    \
    } while (0)

int main(void) {
    struct tiny good = tiny_elf(NULL);
    good.header.e_type = ET_DYN;
    good.load.p_vaddr = 0;
    good.header.e_entry -= 0x10000000;
    write_file("good", &good, sizeof good, 0755);
    RUNS(execl("good", "good", NULL));
    WITH("nothing", header.e_flags = 0);
    WITH_INTERPRETER("nothing but an interpreter", header.e_flags = 0);
    EXEC_FAILS("/proc/self/maps", EACCES); // and this process goes on

    WITH("magic", header.e_ident[3] = 'G');
    WITH("32-bit class", header.e_ident[EI_CLASS] = ELFCLASS32);
    WITH("class 0", header.e_ident[EI_CLASS] = 0);
    WITH("big-endian", header.e_ident[EI_DATA] = ELFDATA2MSB);
    WITH("identification's version 77", header.e_ident[EI_VERSION] = 77);
    WITH("ABI 9", header.e_ident[EI_OSABI] = 9);
    WITH("version 5", header.e_version = 5);
    WITH("relocatable", header.e_type = ET_REL);
    WITH("core", header.e_type = ET_CORE);
    WITH("type 0", header.e_type = 0);
    WITH("machine 0", header.e_machine = 0);
    WITH("machine 386", header.e_machine = EM_386);
    WITH("machine ARM64", header.e_machine = EM_AARCH64);
    WITH("headers of 0 bytes", header.e_phentsize = 0);
    WITH("headers of 55 bytes", header.e_phentsize = 55);
    WITH("headers of 64 bytes", header.e_phentsize = 64);
    WITH("no headers", header.e_phnum = 0);
    WITH("65535 headers", header.e_phnum = 65535);
    WITH("1170 headers", header.e_phnum = 1170);
    WITH("1171 headers", header.e_phnum = 1171);
    WITH("headers past the end", header.e_phoff = 1 << 20);
    WITH("headers at no offset", header.e_phoff = 1ul << 63);
    WITH("headers at the last offset", header.e_phoff = ~0ul);
    WITH("header size 0", header.e_ehsize = 0);
    WITH("section headers nowhere", header.e_shoff = ~0ul);

    WITH_INTERPRETER("interpreter of 1 byte", interp.p_filesz = 1);
    WITH_INTERPRETER("interpreter without its NUL", interp.p_filesz = 4);
    WITH_INTERPRETER("interpreter and a byte more", interp.p_filesz = 6);
    WITH_INTERPRETER("interpreter of 4096 bytes", interp.p_filesz = 4096);
    WITH_INTERPRETER("interpreter of 4097 bytes", interp.p_filesz = 4097);
    WITH_INTERPRETER("interpreter of huge size", interp.p_filesz = 1ul << 40);
    WITH_INTERPRETER("interpreter past the end", interp.p_offset = 1 << 20);
    WITH_INTERPRETER("interpreter at no offset", interp.p_offset = 1ul << 63);

    WITH("more in the file than in memory", load.p_memsz = 1);
    WITH("misaligned offset", load.p_offset = 8);
    WITH("unaligned address", load.p_vaddr += 8);
    WITH("kernel's address", load.p_vaddr = 0xffffffff80000000);
    WITH("address past user space", load.p_vaddr = 0x7ffffffff000);
    WITH("size past user space", load.p_memsz = 1ul << 47);
    WITH("huge size", load.p_memsz = 1ul << 62);
    WITH("alignment 0", load.p_align = 0);
    WITH("alignment 3", load.p_align = 3);
    WITH("alignment 2 MB", load.p_align = 2 << 20);
    WITH("no permission", load.p_flags = 0);
    WITH("only execution", load.p_flags = PF_X);
    WITH("no execution", load.p_flags = PF_R);
    WITH("nothing to load", load.p_type = PT_NOTE);
    WITH("entry 0", header.e_entry = 0);
    WITH("entry in the kernel", header.e_entry = 0xffffffff80000000);
    WITH("nothing in the file", load.p_filesz = 0);
    WITH("bss behind read-only data", load.p_memsz += 100);
    WITH("pages of bss", load.p_memsz += 5 * PAGE);
    PASS();
}
