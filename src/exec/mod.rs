//! execve and execveat: every new program starts through us.
//!
//! The filter survives execve, our handler does not: the first call of the new
//! image would kill it. So the tree file, our own image, is executed in its
//! place, and its loader does what the kernel would have done with the target.
//! What the kernel would have refused is refused before that.
//!
//! ```text
//! resolve   the kernel's checks, formats, scripts ──▶ target and interpreter, open
//! launch    arguments and a message to the loader ──▶ execveat(tree file)
//! ─────────────────────── a new process image ───────────────────────
//! loader    message, mappings, initial stack, then the core comes up
//!           and the target starts
//! calls     what then follows /proc/PID/exe finds the target there
//! ```

pub(crate) mod arguments;
pub(crate) mod calls;
pub(crate) mod handlers;
pub(crate) mod identity;
pub(crate) mod launch;
pub mod layout;
mod link;
#[cfg(not(any(test, feature = "std")))]
pub(crate) mod loader;
#[cfg(not(any(test, feature = "std")))]
pub(crate) mod map;
pub mod message;
pub mod misc;
pub(crate) mod open;
pub(crate) mod path;
#[cfg(not(any(test, feature = "std")))]
mod place;
mod program;
pub(crate) mod resolve;
pub mod script;
pub(crate) mod stack;
pub(crate) mod vdso;

use crate::trap::area::ThreadArea;

/// What the application asked for: the arguments of execveat(2), addresses in
/// its own memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) directory: i32,
    pub(crate) path: u64,
    pub(crate) argv: u64,
    pub(crate) envp: u64,
    pub(crate) flags: u64,
}

impl Request {
    /// Of a call in flight.
    pub(crate) fn of(area: &ThreadArea) -> Request {
        let [first, second, third, fourth, fifth, _] = area.call.args;
        if i64::from(area.call.number as u32) == libc::SYS_execve {
            Request {
                directory: libc::AT_FDCWD,
                path: first,
                argv: second,
                envp: third,
                flags: 0,
            }
        } else {
            Request {
                directory: first as i32,
                path: second,
                argv: third,
                envp: fourth,
                // The kernel takes an int.
                flags: fifth & 0xffff_ffff,
            }
        }
    }
}
