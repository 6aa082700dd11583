//! The calls that are hooked most, with their arguments by name: section 2 of the
//! manual has what they mean.

use crate::address::Address;

/// A call whose arguments have names.
pub trait Typed: Sized {
    /// Its number.
    const NUMBER: u16;

    /// Its arguments, out of the registers.
    fn of(args: &[u64; 6]) -> Self;
}

/// The number of a call, for [`Hook::NUMBERS`](crate::Hook::NUMBERS).
pub const fn number<T: Typed>() -> u16 {
    T::NUMBER
}

trait Argument {
    fn of(register: u64) -> Self;
}

impl Argument for i32 {
    fn of(register: u64) -> i32 {
        register as i32
    }
}

impl Argument for u32 {
    fn of(register: u64) -> u32 {
        register as u32
    }
}

impl Argument for u64 {
    fn of(register: u64) -> u64 {
        register
    }
}

impl Argument for i64 {
    fn of(register: u64) -> i64 {
        register as i64
    }
}

impl Argument for Address {
    fn of(register: u64) -> Address {
        Address(register)
    }
}

macro_rules! calls {
    ($($name:ident = $number:ident ($($field:ident: $kind:ty),*);)*) => {
        $(
            #[doc = concat!("`", stringify!($number), "`")]
            #[derive(Clone, Copy, PartialEq, Eq, Debug)]
            pub struct $name {
                $(#[doc = concat!("`", stringify!($field), "`")] pub $field: $kind,)*
            }

            impl Typed for $name {
                const NUMBER: u16 = libc::$number as u16;

                #[allow(unused_variables, unused_mut, unused_assignments, reason = "some calls have no arguments")]
                fn of(args: &[u64; 6]) -> $name {
                    let mut registers = args.iter().copied();
                    $(let $field = <$kind as Argument>::of(registers.next().unwrap_or(0));)*
                    $name { $($field),* }
                }
            }
        )*
    };
}

calls! {
    Read = SYS_read(fd: i32, buffer: Address, count: u64);
    Write = SYS_write(fd: i32, buffer: Address, count: u64);
    Pread = SYS_pread64(fd: i32, buffer: Address, count: u64, offset: i64);
    Pwrite = SYS_pwrite64(fd: i32, buffer: Address, count: u64, offset: i64);
    Open = SYS_open(path: Address, flags: i32, mode: u32);
    Openat = SYS_openat(directory: i32, path: Address, flags: i32, mode: u32);
    Close = SYS_close(fd: i32);
    Stat = SYS_stat(path: Address, stat: Address);
    Lstat = SYS_lstat(path: Address, stat: Address);
    Newfstatat = SYS_newfstatat(directory: i32, path: Address, stat: Address, flags: i32);
    Statx = SYS_statx(directory: i32, path: Address, flags: i32, mask: u32, statx: Address);
    Access = SYS_access(path: Address, mode: i32);
    Faccessat = SYS_faccessat(directory: i32, path: Address, mode: i32);
    Readlink = SYS_readlink(path: Address, buffer: Address, size: u64);
    Unlink = SYS_unlink(path: Address);
    Unlinkat = SYS_unlinkat(directory: i32, path: Address, flags: i32);
    Rename = SYS_rename(from: Address, to: Address);
    Ioctl = SYS_ioctl(fd: i32, request: u64, argument: u64);
    Mmap = SYS_mmap(address: Address, length: u64, protection: i32, flags: i32, fd: i32, offset: i64);
    Munmap = SYS_munmap(address: Address, length: u64);
    Socket = SYS_socket(domain: i32, kind: i32, protocol: i32);
    Connect = SYS_connect(fd: i32, address: Address, length: u32);
    Bind = SYS_bind(fd: i32, address: Address, length: u32);
    Accept4 = SYS_accept4(fd: i32, address: Address, length: Address, flags: i32);
    Sendto = SYS_sendto(fd: i32, buffer: Address, count: u64, flags: i32, address: Address, length: u32);
    Recvfrom = SYS_recvfrom(fd: i32, buffer: Address, count: u64, flags: i32, address: Address, length: Address);
    Execve = SYS_execve(path: Address, arguments: Address, environment: Address);
    Kill = SYS_kill(pid: i32, signal: i32);
    ClockGettime = SYS_clock_gettime(clock: i32, time: Address);
    ClockNanosleep = SYS_clock_nanosleep(clock: i32, flags: i32, request: Address, remain: Address);
    Getpid = SYS_getpid();
    Getppid = SYS_getppid();
    Getuid = SYS_getuid();
    Geteuid = SYS_geteuid();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_come_from_their_registers() {
        let args = [u64::MAX - 99, 0x1000, 0x8000_0002, 0o644, 5, 6];
        let open = Openat::of(&args);
        assert_eq!((open.directory, open.path), (-100, Address(0x1000)));
        assert_eq!((open.flags, open.mode), (i32::MIN + 2, 0o644));
        assert_eq!(number::<Getpid>(), 39);
    }
}
