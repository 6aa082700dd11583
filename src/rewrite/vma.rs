//! One memory mapping as the kernel describes it, and what may be done to the
//! code in it.
//!
//! Format: proc_pid_maps(5): `start-end perms offset major:minor inode   name`,
//! where everything but the inode is hexadecimal. `PROCMAP_QUERY` (Linux 6.11)
//! gives the same facts as numbers and the same name.

use super::refusal::Refusal;

/// The protection of a mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Protection {
    /// `PROT_READ`.
    pub read: bool,
    /// `PROT_WRITE`.
    pub write: bool,
    /// `PROT_EXEC`.
    pub execute: bool,
}

/// Where the bytes of a mapping come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backing {
    /// A regular file, also one that was deleted since.
    File,
    /// Plain memory: no name, the heap, a stack, memory named by `prctl`.
    Anonymous,
    /// A file that exists only in memory and that a program makes for itself:
    /// memfd, shared anonymous memory, System V and POSIX shared memory,
    /// devices.
    Memfd,
    /// The library that the kernel maps into each process, private like a file's.
    Vdso,
    /// Other pages that the kernel put there: `[vsyscall]`, `[uprobes]`.
    KernelMade,
}

/// What may be done to the sites of a mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// Rewrite at the first trap: code of a file, private and read-only.
    Patch,
    /// Rewrite only when the site traps often: the application made this code
    /// itself and may read, copy or replace it.
    PatchWhenHot,
}

/// One mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vma {
    /// The first address.
    pub start: u64,
    /// The address behind the last.
    pub end: u64,
    /// Where in the file `start` lies.
    pub offset: u64,
    /// The file's device, major and minor.
    pub device: (u32, u32),
    /// The file's inode, 0 without a file.
    pub inode: u64,
    /// What the pages may be used for.
    pub protection: Protection,
    /// `MAP_SHARED`: a write would reach the file and other processes.
    pub shared: bool,
    /// Where the bytes come from.
    pub backing: Backing,
}

impl Vma {
    /// Whether `address` lies in the mapping.
    pub fn contains(&self, address: u64) -> bool {
        self.start <= address && address < self.end
    }

    /// What may be done to a site in this mapping, or why nothing may.
    pub fn policy(&self) -> Result<Policy, Refusal> {
        if self.backing == Backing::KernelMade {
            return Err(Refusal::KernelMade);
        }
        if self.shared {
            return Err(Refusal::Shared);
        }
        if self.protection.write {
            return Err(Refusal::Writable);
        }
        if !self.protection.execute {
            // A site was executed here, so the mapping has changed since.
            return Err(Refusal::Unmapped);
        }
        if !self.protection.read {
            return Err(Refusal::ExecuteOnly);
        }
        match self.backing {
            Backing::File | Backing::Vdso => Ok(Policy::Patch),
            _ => Ok(Policy::PatchWhenHot),
        }
    }
}

/// Reads one line of `/proc/PID/maps`, given without its newline.
pub fn parse_maps_line(line: &[u8]) -> Option<Vma> {
    let mut rest = line;
    let start = hexadecimal(until(&mut rest, b'-')?)?;
    let end = hexadecimal(until(&mut rest, b' ')?)?;
    let &[read, write, execute, sharing] = until(&mut rest, b' ')? else {
        return None;
    };
    let offset = hexadecimal(until(&mut rest, b' ')?)?;
    let major = hexadecimal(until(&mut rest, b':')?)?;
    let minor = hexadecimal(until(&mut rest, b' ')?)?;
    // A line without a name may end right behind the inode.
    let inode = match until(&mut rest, b' ') {
        Some(digits) => decimal(digits)?,
        None => decimal(core::mem::take(&mut rest))?,
    };
    let shared = match sharing {
        b's' | b'S' => true,
        b'p' => false,
        _ => return None,
    };
    if start >= end {
        return None;
    }
    Some(Vma {
        start,
        end,
        offset,
        device: (u32::try_from(major).ok()?, u32::try_from(minor).ok()?),
        inode,
        protection: Protection {
            read: flag(read, b'r')?,
            write: flag(write, b'w')?,
            execute: flag(execute, b'x')?,
        },
        shared,
        backing: classify(rest.trim_ascii_start(), inode),
    })
}

/// Names of memory that the application makes although they look like paths.
const SELF_MADE: [&[u8]; 7] = [
    b"/memfd:",
    b"/dev/",
    b"/SYSV",
    b"/anon_hugepage",
    b"/dmabuf:",
    b"/i915",
    b"/[aio]",
];

/// Names in brackets that are plain memory of the application.
const PLAIN: [&[u8]; 5] = [b"[heap", b"[stack", b"[anon:", b"[anon_shmem:", b"[shstk"];

/// Tells from the name (as maps and `PROCMAP_QUERY` show it) and the inode
/// where the bytes of a mapping come from. What is not known to be a file is
/// never taken for one.
pub fn classify(name: &[u8], inode: u64) -> Backing {
    let name = name.strip_suffix(b"\0").unwrap_or(name);
    let begins = |prefix: &&[u8]| name.starts_with(prefix);
    if name.is_empty() {
        // Without a name there can still be a file whose path is not shown.
        return if inode == 0 { Backing::Anonymous } else { Backing::Memfd };
    }
    if name.starts_with(b"[") {
        return if PLAIN.iter().any(begins) {
            Backing::Anonymous
        } else if name == b"[vdso]" {
            Backing::Vdso
        } else {
            Backing::KernelMade
        };
    }
    // d_path writes `(unreachable)` before a path outside the process's root.
    let is_path = name.starts_with(b"/") || name.starts_with(b"(unreachable)/");
    if !is_path || inode == 0 || SELF_MADE.iter().any(begins) {
        return Backing::Memfd;
    }
    Backing::File
}

/// Splits off what stands before the first `separator`.
fn until<'a>(rest: &mut &'a [u8], separator: u8) -> Option<&'a [u8]> {
    let at = rest.iter().position(|byte| *byte == separator)?;
    let (field, tail) = rest.split_at_checked(at)?;
    *rest = tail.get(1..)?;
    Some(field)
}

fn flag(byte: u8, set: u8) -> Option<bool> {
    match byte {
        b'-' => Some(false),
        other if other == set => Some(true),
        _ => None,
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    number(digits, 16)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    number(digits, 10)
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, digit| {
        let digit = char::from(*digit).to_digit(radix)?;
        value.checked_mul(u64::from(radix))?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::super::refusal::Refusal;
    use super::{Backing, Policy, Protection, classify, parse_maps_line};

    fn policy(line: &str) -> Result<Policy, Refusal> {
        parse_maps_line(line.as_bytes()).expect(line).policy()
    }

    #[test]
    fn a_line_of_a_library_is_read_field_by_field() {
        let line = b"7f12a3400000-7f12a3555000 r-xp 00026000 fd:01 1573                       /usr/lib/libc.so.6";
        let vma = parse_maps_line(line).expect("a valid line");
        assert_eq!((vma.start, vma.end), (0x7f12_a340_0000, 0x7f12_a355_5000));
        assert_eq!((vma.offset, vma.device, vma.inode), (0x26000, (0xfd, 1), 1573));
        let protection = Protection {
            read: true,
            write: false,
            execute: true,
        };
        assert_eq!((vma.protection, vma.shared), (protection, false));
        assert_eq!(vma.backing, Backing::File);
        assert!(vma.contains(vma.start) && !vma.contains(vma.end));
    }

    #[test]
    fn names_tell_the_backing() {
        for (name, inode, backing) in [
            ("/usr/lib/libc.so.6", 7, Backing::File),
            ("/usr/lib/libc.so.6 (deleted)", 7, Backing::File),
            ("(unreachable)/lib/x.so", 7, Backing::File),
            ("/opt/a b\\012c", 7, Backing::File),
            ("", 0, Backing::Anonymous),
            ("[heap]", 0, Backing::Anonymous),
            ("[stack]", 0, Backing::Anonymous),
            ("[stack:1234]", 0, Backing::Anonymous),
            ("[anon:v8 code]", 0, Backing::Anonymous),
            ("/memfd:jit (deleted)", 7, Backing::Memfd),
            ("/dev/zero (deleted)", 7, Backing::Memfd),
            ("/dev/shm/code", 7, Backing::Memfd),
            ("/SYSV00000000 (deleted)", 7, Backing::Memfd),
            ("anon_inode:[perf_event]", 7, Backing::Memfd),
            ("/no/inode", 0, Backing::Memfd),
            ("[vdso]", 0, Backing::Vdso),
            ("[vdso32]", 0, Backing::KernelMade),
            ("[vsyscall]", 0, Backing::KernelMade),
            ("[vvar]", 0, Backing::KernelMade),
            ("[uprobes]", 0, Backing::KernelMade),
            ("[something new]", 0, Backing::KernelMade),
        ] {
            assert_eq!(classify(name.as_bytes(), inode), backing, "{name}");
        }
        assert_eq!(classify(b"[vdso]\0", 0), Backing::Vdso);
    }

    #[test]
    fn private_read_only_file_code_is_patched() {
        assert_eq!(policy("1000-2000 r-xp 0 08:01 9 /bin/app"), Ok(Policy::Patch));
    }

    #[test]
    fn code_that_the_application_made_is_patched_only_when_hot() {
        assert_eq!(policy("1000-2000 r-xp 00000000 00:00 0 "), Ok(Policy::PatchWhenHot));
        assert_eq!(policy("1000-2000 r-xp 00000000 00:00 0"), Ok(Policy::PatchWhenHot));
        let memfd = "1000-2000 r-xp 0 00:01 9 /memfd:jit (deleted)";
        assert_eq!(policy(memfd), Ok(Policy::PatchWhenHot));
    }

    #[test]
    fn writable_code_is_refused() {
        assert_eq!(policy("1000-2000 rwxp 0 00:00 0"), Err(Refusal::Writable));
    }

    #[test]
    fn shared_code_is_refused_even_when_read_only() {
        assert_eq!(policy("1000-2000 r-xs 0 08:01 9 /bin/app"), Err(Refusal::Shared));
    }

    #[test]
    fn execute_only_code_is_refused() {
        assert_eq!(policy("1000-2000 --xp 0 08:01 9 /bin/app"), Err(Refusal::ExecuteOnly));
    }

    #[test]
    fn pages_of_the_kernel_are_refused() {
        assert_eq!(policy("1000-2000 r-xp 0 00:00 0 [vdso]"), Ok(Policy::Patch));
        assert_eq!(policy("1000-2000 r-xp 0 00:00 0 [uprobes]"), Err(Refusal::KernelMade));
        let vsyscall = "ffffffffff600000-ffffffffff601000 --xp 0 00:00 0 [vsyscall]";
        assert_eq!(policy(vsyscall), Err(Refusal::KernelMade));
    }

    #[test]
    fn a_mapping_that_is_no_longer_code_is_refused() {
        assert_eq!(policy("1000-2000 r--p 0 08:01 9 /bin/app"), Err(Refusal::Unmapped));
    }

    #[test]
    fn malformed_lines_are_not_read() {
        for line in [
            "",
            "1000",
            "1000-2000",
            "2000-1000 r-xp 0 00:00 0",
            "1000-2000 r-x 0 00:00 0",
            "1000-2000 q-xp 0 00:00 0",
            "1000-2000 r-xz 0 00:00 0",
            "1000-2000 r-xp 0 00:00 ",
            "1000-2000 r-xp 0 0000 0",
            "11112222333344445-2 r-xp 0 00:00 0",
            "1000-2000 r-xp 0 fffffffff:00 0",
        ] {
            assert_eq!(parse_maps_line(line.as_bytes()), None, "{line}");
        }
    }
}
