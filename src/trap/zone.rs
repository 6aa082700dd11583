//! Where in our code a signal came in, and so what to do about it.

use crate::trap::entry;

/// What an interrupted rip means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Zone {
    /// The application's own code.
    Application,
    /// In the trampoline of the site that ends at the return address in it, or
    /// at the jump in padding that leads there.
    Trampoline,
    /// Nothing done yet; the return address is still in rcx.
    EnterRcx,
    /// Nothing done yet; the return address is in the area.
    Enter,
    /// As `Enter`, on our stack; flags are still live.
    EnterSwitched,
    /// As `Enter`, on our stack; flags are in the area.
    EnterFlags,
    /// As `EnterFlags`; rdi may be ours already.
    EnterRdi,
    /// A call without exit side is about to be made, or to be restarted.
    GatePass,
    /// A call without exit side has been made.
    GatePassDone,
    /// As `GatePass`, with rsp at the area.
    GateTaken,
    /// As `GatePassDone`, with rsp at the area.
    GateTakenDone,
    /// A call with exit side is about to be made, or to be restarted.
    GateExit,
    /// A call with exit side has been made; the result is in rax.
    GateExitDone,
    /// As `GatePass`, of a call that has been interrupted unnoticed.
    Again,
    /// As `GateTaken`, of such a call.
    TakenAgain,
    /// As `GateExit`, of such a call.
    ExitAgain,
    /// The application's rt_sigreturn is about to be made.
    GateReturn,
    /// As `GateExitDone`; the result is in the area.
    ExitSaved,
    /// An application's handler is about to run its first instruction.
    Beginning,
    /// The way out: the area's `action` says what of.
    Resume,
    /// Inside dispatch or a hook, or where all signals are blocked.
    Hook,
}

impl Zone {
    /// Whether a call is about to go on that has been interrupted unnoticed.
    pub(crate) fn is_again(self) -> bool {
        matches!(self, Zone::Again | Zone::TakenAgain | Zone::ExitAgain)
    }
}

/// Classifies `rip`. `on_our_stack`: whether rsp lies on one of the area's
/// stacks; `in_trampoline`: whether rip lies in the trampolines, or
/// in padding on the way there.
pub(crate) fn of(rip: u64, on_our_stack: bool, in_trampoline: bool) -> Zone {
    if in_trampoline {
        return Zone::Trampoline;
    }
    if rip == entry::gate_ask() {
        return Zone::GateExit;
    }
    if rip == entry::gate_ask_done() {
        return Zone::GateExitDone;
    }
    if rip >= entry::gate_start() && rip < entry::gate_end() {
        return match rip {
            _ if rip < entry::gate_pass() => Zone::EnterRcx,
            _ if rip < entry::gate_pass_done() => Zone::GatePass,
            _ if rip == entry::gate_rerouted() => Zone::EnterRcx,
            _ if rip == entry::gate_any() => Zone::GatePass,
            _ if rip == entry::entry_trapped() => Zone::EnterRcx,
            _ if rip == entry::gate_trapped() => Zone::GatePass,
            _ if rip == entry::gate_again() => Zone::Again,
            _ if rip == entry::gate_exit_again() => Zone::ExitAgain,
            _ if rip == entry::gate_taken_again() => Zone::TakenAgain,
            _ if rip == entry::gate_taken_exit_again() => Zone::ExitAgain,
            _ if rip < entry::gate_exit() => Zone::GatePassDone,
            _ if rip < entry::gate_exit_done() => Zone::GateExit,
            _ if rip < entry::gate_taken() => Zone::GateExitDone,
            _ if rip < entry::gate_taken_done() => Zone::GateTaken,
            _ if rip < entry::gate_taken_exit() => Zone::GateTakenDone,
            _ if rip < entry::gate_taken_exit_done() => Zone::GateExit,
            _ if rip < entry::gate_return() => Zone::GateExitDone,
            _ if rip < entry::gate_clone() => Zone::GateReturn,
            _ if rip >= entry::gate_enter_done() && rip < entry::gate_unmask() => Zone::GatePassDone,
            _ if rip == entry::gate_unmask_done() => Zone::Resume,
            _ if rip == entry::gate_begin_done() => Zone::Beginning,
            _ => Zone::Hook,
        };
    }
    if rip >= entry::entry_any() && rip < entry::entry_end() {
        return match rip {
            _ if rip < entry::entry_any_saved() => Zone::EnterRcx,
            _ if rip < entry::entry_full_rare() => Zone::Enter,
            _ if rip < entry::entry_full() => Zone::EnterFlags,
            _ if rip < entry::entry_full_saved() => Zone::EnterRcx,
            _ if rip < entry::entry_full_switched() => Zone::Enter,
            _ if rip < entry::entry_full_flags() => Zone::EnterSwitched,
            _ if rip < entry::entry_full_rdi() => Zone::EnterFlags,
            _ if rip < entry::resume() => {
                // Up to the call itself; behind it vector registers are ours.
                if rip <= entry::entry_full_rdi() + CALL_OFFSET {
                    Zone::EnterRdi
                } else {
                    Zone::Hook
                }
            }
            _ if rip < entry::resume_end() => Zone::Resume,
            _ if rip < entry::exit_entry() => Zone::Hook,
            _ if rip < entry::exit_saved() => Zone::GateExitDone,
            _ if rip < entry::exit_called() => Zone::ExitSaved,
            _ if rip >= entry::exit_rare() && rip < entry::exit_rare_end() => Zone::ExitSaved,
            _ if rip < entry::known_pid() => Zone::Hook,
            _ if rip < entry::known_tid() => of_known(rip),
            _ if rip < entry::known_end() => of_known(rip - (entry::known_tid() - entry::known_pid())),
            _ if rip < entry::taken() => Zone::Hook,
            _ if rip <= entry::taken_rdi() + CALL_OFFSET => Zone::EnterRdi,
            _ if rip < entry::taken_exit_entry() => Zone::Hook,
            _ if rip < entry::taken_exit_saved() => Zone::GateExitDone,
            _ if rip < entry::taken_exit_called() => Zone::ExitSaved,
            _ if rip >= entry::taken_exit_rare() && rip < entry::taken_exit_rare_end() => Zone::ExitSaved,
            _ if rip >= entry::begun() => Zone::Beginning,
            _ => Zone::Hook,
        };
    }
    if on_our_stack { Zone::Hook } else { Zone::Application }
}

/// In the answer to getpid.
fn of_known(rip: u64) -> Zone {
    match rip {
        _ if rip < entry::known_pid_saved() => Zone::EnterRcx,
        _ if rip < entry::known_pid_switched() => Zone::Enter,
        _ if rip < entry::known_pid_back() => Zone::EnterSwitched,
        _ if rip < entry::known_pid_done() => Zone::Enter,
        _ if rip < entry::known_pid_done() + ANSWER_END => Zone::GatePassDone,
        _ => Zone::Enter,
    }
}

/// Length of `mov rcx, gs:[disp32]` and `jmp rcx`.
const ANSWER_END: u64 = 9 + 2;

/// Length of `mov rdi, rsp`, behind which the call to dispatch stands.
const CALL_OFFSET: u64 = 3;
