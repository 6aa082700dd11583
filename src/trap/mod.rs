//! The signal-safe core: everything that runs between the application's
//! `syscall` and its next instruction. It allocates nothing, waits for no lock
//! in a signal handler, uses no thread-local storage but the area, and calls
//! nothing outside this object (I12).

mod adopt;
mod again;
pub(crate) mod altstack;
pub(crate) mod area;
pub(crate) mod areas;
pub(crate) mod armed;
pub(crate) mod clock;
mod clone;
mod context;
pub(crate) mod copy;
mod deliver;
pub(crate) mod descriptors;
pub(crate) mod disarmed;
pub(crate) mod dispatch;
mod dispositions;
pub(crate) mod entry;
mod exception;
mod exit;
pub(crate) mod filters;
pub(crate) mod gs;
mod held;
pub(crate) mod known;
pub(crate) mod ledger;
mod listing;
pub(crate) mod mask;
mod membarrier;
mod memory;
pub(crate) mod pending;
mod raised;
pub(crate) mod sigaction;
mod signal;
pub(crate) mod signalfd;
mod sigsend;
mod sigwait;
mod swallowed;
mod tell;
pub(crate) mod tiles;
mod trapped;
pub(crate) mod tree;
pub(crate) mod user_dispatch;
pub(crate) mod vector;
pub(crate) mod waited;
mod zone;
