//! Hooks for [usertrap](https://crates.io/crates/usertrap): code that sees each system
//! call of an unmodified program, in its process, before it is made.
//!
//! A hook is a type that implements [`Hook`], in a `cdylib` crate, and [`hook!`]:
//!
//! ```
//! use usertrap_hook::{Call, Hook, Verdict, calls::Getuid, hook};
//!
//! /// Everybody is user 1000.
//! struct OneUser;
//!
//! impl Hook for OneUser {
//!     const NAME: &str = "one-user";
//!     const NUMBERS: Option<&[u16]> = Some(&[usertrap_hook::number::<Getuid>()]);
//!
//!     fn init(_options: &str) -> Result<OneUser, String> {
//!         Ok(OneUser)
//!     }
//!
//!     fn enter(&self, _: &mut Call) -> Verdict {
//!         Verdict::Answer(1000)
//!     }
//! }
//!
//! hook!(OneUser);
//! # fn main() {}
//! ```
//!
//! ```sh
//! cargo build --release
//! usertrap --hook target/release/libone_user.so id -ru
//! ```
//!
//! Arguments have names and types where [`calls`] has the call, and the application's
//! memory is read and written without a risk:
//!
//! ```
//! use usertrap_hook::{Call, Hook, Verdict, calls::Openat};
//!
//! struct NoSecrets;
//!
//! impl Hook for NoSecrets {
//!     const NAME: &str = "no-secrets";
//!
//!     fn init(_options: &str) -> Result<NoSecrets, String> {
//!         Ok(NoSecrets)
//!     }
//!
//!     fn enter(&self, call: &mut Call) -> Verdict {
//!         if let Some(open) = call.typed::<Openat>()
//!             && let Ok(path) = open.path.string(4096)
//!             && path.to_bytes().ends_with(b".secret")
//!         {
//!             return Verdict::error(libc::EACCES);
//!         }
//!         Verdict::Pass
//!     }
//! }
//! ```
//!
//! The library and all that it needs are loaded beside the application's: a hook may
//! use the standard library, allocate, print and lock, whatever the application is
//! doing, and have threads of its own. It cannot start processes or handle signals; the application's
//! signals wait until it returns. A panic aborts the process with a line that names
//! the hook. The interface is that of `usertrap.h`, version 1.

mod abi;
mod address;
mod call;
pub mod calls;
mod exported;

pub use abi::{Descriptor, STORAGE};
pub use address::Address;
pub use call::{Call, Verdict};
pub use calls::number;
pub use exported::{Instance, Linked, descriptor, log};

/// A hook.
pub trait Hook: Sized + Send + Sync + 'static {
    /// What it is called in messages.
    const NAME: &'static str;

    /// The numbers of the calls that it wants to see; `None`: all.
    const NUMBERS: Option<&'static [u16]> = None;

    /// Makes the hook, in each process image, before the program begins. `options` is
    /// what follows the `:` behind the library's path.
    ///
    /// # Errors
    /// Why it cannot work. It is written to standard error, and the program is not
    /// started.
    fn init(options: &str) -> Result<Self, String>;

    /// A call is about to be made.
    fn enter(&self, call: &mut Call) -> Verdict {
        let _ = call;
        Verdict::Pass
    }

    /// A call has been made, or answered by a hook behind this one, after
    /// [`Verdict::PassThenExit`] and only then.
    fn exit(&self, call: &mut Call) {
        let _ = call;
    }

    /// A program is about to be executed (execve, execveat): in place of
    /// [`enter`](Hook::enter).
    fn exec(&self, call: &mut Call) -> Verdict {
        self.enter(call)
    }

    /// A new thread of the application runs; its storage is zero.
    fn thread_start(&self, storage: &mut [u64; STORAGE]) {
        let _ = storage;
    }

    /// A thread of the application is about to end.
    fn thread_exit(&self, storage: &mut [u64; STORAGE]) {
        let _ = storage;
    }

    /// This is the child of a fork.
    fn fork_child(&self) {}

    /// The process is about to end, by exit_group or its last thread's exit.
    fn fini(&self) {}
}

/// Makes a library of a hook: once in a `cdylib` crate, with a type that implements
/// [`Hook`].
#[macro_export]
macro_rules! hook {
    ($hook:ty) => {
        static USERTRAP_INSTANCE: $crate::Instance<$hook> = $crate::Instance::new();

        impl $crate::Linked for $hook {
            fn instance() -> &'static $crate::Instance<$hook> {
                &USERTRAP_INSTANCE
            }
        }

        #[allow(unsafe_code, reason = "usertrap finds the hook by this name")]
        #[allow(non_upper_case_globals, reason = "the name of usertrap.h")]
        #[unsafe(no_mangle)]
        #[doc = "The hook, for usertrap."]
        pub static usertrap_hook: $crate::Descriptor = $crate::descriptor::<$hook>();
    };
}
