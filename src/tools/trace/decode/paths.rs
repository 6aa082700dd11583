//! What descriptors lead to, as `strace -y` shows it. It is asked when the
//! argument is decoded: of a descriptor that is closed before that.

use core::ffi::CStr;

use super::Call;
use crate::kernel::path::readlink_at;
use crate::tools::trace::options;
use crate::tools::trace::text::Text;

/// A descriptor, with what it leads to.
pub(super) fn fd(text: &mut Text<'_>, value: u64) {
    let fd = value as i32;
    text.int(fd.into());
    if fd >= 0 && options::shows_paths() {
        let mut name = [0; 40];
        if let Some(link) = link_of(&mut name, fd.unsigned_abs()) {
            target(text, link);
        }
    }
}

/// The same, of which `AT_FDCWD` is one.
pub(super) fn directory(text: &mut Text<'_>, value: u64) {
    if value as i32 != libc::AT_FDCWD {
        return fd(text, value);
    }
    text.str("AT_FDCWD");
    if options::shows_paths() {
        target(text, c"/proc/thread-self/cwd");
    }
}

/// What a new descriptor leads to, if that is what the call's result is.
pub(super) fn result(text: &mut Text<'_>, call: &Call, result: u64) {
    if !options::shows_paths() || !is_fd(call) {
        return;
    }
    let mut name = [0; 40];
    if let Some(link) = link_of(&mut name, result as u32) {
        target(text, link);
    }
}

fn is_fd(call: &Call) -> bool {
    match i64::from(call.number) {
        libc::SYS_fcntl => matches!(call.arg(1u8) as i32, libc::F_DUPFD | libc::F_DUPFD_CLOEXEC),
        number => MAKE_FDS.contains(&number),
    }
}

/// Calls whose result is a descriptor.
const MAKE_FDS: &[i64] = &[
    libc::SYS_open,
    libc::SYS_creat,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_dup,
    libc::SYS_dup2,
    libc::SYS_dup3,
    libc::SYS_socket,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_epoll_create,
    libc::SYS_epoll_create1,
    libc::SYS_eventfd,
    libc::SYS_eventfd2,
    libc::SYS_signalfd,
    libc::SYS_signalfd4,
    libc::SYS_timerfd_create,
    libc::SYS_inotify_init,
    libc::SYS_inotify_init1,
    libc::SYS_fanotify_init,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_mq_open,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_landlock_create_ruleset,
];

/// The link of a descriptor, in /proc.
fn link_of(name: &mut [u8; 40], fd: u32) -> Option<&CStr> {
    const START: &[u8] = b"/proc/thread-self/fd/";
    let mut digits = [0; 10];
    let mut first = digits.len();
    let mut rest = fd;
    while first == digits.len() || rest != 0 {
        first -= 1;
        *digits.get_mut(first)? = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let digits = digits.get(first..)?;
    name.get_mut(..START.len())?.copy_from_slice(START);
    name.get_mut(START.len()..START.len() + digits.len())?
        .copy_from_slice(digits);
    CStr::from_bytes_until_nul(name).ok()
}

/// `<path>`, or `<path>(deleted)`; nothing if it cannot be found out.
fn target(text: &mut Text<'_>, link: &CStr) {
    let mut path = [0; 4096];
    let Ok(len) = readlink_at(libc::AT_FDCWD, link, &mut path) else {
        return;
    };
    let path = path.get(..len).unwrap_or(&[]);
    let (path, deleted) = match path.strip_suffix(b" (deleted)") {
        Some(path) if path.starts_with(b"/") => (path, true),
        _ => (path, false),
    };
    // The core's own, of which the application knows nothing.
    if deleted && path == b"/memfd:usertrap" {
        return;
    }
    text.byte(b'<');
    let mut rest = path;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'<' | b'>')) {
        let (before, behind) = rest.split_at(at);
        text.escaped(before, None);
        text.str(if behind.starts_with(b"<") { "\\74" } else { "\\76" });
        rest = behind.get(1..).unwrap_or(&[]);
    }
    text.escaped(rest, None);
    text.byte(b'>');
    if deleted {
        text.str("(deleted)");
    }
}
