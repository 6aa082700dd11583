//! Plans of files that are there, compared with `readelf` and with what the
//! kernel has made of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use super::{FilePart, Header, Layout, PAGE, R, TASK_SIZE, TASK_SIZE_LA57, W, X, executable_stack, segments};
use crate::rewrite::vma::{Backing, Vma, parse_maps_line};

/// A file's header, and the bytes of its program headers.
fn read(path: &str) -> (Header, Vec<u8>) {
    let file = fs::read(path).expect(path);
    let header = Header::parse(&file[..file.len().min(256)]).expect(path);
    let start = header.table_offset as usize;
    let table = file[start..start + header.table_size()].to_vec();
    (header, table)
}

/// Offset, address, size in file and in memory, protection.
type Line = (u64, u64, u64, u64, i32);

/// The `PT_LOAD` lines of `readelf -lW`.
fn readelf(path: &str) -> Option<Vec<Line>> {
    let output = Command::new("readelf").args(["-lW", path]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let number = |text: &str| u64::from_str_radix(text.strip_prefix("0x").unwrap(), 16).unwrap();
    let loads = text.lines().filter_map(|line| line.trim().strip_prefix("LOAD "));
    Some(
        loads
            .map(|line| {
                let fields: Vec<&str> = line.split_whitespace().collect();
                let flags = fields[5..fields.len() - 1].concat();
                let protection = [('R', R), ('W', W), ('E', X)]
                    .iter()
                    .filter(|(letter, _)| flags.contains(*letter))
                    .fold(0, |all, (_, bit)| all | bit);
                (
                    number(fields[0]),
                    number(fields[1]),
                    number(fields[3]),
                    number(fields[4]),
                    protection,
                )
            })
            .collect(),
    )
}

#[test]
fn plans_of_real_files_cover_what_readelf_shows() {
    let own = fs::read_link("/proc/self/exe").unwrap();
    let own = own.to_str().unwrap();
    let mut seen = 0;
    for path in ["/bin/true", "/bin/bash", "/lib64/ld-linux-x86-64.so.2", own] {
        let Some(loads) = fs::exists(path).unwrap().then(|| readelf(path)).flatten() else {
            continue;
        };
        let (header, bytes) = read(path);
        let layout = Layout::program(&header, header.table(&bytes).unwrap(), TASK_SIZE).unwrap();
        let segments = segments(layout.clone());
        assert_eq!(segments.len(), loads.len(), "{path}");
        for (segment, &(offset, vaddr, file_size, memory_size, protection)) in segments.iter().zip(&loads) {
            let part = segment.file.unwrap();
            assert_eq!(segment.protection, protection, "{path}");
            assert_eq!(segment.address, vaddr / PAGE * PAGE);
            assert_eq!(part.offset, offset / PAGE * PAGE);
            let file_end = (vaddr + file_size).next_multiple_of(PAGE);
            assert_eq!(segment.address + part.length, file_end);
            let end = (vaddr + memory_size).next_multiple_of(PAGE);
            assert_eq!(end.max(file_end), segment.anonymous.end.max(file_end));
        }
        let (_, last, _, size, _) = loads[loads.len() - 1];
        assert_eq!(layout.span(), last + size - loads[0].1 / PAGE * PAGE);
        assert_eq!(layout.headers(0), loads[0].1 + header.table_offset);
        assert!(!executable_stack(header.table(&bytes).unwrap()));
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn the_kernel_made_the_same_plan() {
    for path in ["/bin/cat", "/bin/bash"] {
        let mut command = Command::new(path);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect(path);
        // A program that answers has left ld.so, which changes the mappings.
        child.stdin.as_mut().unwrap().write_all(b"echo\n").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let proc = format!("/proc/{}", child.id());
        agrees_with_kernel(path, &proc);
        drop(child.stdin.take());
        child.wait().unwrap();
    }
    agrees_with_kernel("/proc/self/exe", "/proc/self");
}

/// Compares the plan of the file with a process that runs it.
fn agrees_with_kernel(path: &str, proc: &str) {
    let (header, bytes) = read(path);
    let layout = Layout::program(&header, header.table(&bytes).unwrap(), TASK_SIZE_LA57).unwrap();
    let auxv: BTreeMap<u64, u64> = fs::read(format!("{proc}/auxv"))
        .unwrap()
        .as_chunks::<8>()
        .0
        .as_chunks::<2>()
        .0
        .iter()
        .map(|&[key, value]| (u64::from_le_bytes(key), u64::from_le_bytes(value)))
        .collect();
    let bias = auxv[&libc::AT_ENTRY].wrapping_sub(header.entry);
    assert_eq!(auxv[&libc::AT_PHDR], layout.headers(bias));
    assert_eq!(
        layout.start_at(layout.segments(bias).next().unwrap().address),
        layout.segments(bias).next().unwrap().address
    );
    let stat = fs::read_to_string(format!("{proc}/stat")).unwrap();
    let fields: Vec<u64> = stat[stat.rfind(')').unwrap() + 2..]
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    // proc_pid_stat(5) numbers the fields from 1; the state is the third.
    let field = |number: usize| fields[number - 3];
    assert_eq!(layout.code(bias), field(26)..field(27));
    assert_eq!(layout.data(bias), field(45)..field(46));
    assert!(field(47) >= layout.break_start(bias), "{:#x}", field(47));
    let inode = fs::metadata(path).unwrap().ino();
    let maps: Vec<Vma> = fs::read_to_string(format!("{proc}/maps"))
        .unwrap()
        .lines()
        .filter_map(|line| parse_maps_line(line.as_bytes()))
        .collect();
    let at = |address: u64| maps.iter().find(|vma| vma.contains(address)).unwrap();
    for segment in layout.segments(bias) {
        let FilePart { offset, length } = segment.file.unwrap();
        for page in (0..length).step_by(PAGE as usize) {
            let vma = at(segment.address + page);
            assert_eq!(
                (vma.inode, vma.offset + (segment.address + page - vma.start)),
                (inode, offset + page)
            );
        }
        for page in segment.anonymous.step_by(PAGE as usize) {
            assert_eq!(
                (at(page).backing, at(page).protection.write),
                (Backing::Anonymous, true)
            );
        }
    }
}
