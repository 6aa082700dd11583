//! A system call, and what a hook says of it.

#![allow(unsafe_code, reason = "makes a call of the hook's own")]

use std::fmt;
use std::io;

use crate::abi::{RESTARTING, RawCall, STORAGE};
use crate::address::Address;
use crate::calls::Typed;
use crate::exported::services;

/// What a hook says of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Make it, with the arguments as they are now.
    Pass,
    /// The same, and then call [`Hook::exit`](crate::Hook::exit).
    PassThenExit,
    /// Do not make it: this is its result, a value or the negated number of an error.
    Answer(i64),
}

impl Verdict {
    /// Answers with an error: `Verdict::error(libc::EPERM)`.
    pub const fn error(errno: i32) -> Verdict {
        Verdict::Answer(-(errno as i64))
    }
}

/// A system call of the application's.
#[repr(transparent)]
pub struct Call(pub(crate) RawCall);

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("number", &self.number())
            .field("args", self.args())
            .field("thread", &self.thread())
            .finish_non_exhaustive()
    }
}

impl Call {
    /// Its number, as in `<sys/syscall.h>` and [`libc`]'s `SYS_*`: below 1024.
    pub fn number(&self) -> u64 {
        self.0.number
    }

    /// Its six arguments: rdi, rsi, rdx, r10, r8, r9. How many count depends on the
    /// number.
    pub fn args(&self) -> &[u64; 6] {
        &self.0.args
    }

    /// The arguments, to be changed for the kernel and for hooks behind this one. The
    /// application's registers keep theirs.
    pub fn args_mut(&mut self) -> &mut [u64; 6] {
        &mut self.0.args
    }

    /// Its arguments with their names, if it is this call.
    pub fn typed<T: Typed>(&self) -> Option<T> {
        (self.0.number == u64::from(T::NUMBER)).then(|| T::of(&self.0.args))
    }

    /// In [`exit`](crate::Hook::exit): what it came to. `None`: a signal has
    /// interrupted it, and it is made anew later.
    pub fn result(&self) -> Option<io::Result<u64>> {
        if self.0.flags & RESTARTING != 0 {
            return None;
        }
        Some(match self.0.result {
            error @ -4095..=-1 => Err(io::Error::from_raw_os_error(-error as i32)),
            value => Ok(value as u64),
        })
    }

    /// In [`exit`](crate::Hook::exit): what the application gets in its place, a value
    /// or the negated number of an error.
    pub fn set_result(&mut self, result: i64) {
        self.0.result = result;
    }

    /// The address of its `syscall` instruction.
    pub fn site(&self) -> Address {
        Address(self.0.site)
    }

    /// The caller's rsp.
    pub fn stack(&self) -> Address {
        Address(self.0.stack)
    }

    /// The thread's number, as gettid answers.
    pub fn thread(&self) -> u32 {
        self.0.thread
    }

    /// A word of the hook's own: 0 in [`enter`](crate::Hook::enter), and in
    /// [`exit`](crate::Hook::exit) what that has left.
    pub fn word(&mut self) -> &mut u64 {
        &mut self.0.word
    }

    /// Words of the hook's own for the thread, 0 when it starts.
    pub fn storage(&mut self) -> &mut [u64; STORAGE] {
        // SAFETY: usertrap's, of the calling thread alone.
        unsafe { &mut *self.0.storage }
    }

    /// Makes this very call now, as the hook's own: no hook sees it. What changes
    /// threads, processes, signals or the image (clone, fork, execve, exit,
    /// rt_sigaction, …) must be left to the application: let it pass.
    ///
    /// # Errors
    /// The kernel's.
    pub fn make(&self) -> io::Result<u64> {
        let [a, b, c, d, e, f] = self.0.args;
        // SAFETY: the application's own call, with its arguments or those of the hook.
        let result = unsafe { (services().call)(self.0.number as i64, a, b, c, d, e, f) };
        match result {
            error @ -4095..=-1 => Err(io::Error::from_raw_os_error(-error as i32)),
            value => Ok(value as u64),
        }
    }
}
