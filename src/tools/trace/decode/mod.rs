//! From a call's registers, and the memory that they point to, to text.
//!
//! The application's memory is read while the call is made, by the thread that
//! makes it; what cannot be read is shown as its address.

mod bytes;
mod descriptors;
mod files;
mod futex;
mod ipc;
mod memory;
mod paths;
mod process;
mod siginfo;
mod signals;
mod sockets;
mod system;
mod times;

use super::args::Arg;
use super::names::Names;
use super::options;
use super::table::{Signature, signature};
use super::text::Text;
use crate::abi::errno::Errno;
use crate::trap::copy;
pub(super) use descriptors::fcntl_is_hex;
pub(super) use ipc::Kind;
pub(super) use siginfo::delivered;
pub(super) use signals::{number_of, signal};

/// Ends the arguments, in a text; what follows stands behind the result.
pub(super) const NOTE: u8 = 1;

/// What was written of the arguments, and what stands behind the result.
pub(super) fn parts(text: &[u8]) -> (&[u8], &[u8]) {
    let end = last(NOTE, text).unwrap_or(text.len());
    let (args, behind) = text.split_at_checked(end).unwrap_or((text, &[]));
    (args, behind.get(1..).unwrap_or(&[]))
}

/// Where a byte stands for the last time: eight are looked at at once.
fn last(byte: u8, text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let (_, words) = text.as_rchunks::<8>();
    let has = |word: &&[u8; 8]| {
        let other = u64::from_ne_bytes(**word) ^ (ONES * u64::from(byte));
        other.wrapping_sub(ONES) & !other & (ONES << 7) != 0
    };
    let behind = words.iter().rev().take_while(|word| !has(word)).count() * 8;
    let (before, _) = text.split_at_checked(text.len() - behind)?;
    let place = before.iter().rev().take(8).position(|&other| other == byte)?;
    Some(before.len() - 1 - place)
}

/// Stands between arguments where each is taken by itself.
pub(super) const NEXT: u8 = 2;

/// What stands between two arguments.
fn comma(text: &mut Text<'_>) {
    if options::is_whole() {
        text.byte(NEXT);
    } else {
        text.str(", ");
    }
}

/// A call that is to be shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) number: u32,
    pub(super) args: [u64; 6],
    /// The result; None while it is not made yet.
    pub(super) result: Option<i64>,
    /// Bytes of strings that are shown.
    pub(super) most: usize,
    /// What [`note`] said when it was made.
    pub(super) note: u64,
}

impl Call {
    fn arg(&self, index: impl Into<usize>) -> u64 {
        self.args.get(index.into()).copied().unwrap_or(0)
    }

    fn failed(&self) -> bool {
        self.result.is_some_and(|result| Errno::from_result(result).is_some())
    }

    /// The result, if it is a number of something; else 0.
    fn count(&self) -> u64 {
        self.result.and_then(|result| u64::try_from(result).ok()).unwrap_or(0)
    }
}

/// Whether an argument is shown at all.
fn is_shown(call: &Call, index: usize, arg: Arg) -> bool {
    const CREATES: u64 = 0o100 | 0o20_000_000;
    match arg {
        Arg::Nothing => false,
        Arg::OpenMode(flags) => call.arg(flags) & CREATES != 0,
        Arg::RemapTo(flags) => call.arg(flags) & 2 != 0,
        Arg::FcntlWhat => descriptors::fcntl_has_argument(call.arg(1u8)),
        Arg::IoctlWhat => descriptors::ioctl_has_argument(call.arg(1u8)),
        Arg::PrctlArgs => process::prctl_has_arguments(call.arg(0u8)),
        Arg::FutexArgs => futex::has_arguments(call.arg(1u8)),
        Arg::Dev => matches!(call.arg(index - 1) & 0o170_000, 0o020_000 | 0o060_000),
        _ => true,
    }
}

/// Where the arguments begin that are shown when the call has been made.
fn first_out(call: &Call, signature: &Signature) -> usize {
    if !signature.depends {
        return signature.out;
    }
    let is_out = |(index, arg): (usize, &Arg)| match arg {
        Arg::FcntlWhat => descriptors::fcntl_is_out(call.arg(1u8)),
        Arg::IoctlWhat => descriptors::ioctl_is_out(call.arg(1u8)) && index == 2,
        Arg::PrctlArgs => process::prctl_is_out(call.arg(0u8)),
        &Arg::IpcWhat(_, command) => ipc::is_out(call.arg(command)),
        Arg::ArchWhat => system::arch_is_out(call.arg(0u8)),
        // Of sendfile both values are shown.
        Arg::OffsetInOut => i64::from(call.number) == libc::SYS_sendfile,
        arg => arg.is_out(),
    };
    let args = signature.args;
    args.iter().enumerate().position(is_out).unwrap_or(args.len())
}

/// Shows the arguments up to the first that the call writes to.
pub(super) fn enter(text: &mut Text<'_>, call: &Call) {
    let Some(signature) = signature(call.number) else {
        return unknown(text, call);
    };
    let out = first_out(call, signature);
    let shown = show(text, call, signature, 0, out);
    if shown && out < signature.args.len() {
        comma(text);
    }
}

/// Shows the other arguments, and what stands behind the result.
pub(super) fn exit(text: &mut Text<'_>, call: &Call) {
    let Some(signature) = signature(call.number) else {
        return;
    };
    let out = first_out(call, signature);
    show(text, call, signature, out, signature.args.len());
    let before = text.len();
    text.byte(NOTE);
    behind_result(text, call);
    if text.len() == before + 1 {
        text.take_back();
    }
}

fn show(text: &mut Text<'_>, call: &Call, signature: &Signature, from: usize, to: usize) -> bool {
    let mut any = false;
    for (place, &kind) in signature.args.get(from..to).unwrap_or(&[]).iter().enumerate() {
        let index = from + place;
        if !is_shown(call, index, kind) {
            continue;
        }
        if any {
            comma(text);
        }
        any = true;
        arg(text, call, index, kind);
    }
    any
}

/// A number that is no call's: six arguments that may mean anything.
fn unknown(text: &mut Text<'_>, call: &Call) {
    for (index, value) in call.args.into_iter().enumerate() {
        if index != 0 {
            comma(text);
        }
        text.hex(value);
    }
}

/// What has to be remembered from before the call is made.
pub(super) fn note(call: &Call) -> u64 {
    let noted = signature(call.number).and_then(|signature| Some((signature.noted?, signature)));
    noted.map_or(0, |(place, signature)| {
        sockets::length_before(call.arg(place), signature.args[place])
    })
}

/// Bits by their names.
pub(super) fn flags(text: &mut Text<'_>, names: &Names, value: u64) {
    if value == 0 {
        return text.str(names.of(0).unwrap_or("0"));
    }
    if !some_flags(text, names, value) {
        text.str(" /* ");
        text.str(names.other);
        text.str(" */");
    }
}

/// Bits, not none; false if none has a name.
fn some_flags(text: &mut Text<'_>, names: &Names, mut value: u64) -> bool {
    let mut any = false;
    for (bits, name) in names.list.iter().filter(|(bits, _)| *bits != 0) {
        if value & bits == *bits {
            if any {
                text.byte(b'|');
            }
            text.str(name);
            any = true;
            value &= !bits;
        }
    }
    if value != 0 {
        if any {
            text.byte(b'|');
        }
        text.hex(value);
    }
    any
}

/// A value by its name.
pub(super) fn choice(text: &mut Text<'_>, names: &Names, value: u64) {
    match names.of(value) {
        Some(name) => text.str(name),
        None => {
            text.hex(value);
            text.str(" /* ");
            text.str(names.other);
            text.str(" */");
        }
    }
}

// Not inlined: what a loop does not change would be computed before it for all kinds.
#[inline(never)]
fn arg(text: &mut Text<'_>, call: &Call, index: usize, arg: Arg) {
    let value = call.arg(index);
    let low = u64::from(value as u32);
    match arg {
        Arg::Nothing => {}
        Arg::Int => text.int((value as i32).into()),
        Arg::Fd => paths::fd(text, value),
        Arg::Uint => text.dec(low),
        Arg::Long => text.int(value as i64),
        Arg::Ulong => text.dec(value),
        Arg::Hex => text.hex(value),
        Arg::Hex32 => text.hex(low),
        Arg::Ptr | Arg::PtrOut | Arg::RemapTo(_) => text.pointer(value),
        Arg::DirFd => paths::directory(text, value),
        Arg::Dev => files::device(text, low),
        Arg::StatxFlags => files::statx_flags(text, low),
        Arg::Flags(list) => flags(text, list, low),
        Arg::Choice(list) => choice(text, list, low),
        Arg::Mode | Arg::OpenMode(_) => text.mode(low & 0xffff),
        Arg::ModeOfFile => files::mode(text, low & 0xffff),
        Arg::OpenFlags => files::open_flags(text, low),
        Arg::MapFlags => memory::map_flags(text, low),
        Arg::Path => bytes::path(text, value),
        Arg::PathOut => bytes::out_path(text, call, value),
        Arg::Str => bytes::string(text, value, call.most),
        Arg::In(len) => bytes::bytes(text, value, call.arg(len), call.most),
        Arg::Out => bytes::out(text, call, value, false),
        Arg::OutHex => bytes::out(text, call, value, true),
        Arg::IovecIn(count) => bytes::iovec(text, call, value, call.arg(count), None),
        Arg::IovecOut(count) => bytes::iovec_out(text, call, value, call.arg(count)),
        Arg::IovecElsewhere(count) => bytes::iovec_elsewhere(text, value, call.arg(count)),
        Arg::Argv => bytes::arguments(text, call, value),
        Arg::Envp => bytes::environment(text, value),
        Arg::Stat => files::stat(text, call, value),
        Arg::Statx => files::statx(text, call, value),
        Arg::StatfsOut => files::statfs(text, call, value),
        Arg::Dents => files::entries(text, call, value),
        Arg::FcntlWhat => descriptors::fcntl(text, call, value),
        Arg::IoctlRequest => descriptors::ioctl_request(text, low),
        Arg::IoctlWhat => descriptors::ioctl(text, call, value),
        Arg::OffsetInOut => descriptors::offset(text, call, value),
        Arg::PipeOut => descriptors::pair(text, call, value),
        Arg::PollFds(count) => descriptors::poll_fds(text, value, call.arg(count)),
        Arg::FdSet => descriptors::fd_set(text, value, call.arg(0u8)),
        Arg::EpollEvent => descriptors::epoll_event(text, value),
        Arg::EpollEvents => descriptors::epoll_events(text, call, value),
        Arg::IntOut | Arg::IntsOut => process::int_out(text, call, value),
        Arg::IntsIn => process::int_in(text, value),
        Arg::Groups(count) => process::groups(text, value, call.arg(count)),
        Arg::GroupsOut => process::groups_out(text, call, value),
        Arg::Timespec => times::timespec(text, value),
        Arg::TimespecOut => times::timespec_out(text, call, value),
        Arg::TimespecLeft => times::left(text, call, value),
        Arg::TimespecLimit => times::limit(text, call, value),
        Arg::Timeval => times::timeval(text, value),
        Arg::TimevalOut => times::timeval_out(text, call, value),
        Arg::TimezoneOut => times::timezone(text, call, value),
        Arg::Timevals => times::timevals(text, value),
        Arg::Utimes => times::utimes(text, value),
        Arg::Utimbuf => times::utimbuf(text, value),
        Arg::Itimerspec => times::itimerspec(text, value),
        Arg::ItimerspecOut => times::itimerspec_out(text, call, value),
        Arg::Itimerval => times::itimerval(text, value),
        Arg::ItimervalOut => times::itimerval_out(text, call, value),
        Arg::Rlimit => process::rlimit(text, value),
        Arg::RlimitOut => process::rlimit_out(text, call, value),
        Arg::RusageOut => process::rusage(text, call, value),
        Arg::SysinfoOut => process::sysinfo(text, call, value),
        Arg::Utsname => process::utsname(text, call, value),
        Arg::CpuSet(size) => process::cpu_set(text, value, call.arg(size)),
        Arg::CpuSetOut => process::cpu_set_out(text, call, value),
        Arg::Signal => signal(text, low),
        Arg::Sigset(size) => signals::set(text, value, call.arg(size)),
        Arg::SigsetOut(size) => signals::set_out(text, call, value, call.arg(size)),
        Arg::SigactionIn => signals::action(text, value),
        Arg::SigactionOut => signals::action_out(text, call, value),
        Arg::SigmaskPair => signals::mask_pair(text, value),
        Arg::Sigevent => signals::event(text, value),
        Arg::SiginfoIn => siginfo::sent(text, value),
        Arg::SiginfoOut => siginfo::out(text, call, value),
        Arg::Altstack => signals::stack(text, value),
        Arg::AltstackOut => signals::stack_out(text, call, value),
        Arg::WaitStatus => process::wait_status_out(text, call, value),
        Arg::Clone => process::clone(text, call),
        Arg::Clone3 => process::clone3(text, call),
        Arg::FutexOp => futex::operation(text, low),
        Arg::FutexArgs => futex::arguments(text, call),
        Arg::Prctl => process::prctl_option(text, low),
        Arg::PrctlArgs => process::prctl(text, call),
        Arg::SocketType => sockets::kind(text, low),
        Arg::SocketProtocol => sockets::protocol(text, call),
        Arg::Sockaddr(len) => sockets::address(text, value, call.arg(len)),
        Arg::SockaddrOut(len) => sockets::address_out(text, call, value, call.arg(len)),
        Arg::SocklenOut => sockets::length_out(text, call, value),
        Arg::SocketLevel => sockets::level(text, low),
        Arg::SocketOption => sockets::option(text, call),
        Arg::SocketValue(len) => sockets::value(text, call, value, call.arg(len)),
        Arg::SocketValueOut(len) => sockets::value_out(text, call, value, call.arg(len)),
        Arg::MsghdrIn => sockets::message(text, call, value),
        Arg::MsghdrOut => sockets::message_out(text, call, value),
        Arg::MmsghdrsIn => sockets::messages(text, call, value),
        Arg::MmsghdrsOut => sockets::messages_out(text, call, value),
        Arg::IpcKey => ipc::key(text, low),
        Arg::IpcFlags(names) => ipc::get_flags(text, names, low),
        Arg::SemBufs(count) => ipc::operations(text, value, call.arg(count)),
        Arg::IpcWhat(kind, command) => ipc::what(text, call, kind, call.arg(command), value),
        Arg::MsgBuf(len) => ipc::message(text, call, value, call.arg(len)),
        Arg::MsgBufOut(_) if call.failed() => text.pointer(value),
        Arg::MsgBufOut(len) => ipc::message(text, call, value, call.arg(len)),
        Arg::MountType => system::mount_type(text, call, value),
        Arg::MountFlags => system::mount_flags(text, value),
        Arg::MountData => system::mount_data(text, call, value),
        Arg::OpenHow(size) => system::open_how(text, value, call.arg(size)),
        Arg::CapabilityHeader => system::capability_header(text, value),
        Arg::Capabilities => system::capabilities_in(text, value),
        Arg::CapabilitiesOut => system::capabilities_out(text, call, value),
        Arg::ArchWhat => system::arch(text, call, value),
    }
}

/// What stands behind the result, in brackets.
fn behind_result(text: &mut Text<'_>, call: &Call) {
    let Some(result) = call.result.filter(|_| !call.failed()) else {
        return;
    };
    paths::result(text, call, result as u64);
    match i64::from(call.number) {
        libc::SYS_poll | libc::SYS_ppoll => descriptors::polled(text, call, result),
        libc::SYS_select | libc::SYS_pselect6 => descriptors::selected(text, call, result),
        libc::SYS_recvmmsg => times::limit_left(text, call),
        libc::SYS_fcntl => descriptors::fcntl_result(text, call.arg(1u8), result as u64),
        libc::SYS_rt_sigtimedwait => {
            text.str(" (");
            signal(text, result as u64);
            text.byte(b')');
        }
        libc::SYS_sched_getscheduler => {
            text.str(" (");
            choice(text, &super::names::process::SCHED, result as u64);
            text.byte(b')');
        }
        _ => {}
    }
}

/// Words of a structure that was read.
#[derive(Clone, Copy)]
struct Words<'b>(&'b [u8]);

impl Words<'_> {
    fn u64(&self, at: usize) -> u64 {
        let bytes = self.0.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |bytes| u64::from_ne_bytes(*bytes))
    }

    fn i64(&self, at: usize) -> i64 {
        self.u64(at) as i64
    }

    fn u32(&self, at: usize) -> u32 {
        let bytes = self.0.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    }

    fn i32(&self, at: usize) -> i32 {
        self.u32(at) as i32
    }

    fn u16(&self, at: usize) -> u16 {
        let bytes = self.0.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |bytes| u16::from_ne_bytes(*bytes))
    }
}

/// Shows a structure of N bytes, or its address if it cannot be read.
fn object<const N: usize>(text: &mut Text<'_>, address: u64, show: impl FnOnce(&mut Text<'_>, Words<'_>)) {
    let mut bytes = [0; N];
    if address != 0 && copy::copy_in(&mut bytes, address).is_ok() {
        show(text, Words(&bytes));
    } else {
        text.pointer(address);
    }
}

/// The same for one that the call writes: not if it has failed.
fn object_out<const N: usize>(
    text: &mut Text<'_>,
    call: &Call,
    address: u64,
    show: impl FnOnce(&mut Text<'_>, Words<'_>),
) {
    if call.failed() {
        text.pointer(address);
    } else {
        object::<N>(text, address, show);
    }
}

/// `{name=` or `, name=`, then a number.
fn field(text: &mut Text<'_>, name: &str, value: i64) {
    text.str(name);
    text.int(value);
}

#[cfg(test)]
mod tests;
