//! `siginfo_t`: of a signal that is delivered, or that a call has written.

use super::signals::signal;
use super::{Call, Words, comma, field, object, object_out};
use crate::tools::trace::names::Names;
use crate::tools::trace::names::errors;
use crate::tools::trace::names::signals::{ARCH, BUS, CLD, CODE, FPE, ILL, POLL, SEGV, SYS, TRAP};
use crate::tools::trace::options;
use crate::tools::trace::table::signature;
use crate::tools::trace::text::Text;

const SIZE: usize = 128;

/// What stands between two fields.
type Between = fn(&mut Text<'_>);

/// One that waitid or rt_sigtimedwait has written.
pub(super) fn out(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<SIZE>(text, call, address, nested);
}

/// One that a call sends.
pub(super) fn sent(text: &mut Text<'_>, address: u64) {
    object::<SIZE>(text, address, nested);
}

fn nested(text: &mut Text<'_>, words: Words<'_>) {
    text.byte(b'{');
    if words.u32(0) != 0 {
        fields(text, words, |text| text.str(", "));
    }
    text.byte(b'}');
}

/// That of a signal which is delivered: with its braces, or by fields that are
/// each taken by itself.
pub(in crate::tools::trace) fn delivered(text: &mut Text<'_>, info: &[u8; SIZE]) {
    let braces = !options::is_whole();
    if braces {
        text.byte(b'{');
    }
    fields(text, Words(info), comma);
    if braces {
        text.byte(b'}');
    }
}

/// The codes that only this signal has.
fn own_codes(number: i32) -> Option<&'static Names> {
    Some(match number {
        libc::SIGCHLD => &CLD,
        libc::SIGILL => &ILL,
        libc::SIGFPE => &FPE,
        libc::SIGSEGV => &SEGV,
        libc::SIGBUS => &BUS,
        libc::SIGTRAP => &TRAP,
        libc::SIGIO => &POLL,
        libc::SIGSYS => &SYS,
        _ => return None,
    })
}

fn fields(text: &mut Text<'_>, words: Words<'_>, between: Between) {
    let (number, errno, code) = (words.i32(0), words.i32(4), words.i32(8));
    text.str("si_signo=");
    signal(text, words.u32(0).into());
    between(text);
    text.str("si_code=");
    let value = u64::from(code.cast_unsigned());
    let own = own_codes(number).and_then(|codes| codes.of(value));
    match CODE.of(value).or(own) {
        Some(name) => text.str(name),
        None => text.hex(value),
    }
    if errno != 0 {
        between(text);
        text.str("si_errno=");
        match errors::error(errno) {
            Some((name, _)) => text.str(name),
            None => text.int(errno.into()),
        }
    }
    if code <= 0 {
        by_a_process(text, words, code, between);
    } else {
        by_the_kernel(text, words, number, code, between);
    }
}

fn sender(text: &mut Text<'_>, words: Words<'_>, between: Between) {
    between(text);
    field(text, "si_pid=", words.i32(16).into());
    between(text);
    field(text, "si_uid=", words.u32(20).into());
}

/// What was sent with it.
fn value(text: &mut Text<'_>, words: Words<'_>, between: Between) {
    between(text);
    field(text, "si_int=", words.i32(24).into());
    between(text);
    text.str("si_ptr=");
    text.pointer(words.u64(24));
}

/// The same, if there is anything.
fn some_value(text: &mut Text<'_>, words: Words<'_>, between: Between) {
    if words.u64(24) != 0 {
        value(text, words, between);
    }
}

fn by_a_process(text: &mut Text<'_>, words: Words<'_>, code: i32, between: Between) {
    const SI_USER: i32 = 0;
    const SI_TKILL: i32 = -6;
    match code {
        SI_USER | SI_TKILL => sender(text, words, between),
        libc::SI_TIMER => {
            between(text);
            text.str("si_timerid=");
            text.hex(words.u32(16).into());
            between(text);
            field(text, "si_overrun=", words.i32(20).into());
            value(text, words, between);
        }
        _ => {
            sender(text, words, between);
            some_value(text, words, between);
        }
    }
}

fn by_the_kernel(text: &mut Text<'_>, words: Words<'_>, number: i32, code: i32, between: Between) {
    match number {
        libc::SIGCHLD => {
            sender(text, words, between);
            between(text);
            text.str("si_status=");
            if code == libc::CLD_EXITED {
                text.int(words.i32(24).into());
            } else {
                signal(text, words.u32(24).into());
            }
            between(text);
            field(text, "si_utime=", words.i64(32));
            between(text);
            field(text, "si_stime=", words.i64(40));
        }
        libc::SIGILL | libc::SIGFPE | libc::SIGSEGV | libc::SIGBUS | libc::SIGTRAP => {
            between(text);
            text.str("si_addr=");
            text.pointer(words.u64(16));
        }
        libc::SIGIO if POLL.of(u64::from(code.cast_unsigned())).is_some() => {
            between(text);
            field(text, "si_band=", words.i64(16));
            between(text);
            field(text, "si_fd=", words.i32(24).into());
        }
        libc::SIGIO => {}
        libc::SIGSYS => {
            between(text);
            text.str("si_call_addr=");
            text.pointer(words.u64(16));
            between(text);
            text.str("si_syscall=");
            match signature(words.u32(24)) {
                Some(signature) => {
                    text.str("__NR_");
                    text.str(signature.name);
                }
                None => text.hex(words.u32(24).into()),
            }
            between(text);
            text.str("si_arch=");
            super::choice(text, &ARCH, words.u32(28).into());
        }
        _ => {
            if words.u64(16) != 0 {
                sender(text, words, between);
            }
            some_value(text, words, between);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::trace::text::tests::written;

    fn shown(number: i32, errno: i32, code: i32, words: [u64; 4]) -> String {
        let mut info = [0; SIZE];
        let head = [number, errno, code, 0].into_iter().flat_map(i32::to_ne_bytes);
        let bytes = head.chain(words.into_iter().flat_map(u64::to_ne_bytes));
        info.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
        written(|text| delivered(text, &info))
    }

    #[test]
    fn each_sender_says_its_own() {
        let sender = 1000 << 32 | 7;
        for (number, code, words, wanted) in [
            (
                libc::SIGUSR1,
                0,
                [sender, 0, 0, 0],
                "{si_signo=SIGUSR1, si_code=SI_USER, si_pid=7, si_uid=1000}",
            ),
            (
                37,
                -1,
                [sender, 77, 0, 0],
                "{si_signo=SIGRT_5, si_code=SI_QUEUE, si_pid=7, si_uid=1000, si_int=77, si_ptr=0x4d}",
            ),
            (
                35,
                -2,
                [0, 5, 0, 0],
                "{si_signo=SIGRT_3, si_code=SI_TIMER, si_timerid=0, si_overrun=0, si_int=5, si_ptr=0x5}",
            ),
            (libc::SIGALRM, 0x80, [0; 4], "{si_signo=SIGALRM, si_code=SI_KERNEL}"),
            (
                libc::SIGSEGV,
                1,
                [16, 0, 0, 0],
                "{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x10}",
            ),
            (
                libc::SIGTRAP,
                0x80,
                [0; 4],
                "{si_signo=SIGTRAP, si_code=SI_KERNEL, si_addr=NULL}",
            ),
            (
                libc::SIGIO,
                1,
                [65, 5, 0, 0],
                "{si_signo=SIGIO, si_code=POLL_IN, si_band=65, si_fd=5}",
            ),
            (libc::SIGUSR2, 77, [0; 4], "{si_signo=SIGUSR2, si_code=0x4d}"),
            (
                libc::SIGCHLD,
                2,
                [sender, 9, 3, 4],
                "{si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=7, si_uid=1000, si_status=SIGKILL, si_utime=3, si_stime=4}",
            ),
            (
                libc::SIGSYS,
                1,
                [0x0040_1002, 0xc000_003e_0000_0027, 0, 0],
                "{si_signo=SIGSYS, si_code=SYS_SECCOMP, si_call_addr=0x401002, si_syscall=__NR_getpid, si_arch=AUDIT_ARCH_X86_64}",
            ),
        ] {
            assert_eq!(shown(number, 0, code, words), wanted);
        }
        let with_errno = shown(libc::SIGUSR1, 5, -60, [0, 0x1234, 0, 0]);
        assert_eq!(
            with_errno,
            "{si_signo=SIGUSR1, si_code=SI_ASYNCNL, si_errno=EIO, si_pid=0, si_uid=0, si_int=4660, si_ptr=0x1234}"
        );
    }
}
