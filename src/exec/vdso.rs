//! The vDSO's place. The kernel maps it last, behind the program and the
//! interpreter; in our image it is there before them. Where addresses are
//! random nobody can tell. Where they are not (`setarch -R`, debuggers) the
//! vDSO steps aside until the others are mapped, so that all lie as natively.

#![allow(unsafe_code, reason = "moves the vDSO")]

use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::abi::auxv::{self, AT_SYSINFO_EHDR, Auxiliary};
use crate::image::BASE;
use crate::kernel;

/// Where it waits.
const ASIDE: u64 = BASE + (2 << 30);
/// vvar, vvar_vclock, vdso; one more for what may come.
const MAX_PIECES: usize = 4;

/// Programs do not get to know the address (`USERTRAP_VDSO=hide`): what they would
/// read there they ask the kernel for, by calls that hooks see.
#[unsafe(link_section = ".data")]
static HIDDEN: AtomicBool = AtomicBool::new(false);

/// Settles whether programs get to know the address.
pub(crate) fn configure(hidden: bool) {
    HIDDEN.store(hidden, Ordering::Relaxed);
}

/// Takes the address out of a program's vector, if it is not to know it.
pub(crate) fn hide(vector: &mut [Auxiliary]) {
    if HIDDEN.load(Ordering::Relaxed) {
        auxv::remove(vector, AT_SYSINFO_EHDR);
    }
}

/// The mappings of the vDSO and of its data, which lie together.
pub(crate) struct Vdso {
    pieces: [Range<u64>; MAX_PIECES],
    count: usize,
    image: u64,
}

impl Vdso {
    /// Finds the vDSO and moves it away. None: it stays where it is (no
    /// `/proc`; mappings that the kernel has sealed).
    pub(crate) fn set_aside(vector: &[Auxiliary]) -> Option<Vdso> {
        let image = auxv::get(vector, AT_SYSINFO_EHDR)?;
        let fd = kernel::open(c"/proc/self/maps", libc::O_RDONLY, 0).ok()?;
        let mut text = [0; 4096];
        let mut len = 0;
        while let Some(rest) = text.get_mut(len..)
            && let Ok(read @ 1..) = kernel::read(fd, rest)
        {
            len += read;
        }
        kernel::close(fd);
        let vdso = Vdso::find(text.get(..len)?, image)?;
        vdso.move_all(vdso.start(), ASIDE).then_some(vdso)
    }

    fn find(maps: &[u8], image: u64) -> Option<Vdso> {
        let mut vdso = Vdso {
            pieces: [const { 0..0 }; MAX_PIECES],
            count: 0,
            image,
        };
        for line in maps.split(|&byte| byte == b'\n') {
            let name = line.rsplit(|&byte| byte == b' ').next()?;
            if name.starts_with(b"[vvar") || name == b"[vdso]" {
                let mut range = line.split(|&byte| byte == b' ').next()?.split(|&byte| byte == b'-');
                let (start, end) = (hexadecimal(range.next()?)?, hexadecimal(range.next()?)?);
                if vdso.count > 0 && vdso.end() != start {
                    return None;
                }
                *vdso.pieces.get_mut(vdso.count)? = start..end;
                vdso.count += 1;
            }
        }
        (vdso.start() <= image && image < vdso.end()).then_some(vdso)
    }

    fn pieces(&self) -> &[Range<u64>] {
        self.pieces.get(..self.count).unwrap_or(&[])
    }

    fn start(&self) -> u64 {
        self.pieces().first().map_or(0, |piece| piece.start)
    }

    fn end(&self) -> u64 {
        self.pieces().last().map_or(0, |piece| piece.end)
    }

    /// Moves all pieces by the distance of `from` and `to`. If one does not
    /// move, those before it go back.
    fn move_all(&self, from: u64, to: u64) -> bool {
        let moved = |piece: &Range<u64>, base: u64| piece.start - self.start() + base;
        for (index, piece) in self.pieces().iter().enumerate() {
            let len = (piece.end - piece.start) as usize;
            // SAFETY: nobody uses the vDSO yet, and nothing is at the new place.
            if unsafe { kernel::move_pages(moved(piece, from), moved(piece, to), len) }.is_err() {
                for piece in self.pieces().iter().take(index) {
                    let len = (piece.end - piece.start) as usize;
                    // SAFETY: as above; they come from there.
                    let _ = unsafe { kernel::move_pages(moved(piece, to), moved(piece, from), len) };
                }
                return false;
            }
        }
        true
    }

    /// Puts the vDSO where the kernel would now map it.
    pub(crate) fn put_back(&self, vector: &mut [Auxiliary]) {
        let len = (self.end() - self.start()) as usize;
        let Ok(place) = kernel::map(0, len, libc::PROT_NONE, libc::MAP_NORESERVE) else {
            return;
        };
        let place = if self.move_all(ASIDE, place) { place } else { ASIDE };
        auxv::set(vector, AT_SYSINFO_EHDR, self.image - self.start() + place);
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    u64::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &[u8] = b"580000000000-580000023000 r--p 00000000 00:01 1  /memfd:usertrap (deleted)
7ffff7ff7000-7ffff7ffb000 r--p 00000000 00:00 0                          [vvar]
7ffff7ffb000-7ffff7ffd000 r--p 00000000 00:00 0                          [vvar_vclock]
7ffff7ffd000-7ffff7fff000 r-xp 00000000 00:00 0                          [vdso]
7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          [stack]
";

    #[test]
    fn the_pieces_are_found() {
        let vdso = Vdso::find(MAPS, 0x7fff_f7ff_d000).unwrap();
        assert_eq!(vdso.count, 3);
        assert_eq!(vdso.start()..vdso.end(), 0x7fff_f7ff_7000..0x7fff_f7ff_f000);
        assert_eq!(vdso.pieces()[1], 0x7fff_f7ff_b000..0x7fff_f7ff_d000);
    }

    #[test]
    fn what_is_not_in_one_piece_stays() {
        assert!(Vdso::find(MAPS, 0x7000).is_none());
        assert!(Vdso::find(b"", 0x7000).is_none());
        let apart = b"1000-2000 r--p 00000000 00:00 0 [vvar]\n3000-4000 r-xp 00000000 00:00 0 [vdso]\n";
        assert!(Vdso::find(apart, 0x3000).is_none());
    }
}
