//! The thread's last exception, of which each signal frame tells (`trapno`, `err`): the
//! kernel keeps it in `thread_struct`, and ours overwrite what the application's were.

use crate::abi::sigframe::SigContext;

/// What frames say of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct LastException {
    number: u64,
    error: u64,
    /// One of ours has come since.
    hidden: bool,
}

impl LastException {
    /// An instruction of the application's has raised a signal.
    pub(crate) fn is(&mut self, context: &SigContext) {
        *self = LastException {
            number: context.trapno,
            error: context.err,
            hidden: false,
        };
    }

    /// One of ours has.
    pub(crate) fn hide(&mut self) {
        self.hidden = true;
    }

    /// Puts it into the frame of a signal that no instruction has raised.
    pub(crate) fn show(&self, context: &mut SigContext) {
        if self.hidden {
            (context.trapno, context.err) = (self.number, self.error);
        }
    }
}
