//! The unwind tables of the module that a site lies in.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::kernel;
use crate::kernel::user::Reader;
use crate::rewrite::eh_frame::{self, Function};
use crate::rewrite::frames::{self, Section, Window};
use crate::rewrite::maps::Maps;
use crate::rewrite::vet;
use crate::rewrite::vma::{Backing, Vma};

/// The functions of a module.
pub(crate) struct Functions {
    memory: Memory,
    /// The address of the module's .eh_frame_hdr.
    header: Option<u64>,
}

impl Functions {
    /// The function around `address`.
    pub(crate) fn at(&self, address: u64) -> Option<Function> {
        eh_frame::function_at(&self.memory, self.header?, address)
    }

    /// What lies between two functions there.
    fn gap_at(&self, address: u64) -> Option<Function> {
        eh_frame::gap_at(&self.memory, self.header?, address)
    }

    /// Whether the module has no table in which to look them up.
    pub(crate) fn are_unknown(&self) -> bool {
        self.header.is_none()
    }
}

impl vet::Module for Functions {
    fn function(&self, address: u64) -> Option<Function> {
        self.at(address)
    }

    fn gap(&self, address: u64) -> Option<Function> {
        self.gap_at(address)
    }

    fn number(&self, address: u64) -> Option<i32> {
        let mut bytes = [0; 4];
        eh_frame::Memory::read(&self.memory, address, &mut bytes).then(|| i32::from_le_bytes(bytes))
    }
}

/// The functions around a site in a program without such a table: all of
/// `.eh_frame` is read.
#[inline(never)]
pub(crate) fn window(vma: &Vma, maps: &Maps, site: u64) -> Option<Window> {
    if vma.backing != Backing::File {
        return None;
    }
    let section = section(vma, maps, site)?;
    // It must lie where the file is mapped.
    let first = maps.find_nameless(section.start)?;
    let last = maps.find_nameless(section.end.checked_sub(1)?)?;
    let same = first.start == last.start && first.inode == vma.inode && first.device == vma.device;
    let is_constant = same && first.protection.read && !first.protection.write;
    is_constant.then(|| Window::around(&Memory::default(), section, site))?
}

/// Where the program's file says that `.eh_frame` lies.
#[inline(never)]
fn section(vma: &Vma, maps: &Maps, site: u64) -> Option<Section> {
    struct Open(i32);
    impl Drop for Open {
        fn drop(&mut self) {
            kernel::close(self.0);
        }
    }
    impl frames::File for Open {
        fn read(&self, offset: u64, out: &mut [u8]) -> bool {
            kernel::pread(self.0, out, offset).is_ok_and(|read| read == out.len())
        }
    }
    let mut name = [0; 4096];
    maps.find_named(site, &mut name)?;
    let path = core::ffi::CStr::from_bytes_until_nul(&name).ok()?;
    let file = Open(kernel::open(path, libc::O_RDONLY | libc::O_NONBLOCK, 0).ok()?);
    let mut header = [0; frames::ELF_HEADER];
    let base = vma.start.checked_sub(vma.offset)?;
    let is_mapped = eh_frame::Memory::read(&Memory::default(), base, &mut header);
    is_mapped.then(|| frames::section_of(&file, &header))?
}

/// The module that was asked for last, a file, and where its .eh_frame_hdr
/// lies. Sites of one module come in a row, and their mapping says which file is
/// at which base. A proof needs no more trust than that: what it finds in the
/// header and behind it must fit together at every step.
/// Written under the rewriter's lock; 0 for none.
static LAST: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

/// What tells modules apart: base, device and inode.
fn identity(vma: &Vma, base: u64) -> [u64; 3] {
    let (major, minor) = vma.device;
    [base, u64::from(major) << 32 | u64::from(minor), vma.inode]
}

fn remembered(module: [u64; 3]) -> Option<u64> {
    let [known @ .., header] = LAST.each_ref().map(|word| word.load(Ordering::Relaxed));
    (known == module && header != 0).then_some(header)
}

fn remember([base, device, inode]: [u64; 3], header: u64) {
    // A vfork child may be killed in between: no header, then a new module.
    for (word, value) in [3, 0, 1, 2, 3].into_iter().zip([0, base, device, inode, header]) {
        if let Some(word) = LAST.get(word) {
            word.store(value, Ordering::Release);
        }
    }
}

/// The mapping that `site` lies in. Of the module that was asked for last it is
/// known that it is a file, so its name is not asked for.
pub(crate) fn mapping(maps: &Maps, site: u64) -> Option<Vma> {
    let found = maps.find_nameless(site).filter(|vma| {
        let base = vma.start.checked_sub(vma.offset);
        base.and_then(|base| remembered(identity(vma, base))).is_some()
    });
    let backing = Backing::File;
    found.map(|vma| Vma { backing, ..vma }).or_else(|| maps.find(site))
}

/// The functions of the module that `vma` is a part of. Under the rewriter's
/// lock.
pub(crate) fn functions(vma: &Vma, maps: &Maps) -> Functions {
    let memory = Memory::default();
    let header = header(&memory, vma, maps);
    Functions { memory, header }
}

/// Where the first byte of the file lies that `vma` is a part of, and can be read.
pub(crate) fn base(vma: &Vma, maps: &Maps) -> Option<u64> {
    /// Mappings of a file before its code; lld gives each segment a distance of its own.
    const MOST: usize = 8;
    let is_same = |other: &Vma| (other.device, other.inode) == (vma.device, vma.inode);
    let is_first = |first: &Vma| is_same(first) && first.offset == 0 && first.protection.read;
    // Most linkers give code the same distance from the ELF header as in the file.
    let near = vma.start.checked_sub(vma.offset)?;
    if maps
        .find_nameless(near)
        .or_else(|| maps.find(near))
        .is_some_and(|first| is_first(&first) && first.start == near)
    {
        return Some(near);
    }
    let mut part = *vma;
    for _ in 0..MOST {
        part = maps.find(part.start.checked_sub(1)?).filter(is_same)?;
        if is_first(&part) {
            return Some(part.start);
        }
    }
    None
}

fn header(memory: &Memory, vma: &Vma, maps: &Maps) -> Option<u64> {
    if !matches!(vma.backing, Backing::File | Backing::Vdso) {
        return None;
    }
    let module = identity(vma, vma.start.wrapping_sub(vma.offset));
    if let Some(header) = remembered(module) {
        return Some(header);
    }
    let base = base(vma, maps)?;
    let header = eh_frame::header_of(memory, base)?;
    if vma.backing == Backing::File {
        remember(module, header);
    }
    Some(header)
}

/// Memory of a loaded module, read without a fault.
#[derive(Default)]
struct Memory(Reader);

impl eh_frame::Memory for Memory {
    fn read(&self, address: u64, out: &mut [u8]) -> bool {
        self.0.copy_in(out, address).is_ok()
    }
}
