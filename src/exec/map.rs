//! Maps the target and its interpreter, as `load_elf_binary` and
//! `load_elf_interp` of `fs/binfmt_elf.c` do.

#![allow(unsafe_code, reason = "maps programs")]

use core::cell::UnsafeCell;

use crate::abi::elf::{HEADER_SIZE, Header, Kind, MAX_TABLE_SIZE, PROGRAM_HEADER_SIZE, Table};
use crate::abi::errno::Errno;
use crate::exec::layout::{self, FilePart, Layout, TASK_SIZE};
use crate::exec::place::{self, Randomness};
use crate::image::{BASE, tree};
use crate::kernel;
use crate::kernel::process;

const PAGE: u64 = 4096;

/// The program, mapped.
pub(crate) struct Target {
    pub(crate) entry: u64,
    /// Address, size of one, and number of the program headers.
    pub(crate) headers: [u64; 3],
    pub(crate) code: [u64; 2],
    pub(crate) data: [u64; 2],
    /// The first page behind the image.
    pub(crate) end: u64,
    /// `ET_DYN` without an interpreter.
    pub(crate) static_pie: bool,
    pub(crate) stack_executable: bool,
}

/// The interpreter, mapped.
pub(crate) struct Interpreter {
    pub(crate) entry: u64,
    pub(crate) bias: u64,
}

#[repr(C, align(4096))]
struct Buffer(UnsafeCell<[u8; MAX_TABLE_SIZE]>);

// SAFETY: the loader is one thread, and reads one file at a time.
unsafe impl Sync for Buffer {}

static BUFFER: Buffer = Buffer(UnsafeCell::new([0; MAX_TABLE_SIZE]));

/// The header of a file and its program headers, which lie in the buffer: the
/// next call overwrites it.
fn read(fd: i32, parse: fn(&[u8]) -> Result<Header, Errno>) -> Result<(Header, Table<'static>), Errno> {
    // SAFETY: see `Buffer`; callers drop the table before the next call.
    let buffer = unsafe { &mut *BUFFER.0.get() };
    // One page has both, as linkers make files.
    let start = buffer.get_mut(..PAGE as usize).ok_or(Errno::ENOEXEC)?;
    let read = kernel::pread(fd, start, 0)?;
    let head = start.get(..read.min(HEADER_SIZE)).unwrap_or(&[]);
    let header = parse(head)?;
    let table = usize::try_from(header.table_offset).unwrap_or(usize::MAX);
    let table = table..table.saturating_add(header.table_size());
    let bytes = if table.end <= read {
        buffer.get(table)
    } else {
        let bytes = buffer.get_mut(..header.table_size()).ok_or(Errno::ENOEXEC)?;
        let read = kernel::pread(fd, bytes, header.table_offset)?;
        bytes.get(..read)
    };
    let table = header.table(bytes.unwrap_or(&[])).ok_or(Errno::ENOEXEC)?;
    Ok((header, table))
}

/// Maps the program.
pub(crate) fn target(fd: i32, interpreted: bool, random: &Randomness) -> Result<Target, Errno> {
    let (header, table) = read(fd, |head| Header::parse(head).map_err(|error| error.as_program()))?;
    let layout = Layout::program(&header, table, TASK_SIZE).map_err(|_| Errno::EINVAL)?;
    let relocatable = layout.kind() == Kind::Relocatable;
    let start = match relocatable {
        false => Start::Fixed,
        true if interpreted => Start::At(layout.start_at(place::pie_base(random))),
        true if layout.searches_alignment() => Start::At(search(&layout)?),
        true => Start::Anywhere,
    };
    let bias = map(&layout, fd, start)?;
    let (code, data) = (layout.code(bias), layout.data(bias));
    Ok(Target {
        entry: layout.entry(bias),
        headers: [layout.headers(bias), PROGRAM_HEADER_SIZE as u64, header.count.into()],
        code: [code.start, code.end],
        data: [data.start, data.end],
        end: layout.break_start(bias),
        static_pie: relocatable && !interpreted,
        stack_executable: layout::executable_stack(table),
    })
}

/// Maps the interpreter.
pub(crate) fn interpreter(fd: i32) -> Result<Interpreter, Errno> {
    let (header, table) = read(fd, |head| {
        Header::parse_interpreter(head).map_err(|error| error.as_interpreter())
    })?;
    let layout = Layout::interpreter(&header, table, TASK_SIZE).map_err(|_| Errno::EINVAL)?;
    let start = match layout.kind() {
        Kind::Relocatable => Start::Anywhere,
        _ => Start::Fixed,
    };
    let bias = map(&layout, fd, start)?;
    layout.check(bias).map_err(|_| Errno::EINVAL)?;
    Ok(Interpreter {
        entry: layout.checked_entry(bias).map_err(|_| Errno::EINVAL)?,
        bias,
    })
}

/// Maps an interpreter of ours at `place`, and shows what of it is mapped from the
/// file: address, length, protection.
pub(crate) fn interpreter_at(fd: i32, place: u64, mut show: impl FnMut(u64, u64, i32)) -> Result<Interpreter, Errno> {
    let (header, table) = read(fd, |head| {
        Header::parse_interpreter(head).map_err(|error| error.as_interpreter())
    })?;
    let layout = Layout::interpreter(&header, table, TASK_SIZE).map_err(|_| Errno::EINVAL)?;
    let bias = map(&layout, fd, Start::At(place))?;
    for segment in layout.segments(bias) {
        if let Some(part) = &segment.file {
            show(segment.address, part.length, segment.protection);
        }
    }
    Ok(Interpreter {
        entry: layout.checked_entry(bias).map_err(|_| Errno::EINVAL)?,
        bias,
    })
}

/// Where an image is to lie.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// At the addresses in the file.
    Fixed,
    /// Its first page here.
    At(u64),
    /// Where the kernel finds room for all of it.
    Anywhere,
}

/// A place for the first page that has the image's alignment.
fn search(layout: &Layout<'_>) -> Result<u64, Errno> {
    let len = layout.span().saturating_add(layout.alignment()) as usize;
    let found = kernel::map(0, len, libc::PROT_NONE, libc::MAP_NORESERVE)?;
    // SAFETY: just mapped, and nobody else maps anything.
    unsafe { kernel::unmap(found, len) };
    Ok(layout.start_at(found.next_multiple_of(layout.alignment())))
}

/// Maps all segments. Returns the bias.
fn map(layout: &Layout<'_>, fd: i32, start: Start) -> Result<u64, Errno> {
    let mut bias = 0;
    if start != Start::Fixed {
        // All of it is reserved at once, so that it finds room; segments take
        // their places in it, and what is between them goes.
        let (address, flags) = match start {
            Start::At(address) => (address, libc::MAP_FIXED_NOREPLACE),
            _ => (0, 0),
        };
        let span = layout.span().next_multiple_of(PAGE) as usize;
        let reserved = kernel::map(address, span, libc::PROT_NONE, flags | libc::MAP_NORESERVE)?;
        bias = layout.bias(reserved);
        if start != Start::Anywhere && reserved != address {
            return Err(Errno::EEXIST);
        }
        let mut next = reserved;
        for segment in layout.segments(bias) {
            let file = segment.file.map_or(0, |part| part.length);
            let end = (segment.address + file).max(segment.anonymous.end);
            if next < segment.address {
                // SAFETY: reserved above; no segment lies there.
                unsafe { kernel::unmap(next, (segment.address - next) as usize) };
            }
            next = next.max(end);
        }
    }
    for (index, segment) in layout.segments(bias).enumerate() {
        // The kernel lets the first segment of a fixed image replace nothing.
        let fixed = if start == Start::Fixed && index == 0 {
            libc::MAP_FIXED_NOREPLACE
        } else {
            libc::MAP_FIXED
        };
        if let Some(FilePart { offset, length }) = segment.file {
            spare_ourselves(segment.address, length)?;
            // SAFETY: the image's own place.
            let got =
                unsafe { process::map_memory(segment.address, length, segment.protection, fixed, Some((fd, offset)))? };
            if got != segment.address {
                return Err(Errno::EEXIST);
            }
        }
        if !segment.zero.is_empty() {
            let len = (segment.zero.end - segment.zero.start) as usize;
            // SAFETY: in the segment's last page, which is writable.
            unsafe { core::ptr::write_bytes(segment.zero.start as *mut u8, 0, len) };
        }
        if !segment.anonymous.is_empty() {
            let len = segment.anonymous.end - segment.anonymous.start;
            spare_ourselves(segment.anonymous.start, len)?;
            // SAFETY: the image's own place.
            unsafe {
                process::map_memory(
                    segment.anonymous.start,
                    len,
                    segment.anonymous_protection,
                    libc::MAP_FIXED,
                    None,
                )?
            };
        }
    }
    Ok(bias)
}

/// An image that wants our own place cannot run here.
fn spare_ourselves(start: u64, len: u64) -> Result<(), Errno> {
    let end = BASE + tree::image_end();
    if start < end && start.saturating_add(len) > BASE {
        Err(Errno::EEXIST)
    } else {
        Ok(())
    }
}
