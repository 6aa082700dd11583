//! The initial stack of the new image: the kernel has made it for us, and it
//! becomes the target's (`create_elf_tables` of `fs/binfmt_elf.c`).
//!
//! ```text
//! rsp ─▶ argc · argv[] · 0 · envp[] · 0 · auxv[] · padding
//!        AT_RANDOM's bytes · AT_PLATFORM's string
//!        strings of argv · strings of envp, ours last · "/dev/fd/N" · 0
//! ```

#![allow(unsafe_code, reason = "walks and edits the initial stack")]

use core::ffi::{CStr, c_char};

use crate::abi::auxv::{self, AT_EXECFN, AT_NULL, Auxiliary};

const PAGE: u64 = 4096;

/// An initial stack.
pub(crate) struct Stack {
    argc: *mut u64,
    end: u64,
}

impl Stack {
    /// # Safety
    /// `argc` must be an initial stack as the kernel makes it, and nobody else
    /// may use it.
    pub(crate) unsafe fn at(argc: *mut u64) -> Stack {
        let mut stack = Stack { argc, end: 0 };
        // The file name that the kernel put there ends eight bytes below it.
        let name = auxv::get(stack.auxiliary(), AT_EXECFN).unwrap_or(0);
        stack.end = (name / PAGE + 1) * PAGE;
        stack
    }

    /// Where it starts: the program's first rsp.
    pub(crate) fn start(&self) -> u64 {
        self.argc as u64
    }

    /// Where it ends: a border of pages.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    fn argv(&self) -> *mut u64 {
        // SAFETY: argv follows argc.
        unsafe { self.argc.add(1) }
    }

    fn envp(&self) -> *mut u64 {
        // SAFETY: envp follows argv's null.
        unsafe { self.argv().add(*self.argc as usize + 1) }
    }

    fn variables(&self) -> usize {
        let mut count = 0;
        // SAFETY: a null ends the array.
        while unsafe { *self.envp().add(count) } != 0 {
            count += 1;
        }
        count
    }

    fn auxv(&self) -> *mut Auxiliary {
        // SAFETY: auxv follows envp's null.
        unsafe { self.envp().add(self.variables() + 1).cast() }
    }

    /// The auxiliary vector, AT_NULL included.
    pub(crate) fn auxiliary(&mut self) -> &mut [Auxiliary] {
        let start = self.auxv();
        let mut count = 0;
        // SAFETY: AT_NULL ends the vector; nobody else uses the stack.
        unsafe {
            while (*start.add(count)).kind != AT_NULL {
                count += 1;
            }
            core::slice::from_raw_parts_mut(start, count + 1)
        }
    }

    /// The environment's last string.
    pub(crate) fn last_variable(&self) -> Option<&'static CStr> {
        let last = self.variables().checked_sub(1)?;
        // SAFETY: a string of the environment, which stays where it is.
        Some(unsafe { CStr::from_ptr(*self.envp().add(last) as *const _) })
    }

    /// Takes the last string out of the environment. The strings before it
    /// stay where they are, and so does rsp: the vector moves down.
    pub(crate) fn drop_last_variable(&mut self) {
        let Some(last) = self.variables().checked_sub(1) else {
            return;
        };
        let words = self.auxiliary().len() * 2;
        // SAFETY: null, then the vector, one word lower than they were.
        unsafe {
            let place = self.envp().add(last);
            core::ptr::copy(place.add(1), place, words + 1);
        }
    }

    /// Puts the path, which stands `skipped` bytes behind the start of our
    /// string, in the place of the string: it follows the environment's strings
    /// then, as the kernel has it. What was behind it becomes zero.
    pub(crate) fn put_path(&mut self, text: *mut u8, skipped: usize) -> &'static CStr {
        let name = auxv::get(self.auxiliary(), AT_EXECFN).unwrap_or(text as u64) as *const c_char;
        // SAFETY: our string, and behind it the name that the kernel put at the
        // stack's end; nobody else knows of them.
        unsafe {
            let end = name as usize + CStr::from_ptr(name).count_bytes();
            let path = text.add(skipped);
            let len = CStr::from_ptr(path.cast()).count_bytes() + 1;
            core::ptr::copy(path, text, len);
            let rest = text.add(len);
            core::ptr::write_bytes(rest, 0, end.saturating_sub(rest as usize));
            CStr::from_ptr(text.cast())
        }
    }

    /// Where the strings of the arguments and of the environment lie: start of
    /// the first, their border, and, given where the last one of the
    /// environment ends, that end.
    pub(crate) fn strings(&self, end: u64) -> [u64; 3] {
        // SAFETY: the first pointer of each array, or its null.
        let (first, border) = unsafe { (*self.argv(), *self.envp()) };
        let border = if border == 0 { end } else { border };
        [if first == 0 { border } else { first }, border, end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(environment: &[u64]) -> Vec<u64> {
        let mut words = vec![2, c"a".as_ptr() as u64, c"b".as_ptr() as u64, 0];
        words.extend(environment);
        words.extend([0, 6, 4096, 16, 7, AT_NULL, 0, 0xdead]);
        words
    }

    #[test]
    fn the_last_variable_goes_and_the_vector_follows() {
        let (kept, last) = (c"A=1".as_ptr() as u64, c"LAST".as_ptr() as u64);
        let mut words = stack(&[kept, last]);
        // SAFETY: a stack of the test's own.
        let mut stack = unsafe { Stack::at(words.as_mut_ptr()) };
        assert_eq!(stack.last_variable(), Some(c"LAST"));
        stack.drop_last_variable();
        assert_eq!(stack.last_variable(), Some(c"A=1"));
        assert_eq!(stack.auxiliary().len(), 3);
        assert_eq!(words[..10], [2, words[1], words[2], 0, kept, 0, 6, 4096, 16, 7]);
        assert_eq!(words[10..12], [AT_NULL, 0]);
    }

    #[test]
    fn an_environment_may_become_empty() {
        let mut words = stack(&[c"LAST".as_ptr() as u64]);
        // SAFETY: a stack of the test's own.
        let mut stack = unsafe { Stack::at(words.as_mut_ptr()) };
        stack.drop_last_variable();
        assert_eq!(stack.last_variable(), None);
        assert_eq!(words[4..7], [0, 6, 4096]);
        // SAFETY: as above.
        let stack = unsafe { Stack::at(words.as_mut_ptr()) };
        assert_eq!(stack.strings(99), [words[1], 99, 99]);
    }

    #[test]
    fn the_path_follows_the_strings() {
        let mut strings = *b"A=1\0MARK/bin/true\0/dev/fd/9\0........";
        let start = strings.as_mut_ptr();
        let [first, message, name] = [0, 4, 18].map(|at| start.wrapping_add(at));
        let mut words = [
            0,
            0,
            first as u64,
            message as u64,
            0,
            AT_EXECFN,
            name as u64,
            AT_NULL,
            0,
        ];
        // SAFETY: a stack of the test's own.
        let mut stack = unsafe { Stack::at(words.as_mut_ptr()) };
        assert_eq!(stack.put_path(message, 4), c"/bin/true");
        assert_eq!(strings, *b"A=1\0/bin/true\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0........");
    }
}
