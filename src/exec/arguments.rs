//! The arguments and the environment of the new image, as arrays of pointers:
//! the application's own, with what a script puts before them, and with our
//! message behind them.

#![allow(unsafe_code, reason = "arrays of pointers in memory of our own")]

use crate::abi::errno::Errno;
use crate::exec::launch::Leftovers;
use crate::exec::message;
use crate::kernel;
use crate::kernel::user;

/// The kernel follows this many interpreters of scripts (`exec_binprm`).
pub(crate) const DEPTH: usize = 5;
/// `PATH_MAX` of `linux/limits.h`, with the final zero.
const PATH_MAX: usize = 4096;
const PAGE: usize = 4096;
/// The message and the path behind it.
const TEXT_WORDS: usize = (message::LEN + PATH_MAX).div_ceil(8);

/// What stands in place of the application's argv[0], from the first
/// interpreter's name to the script's.
pub(crate) struct Leading {
    /// Filled from the end.
    pointers: [u64; 2 * DEPTH + 1],
    first: usize,
    /// Whether the application's argv[0] stays behind them.
    keeps_first: bool,
    /// Where the strings are.
    bytes: [u8; PATH_MAX + 32 + DEPTH * 260],
    used: usize,
}

impl Leading {
    pub(crate) const fn new() -> Leading {
        Leading {
            pointers: [0; 2 * DEPTH + 1],
            first: 2 * DEPTH + 1,
            keeps_first: false,
            bytes: [0; PATH_MAX + 32 + DEPTH * 260],
            used: 0,
        }
    }

    /// Makes it empty again.
    pub(crate) fn clear(&mut self) {
        self.first = self.pointers.len();
        self.bytes.fill(0);
        self.used = 0;
    }

    /// Keeps a string, given in parts; its address, good as long as `self`
    /// stays where it is.
    pub(crate) fn keep(&mut self, parts: &[&[u8]]) -> Result<u64, Errno> {
        let start = self.used;
        for part in parts {
            let end = self.used + part.len();
            self.bytes
                .get_mut(self.used..end)
                .ok_or(Errno::ENAMETOOLONG)?
                .copy_from_slice(part);
            self.used = end;
        }
        // The array was zero, and each byte is used once.
        self.used += 1;
        let string = self.bytes.get(start..self.used).ok_or(Errno::ENAMETOOLONG)?;
        Ok(string.as_ptr() as u64)
    }

    /// Puts a string before the others.
    pub(crate) fn put(&mut self, string: u64) {
        if let Some(first) = self.first.checked_sub(1)
            && let Some(place) = self.pointers.get_mut(first)
        {
            *place = string;
            self.first = first;
        }
    }

    /// Lets the application's argv[0] stay.
    pub(crate) fn keep_first(&mut self) {
        self.keeps_first = true;
    }

    /// The strings; none if the program is no script.
    pub(crate) fn strings(&self) -> &[u64] {
        self.pointers.get(self.first..).unwrap_or(&[])
    }
}

/// How many pointers an array has before its null; an array at null has none,
/// as `count` of `fs/exec.c` has it.
fn count(array: u64) -> Result<usize, Errno> {
    if array == 0 {
        return Ok(0);
    }
    let mut next = array;
    loop {
        // As far as the page goes; an odd address may have a word across its end.
        let left = (PAGE as u64 - next % PAGE as u64) / 8;
        let words = left.max(1);
        user::probe(next, words * 8)?;
        for _ in 0..words {
            // SAFETY: readable a moment ago.
            if unsafe { (next as *const u64).read_unaligned() } == 0 {
                return Ok(((next - array) / 8) as usize);
            }
            next += 8;
        }
    }
}

/// Room for the arrays of most programs. It lies on the stack: a process that
/// can map nothing more can still execute another.
pub(crate) struct Small([u64; 1280]);

impl Small {
    pub(crate) const fn new() -> Small {
        Small([0; 1280])
    }
}

/// Memory for the arrays, which the kernel reads during the exec. If it had to
/// be mapped, it lies in the application's address space and goes with it; if
/// that is shared with a parent that waits (vfork), the parent gives it back.
#[derive(Debug)]
pub(crate) struct Scratch<'m> {
    memory: &'m mut [u64],
    mapped: bool,
}

impl<'m> Scratch<'m> {
    fn new(words: usize, small: &'m mut Small) -> Result<Scratch<'m>, Errno> {
        if words <= small.0.len() {
            return Ok(Scratch {
                memory: &mut small.0,
                mapped: false,
            });
        }
        let len = (words * 8).next_multiple_of(PAGE);
        let address = kernel::map(0, len, libc::PROT_READ | libc::PROT_WRITE, 0)?;
        // SAFETY: just mapped, zeroed, and ours alone until `unmap`.
        let memory = unsafe { core::slice::from_raw_parts_mut(address as *mut u64, len / 8) };
        Ok(Scratch { memory, mapped: true })
    }

    /// Address and length of what was mapped.
    pub(crate) fn mapping(&self) -> (u64, usize) {
        if self.mapped {
            (self.memory.as_ptr() as u64, self.memory.len() * 8)
        } else {
            (0, 0)
        }
    }

    /// Gives the memory back.
    pub(crate) fn unmap(self) {
        let (address, len) = self.mapping();
        if len != 0 {
            // SAFETY: mapped by `new`, and nobody reads it any more.
            unsafe { kernel::unmap(address, len) };
        }
    }
}

/// The arrays of the new image.
pub(crate) struct Arguments<'m> {
    pub(crate) scratch: Scratch<'m>,
    pub(crate) argv: u64,
    pub(crate) envp: u64,
}

impl<'m> Arguments<'m> {
    /// Makes the arrays, with `message` and the string at `path` as the
    /// environment's last one. `leftovers` knows of their memory at once.
    ///
    /// # Errors
    /// EFAULT if an array cannot be read, ENOMEM.
    pub(crate) fn new(
        leading: &Leading,
        argv: u64,
        envp: u64,
        message: &[u8; message::LEN],
        path: u64,
        small: &'m mut Small,
        leftovers: &mut Leftovers,
    ) -> Result<Arguments<'m>, Errno> {
        let front = leading.strings();
        let (argc, envc) = (count(argv)?, count(envp)?);
        let words = front.len() + argc + 1 + envc + 1 + 1;
        // A script's strings stand for argv[0], which need not be there.
        let scratch = Scratch::new(words + TEXT_WORDS, small)?;
        let (address, len) = scratch.mapping();
        *leftovers = Leftovers { address, len };
        let skipped = usize::from(!front.is_empty() && !leading.keeps_first).min(argc);
        let rest = (argv + skipped as u64 * 8, argc - skipped);
        let filled = fill(scratch.memory, front, rest, (envp, envc), message, path);
        match filled {
            Ok((argv, envp)) => Ok(Arguments { scratch, argv, envp }),
            Err(errno) => {
                *leftovers = Leftovers::NONE;
                scratch.unmap();
                Err(errno)
            }
        }
    }
}

fn fill(
    memory: &mut [u64],
    front: &[u64],
    (argv, argc): (u64, usize),
    (envp, envc): (u64, usize),
    message: &[u8; message::LEN],
    path: u64,
) -> Result<(u64, u64), Errno> {
    let (array, text) = memory.split_at_mut(memory.len() - TEXT_WORDS);
    let (array_address, text_address) = (array.as_ptr() as u64, text.as_ptr() as u64);
    // SAFETY: the same memory as bytes.
    let text = unsafe { core::slice::from_raw_parts_mut(text_address as *mut u8, TEXT_WORDS * 8) };
    let (mark, name) = text.split_at_mut(message::LEN);
    mark.copy_from_slice(message);
    user::copy_string(name, path)?;

    let mut next = 0;
    let mut nulls = 0;
    let mut put = |value: u64| {
        if let Some(place) = array.get_mut(next) {
            *place = value;
            next += 1;
            nulls += usize::from(value == 0);
        }
    };
    front.iter().for_each(|&string| put(string));
    user::for_each_word(argv, argc, &mut put)?;
    put(0);
    user::for_each_word(envp, envc, &mut put)?;
    put(text_address);
    put(0);
    // Another thread has made an array shorter meanwhile. The kernel says so
    // too; and the loader would not find the message behind a null.
    if nulls != 2 {
        return Err(Errno::EFAULT);
    }
    let argv_words = front.len() + argc + 1;
    Ok((array_address, array_address + argv_words as u64 * 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_counted_to_their_null() {
        let words = [1u64, 2, 3, 0];
        assert_eq!(count(words.as_ptr() as u64), Ok(3));
        assert_eq!(count(&raw const words[3] as u64), Ok(0));
        assert_eq!(count(0), Ok(0));
        assert_eq!(count(8), Err(Errno::EFAULT));
        let mut odd = [0u8; 8 * 1500];
        for place in odd[1..8 * 1400].iter_mut() {
            *place = 0xff;
        }
        let many = count(&raw const odd[1] as u64).unwrap();
        assert!((1399..=1401).contains(&many));
    }

    #[test]
    fn scripts_stand_before_the_arguments() {
        let mut leading = Leading::new();
        let script = leading.keep(&[b"/dev/fd/", b"7"]).unwrap();
        leading.put(script);
        let argument = leading.keep(&[b"-x"]).unwrap();
        leading.put(argument);
        let interpreter = leading.keep(&[b"/bin/sh"]).unwrap();
        leading.put(interpreter);
        assert_eq!(leading.strings(), [interpreter, argument, script]);

        let argv = [c"old".as_ptr() as u64, c"one".as_ptr() as u64, 0];
        let envp = [c"A=b".as_ptr() as u64, 0];
        let message = [b'm'; message::LEN];
        let mut small = Small::new();
        let mut leftovers = Leftovers::NONE;
        let made = Arguments::new(
            &leading,
            argv.as_ptr() as u64,
            envp.as_ptr() as u64,
            &message,
            c"/bin/script".as_ptr() as u64,
            &mut small,
            &mut leftovers,
        )
        .unwrap();
        // SAFETY: the arrays that were just made.
        let (new_argv, new_envp) = unsafe {
            (
                core::slice::from_raw_parts(made.argv as *const u64, 5),
                core::slice::from_raw_parts(made.envp as *const u64, 3),
            )
        };
        assert_eq!(new_argv, [interpreter, argument, script, argv[1], 0]);
        assert_eq!(new_envp[0], envp[0]);
        assert_eq!(new_envp[2], 0);
        // SAFETY: the message's string.
        let text = unsafe { core::ffi::CStr::from_ptr(new_envp[1] as *const _) };
        assert!(text.to_bytes().starts_with(&message) && text.to_bytes().ends_with(b"m/bin/script"));
        made.scratch.unmap();
    }
}
