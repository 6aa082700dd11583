// Runs a command and all that it starts under ptrace, and decides what became of each system call.
//
// Two ways to see that the kernel executes a call:
//
// * By a filter (the way by default). Before the first exec the command sets a seccomp filter that answers
//   RET_TRACE to everything. The kernel takes the answer of highest precedence of all filters, and RET_TRAP
//   precedes RET_TRACE: so we are stopped (PTRACE_EVENT_SECCOMP) for exactly the calls that no other filter
//   keeps from being executed, once a call, and a trapped one shows itself by its SIGSYS only.
// * By stops (--stops): PTRACE_SYSCALL, without a filter of ours. The stop at the entry comes before seccomp, so
//   what became of a call made elsewhere shows at the thread's next stop that is not its exit: SIGSYS with the
//   call's own address says that it was trapped, anything else that it was executed.
//
// Both are blind to nothing but the vsyscall page, which the second way does not see.
#include "audit.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// sys/ptrace.h and linux/ptrace.h cannot be had together.
extern long ptrace(int request, ...);
enum { SIGSYS_OF_SECCOMP = 1 /* SYS_SECCOMP */, SYSCALL_STOP = SIGTRAP | 0x80 };
static const uint64_t VSYSCALL_PAGE = 0xffffffffff600000;

struct thread {
    pid_t tid;
    struct process *process;
    struct thread *next;
    bool pending;  // --stops: a call was made elsewhere, and what became of it is open
    bool left;     // ... its exit stop was seen
    bool arms;     // within a call that sets a filter
    int64_t result;
    struct call call;
    uint64_t argument; // the call's first
};

enum { BUCKETS = 4096 };
static struct thread *threads[BUCKETS];
static bool started; // the command's first exec is done
static pid_t first;

static struct thread **place_of(pid_t tid)
{
    struct thread **place = &threads[tid % BUCKETS];
    while (*place && (*place)->tid != tid) place = &(*place)->next;
    return place;
}

static pid_t process_of(pid_t tid)
{
    char path[40], line[256];
    int pid = tid;
    snprintf(path, sizeof path, "/proc/%d/status", tid);
    FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "Tgid: %d", &pid) == 1) break;
    if (status) fclose(status);
    return pid;
}

static void read_name(struct process *process)
{
    char path[40], name[64];
    snprintf(path, sizeof path, "/proc/%d/comm", process->pid);
    FILE *comm = fopen(path, "re");
    if (!comm) return;
    if (fgets(name, sizeof name, comm)) {
        name[strcspn(name, "\n")] = 0;
        memcpy(process->name, name, sizeof name);
    }
    fclose(comm);
}

// The thread's record, made when it is seen first: its parent's event may come later than its own.
static struct thread *thread_of(pid_t tid)
{
    struct thread **place = place_of(tid);
    if (*place) return *place;
    struct thread *thread = calloc(1, sizeof *thread);
    if (!thread) die("memory");
    thread->tid = tid;
    pid_t pid = process_of(tid);
    struct thread *leader = pid == tid ? NULL : *place_of(pid);
    if (leader) {
        thread->process = leader->process;
    } else {
        // Also for a thread whose leader's record is gone: its counts are then a process's of its own.
        thread->process = calloc(1, sizeof *thread->process);
        if (!thread->process) die("memory");
        thread->process->pid = pid;
        read_name(thread->process);
        thread->process->is_32_bit = image_is_32_bit(pid);
    }
    thread->process->threads++;
    *place_of(tid) = thread;
    return thread;
}

static void decide(struct thread *thread, enum fate fate)
{
    thread->pending = false;
    tally(thread->process, thread->tid, fate, &thread->call);
}

static void forget(pid_t tid)
{
    struct thread **place = place_of(tid), *thread = *place;
    if (!thread) return;
    *place = thread->next;
    if (thread->pending) decide(thread, UNDECIDED);
    if (--thread->process->threads == 0) {
        tally_fold(thread->process, true);
        free(thread->process);
    }
    free(thread);
}

static bool is_exec(const struct call *call)
{
    return call->arch == AUDIT_ARCH_X86_64 && (call->number == SYS_execve || call->number == SYS_execveat);
}

// A filter, or Syscall User Dispatch without a selector.
static bool arms(const struct ptrace_syscall_info *info)
{
    enum { USER_DISPATCH = 59, ON = 1 };
    const __u64 *args = info->entry.args;
    return info->arch == AUDIT_ARCH_X86_64 &&
           ((info->entry.nr == SYS_seccomp && args[0] == SECCOMP_SET_MODE_FILTER) ||
            (info->entry.nr == SYS_prctl && args[0] == PR_SET_SECCOMP && args[1] == SECCOMP_MODE_FILTER) ||
            (info->entry.nr == SYS_prctl && args[0] == USER_DISPATCH && args[1] == ON && args[4] == 0));
}

// A call: at its entry (--stops), or one that is executed now.
static void on_call(struct thread *thread, const struct ptrace_syscall_info *info)
{
    struct process *process = thread->process;
    if (thread->pending) decide(thread, MISSED);
    if (!started) return;
    thread->call = (struct call){.ip = info->instruction_pointer, .number = info->entry.nr, .arch = info->arch};
    thread->argument = info->entry.args[0];
    thread->left = false;
    thread->arms = !armed && arms(info);
    if (is_exec(&thread->call)) read_name(process); // it may be the image's last call

    if (gate_holds(thread->call.ip) && info->arch == AUDIT_ARCH_X86_64) return decide(thread, FROM_GATE);
    if (!armed) return decide(thread, BEFORE_ARM);
    if (process->is_32_bit && info->arch == AUDIT_ARCH_I386) return decide(thread, NATIVE_32);
    if (thread->call.ip - VSYSCALL_PAGE < 4096) return decide(thread, VSYSCALL);
    if (!options.stops) return decide(thread, MISSED);
    thread->pending = true;
    if (is_exec(&thread->call)) // its maps will be gone
        mapping_of(thread->tid, thread->call.ip, thread->call.where, sizeof thread->call.where);
}

static void on_exit_of_call(struct thread *thread, int64_t result)
{
    thread->left = true;
    thread->result = result;
    if (!thread->arms) return;
    thread->arms = false;
    if (result < 0) return;
    armed = true;
    if (!gate_known()) gate_place(library_base(thread->tid, options.library));
}

static void on_exec(pid_t tid)
{
    unsigned long former = tid;
    ptrace(PTRACE_GETEVENTMSG, tid, 0, &former);
    struct thread *thread = thread_of(tid), *caller = *place_of(former);
    if (caller && caller != thread) { // another thread's exec: it has the leader's id now
        if (thread->pending) decide(thread, UNDECIDED);
        thread->pending = caller->pending;
        thread->call = caller->call;
        caller->pending = false;
        forget(former);
    }
    if (thread->pending) decide(thread, MISSED);
    if (started) tally_fold(thread->process, false);
    started = true;
    read_name(thread->process);
    thread->process->is_32_bit = image_is_32_bit(tid);
}

// The thread is about to end.
static void on_end(struct thread *thread)
{
    unsigned long status = 0;
    ptrace(PTRACE_GETEVENTMSG, thread->tid, 0, &status);
    read_name(thread->process);
    if (!thread->pending) return;
    bool ends = thread->call.number == SYS_exit || thread->call.number == SYS_exit_group;
    if (thread->left && (uint64_t)thread->result == thread->call.number)
        decide(thread, TRAPPED); // killed before its SIGSYS: a trapped call's number is left in rax
    else if (!thread->left && ends && status == (thread->argument & 0xff) << 8 && thread->process->threads == 1)
        decide(thread, MISSED);
    else
        decide(thread, UNDECIDED);
}

// A signal is about to be delivered.
static void on_signal(struct thread *thread, int signal)
{
    siginfo_t about;
    if (signal != SIGSYS || ptrace(PTRACE_GETSIGINFO, thread->tid, 0, &about) < 0 || about.si_code != SIGSYS_OF_SECCOMP) {
        return;
    }
    struct call call = {.ip = (uintptr_t)about.si_call_addr, .number = about.si_syscall, .arch = about.si_arch};
    if (thread->pending && thread->call.ip != call.ip) decide(thread, MISSED);
    thread->pending = false;
    tally(thread->process, thread->tid, TRAPPED, &call);
}

// One stop of a thread, and on with it.
static void on_stop(pid_t tid, int status)
{
    struct thread *thread = thread_of(tid);
    int signal = WSTOPSIG(status), event = status >> 16, deliver = 0;
    int go_on = options.stops ? PTRACE_SYSCALL : PTRACE_CONT;
    struct ptrace_syscall_info info;

    if (signal == SYSCALL_STOP || event == PTRACE_EVENT_SECCOMP) {
        if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) > 0) {
            if (info.op == PTRACE_SYSCALL_INFO_ENTRY && !options.stops) {
                // Between a call that sets the filter and its exit; the filter reports it as well.
            } else if (info.op == PTRACE_SYSCALL_INFO_ENTRY || info.op == PTRACE_SYSCALL_INFO_SECCOMP) {
                on_call(thread, &info);
                if (thread->arms) go_on = PTRACE_SYSCALL; // to see what it returns
            } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
                on_exit_of_call(thread, info.exit.rval);
            }
        }
    } else if (event == PTRACE_EVENT_STOP) {
        if (signal != SIGTRAP) go_on = PTRACE_LISTEN; // stopped by a signal, with its process
    } else if (event == PTRACE_EVENT_EXEC) {
        on_exec(tid);
    } else if (event == PTRACE_EVENT_EXIT) {
        on_end(thread);
    } else if (event == 0) {
        on_signal(thread, signal);
        deliver = signal;
    }
    ptrace(go_on, tid, 0, deliver); // a thread that was killed meanwhile is gone: ESRCH
}

static void pass_on(int signal)
{
    if (first > 0) kill(first, signal);
}

// Everything is reported to us, if nobody forbids it.
static void report_all_calls(void)
{
    struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE)};
    struct sock_fprog program = {1, code};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) return;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) die("seccomp");
}

static void start(char **command, char **settings, int settings_count)
{
    int ready[2];
    if (pipe(ready) < 0) die("pipe");
    first = fork();
    if (first < 0) die("fork");
    if (first == 0) {
        char byte;
        close(ready[1]);
        if (read(ready[0], &byte, 1) != 1) _exit(125);
        close(ready[0]);
        for (int i = 0; i < settings_count; i++) putenv(settings[i]);
        if (!options.stops) report_all_calls();
        execvp(command[0], command);
        fprintf(stderr, "audit: %s: %s\n", command[0], strerror(errno));
        _exit(errno == ENOENT ? 127 : 126);
    }
    close(ready[0]);
    long wanted = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                  PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, first, 0, wanted) < 0) die("ptrace");
    if (options.stops && ptrace(PTRACE_INTERRUPT, first, 0, 0) < 0) die("ptrace"); // to begin with PTRACE_SYSCALL
    if (write(ready[1], "", 1) != 1) die("pipe");
    close(ready[1]);
    signal(SIGINT, SIG_IGN); // the terminal sends them to all; the command decides
    signal(SIGQUIT, SIG_IGN);
    struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

// Returns the wait status of the command.
int trace(char **command, char **settings, int settings_count)
{
    int status, result = 0;
    start(command, settings, settings_count);
    for (;;) {
        pid_t tid = waitpid(-1, &status, __WALL);
        if (tid < 0 && errno == EINTR) continue;
        if (tid < 0) return result;
        if (WIFSTOPPED(status)) {
            on_stop(tid, status);
        } else {
            forget(tid);
            if (tid == first) result = status;
        }
    }
}
