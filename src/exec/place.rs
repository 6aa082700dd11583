//! Where things go in a new image, as `load_elf_binary` of `fs/binfmt_elf.c`
//! has it.

#![allow(unsafe_code, reason = "changes the stack's protection")]

use crate::abi::errno::Errno;
use crate::exec::layout::ET_DYN_BASE;
use crate::exec::map::Target;
use crate::exec::stack::Stack;
use crate::image::BASE;
use crate::image::tree;
use crate::kernel;
use crate::kernel::process;

const PAGE: u64 = 4096;

/// `arch_mmap_rnd`: the default of `vm.mmap_rnd_bits`, which only root can read.
const PIE_BITS: u32 = 28;
/// `arch_randomize_brk` for 64-bit programs.
const HEAP_RANGE: u64 = 1 << 30;
/// The end of a stack that is not randomized (`STACK_TOP`).
const STACK_TOP: u64 = 0x7fff_ffff_f000;

/// What the kernel has randomized in this image: personality(2) and
/// `kernel.randomize_va_space` decide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Randomness {
    /// What the image is moved by, if it is.
    addresses: Option<u64>,
    /// What the heap is moved by, if it is.
    heap: Option<u64>,
}

impl Randomness {
    /// Sees where the kernel has put our own stack and heap.
    pub(crate) fn observe(stack: &Stack) -> Randomness {
        if stack.end() == STACK_TOP {
            return Randomness {
                addresses: None,
                heap: None,
            };
        }
        let [first, second] = process::random();
        let heap_moves = kernel::heap_end() != BASE + tree::image_end();
        Randomness {
            addresses: Some(first % (1 << PIE_BITS) * PAGE),
            heap: heap_moves.then_some(second % (HEAP_RANGE / PAGE) * PAGE),
        }
    }

    /// Whether mappings are at random places.
    pub(crate) fn of_addresses(&self) -> bool {
        self.addresses.is_some()
    }
}

/// Where a PIE goes, before its alignment.
pub(crate) fn pie_base(random: &Randomness) -> u64 {
    ET_DYN_BASE + random.addresses.unwrap_or(0)
}

/// Where the heap begins.
pub(crate) fn heap(target: &Target, random: &Randomness) -> u64 {
    // A static PIE lies among the mappings: its heap goes where PIEs go.
    let start = if target.static_pie { ET_DYN_BASE } else { target.end }.next_multiple_of(PAGE);
    let gap = if target.static_pie { 0 } else { PAGE };
    start + random.heap.map_or(0, |random| gap + random)
}

/// For a target whose PT_GNU_STACK says so.
pub(crate) fn make_stack_executable(stack: &Stack) -> Result<(), Errno> {
    let all = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC | libc::PROT_GROWSDOWN;
    let start = stack.start() & !(PAGE - 1);
    // SAFETY: the stack loses no right.
    unsafe { kernel::protect(start, (stack.end() - start) as usize, all) }
}
