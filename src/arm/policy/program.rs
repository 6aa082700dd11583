//! A policy as a filter of its own beside the arm's: a pure function of the rules and of
//! where in the gate our own calls come from.
//!
//! | from | |
//! |---|---|
//! | our own part of the gate | [`OWN`] is allowed, all else meets the rules |
//! | hook libraries | allowed |
//! | anywhere else | the rules, but for [`IN_PROCESS`] |
//!
//! The strictest verdict of all filters counts, and the arm's trap is stricter than an
//! error: so a denied call outside the gate still traps, and is answered in the process.
//! Other ABIs, which have other numbers, are ENOSYS.

use core::ops::Range;

use super::{Action, CONDITIONS, Condition, IN_PROCESS, NUMBERS, Operator, Policy};
use crate::abi::errno::Errno;
use crate::abi::seccomp::{
    AUDIT_ARCH_X86_64, BPF_JEQ_K, BPF_JGE_K, BPF_JGT_K, DATA_ARCH, DATA_IP_HIGH, DATA_IP_LOW, DATA_NR, Instruction,
    SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO,
};
use crate::arm::filter::{SYSCALL_LEN, give, jump, load};

/// `BPF_JMP | BPF_JA`: skips `k` instructions.
pub(in crate::arm) const JA: u16 = 0x05;
/// `SECCOMP_RET_KILL_PROCESS`.
const KILL_PROCESS: u32 = 0x8000_0000;
/// Where the arguments lie in `seccomp_data`.
const DATA_ARGS: u32 = 16;

/// Numbers of calls that the core makes by itself (`docs/calls-of-our-own.md`).
#[rustfmt::skip]
pub const OWN: [i64; 65] = [
    libc::SYS_arch_prctl, libc::SYS_brk, libc::SYS_clock_gettime, libc::SYS_close, libc::SYS_close_range,
    libc::SYS_dup3, libc::SYS_epoll_wait, libc::SYS_execveat, libc::SYS_faccessat2, libc::SYS_fcntl, libc::SYS_fgetxattr,
    libc::SYS_fork,
    libc::SYS_fstat, libc::SYS_fstatfs, libc::SYS_ftruncate, libc::SYS_futex, libc::SYS_get_robust_list,
    libc::SYS_getcwd, libc::SYS_getdents64, libc::SYS_getegid, libc::SYS_geteuid, libc::SYS_getpid, libc::SYS_getppid, libc::SYS_getrandom,
    libc::SYS_gettid, libc::SYS_getuid, libc::SYS_ioctl, libc::SYS_kill, libc::SYS_madvise, libc::SYS_membarrier,
    libc::SYS_memfd_create, libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_mremap, libc::SYS_munmap,
    libc::SYS_nanosleep, libc::SYS_newfstatat, libc::SYS_openat, libc::SYS_personality, libc::SYS_pidfd_open, libc::SYS_poll,
    libc::SYS_prctl, libc::SYS_pread64, libc::SYS_preadv2, libc::SYS_prlimit64, libc::SYS_pwrite64, libc::SYS_read,
    libc::SYS_readlink, libc::SYS_readlinkat, libc::SYS_rt_sigaction, libc::SYS_rt_sigpending, libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigtimedwait, libc::SYS_rt_tgsigqueueinfo, libc::SYS_sched_yield, libc::SYS_seccomp,
    libc::SYS_select, libc::SYS_set_robust_list, libc::SYS_set_tid_address, libc::SYS_sigaltstack, libc::SYS_tgkill,
    libc::SYS_uname, libc::SYS_unshare, libc::SYS_wait4, libc::SYS_write,
];

struct Writer<'a> {
    out: &'a mut [Instruction],
    len: usize,
}

impl Writer<'_> {
    fn put(&mut self, instruction: Instruction) -> Option<()> {
        *self.out.get_mut(self.len)? = instruction;
        self.len += 1;
        Some(())
    }

    fn load(&mut self, offset: u32) -> Option<()> {
        self.put(load(offset))
    }

    /// Allows what is one of these, else goes on behind so many instructions; A has the
    /// number.
    fn allow(&mut self, numbers: &[i64], beyond: u8) -> Option<()> {
        for (index, &number) in numbers.iter().enumerate() {
            self.put(jump(BPF_JEQ_K, number as u32, (numbers.len() - index) as u8, 0))?;
        }
        self.put(jump(JA, 1 + u32::from(beyond), 0, 0))?;
        self.put(give(SECCOMP_RET_ALLOW))
    }

    /// Goes on behind it if the condition holds; else `fail` instructions behind that.
    fn condition(&mut self, condition: &Condition, fail: u8) -> Option<()> {
        let (high, low) = ((condition.value >> 32) as u32, condition.value as u32);
        let at = DATA_ARGS + 8 * u32::from(condition.argument);
        // From the last instruction, and from those before it: whether the test says so.
        let ways = |yes: bool, rest: u8| if yes != condition.negated { rest } else { rest + fail };
        let test = match condition.operator {
            Operator::Equal => BPF_JEQ_K,
            Operator::Greater => BPF_JGT_K,
            Operator::AtLeast => BPF_JGE_K,
        };
        if !condition.low {
            self.load(at + 4)?;
            if condition.operator != Operator::Equal {
                self.put(jump(BPF_JGT_K, high, ways(true, 3), 0))?;
            }
            self.put(jump(BPF_JEQ_K, high, 0, ways(false, 2)))?;
        } else if high != 0 {
            // No lower half is as great.
            self.put(jump(JA, u32::from(ways(false, 2)), 0, 0))?;
        }
        self.load(at)?;
        self.put(jump(test, low, ways(true, 0), ways(false, 0)))
    }
}

/// The instructions of a condition.
fn len(condition: &Condition) -> usize {
    match (condition.low, condition.operator) {
        (true, _) => 2 + usize::from(condition.value >> 32 != 0),
        (_, Operator::Equal) => 4,
        _ => 5,
    }
}

fn verdict(action: Action) -> u32 {
    match action {
        Action::Allow | Action::Log => SECCOMP_RET_ALLOW,
        Action::Deny(error) => SECCOMP_RET_ERRNO | u32::from(error),
        Action::Kill => KILL_PROCESS,
    }
}

/// Writes the filter to `out`, and returns its length. `own` and `guests` each lie within one
/// 4 GiB block, the same one, `guests` above. None: there is no room.
pub fn write(policy: &Policy, own: Range<u64>, guests: Option<Range<u64>>, out: &mut [Instruction]) -> Option<usize> {
    let mut to = Writer { out, len: 0 };
    to.load(DATA_ARCH)?;
    to.put(jump(BPF_JEQ_K, AUDIT_ARCH_X86_64, 1, 0))?;
    to.put(give(SECCOMP_RET_ERRNO | Errno::ENOSYS.number() as u32))?;

    // Own calls, and those of guests.
    let list = OWN.len() as u8 + 2;
    let above = if guests.is_some() { 3 } else { 0 };
    to.load(DATA_IP_HIGH)?;
    to.put(jump(BPF_JEQ_K, (own.end >> 32) as u32, 0, 4 + list + above))?;
    to.load(DATA_IP_LOW)?;
    to.put(jump(BPF_JGE_K, (own.start + SYSCALL_LEN) as u32, 0, 2 + list + above))?;
    to.put(jump(BPF_JGT_K, own.end as u32, 1 + list, 0))?;
    to.load(DATA_NR)?;
    to.allow(&OWN, above)?;
    if let Some(guests) = guests {
        // A has the lower half of the address.
        to.put(jump(BPF_JGE_K, (guests.start + SYSCALL_LEN) as u32, 0, 2))?;
        to.put(jump(BPF_JGT_K, guests.end as u32, 1, 0))?;
        to.put(give(SECCOMP_RET_ALLOW))?;
    }

    to.load(DATA_NR)?;
    to.allow(&IN_PROCESS, 0)?;
    for number in 0..NUMBERS {
        let rules = || policy.rules().iter().filter(move |rule| rule.calls.contains(number));
        let same = |action| verdict(action) == verdict(policy.default);
        if IN_PROCESS.contains(&(number as i64)) || rules().all(|rule| same(rule.action)) {
            continue;
        }
        to.put(jump(BPF_JEQ_K, number as u32, 1, 0))?;
        let skip = to.len;
        to.put(jump(JA, 0, 0, 0))?;
        let mut settled = false;
        for rule in rules() {
            let mut left = rule.tests().map(len).sum::<usize>();
            let conditional = left != 0;
            for condition in rule.tests() {
                left -= len(condition);
                to.condition(condition, left as u8 + 1)?;
            }
            to.put(give(verdict(rule.action)))?;
            if !conditional {
                settled = true;
                break;
            }
        }
        if !settled {
            to.put(give(verdict(policy.default)))?;
        }
        let behind = (to.len - skip - 1) as u32;
        to.out.get_mut(skip)?.k = behind;
    }
    to.put(give(verdict(policy.default)))?;
    Some(to.len)
}

const _: () = assert!(CONDITIONS * 5 < 128 && OWN.len() < 128);

#[cfg(test)]
mod tests {
    use super::super::{Numbers, Rule};
    use super::*;
    use crate::abi::seccomp::{AUDIT_ARCH_I386, SeccompData};
    use crate::arm::interpreter::run;
    use crate::arm::own::MOST as MOST_INSTRUCTIONS;

    const OWN_PART: Range<u64> = 0x5800_0012_3440..0x5800_0012_3500;
    const GUESTS: Range<u64> = 0x5800_1000_0000..0x5800_7000_0000;
    const NOTHING: Instruction = give(0);

    fn rule(numbers: &[usize], conditions: &[Condition], action: Action) -> Rule {
        let mut calls = Numbers::NONE;
        numbers.iter().for_each(|&number| calls.add(number));
        let mut all = Policy::UNCONDITIONAL;
        all[..conditions.len()].copy_from_slice(conditions);
        Rule {
            calls,
            conditions: all,
            action,
            line: 1,
        }
    }

    fn verdict_of(policy: &Policy, nr: u32, arch: u32, ip: u64, args: [u64; 6]) -> u32 {
        let mut out = [NOTHING; MOST_INSTRUCTIONS];
        let len = write(policy, OWN_PART, Some(GUESTS), &mut out).unwrap();
        let data = SeccompData {
            nr,
            arch,
            instruction_pointer: ip,
            args,
        };
        run(&out[..len], &data).0
    }

    fn conditions() -> Vec<Condition> {
        let mut all = Vec::new();
        for operator in [Operator::Equal, Operator::Greater, Operator::AtLeast] {
            for (negated, low) in [(false, false), (true, false), (false, true), (true, true)] {
                for value in [0, 1, 0xffff_ffff, 1 << 32, (7 << 32) | 5, u64::MAX] {
                    all.push(Condition {
                        argument: 1,
                        low,
                        operator,
                        negated,
                        value,
                    });
                }
            }
        }
        all
    }

    #[test]
    fn the_kernel_decides_as_the_process_does() {
        let values = [
            0,
            1,
            2,
            0xffff_fffe,
            0xffff_ffff,
            1 << 32,
            (1 << 32) + 1,
            7 << 32,
            (7 << 32) | 5,
            (7 << 32) | 6,
            u64::MAX,
        ];
        let always = Condition {
            argument: 5,
            ..conditions()[1]
        };
        for condition in conditions() {
            for default in [Action::Allow, Action::Deny(13)] {
                let mut policy = Policy {
                    default,
                    ..Policy::EMPTY
                };
                policy.add(rule(
                    &[41],
                    &[condition, Condition { argument: 0, ..always }],
                    Action::Deny(1),
                ));
                policy.add(rule(&[41, 42], &[condition], Action::Kill));
                policy.add(rule(&[41], &[], Action::Log));
                for value in values {
                    for first in [0, 1] {
                        let args = [first, value, 0, 0, 0, 0];
                        for number in [40, 41, 42, 600] {
                            let wanted = verdict(policy.decide(number, &args).1);
                            let got = verdict_of(&policy, number, AUDIT_ARCH_X86_64, 0x5800_0012_3000, args);
                            assert_eq!(got, wanted, "{number} {value:#x} {condition:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn own_calls_pass_and_other_numbers_from_there_do_not() {
        let mut policy = Policy {
            default: Action::Deny(1),
            ..Policy::EMPTY
        };
        policy.add(rule(&[0, 41, 257], &[], Action::Deny(2)));
        for ip in [OWN_PART.start + 2, OWN_PART.end] {
            let verdict = |number| verdict_of(&policy, number, AUDIT_ARCH_X86_64, ip, [0; 6]);
            assert_eq!([0, 257, 14].map(verdict), [SECCOMP_RET_ALLOW; 3]);
            assert_eq!([41, 101, 600].map(verdict), [0x0005_0002, 0x0005_0001, 0x0005_0001]);
        }
        for ip in [
            0,
            OWN_PART.start + 1,
            OWN_PART.end + 1,
            OWN_PART.end ^ 1 << 32,
            GUESTS.start + 1,
            GUESTS.end + 1,
        ] {
            let verdict = |number| verdict_of(&policy, number, AUDIT_ARCH_X86_64, ip, [0; 6]);
            assert_eq!(
                [0, 14, 231, 60, 15, 219].map(verdict),
                [
                    0x0005_0002,
                    0x0005_0001,
                    SECCOMP_RET_ALLOW,
                    SECCOMP_RET_ALLOW,
                    SECCOMP_RET_ALLOW,
                    SECCOMP_RET_ALLOW
                ]
            );
            assert_eq!(verdict_of(&policy, 20, AUDIT_ARCH_I386, ip, [0; 6]), 0x0005_0026);
        }
        for ip in [GUESTS.start + 2, GUESTS.end] {
            assert_eq!(
                verdict_of(&policy, 41, AUDIT_ARCH_X86_64, ip, [0; 6]),
                SECCOMP_RET_ALLOW
            );
        }
    }

    /// Names that stand behind one of these beginnings anywhere in the sources.
    fn made(directory: &std::path::Path, names: &mut std::collections::BTreeSet<String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                made(&path, names);
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            for beginning in ["syscall!(", "kernel::call(libc::", "= const libc::"] {
                for rest in text.split(beginning).skip(1) {
                    if let Some(rest) = rest.trim_start().strip_prefix("SYS_") {
                        let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric());
                        names.insert(rest[..end.unwrap_or(rest.len())].to_owned());
                    }
                }
            }
        }
    }

    #[test]
    fn own_calls_are_those_that_the_core_makes() {
        /// Of the supervisor, before there is a filter, and of the inject tool; and those that
        /// pass anyhow.
        const OTHERS: [&str; 6] = [
            "clone",
            "timer_create",
            "timer_settime",
            "timer_delete",
            "exit_group",
            "rt_sigreturn",
        ];
        let mut names = std::collections::BTreeSet::new();
        made(
            std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")),
            &mut names,
        );
        names.retain(|name| !OTHERS.contains(&name.as_str()));
        let source = include_str!("program.rs");
        let list = source
            .split("pub const OWN")
            .nth(1)
            .and_then(|rest| rest.split("];").next())
            .unwrap();
        let own = list
            .split("libc::SYS_")
            .skip(1)
            .map(|rest| rest.split(',').next().unwrap().to_owned());
        assert_eq!(names, own.collect());
    }

    #[test]
    fn a_policy_that_is_too_long_is_none() {
        let mut policy = Policy::EMPTY;
        let all: Vec<usize> = (0..NUMBERS).collect();
        policy.add(rule(&all, &[], Action::Deny(1)));
        let mut out = [NOTHING; 200];
        assert_eq!(write(&policy, OWN_PART, None, &mut out), None);
        let mut out = [NOTHING; MOST_INSTRUCTIONS];
        assert!(write(&policy, OWN_PART, None, &mut out).is_some());
    }
}
