//! Why a site was not rewritten. A refusal is a result and not an error: the
//! site keeps its bytes and is served through the trap.

/// The reason that a site keeps trapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Refusal {
    /// The call is `rt_sigreturn`, in no function of .eh_frame: unwinders and
    /// debuggers know a signal frame by the very bytes of this site.
    SignalReturn,
    /// The five bytes before the site are `mov imm32,%eax`, but `rax` held
    /// another number: the thread jumped straight to the `syscall`.
    NumberMismatch,
    /// The start of the preceding instruction is not proved: no known function
    /// start, and sweeps from several starts disagree.
    Boundary,
    /// No form fits: no five-byte instruction before the site, and no padding
    /// within reach of a short jump.
    NoRoom,
    /// Anonymous, memfd or otherwise self-made code that is not hot (yet).
    SelfMade,
    /// The mapping is writable: the application may change the code itself.
    Writable,
    /// The mapping is `MAP_SHARED`: a patch would reach the file.
    Shared,
    /// The mapping cannot be read.
    ExecuteOnly,
    /// A mapping that the kernel made: `[vsyscall]`, `[uprobes]`, a `[vdso]` whose
    /// functions are not known.
    KernelMade,
    /// What is mapped at the site could not be found out.
    Unmapped,
    /// The slots of the table, or the entries of the registry, are used up.
    TableFull,
    /// Neither /proc/self/mem nor mprotect let us write.
    Unwritable,
    /// The bytes to write lie on two pages: the application could unmap, drop
    /// or protect one of them and be left with half a jump.
    PageEnd,
    /// Another thread was rewriting: served by the trap this time.
    Contended,
    /// It was rewritten, and has its bytes back: the application uses GS.
    Stopped,
}

impl Refusal {
    /// Every reason, in the order of their discriminants.
    pub const ALL: [Refusal; 15] = [
        Refusal::SignalReturn,
        Refusal::NumberMismatch,
        Refusal::Boundary,
        Refusal::NoRoom,
        Refusal::SelfMade,
        Refusal::Writable,
        Refusal::Shared,
        Refusal::ExecuteOnly,
        Refusal::KernelMade,
        Refusal::Unmapped,
        Refusal::TableFull,
        Refusal::Unwritable,
        Refusal::PageEnd,
        Refusal::Contended,
        Refusal::Stopped,
    ];

    /// A stable word for reports.
    pub const fn name(self) -> &'static str {
        match self {
            Refusal::SignalReturn => "signal-return",
            Refusal::NumberMismatch => "number-mismatch",
            Refusal::Boundary => "boundary",
            Refusal::NoRoom => "no-room",
            Refusal::SelfMade => "self-made",
            Refusal::Writable => "writable",
            Refusal::Shared => "shared",
            Refusal::ExecuteOnly => "execute-only",
            Refusal::KernelMade => "kernel-made",
            Refusal::Unmapped => "unmapped",
            Refusal::TableFull => "table-full",
            Refusal::Unwritable => "unwritable",
            Refusal::PageEnd => "page-end",
            Refusal::Contended => "contended",
            Refusal::Stopped => "stopped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Refusal;

    #[test]
    fn all_is_in_order_and_names_are_distinct() {
        for (index, reason) in Refusal::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index);
            let same = Refusal::ALL.iter().filter(|r| r.name() == reason.name());
            assert_eq!(same.count(), 1);
        }
    }
}
