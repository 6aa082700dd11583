//! Lets a program find the files of one directory in another one:
//! `usertrap --hook ./libredirect.so:/etc/app=/tmp/etc ./app`.

use std::cell::RefCell;
use std::ffi::CString;

use usertrap_hook::{Address, Call, Hook, Verdict, hook};

struct Redirect {
    from: Vec<u8>,
    to: Vec<u8>,
}

thread_local! {
    /// What the call in flight has in place of its path: it stays until the next one.
    static CHANGED: RefCell<CString> = RefCell::default();
}

/// Calls whose first argument is a path, and calls whose second one is.
const FIRST: [i64; 11] = [
    libc::SYS_open,
    libc::SYS_creat,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_unlink,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_chdir,
    libc::SYS_execve,
];
const SECOND: [i64; 9] = [
    libc::SYS_openat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_unlinkat,
    libc::SYS_mkdirat,
    libc::SYS_execveat,
];
const NUMBERS: [u16; FIRST.len() + SECOND.len()] = {
    let mut numbers = [0; FIRST.len() + SECOND.len()];
    let mut at = 0;
    while at < numbers.len() {
        numbers[at] = match at.checked_sub(FIRST.len()) {
            None => FIRST[at],
            Some(at) => SECOND[at],
        } as u16;
        at += 1;
    }
    numbers
};

impl Redirect {
    /// Where a path leads, if it is one of the first directory's.
    fn changed(&self, path: &[u8]) -> Option<CString> {
        let rest = path.strip_prefix(&self.from[..])?;
        let inside = rest.is_empty() || rest.starts_with(b"/");
        inside.then(|| CString::new([&self.to, rest].concat()).ok()).flatten()
    }
}

impl Hook for Redirect {
    const NAME: &str = "redirect";
    const NUMBERS: Option<&[u16]> = Some(&NUMBERS);

    fn init(options: &str) -> Result<Redirect, String> {
        match options.split_once('=') {
            Some((from, to)) if !from.is_empty() => Ok(Redirect {
                from: from.into(),
                to: to.into(),
            }),
            _ => Err("its option is FROM=TO, two directories".into()),
        }
    }

    fn enter(&self, call: &mut Call) -> Verdict {
        let at = usize::from(!FIRST.contains(&(call.number() as i64)));
        if let Ok(path) = Address(call.args()[at]).string(4096)
            && let Some(changed) = self.changed(path.as_bytes())
        {
            CHANGED.with_borrow_mut(|place| {
                *place = changed;
                call.args_mut()[at] = place.as_ptr() as u64;
            });
        }
        Verdict::Pass
    }
}

hook!(Redirect);
