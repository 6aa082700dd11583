//! The tree file: the configured core as an executable in memory, which every
//! process of the tree has a descriptor of.

#![allow(unsafe_code, reason = "reads the core's own memory")]

use core::mem::size_of;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::abi::elf::{ET_EXEC, HEADER_SIZE, PF_R, PF_W, PT_GNU_STACK, PT_LOAD};
use crate::abi::errno::Errno;
use crate::exec::{identity, loader};
use crate::image::BASE;
use crate::image::bootstrap::{ORIGIN, PAGE, ProgramHeader, headers, is_read_only, pages_of};
use crate::kernel::pages::{self, PageMap};
use crate::kernel::{self, process};
use crate::runtime;
use crate::trap::descriptors::{self, Kept};

/// Where in the file the image ends: the rest is free for what the tree shares.
#[unsafe(link_section = ".data")]
static IMAGE_END: AtomicU64 = AtomicU64::new(0);

/// The name that /proc/PID/exe shows, after `/memfd:`.
const NAME: &core::ffi::CStr = c"usertrap";

const E_TYPE: usize = 16;
const E_ENTRY: usize = 24;
const E_PHOFF: usize = 32;
const E_SHOFF: usize = 40;
const E_PHNUM: usize = 56;

/// Writes the core, as it is configured now, into a new tree file. Its offsets
/// are those of the memory at [`BASE`], its zero pages are holes. Returns where in memory
/// lies what [`share`] is for.
///
/// # Errors
/// What memfd_create(2) and pwrite64(2) say.
pub(crate) fn create() -> Result<Range<u64>, Errno> {
    let image_end = loads().map(|segment| pages_of(segment).1).max().unwrap_or(0);
    IMAGE_END.store(image_end, Ordering::Relaxed);
    let fd = process::memory_file(NAME)?;
    let written = identity::set_image(fd)
        .and_then(|()| process::set_size(fd, image_end))
        .and_then(|()| write_image(fd));
    let kept = written.and_then(|()| descriptors::keep(Kept::Tree, fd));
    if kept != Ok(fd) {
        kernel::close(fd);
    }
    kept.map(|_| runtime::made())
}

fn loads() -> impl Iterator<Item = &'static ProgramHeader> {
    headers().iter().filter(|header| header.kind == PT_LOAD)
}

fn write_image(fd: i32) -> Result<(), Errno> {
    let mut out = Headers::new();
    let map = PageMap::open();
    for segment in loads() {
        let (start, end) = pages_of(segment);
        let file_end = if segment.flags & PF_W == 0 {
            write_constants(fd, start, end)?;
            end
        } else {
            write_data(fd, &map, start, end)?
        };
        let writable = segment.flags & PF_W != 0 && !is_read_only(segment);
        out.add(ProgramHeader {
            kind: PT_LOAD,
            flags: if writable { segment.flags } else { segment.flags & !PF_W },
            offset: start,
            address: BASE + start,
            physical: BASE + start,
            file_size: file_end - start,
            memory_size: end - start,
            align: PAGE,
        });
    }
    out.add(ProgramHeader {
        kind: PT_GNU_STACK,
        flags: PF_R | PF_W,
        ..ProgramHeader::EMPTY
    });
    write(fd, &out.first_page(), 0)
}

/// Lets what has been allocated before the file was written, tables that nobody changes,
/// be the file's: the tree has it in common. Only for who keeps the file as long as he
/// lives.
pub(crate) fn share(made: &Range<u64>) {
    let fd = descriptors::PROCESS.get(Kept::Tree);
    let (start, end) = (made.start.next_multiple_of(PAGE), made.end & !(PAGE - 1));
    if fd >= 0 && start < end {
        // SAFETY: the core's own data, as it is in the file; nobody else is here.
        let _ = unsafe { pages::take_from_file(start, (end - start) as usize, fd, start - BASE) };
    }
}

/// Writes what nobody changes, from where the object was put: there nobody needs its
/// pages any more.
fn write_constants(fd: i32, start: u64, end: u64) -> Result<(), Errno> {
    let origin = ORIGIN.load(Ordering::Relaxed) + start;
    let len = (end - start) as usize;
    // SAFETY: a segment of the object, mapped for good.
    let bytes = unsafe { core::slice::from_raw_parts(origin as *const u8, len) };
    write(fd, bytes, start)?;
    // SAFETY: mapped from the object's file.
    unsafe { pages::drop_clean(origin, len) };
    Ok(())
}

/// Writes what is not zero, as it is now. Returns where that ends.
fn write_data(fd: i32, map: &PageMap, start: u64, end: u64) -> Result<u64, Errno> {
    let mut run = start..start;
    let mut done = Ok(());
    map.used(BASE + start..BASE + end, |page| {
        let page = page - BASE;
        if is_zero(page) {
            return;
        }
        if page != run.end {
            done = done.and_then(|()| write(fd, at(run.clone()), run.start));
            run = page..page;
        }
        run.end = page + PAGE;
    });
    done.and_then(|()| write(fd, at(run.clone()), run.start))?;
    Ok(run.end)
}

/// Where shared data may begin in the file.
pub(crate) fn image_end() -> u64 {
    IMAGE_END.load(Ordering::Relaxed)
}

fn at(range: Range<u64>) -> &'static [u8] {
    // SAFETY: pages of the core's own image. It is configured by this thread
    // alone, which is here.
    unsafe { core::slice::from_raw_parts((BASE + range.start) as *const u8, (range.end - range.start) as usize) }
}

fn is_zero(page: u64) -> bool {
    // SAFETY: as above; pages are aligned to words.
    let words = unsafe { core::slice::from_raw_parts((BASE + page) as *const u64, PAGE as usize / 8) };
    words.iter().all(|&word| word == 0)
}

fn write(fd: i32, bytes: &[u8], offset: u64) -> Result<(), Errno> {
    match kernel::pwrite(fd, bytes, offset)? {
        written if written == bytes.len() => Ok(()),
        _ => Err(Errno::ENOMEM),
    }
}

/// The program headers of the file; they lie where the object's own do.
struct Headers {
    headers: [ProgramHeader; 8],
    len: usize,
}

impl Headers {
    const fn new() -> Headers {
        Headers {
            headers: [ProgramHeader::EMPTY; 8],
            len: 0,
        }
    }

    fn add(&mut self, header: ProgramHeader) {
        if let Some(place) = self.headers.get_mut(self.len) {
            *place = header;
            self.len += 1;
        }
    }

    fn headers(&self) -> &[ProgramHeader] {
        self.headers.get(..self.len).unwrap_or(&[])
    }

    /// The image's first page, with the headers of an executable.
    fn first_page(&self) -> [u8; PAGE as usize] {
        let mut page = [0; PAGE as usize];
        page.copy_from_slice(at(0..PAGE));
        let mut put = |at: usize, bytes: &[u8]| {
            if let Some(place) = page.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        };
        put(E_TYPE, &ET_EXEC.to_le_bytes());
        put(E_ENTRY, &loader::entry().to_le_bytes());
        // No sections: e_shoff, and behind e_phnum e_shentsize, e_shnum, e_shstrndx.
        put(E_SHOFF, &[0; 8]);
        put(E_PHNUM, &(self.len as u16).to_le_bytes());
        put(E_PHNUM + 2, &[0; 6]);
        let table = HEADER_SIZE;
        put(E_PHOFF, &(table as u64).to_le_bytes());
        for (index, header) in self.headers().iter().enumerate() {
            let header = core::ptr::from_ref(header).cast::<[u8; size_of::<ProgramHeader>()]>();
            // SAFETY: plain words without padding.
            put(table + index * size_of::<ProgramHeader>(), unsafe { &*header });
        }
        page
    }
}
