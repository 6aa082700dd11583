//! Where the parts of an ELF image go in memory: the plan that a loader
//! follows, as `fs/binfmt_elf.c` of Linux 6.10 and later makes it.
//!
//! Nothing here is stored but sums: the segments are computed when they are
//! asked for, out of the program headers as bytes, for the bias that the first
//! mapping turned out to have.
//!
//! The kernel makes this plan while it maps, behind the point of no return, so
//! whatever is wrong with it kills the process ([`Fatal`]).

use core::ffi::CStr;
use core::ops::Range;

use crate::abi::elf::{Header, Kind, PF_R, PF_W, PF_X, PT_GNU_STACK, PT_INTERP, ProgramHeader, Table};
use crate::abi::errno::Errno;

/// The size of a page.
pub const PAGE: u64 = 4096;
/// `TASK_SIZE` with four levels of page tables: the end of what a process can
/// map.
pub const TASK_SIZE: u64 = (1 << 47) - PAGE;
/// `TASK_SIZE` with five levels (the `la57` flag of the processor).
pub const TASK_SIZE_LA57: u64 = (1 << 56) - PAGE;
/// `ELF_ET_DYN_BASE`: where a relocatable program with an interpreter is put,
/// plus what randomization adds, and where the break of one without starts. It
/// lies within a page.
pub const ET_DYN_BASE: u64 = TASK_SIZE / 3 * 2;

/// Why the kernel kills (`SIGSEGV`) instead of running an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fatal {
    /// An interpreter is neither `ET_EXEC` nor `ET_DYN`.
    Type,
    /// A relocatable image, or an interpreter, has no segment with a size.
    NoSpan,
    /// A segment takes more bytes from the file than it has in memory.
    FileLarger,
    /// A segment does not end within `TASK_SIZE`.
    OutOfTask,
    /// A segment's place in its page differs between file and memory.
    Misaligned,
    /// A segment's bytes lie behind the last offset of any file.
    FileRange,
    /// The entry point lies outside `TASK_SIZE`.
    Entry,
}

/// The part of a segment that is mapped from the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FilePart {
    /// The offset in the file, a multiple of the page size.
    pub offset: u64,
    /// The length of the mapping, a multiple of the page size.
    pub length: u64,
}

/// One segment, as it is to be mapped. Segments are mapped in their order, and
/// each takes the place of what is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The first page.
    pub address: u64,
    /// `PROT_*`.
    pub protection: i32,
    /// What is mapped from the file, if anything is: private.
    pub file: Option<FilePart>,
    /// What is then to be filled with zeroes, up to the end of the page. Empty
    /// where the segment is not writable: the kernel cannot write there and
    /// passes over it. If the file ends before this page, it cannot be written
    /// either, and the kernel kills.
    pub zero: Range<u64>,
    /// What is then to be mapped as anonymous private memory: whole pages.
    pub anonymous: Range<u64>,
    /// `PROT_*` of `anonymous`: readable and writable whatever the segment is.
    pub anonymous_protection: i32,
}

/// The plan of one image.
#[derive(Clone, Debug)]
pub struct Layout<'a> {
    table: Table<'a>,
    kind: Kind,
    entry: u64,
    task_size: u64,
    /// `p_vaddr` of the first segment.
    first: Option<u64>,
    span: u64,
    alignment: u64,
    code_start: u64,
    code_end: u64,
    data_start: u64,
    data_end: u64,
    end: u64,
    headers: u64,
}

impl<'a> Layout<'a> {
    /// The plan of a program.
    pub fn program(header: &Header, table: Table<'a>, task_size: u64) -> Result<Layout<'a>, Fatal> {
        let layout = Layout::new(header, table, task_size)?;
        for load in table.loads() {
            layout.check_place(&load, load.vaddr)?;
        }
        if layout.kind == Kind::Relocatable && layout.first.is_some() && layout.span == 0 {
            return Err(Fatal::NoSpan);
        }
        Ok(layout)
    }

    /// The plan of a program interpreter. Where it lies is checked when that is
    /// known, see [`Layout::check`].
    pub fn interpreter(header: &Header, table: Table<'a>, task_size: u64) -> Result<Layout<'a>, Fatal> {
        let layout = Layout::new(header, table, task_size)?;
        match layout.kind {
            Kind::Unknown(_) => Err(Fatal::Type),
            _ if layout.span == 0 => Err(Fatal::NoSpan),
            Kind::Fixed => layout.check(0).map(|()| layout),
            Kind::Relocatable => Ok(layout),
        }
    }

    fn new(header: &Header, table: Table<'a>, task_size: u64) -> Result<Layout<'a>, Fatal> {
        let mut layout = Layout {
            table,
            kind: header.kind,
            entry: header.entry,
            task_size,
            first: None,
            span: 0,
            alignment: 0,
            code_start: u64::MAX,
            code_end: 0,
            data_start: 0,
            data_end: 0,
            end: 0,
            headers: 0,
        };
        let (mut lowest, mut highest) = (u64::MAX, 0);
        for load in table.loads() {
            check_file(&load, task_size)?;
            layout.first = layout.first.or(Some(load.vaddr));
            // What wraps here belongs to an interpreter; it wraps back when
            // the bias is added.
            let end = load.vaddr.wrapping_add(load.memory_size);
            let file_end = load.vaddr.wrapping_add(load.file_size);
            lowest = lowest.min(page_start(load.vaddr));
            highest = highest.max(end);
            if load.align.is_power_of_two() {
                layout.alignment = layout.alignment.max(load.align);
            }
            if load.flags & PF_X != 0 {
                layout.code_start = layout.code_start.min(load.vaddr);
                layout.code_end = layout.code_end.max(file_end);
            }
            layout.data_start = layout.data_start.max(load.vaddr);
            layout.data_end = layout.data_end.max(file_end);
            layout.end = layout.end.max(end);
            // The last segment that has them counts.
            let within = header.table_offset.wrapping_sub(load.offset);
            if load.offset <= header.table_offset && header.table_offset < load.offset.wrapping_add(load.file_size) {
                layout.headers = within.wrapping_add(load.vaddr);
            }
        }
        if layout.first.is_some() {
            layout.span = highest.wrapping_sub(lowest);
        }
        layout.alignment = page_align(layout.alignment);
        Ok(layout)
    }

    /// How the addresses in the file are meant.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The size of the whole image in memory (`total_mapping_size`). The first
    /// mapping of a relocatable image has this size, rounded up to pages, so
    /// that all of it finds room; what is behind the first segment is then
    /// unmapped.
    pub fn span(&self) -> u64 {
        self.span
    }

    /// The largest alignment that a segment asks for, at least a page; 0 if
    /// none asks for a power of two. It counts for programs only.
    pub fn alignment(&self) -> u64 {
        self.alignment
    }

    /// Whether a relocatable program without an interpreter needs its place
    /// searched first: map it anywhere, unmap it, and take
    /// [`start_at`](Layout::start_at) that address.
    pub fn searches_alignment(&self) -> bool {
        self.alignment > PAGE
    }

    /// The page at which the first segment is to be mapped when a relocatable
    /// program is to lie at `base`: [`ET_DYN_BASE`] and what randomization
    /// adds, or what was found; 0 for anywhere.
    ///
    /// Only a mapping from the file can lie anywhere. A first segment without
    /// bytes from the file lies exactly here, which for 0 mostly means that the
    /// kernel kills.
    pub fn start_at(&self, base: u64) -> u64 {
        let first = self.first.unwrap_or(0);
        let base = match self.alignment {
            0 => base,
            alignment => base & !alignment.wrapping_sub(1),
        };
        page_start(page_start(base.wrapping_sub(first)).wrapping_add(first))
    }

    /// The bias of the image when its first segment was mapped at the page
    /// `mapped`: what is added to addresses in the file.
    pub fn bias(&self, mapped: u64) -> u64 {
        match self.kind {
            Kind::Relocatable => mapped.wrapping_sub(page_start(self.first.unwrap_or(mapped))),
            _ => 0,
        }
    }

    /// Whether an interpreter can lie at this bias.
    pub fn check(&self, bias: u64) -> Result<(), Fatal> {
        self.table
            .loads()
            .try_for_each(|load| self.check_place(&load, load.vaddr.wrapping_add(bias)))
    }

    /// The segments, in the order in which they are mapped.
    pub fn segments(&self, bias: u64) -> impl Iterator<Item = Segment> + 'a {
        self.table.loads().map(move |load| segment(&load, bias))
    }

    /// Where the image starts to run (`AT_ENTRY` of a program). The kernel
    /// checks it of an interpreter, and of a program without one.
    pub fn entry(&self, bias: u64) -> u64 {
        self.entry.wrapping_add(bias)
    }

    /// Like [`entry`](Layout::entry), checked.
    pub fn checked_entry(&self, bias: u64) -> Result<u64, Fatal> {
        let entry = self.entry(bias);
        if entry < self.task_size {
            Ok(entry)
        } else {
            Err(Fatal::Entry)
        }
    }

    /// Where the program headers are in memory (`AT_PHDR`): the bias alone if
    /// no segment has them.
    pub fn headers(&self, bias: u64) -> u64 {
        self.headers.wrapping_add(bias)
    }

    /// `start_code` and `end_code` of the process. Without an executable
    /// segment they are the bias less one, and the bias.
    pub fn code(&self, bias: u64) -> Range<u64> {
        self.code_start.wrapping_add(bias)..self.code_end.wrapping_add(bias)
    }

    /// `start_data` and `end_data` of the process: of the highest segment its
    /// start, and the highest end of bytes from the file.
    pub fn data(&self, bias: u64) -> Range<u64> {
        self.data_start.wrapping_add(bias)..self.data_end.wrapping_add(bias)
    }

    /// The first page behind the image, where the break starts. The kernel
    /// then moves the break: of a relocatable program without an interpreter
    /// to [`ET_DYN_BASE`] (rounded up), and by chance if it randomizes.
    pub fn break_start(&self, bias: u64) -> u64 {
        page_align(self.end.wrapping_add(bias))
    }

    fn check_place(&self, load: &ProgramHeader, start: u64) -> Result<(), Fatal> {
        let room = self.task_size.checked_sub(load.memory_size);
        if start < self.task_size && room.is_some_and(|room| start <= room) {
            Ok(())
        } else {
            Err(Fatal::OutOfTask)
        }
    }
}

/// What can be said of a segment whatever its place is.
fn check_file(load: &ProgramHeader, task_size: u64) -> Result<(), Fatal> {
    if load.file_size > load.memory_size {
        return Err(Fatal::FileLarger);
    }
    if load.memory_size > task_size {
        return Err(Fatal::OutOfTask);
    }
    if load.file_size == 0 {
        return Ok(());
    }
    let part = file_part(load);
    if page_offset(part.offset) != 0 {
        return Err(Fatal::Misaligned);
    }
    match part.offset.checked_add(part.length) {
        Some(end) if i64::try_from(end).is_ok() => Ok(()),
        _ => Err(Fatal::FileRange),
    }
}

/// The pages of the file that a segment lies in.
fn file_part(load: &ProgramHeader) -> FilePart {
    let within = page_offset(load.vaddr);
    FilePart {
        offset: load.offset.wrapping_sub(within),
        length: page_align(load.file_size.wrapping_add(within)),
    }
}

fn segment(load: &ProgramHeader, bias: u64) -> Segment {
    let protection = protection(load.flags);
    let start = load.vaddr.wrapping_add(bias);
    let address = page_start(start);
    let end = start.wrapping_add(load.memory_size);
    let file = (load.file_size != 0).then(|| file_part(load));
    // Without bytes from the file, the first page is anonymous as a whole.
    let zero_start = match file {
        Some(_) => start.wrapping_add(load.file_size),
        None => address,
    };
    let zero_page = page_align(zero_start);
    let (zero, anonymous) = if load.memory_size > load.file_size {
        let writable = protection & libc::PROT_WRITE != 0;
        let zero_end = if writable { zero_page } else { zero_start };
        (zero_start..zero_end, zero_page..page_align(end))
    } else {
        (zero_start..zero_start, zero_page..zero_page)
    };
    Segment {
        address,
        protection,
        file,
        zero,
        anonymous,
        anonymous_protection: libc::PROT_READ | libc::PROT_WRITE | protection & libc::PROT_EXEC,
    }
}

/// `PROT_*` of `PF_*`.
fn protection(flags: u32) -> i32 {
    [
        (PF_R, libc::PROT_READ),
        (PF_W, libc::PROT_WRITE),
        (PF_X, libc::PROT_EXEC),
    ]
    .into_iter()
    .filter(|(flag, _)| flags & flag != 0)
    .fold(0, |all, (_, bit)| all | bit)
}

/// Whether the stack is executable: as the last `PT_GNU_STACK` says, and not
/// without one.
pub fn executable_stack(table: Table<'_>) -> bool {
    table
        .iter()
        .filter(|header| header.kind == PT_GNU_STACK)
        .last()
        .is_some_and(|header| header.flags & PF_X != 0)
}

/// The longest path of an interpreter, its NUL included (`PATH_MAX`).
pub const INTERPRETER_PATH_MAX: usize = 4096;

/// The first `PT_INTERP`, the only one that counts: where in the file the path
/// of the interpreter is, and its length with the NUL. Fewer bytes than that in
/// the file are `EIO`.
pub fn interpreter(table: Table<'_>) -> Result<Option<(u64, usize)>, Errno> {
    let Some(header) = table.iter().find(|header| header.kind == PT_INTERP) else {
        return Ok(None);
    };
    let length = usize::try_from(header.file_size).unwrap_or(usize::MAX);
    if !(2..=INTERPRETER_PATH_MAX).contains(&length) {
        return Err(Errno::ENOEXEC);
    }
    // Files end where signed offsets end.
    match header.offset.checked_add(header.file_size) {
        Some(end) if i64::try_from(end).is_ok() => Ok(Some((header.offset, length))),
        _ => Err(Errno::EINVAL),
    }
}

/// The path in the bytes of a `PT_INTERP`. The last byte must be NUL; the first
/// NUL ends the path. The kernel opens an empty path as the working directory
/// (and so answers `EACCES`), where `open` would say `ENOENT`; that is `.` here.
pub fn interpreter_path(bytes: &[u8]) -> Result<&CStr, Errno> {
    if bytes.last() != Some(&0) {
        return Err(Errno::ENOEXEC);
    }
    match CStr::from_bytes_until_nul(bytes) {
        Ok(path) if path.is_empty() => Ok(c"."),
        Ok(path) => Ok(path),
        Err(_) => Err(Errno::ENOEXEC),
    }
}

fn page_start(address: u64) -> u64 {
    address & !(PAGE - 1)
}

fn page_offset(address: u64) -> u64 {
    address & (PAGE - 1)
}

/// Rounded up; behind the last page there is 0.
fn page_align(address: u64) -> u64 {
    page_start(address.wrapping_add(PAGE - 1))
}

#[cfg(test)]
mod tests;
