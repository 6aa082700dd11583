//! The code of a live process: its mappings, and what has been rewritten there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::module::{self, Module, Part};
use crate::prover::trampoline::{self, Ours, keeps_syscall};
use crate::prover::vma::{Backing, Vma, parse_maps_line};

/// Bytes of a table, and of one slot.
const TABLE: u64 = 0x1_0000;
const SLOT: u64 = 8;
/// Where the library lies in each process (`src/image`).
const IMAGE: Range<u64> = 0x5800_0000_0000..0x5800_1000_0000;

/// A mapping and its name.
struct Mapping {
    vma: Vma,
    name: String,
}

/// A process's code, module by module.
pub(super) struct Process {
    /// The modules, with their names.
    pub(super) modules: Vec<(String, Module)>,
    /// Sites that are rewritten now, with their forms.
    pub(super) rewritten: BTreeMap<u64, &'static str>,
    /// Its tables; None if it does not run under usertrap.
    pub(super) ours: Option<Ours>,
}

impl Process {
    /// Reads the code of process `pid`.
    ///
    /// # Errors
    /// If there is none, or it may not be looked at.
    pub(super) fn read(pid: u32) -> io::Result<Process> {
        let maps = fs::read(format!("/proc/{pid}/maps"))?;
        let memory = File::open(format!("/proc/{pid}/mem"))?;
        let mappings: Vec<Mapping> = maps.split(|byte| *byte == b'\n').filter_map(mapping).collect();
        let (ours, rewritten) = tables(&mappings, &memory);
        let is_ours = |mapping: &Mapping| ours.is_some() && IMAGE.contains(&mapping.vma.start);
        let code = mappings
            .iter()
            .filter(|mapping| mapping.vma.protection.execute && !is_ours(mapping));
        let modules = code
            .filter_map(|mapping| {
                let part = part(mapping, &memory)?;
                let module = module(pid, mapping, part, &mappings, &memory);
                let name = if mapping.name.is_empty() {
                    "[anonymous]"
                } else {
                    &mapping.name
                };
                Some((name.to_owned(), module))
            })
            .collect();
        Ok(Process {
            modules,
            rewritten,
            ours,
        })
    }
}

/// A line of `/proc/PID/maps`.
fn mapping(line: &[u8]) -> Option<Mapping> {
    let vma = parse_maps_line(line)?;
    let mut rest = line;
    for _ in 0..5 {
        let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        rest = rest.get(end..)?.trim_ascii_start();
    }
    let name = String::from_utf8_lossy(rest).into_owned();
    Some(Mapping { vma, name })
}

/// What can be read of a mapping.
fn part(mapping: &Mapping, memory: &File) -> Option<Part> {
    let vma = mapping.vma;
    let mut bytes = vec![0; usize::try_from(vma.end.checked_sub(vma.start)?).ok()?];
    let mut done = 0;
    // A mapping may be longer than its file.
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match memory.read_at(rest, vma.start + done as u64) {
            Ok(0) | Err(_) => break,
            Ok(count) => done += count,
        }
    }
    bytes.truncate(done);
    (done != 0).then_some(Part { vma, bytes })
}

/// The module that an executable mapping belongs to: the mapping itself, and of a
/// file what unwind tables need.
fn module(pid: u32, mapping: &Mapping, code: Part, mappings: &[Mapping], memory: &File) -> Module {
    let vma = mapping.vma;
    let base = vma
        .start
        .checked_sub(vma.offset)
        .filter(|_| vma.backing == Backing::File);
    let of_file = |other: &&Mapping| other.vma.inode == vma.inode && other.vma.device == vma.device;
    let is_readable = |other: &&Mapping| other.vma.protection.read && other.vma.start != vma.start;
    let beside = mappings
        .iter()
        .filter(|_| base.is_some())
        .filter(of_file)
        .filter(is_readable);
    let near = beside.filter(|other| other.vma.start.checked_sub(other.vma.offset).is_some());
    let mut parts: Vec<Part> = near.filter_map(|other| part(other, memory)).collect();
    for part in &mut parts {
        // They are judged for themselves.
        part.vma.protection.execute = false;
    }
    let file = fs::read(format!("/proc/{pid}/root{}", mapping.name))
        .ok()
        .filter(|_| base.is_some());
    let bias = file.as_deref().zip(base).map_or(0, |(file, base)| bias(file, base));
    let symbols = file.map_or_else(Vec::new, |file| module::symbols(&file, bias));
    parts.insert(0, code);
    let mut module = Module::new(parts, base, bias, symbols);
    module.live = true;
    module
}

/// What is added to the addresses of a file whose first byte lies at `base`.
fn bias(file: &[u8], base: u64) -> u64 {
    let Ok(module) = Module::of_file(file) else { return 0 };
    if module.fixed {
        return 0;
    }
    let first = module
        .parts
        .first()
        .map_or(0, |part| part.vma.start.wrapping_sub(part.vma.offset));
    base.wrapping_sub(first.wrapping_sub(module.bias))
}

/// The library's tables in a process, and the sites whose jumps lead through
/// them.
fn tables(mappings: &[Mapping], memory: &File) -> (Option<Ours>, BTreeMap<u64, &'static str>) {
    let mut rewritten = BTreeMap::new();
    let is_table = |mapping: &&Mapping| {
        let (start, end) = (mapping.vma.start, mapping.vma.end);
        let place = start & 0x00ff_ffff == 0x0006_0000 || start == 0x050f_0000;
        place && start < 1 << 31 && end - start == TABLE && !mapping.vma.protection.execute
    };
    let tables: Vec<u64> = mappings
        .iter()
        .filter(is_table)
        .map(|mapping| mapping.vma.start)
        .collect();
    let is_there = mappings.iter().any(|mapping| IMAGE.contains(&mapping.vma.start));
    let Some(first) = tables
        .iter()
        .max_by_key(|table| keeps_syscall(**table as u32))
        .filter(|_| is_there)
    else {
        return (None, rewritten);
    };
    for table in &tables {
        for slot in (*table..*table + TABLE).step_by(SLOT as usize) {
            let mut pointer = [0; 8];
            let mut code = [0; trampoline::SIZE];
            let is_read = |got: io::Result<()>| got.is_ok();
            if is_read(memory.read_exact_at(&mut pointer, slot))
                && pointer != [0; 8]
                && is_read(memory.read_exact_at(&mut code, u64::from_le_bytes(pointer)))
                && let Some((site, prologue)) = site_of(&code)
                && is_jump_there(memory, site, slot as u32)
            {
                rewritten.insert(site, form(&code, prologue));
            }
        }
    }
    let spans = tables.iter().find(|table| *table & 0x00ff_0000 == 0x0006_0000);
    let ours = Ours {
        table: *first as u32,
        spans: spans.copied().unwrap_or(0) as u32,
        ..Ours::NONE
    };
    (Some(ours), rewritten)
}

/// The site of a trampoline, and the length of what it executes first.
fn site_of(code: &[u8; trampoline::SIZE]) -> Option<(u64, usize)> {
    let mut places = (0..=trampoline::SIZE - 15).filter(|at| code.get(*at..at + 2) == Some(&[0x48, 0xb9]));
    let at = places.find(|at| code.get(at + 10) == Some(&0xe9))?;
    let address = code.get(at + 2..at + 10)?.try_into().ok()?;
    Some((u64::from_le_bytes(address).checked_sub(2)?, at))
}

/// Whether a jump through the slot stands at the site, before it, or in padding:
/// it may have its own bytes back.
fn is_jump_there(memory: &File, site: u64, slot: u32) -> bool {
    let mut near = [0; 512];
    let Ok(count) = memory.read_at(&mut near, site.saturating_sub(256)) else {
        return false;
    };
    let jump = trampoline::long_jump(slot);
    near.get(..count)
        .unwrap_or_default()
        .windows(jump.len())
        .any(|bytes| bytes == jump)
}

/// The form that a trampoline is of.
fn form(code: &[u8; trampoline::SIZE], prologue: usize) -> &'static str {
    match (prologue, code) {
        (0, _) => "short-jump",
        (5, [0xb8, ..]) => "number",
        (7, [0x48, 0xc7, 0xc0, ..]) => "wide-number",
        (5, _) => "replay",
        _ => "span",
    }
}
