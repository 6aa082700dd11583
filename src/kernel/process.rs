//! System calls that make and become processes.

#![allow(unsafe_code, reason = "system calls act on raw memory")]

use core::ffi::CStr;

use crate::abi::errno::Errno;
use crate::kernel::{self, checked, syscall};

/// personality(2), which is not changed.
pub(crate) fn personality() -> u64 {
    const ASK: u64 = 0xffff_ffff;
    // SAFETY: takes no pointer.
    checked(unsafe { syscall!(SYS_personality, ASK) }).unwrap_or(0)
}

/// `AT_EXECVE_CHECK` (`linux/fcntl.h`, Linux 6.14): all checks of an
/// execveat(2) but those of the file's format, and no new program.
pub(crate) const AT_EXECVE_CHECK: u64 = 0x1_0000;

/// `MFD_EXEC` (`linux/memfd.h`, Linux 6.3): the file may be executed.
const MFD_EXEC: u32 = 0x10;

/// `struct prctl_mm_map` (`linux/prctl.h`).
#[repr(C)]
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct MemoryMap {
    /// `mm->start_code` and the like, see proc(5), `/proc/pid/stat`.
    pub(crate) start_code: u64,
    /// End of the code.
    pub(crate) end_code: u64,
    /// Start of the data.
    pub(crate) start_data: u64,
    /// End of the data.
    pub(crate) end_data: u64,
    /// Where the heap begins.
    pub(crate) start_brk: u64,
    /// Where the heap ends.
    pub(crate) brk: u64,
    /// The initial stack pointer.
    pub(crate) start_stack: u64,
    /// The strings of argv.
    pub(crate) arg_start: u64,
    /// Their end.
    pub(crate) arg_end: u64,
    /// The strings of the environment.
    pub(crate) env_start: u64,
    /// Their end.
    pub(crate) env_end: u64,
    /// The auxiliary vector's address.
    pub(crate) auxv: u64,
    /// Its size in bytes.
    pub(crate) auxv_size: u32,
    /// A descriptor for /proc/self/exe, or −1.
    pub(crate) exe_fd: i32,
}

const PR_SET_MM: i32 = 35;
const PR_SET_MM_MAP: u64 = 14;

/// prctl(PR_SET_MM, PR_SET_MM_MAP): what /proc shows of the memory's layout.
///
/// # Errors
/// EINVAL without CONFIG_CHECKPOINT_RESTORE, or if the map is not in order.
pub(crate) fn set_memory_map(map: &MemoryMap) -> Result<(), Errno> {
    let size = core::mem::size_of::<MemoryMap>();
    // SAFETY: a live structure of the kernel's layout; it describes memory and
    // changes none, but for the heap's place.
    checked(unsafe { syscall!(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, core::ptr::from_ref(map), size, 0) }).map(drop)
}

/// execveat(2); returns only if it fails, or only checks.
///
/// # Safety
/// The pointers are the kernel's to check, but the process must be ready to
/// end.
pub(crate) unsafe fn execveat(directory: i32, path: u64, argv: u64, envp: u64, flags: u64) -> Result<(), Errno> {
    // SAFETY: by the contract.
    checked(unsafe { syscall!(SYS_execveat, directory as i64, path, argv, envp, flags) }).map(drop)
}

/// prctl(PR_GET_TID_ADDRESS): the thread's `clear_child_tid`.
///
/// # Errors
/// EINVAL without CONFIG_CHECKPOINT_RESTORE.
pub(crate) fn tid_address() -> Result<u64, Errno> {
    let mut address = 0u64;
    // SAFETY: writes one word to a live variable.
    checked(unsafe { syscall!(SYS_prctl, libc::PR_GET_TID_ADDRESS, &raw mut address) })?;
    Ok(address)
}

/// set_tid_address(2): where the kernel writes an int of 0 when the thread
/// leaves memory that has other users.
pub(crate) fn set_tid_address(address: u64) {
    // SAFETY: the kernel checks the address when it writes.
    let _ = unsafe { syscall!(SYS_set_tid_address, address) };
}

/// unshare(CLONE_FILES): descriptors that other processes share become copies.
///
/// # Errors
/// ENOMEM.
pub(crate) fn unshare_files() -> Result<(), Errno> {
    // SAFETY: the numbers stay as they are.
    checked(unsafe { syscall!(SYS_unshare, libc::CLONE_FILES) }).map(drop)
}

/// openat(2), close-on-exec, of a path in the application's memory.
pub(crate) fn open_at(directory: i32, path: u64, flags: i32) -> Result<i32, Errno> {
    let flags = flags | libc::O_CLOEXEC;
    // SAFETY: the kernel checks the path's address.
    checked(unsafe { syscall!(SYS_openat, directory as i64, path, flags, 0) }).map(|fd| fd as i32)
}

/// memfd_create(2) of an executable file, close-on-exec.
pub(crate) fn memory_file(name: &CStr) -> Result<i32, Errno> {
    let create = |flags: u32| {
        // SAFETY: a live C string.
        checked(unsafe { syscall!(SYS_memfd_create, name.as_ptr(), flags) }).map(|fd| fd as i32)
    };
    // Kernels before 6.3 do not know MFD_EXEC, and make executable files.
    create(libc::MFD_CLOEXEC | MFD_EXEC).or_else(|_| create(libc::MFD_CLOEXEC))
}

/// Runs `make` with the limit on the size of files as high as it may be: that
/// is meant for the program's files.
pub(crate) fn with_large_files<T>(make: impl FnOnce() -> T) -> T {
    const RESOURCE: i32 = libc::RLIMIT_FSIZE as i32;
    let before = kernel::limits(RESOURCE, None).unwrap_or((u64::MAX, u64::MAX));
    let (soft, hard) = before;
    let raised = soft != u64::MAX
        && (kernel::limits(RESOURCE, Some((u64::MAX, u64::MAX))).is_ok()
            || kernel::limits(RESOURCE, Some((hard, hard))).is_ok());
    let made = make();
    if raised {
        let _ = kernel::limits(RESOURCE, Some(before));
    }
    made
}

/// ftruncate(2); without the signal that it sends where the limit on the size
/// of files forbids it.
pub(crate) fn set_size(fd: i32, size: u64) -> Result<(), Errno> {
    if kernel::limit(libc::RLIMIT_FSIZE as i32)? < size {
        return Err(Errno::EFBIG);
    }
    // SAFETY: takes no pointers.
    checked(unsafe { syscall!(SYS_ftruncate, fd, size) }).map(drop)
}

/// fstat(2).
pub(crate) fn stat(fd: i32) -> Result<libc::stat, Errno> {
    // SAFETY: all-zero is a valid `stat`, plain data.
    let mut stat: libc::stat = unsafe { core::mem::zeroed() };
    // SAFETY: the buffer is live and has the kernel's layout.
    checked(unsafe { syscall!(SYS_fstat, fd, &raw mut stat) })?;
    Ok(stat)
}

/// readlinkat(2): the link's length.
pub(crate) fn read_link(path: &CStr, out: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: a live C string and a live buffer.
    checked(unsafe {
        syscall!(
            SYS_readlinkat,
            libc::AT_FDCWD as i64,
            path.as_ptr(),
            out.as_mut_ptr(),
            out.len()
        )
    })
    .map(|len| len as usize)
}

/// What the kernel does for a thread at its end.
#[derive(Clone, Copy)]
pub(crate) struct Registrations {
    /// set_tid_address(2), if the kernel tells.
    pub(crate) number: Option<u64>,
    /// set_robust_list(2): address and length.
    robust: [u64; 2],
}

impl Registrations {
    /// Those of the calling thread.
    pub(crate) fn get() -> Registrations {
        let mut robust = [0u64; 2];
        let [head, len] = &mut robust;
        // SAFETY: live locals.
        unsafe { syscall!(SYS_get_robust_list, 0, &raw mut *head, &raw mut *len) };
        Registrations {
            number: tid_address().ok(),
            robust,
        }
    }

    /// Sets them again.
    pub(crate) fn put_back(&self) {
        let [head, len] = self.robust;
        if let Some(number) = self.number {
            set_tid_address(number);
        }
        // SAFETY: the calling thread's own, as it was.
        unsafe { syscall!(SYS_set_robust_list, head, len) };
    }
}

/// getcwd(2): the length of the working directory's path.
pub(crate) fn working_directory(out: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: a live buffer.
    checked(unsafe { syscall!(SYS_getcwd, out.as_mut_ptr(), out.len()) }).map(|len| (len as usize).saturating_sub(1))
}

/// mmap(2) of private memory, of a file (descriptor and offset) or anonymous.
///
/// # Safety
/// With MAP_FIXED, nothing that is in use may lie in the range.
pub(crate) unsafe fn map_memory(
    address: u64,
    len: u64,
    protection: i32,
    flags: i32,
    file: Option<(i32, u64)>,
) -> Result<u64, Errno> {
    let (kind, (fd, offset)) = match file {
        Some(file) => (libc::MAP_PRIVATE, file),
        None => (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, (-1, 0)),
    };
    // SAFETY: by the contract.
    checked(unsafe { syscall!(SYS_mmap, address, len, protection, flags | kind, fd as i64, offset) })
}

/// getdents64(2): how many bytes of entries were read.
pub(crate) fn read_directory(fd: i32, out: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: a live buffer.
    checked(unsafe { syscall!(SYS_getdents64, fd, out.as_mut_ptr(), out.len()) }).map(|len| len as usize)
}

/// getrandom(2) of two words that may be guessed while the system boots.
pub(crate) fn random() -> [u64; 2] {
    let mut words = [0u64; 2];
    let flags = libc::GRND_INSECURE | libc::GRND_NONBLOCK;
    // SAFETY: a live buffer of that size.
    unsafe { syscall!(SYS_getrandom, words.as_mut_ptr(), size_of_val(&words), flags) };
    words
}

/// The name of the calling thread (`PR_GET_NAME`), padded with zeros.
pub(crate) fn thread_name() -> [u8; 16] {
    let mut name = [0; 16];
    // SAFETY: a live buffer of the size that the kernel writes.
    unsafe { syscall!(SYS_prctl, libc::PR_GET_NAME, name.as_mut_ptr()) };
    name
}

/// Sets the name of the calling thread: its first 15 bytes.
pub(crate) fn set_thread_name(name: &[u8]) {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(name.iter().take(15)) {
        *to = *from;
    }
    // SAFETY: a live C string.
    unsafe { syscall!(SYS_prctl, libc::PR_SET_NAME, bytes.as_ptr()) };
}

/// `ST_NOSUID` and `ST_NOEXEC` of `linux/statfs.h`.
pub(crate) const NOSUID: i64 = 2;
pub(crate) const NOEXEC: i64 = 8;

/// fstatfs(2): the flags of the mount that a file was opened by.
pub(crate) fn mount_flags(fd: i32) -> Result<i64, Errno> {
    // `struct statfs` is words on x86-64; libc hides the flags.
    const F_FLAGS: usize = 10;
    let mut stat = [0i64; 15];
    // SAFETY: the buffer is live and has the kernel's size.
    checked(unsafe { syscall!(SYS_fstatfs, fd, stat.as_mut_ptr()) })?;
    Ok(stat[F_FLAGS])
}

/// The effective user and group of the thread.
pub(crate) fn effective_ids() -> (u32, u32) {
    // SAFETY: these take no pointers, and do not fail.
    unsafe { (syscall!(SYS_geteuid) as u32, syscall!(SYS_getegid) as u32) }
}

/// fgetxattr(2): whether a file has capabilities.
pub(crate) fn has_capabilities(fd: i32) -> bool {
    // SAFETY: a live C string, and no room for a value.
    checked(unsafe { syscall!(SYS_fgetxattr, fd, c"security.capability".as_ptr(), 0, 0) }).is_ok()
}

/// Whether a file has capabilities that are to be effective at once (`struct vfs_cap_data`
/// of `linux/capability.h`, as it is without a user namespace of its own).
pub(crate) fn has_effective_capabilities(fd: i32) -> bool {
    const REVISIONS: [u32; 2] = [0x0100_0000, 0x0200_0000];
    const EFFECTIVE: u32 = 1;
    let mut words = [0u32; 5];
    let name = c"security.capability".as_ptr();
    // SAFETY: a live C string, and room of the size that is told.
    let result = checked(unsafe { syscall!(SYS_fgetxattr, fd, name, words.as_mut_ptr(), size_of_val(&words)) });
    let [head, ..] = words;
    result.is_ok() && REVISIONS.contains(&(head & !0xff_ffff)) && head & EFFECTIVE != 0
}

/// Whether no program gives the thread more privileges.
pub(crate) fn has_no_new_privs() -> bool {
    // SAFETY: the option takes no pointer.
    let set = unsafe { kernel::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) };
    set == Ok(1)
}

/// faccessat2(2) of an open file: whether the effective user may execute it.
pub(crate) fn may_execute(fd: i32) -> Result<(), Errno> {
    let flags = libc::AT_EACCESS | libc::AT_EMPTY_PATH;
    // SAFETY: a live C string.
    let result = checked(unsafe { syscall!(SYS_faccessat2, fd as i64, c"".as_ptr(), libc::X_OK, flags) });
    match result {
        // Before Linux 5.8: who may not execute it will be told by others.
        Err(Errno::ENOSYS) => Ok(()),
        result => result.map(drop),
    }
}

/// Ends the process by a signal, as the kernel does it with an image that it
/// cannot complete.
pub(crate) fn die_of(signal: i32) -> ! {
    // SAFETY: the process ends.
    unsafe {
        let default = crate::abi::sigaction::KernelSigaction::default();
        let _ = kernel::sigaction(signal, Some(&default));
        syscall!(SYS_tgkill, kernel::getpid(), kernel::gettid(), signal);
    }
    kernel::unblock(crate::abi::sigframe::bit(signal));
    kernel::exit_group(128 + signal)
}
