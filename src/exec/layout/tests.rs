mod real_files;

use std::ops::Range;

use super::{
    ET_DYN_BASE, Fatal, FilePart, Layout, PAGE, Segment, TASK_SIZE, TASK_SIZE_LA57, executable_stack, interpreter,
    interpreter_path,
};
use crate::abi::elf::{
    Header, Kind, PF_R, PF_W, PF_X, PROGRAM_HEADER_SIZE, PT_GNU_STACK, PT_INTERP, PT_LOAD, ProgramHeader,
};
use crate::abi::errno::Errno;

const R: i32 = libc::PROT_READ;
const W: i32 = libc::PROT_WRITE;
const X: i32 = libc::PROT_EXEC;
const BIAS: u64 = 0x5555_5555_4000;

fn load(flags: u32, offset: u64, vaddr: u64, file_size: u64, memory_size: u64) -> ProgramHeader {
    ProgramHeader {
        kind: PT_LOAD,
        flags,
        offset,
        vaddr,
        file_size,
        memory_size,
        align: PAGE,
    }
}

fn bytes_of(headers: &[ProgramHeader]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for header in headers {
        bytes.extend(header.kind.to_le_bytes());
        bytes.extend(header.flags.to_le_bytes());
        for field in [
            header.offset,
            header.vaddr,
            !0,
            header.file_size,
            header.memory_size,
            header.align,
        ] {
            bytes.extend(field.to_le_bytes());
        }
    }
    bytes
}

fn header(kind: Kind, count: usize) -> Header {
    Header {
        kind,
        entry: 0x1040,
        table_offset: 64,
        count: count as u16,
    }
}

/// What `look` sees of the plan of a program with these headers.
fn program<T>(kind: Kind, headers: &[ProgramHeader], look: impl Fn(Layout<'_>) -> T) -> Result<T, Fatal> {
    let (header, bytes) = (header(kind, headers.len()), bytes_of(headers));
    Layout::program(&header, header.table(&bytes).unwrap(), TASK_SIZE).map(look)
}

fn an_interpreter<T>(kind: Kind, headers: &[ProgramHeader], look: impl Fn(Layout<'_>) -> T) -> Result<T, Fatal> {
    let (header, bytes) = (header(kind, headers.len()), bytes_of(headers));
    Layout::interpreter(&header, header.table(&bytes).unwrap(), TASK_SIZE).map(look)
}

fn segments(layout: Layout<'_>) -> Vec<Segment> {
    layout.segments(0).collect()
}

/// The one segment of a program that has only this header.
#[track_caller]
fn segment(load: ProgramHeader) -> Segment {
    program(Kind::Fixed, &[load], |layout| layout.segments(0).next().unwrap()).unwrap()
}

/// The headers of Debian's `/bin/true`.
const TRUE: [(u32, u64, u64, u64, u64); 4] = [
    (PF_R, 0, 0, 0x1290, 0x1290),
    (PF_R | PF_X, 0x2000, 0x2000, 0x3d59, 0x3d59),
    (PF_R, 0x6000, 0x6000, 0x1b60, 0x1b60),
    (PF_R | PF_W, 0x7d70, 0x8d70, 0x470, 0x608),
];

fn true_headers() -> Vec<ProgramHeader> {
    TRUE.map(|(flags, offset, vaddr, file_size, memory_size)| load(flags, offset, vaddr, file_size, memory_size))
        .to_vec()
}

#[test]
fn the_plan_of_a_dynamic_program() {
    program(Kind::Relocatable, &true_headers(), |layout| {
        assert_eq!((layout.span(), layout.alignment()), (0x9378, PAGE));
        assert!(!layout.searches_alignment());
        assert_eq!(layout.start_at(ET_DYN_BASE), BIAS);
        assert_eq!(layout.bias(BIAS), BIAS);
        assert_eq!(layout.headers(BIAS), BIAS + 64);
        assert_eq!(layout.entry(BIAS), BIAS + 0x1040);
        assert_eq!(layout.code(BIAS), BIAS + 0x2000..BIAS + 0x5d59);
        assert_eq!(layout.data(BIAS), BIAS + 0x8d70..BIAS + 0x91e0);
        assert_eq!(layout.break_start(BIAS), BIAS + 0xa000);
        let parts = [
            (0u64, 0u64, 0x2000u64, R),
            (0x2000, 0x2000, 0x4000, R | X),
            (0x6000, 0x6000, 0x2000, R),
        ];
        let found: Vec<Segment> = layout.segments(BIAS).collect();
        for (segment, (at, offset, length, protection)) in found.iter().zip(parts) {
            assert_eq!((segment.address, segment.protection), (BIAS + at, protection));
            assert_eq!(segment.file, Some(FilePart { offset, length }));
            assert!(segment.zero.is_empty() && segment.anonymous.is_empty());
        }
        let data = Segment {
            address: BIAS + 0x8000,
            protection: R | W,
            file: Some(FilePart {
                offset: 0x7000,
                length: 0x2000,
            }),
            zero: BIAS + 0x91e0..BIAS + 0xa000,
            anonymous: BIAS + 0xa000..BIAS + 0xa000,
            anonymous_protection: R | W,
        };
        assert_eq!(found[3..], [data]);
    })
    .unwrap();
}

#[test]
fn memory_behind_the_file_is_zeroed_in_the_page_and_anonymous_behind_it() {
    let data = segment(load(PF_R | PF_W, 0x1100, 0x40_1100, 0x100, 0x3000));
    assert_eq!(data.zero, 0x40_1200..0x40_2000);
    assert_eq!(data.anonymous, 0x40_2000..0x40_5000);
    assert_eq!(data.anonymous_protection, R | W);
    // The file ends with its page: nothing to zero.
    let data = segment(load(PF_R | PF_W, 0, 0x40_0000, 0x1000, 0x1001));
    assert!(data.zero.is_empty());
    assert_eq!(data.anonymous, 0x40_1000..0x40_2000);
    // One byte of memory more: all of the page is zeroed, none mapped.
    let data = segment(load(PF_R | PF_W, 0, 0x40_0000, 0x10, 0x11));
    assert_eq!((data.zero, data.anonymous.is_empty()), (0x40_0010..0x40_1000, true));
    // As much memory as file: what follows in the page is left as it is.
    let data = segment(load(PF_R | PF_W, 0, 0x40_0000, 0x10, 0x10));
    assert!(data.zero.is_empty() && data.anonymous.is_empty());
}

#[test]
fn only_writable_pages_are_zeroed_but_all_that_is_anonymous_is_writable() {
    for (flags, protection, anonymous) in [
        (0, 0, R | W),
        (PF_R, R, R | W),
        (PF_X, X, R | W | X),
        (PF_R | PF_X, R | X, R | W | X),
        (PF_W, W, R | W),
        (PF_R | PF_W | PF_X, R | W | X, R | W | X),
        (0xf000_0000, 0, R | W),
    ] {
        let bss = segment(load(flags, 0, 0x40_0000, 0x10, 0x2000));
        assert_eq!((bss.protection, bss.anonymous_protection), (protection, anonymous));
        assert_eq!(bss.zero.is_empty(), flags & PF_W == 0, "{flags:#x}");
        assert_eq!(bss.anonymous, 0x40_1000..0x40_2000);
    }
}

#[test]
fn a_segment_without_bytes_in_the_file_is_anonymous_from_its_first_page() {
    let bss = segment(load(PF_R | PF_W, 0x77, 0x40_1234, 0, 0x10));
    assert_eq!((bss.address, bss.file), (0x40_1000, None));
    assert!(bss.zero.is_empty());
    assert_eq!(bss.anonymous, 0x40_1000..0x40_2000);
    let nothing = segment(load(PF_R, 0x77, 0x40_1234, 0, 0));
    assert!(nothing.file.is_none() && nothing.zero.is_empty() && nothing.anonymous.is_empty());
}

#[test]
fn the_span_reaches_from_the_lowest_to_the_highest_segment_in_any_order() {
    let headers = [load(PF_R, 0, 0x5000, 1, 0x123), load(PF_R, 0x234, 0x1234, 0x10, 0x10)];
    assert_eq!(program(Kind::Fixed, &headers, |layout| layout.span()), Ok(0x4123));
    assert_eq!(program(Kind::Fixed, &[], |layout| layout.span()), Ok(0));
}

#[test]
fn the_bias_follows_from_where_the_first_segment_came_to_lie() {
    let headers = [load(PF_R, 0x234, 0x1234, 0x10, 0x10), load(PF_R, 0, 0x5000, 1, 1)];
    program(Kind::Relocatable, &headers, |layout| {
        assert_eq!(layout.start_at(0x7000_0000), 0x6fff_f000);
        assert_eq!(layout.bias(0x7000_0000), 0x6fff_f000);
        assert_eq!(layout.segments(0x6fff_f000).next().unwrap().address, 0x7000_0000);
    })
    .unwrap();
    let fixed = program(Kind::Fixed, &headers, |layout| {
        (layout.bias(0x1000), layout.bias(0x9000))
    });
    assert_eq!(fixed, Ok((0, 0)));
    assert_eq!(program(Kind::Relocatable, &[], |layout| layout.bias(0)), Ok(0));
}

#[test]
fn the_largest_power_of_two_is_the_alignment() {
    let aligned = |aligns: &[u64]| {
        let headers: Vec<_> = aligns
            .iter()
            .map(|&align| ProgramHeader {
                align,
                ..load(PF_R, 0, 0, 1, 1)
            })
            .collect();
        program(Kind::Relocatable, &headers, |layout| {
            assert_eq!(layout.searches_alignment(), layout.alignment() > PAGE);
            (layout.alignment(), layout.start_at(0x5555_5555_4aaa))
        })
        .unwrap()
    };
    assert_eq!(aligned(&[0x1000, 0x20_0000, 0x4000]), (0x20_0000, 0x5555_5540_0000));
    assert_eq!(aligned(&[1]), (PAGE, BIAS));
    assert_eq!(aligned(&[0]), (0, BIAS));
    assert_eq!(aligned(&[0x3000, 0x20_0001]), (0, BIAS));
    assert_eq!(aligned(&[1 << 63]), (1 << 63, 0));
}

#[test]
fn the_last_segment_with_the_program_headers_says_where_they_are() {
    let at = |headers: &[ProgramHeader]| program(Kind::Fixed, headers, |layout| layout.headers(0)).unwrap();
    assert_eq!(at(&[load(PF_R, 0, 0x40_0000, 0x100, 0x100)]), 0x40_0040);
    let both = [
        load(PF_R, 0, 0x40_0000, 0x100, 0x100),
        load(PF_R, 0, 0x60_0000, 0x41, 0x41),
    ];
    assert_eq!(at(&both), 0x60_0040);
    // They start just behind it, or before it.
    assert_eq!(at(&[load(PF_R, 0, 0x40_0000, 0x40, 0x40)]), 0);
    assert_eq!(at(&[load(PF_R, 0x41, 0x40_0041, 0x40, 0x40)]), 0);
    assert_eq!(at(&[]), 0);
}

#[test]
fn the_process_fields_of_images_that_lack_something() {
    program(Kind::Fixed, &[load(PF_R, 0, 0x40_0000, 0x100, 0x100)], |layout| {
        let code = layout.code(0);
        assert_eq!((code.start, code.end), (u64::MAX, 0));
        assert_eq!(layout.data(0), 0x40_0000..0x40_0100);
    })
    .unwrap();
    program(Kind::Fixed, &[], |layout| {
        assert_eq!((layout.data(0), layout.break_start(0)), (0..0, 0));
    })
    .unwrap();
}

#[test]
fn what_the_kernel_kills_for() {
    let killed = |load: ProgramHeader| program(Kind::Fixed, &[load], |_| ()).err();
    assert_eq!(killed(load(PF_R, 0, 0, 2, 1)), Some(Fatal::FileLarger));
    assert_eq!(killed(load(PF_R, 0, 0, 0, TASK_SIZE)), None);
    assert_eq!(killed(load(PF_R, 0, 0, 0, TASK_SIZE + 1)), Some(Fatal::OutOfTask));
    assert_eq!(killed(load(PF_R, 0, 0, 0, u64::MAX)), Some(Fatal::OutOfTask));
    assert_eq!(killed(load(PF_R, 0, TASK_SIZE - PAGE, 0, PAGE)), None);
    assert_eq!(
        killed(load(PF_R, 0, TASK_SIZE - PAGE, 0, PAGE + 1)),
        Some(Fatal::OutOfTask)
    );
    assert_eq!(killed(load(PF_R, 0, TASK_SIZE - 1, 0, 0)), None);
    assert_eq!(killed(load(PF_R, 0, TASK_SIZE, 0, 0)), Some(Fatal::OutOfTask));
    assert_eq!(killed(load(PF_R, 0, u64::MAX, 0, 2)), Some(Fatal::OutOfTask));
    assert_eq!(killed(load(PF_R, 1, 0x1000, 1, 1)), Some(Fatal::Misaligned));
    assert_eq!(killed(load(PF_R, 0, 0x1001, 1, 1)), Some(Fatal::Misaligned));
    assert_eq!(killed(load(PF_R, 1, 0x1001, 1, 1)), None);
    let last = i64::MAX as u64 & !0xfff;
    assert_eq!(killed(load(PF_R, last - PAGE, 0x1000, 0x1000, 0x1000)), None);
    assert_eq!(killed(load(PF_R, last, 0x1000, 0x10, 0x10)), Some(Fatal::FileRange));
    assert_eq!(killed(load(PF_R, !0xfff, 0x1000, 0x10, 0x10)), Some(Fatal::FileRange));
    // Only a segment that is mapped from the file is looked at so.
    assert_eq!(killed(load(PF_R, 1, 0x1000, 0, 1)), None);
}

#[test]
fn an_empty_relocatable_image_is_fatal() {
    let empty = [load(PF_R, 0, 0x1000, 0, 0)];
    assert_eq!(program(Kind::Relocatable, &empty, |_| ()), Err(Fatal::NoSpan));
    assert_eq!(program(Kind::Fixed, &empty, |_| ()), Ok(()));
    // The kernel looks at the span only when it maps the first segment.
    assert_eq!(program(Kind::Relocatable, &[], |_| ()), Ok(()));
    assert_eq!(an_interpreter(Kind::Relocatable, &[], |_| ()), Err(Fatal::NoSpan));
    assert_eq!(an_interpreter(Kind::Fixed, &empty, |_| ()), Err(Fatal::NoSpan));
}

#[test]
fn an_interpreter_is_checked_where_it_lies() {
    let high = [load(PF_R, 0, !0xfff, 0x10, 0x20)];
    assert_eq!(an_interpreter(Kind::Fixed, &high, |_| ()), Err(Fatal::OutOfTask));
    an_interpreter(Kind::Relocatable, &high, |layout| {
        let bias = layout.bias(0x7000_0000);
        assert_eq!(layout.check(bias), Ok(()));
        assert_eq!(layout.segments(bias).next().unwrap().address, 0x7000_0000);
        assert_eq!(layout.check(layout.bias(TASK_SIZE)), Err(Fatal::OutOfTask));
        assert_eq!(layout.check(layout.bias(TASK_SIZE - PAGE)), Ok(()));
    })
    .unwrap();
    assert_eq!(program(Kind::Relocatable, &high, |_| ()), Err(Fatal::OutOfTask));
    assert_eq!(
        an_interpreter(Kind::Unknown(1), &true_headers(), |_| ()),
        Err(Fatal::Type)
    );
}

#[test]
fn the_entry_must_lie_in_the_task() {
    program(Kind::Relocatable, &true_headers(), |layout| {
        assert_eq!(layout.checked_entry(BIAS), Ok(BIAS + 0x1040));
        assert_eq!(layout.checked_entry(TASK_SIZE - 0x1040), Err(Fatal::Entry));
        assert_eq!(layout.checked_entry(TASK_SIZE - 0x1041), Ok(TASK_SIZE - 1));
    })
    .unwrap();
}

#[test]
fn five_level_tables_give_more_room() {
    let (header, bytes) = (header(Kind::Fixed, 1), bytes_of(&[load(PF_R, 0, TASK_SIZE, 0, PAGE)]));
    let table = header.table(&bytes).unwrap();
    assert!(Layout::program(&header, table, TASK_SIZE).is_err());
    assert!(Layout::program(&header, table, TASK_SIZE_LA57).is_ok());
}

#[test]
fn the_last_stack_header_decides() {
    let of = |flags: &[u32]| {
        let headers: Vec<_> = flags
            .iter()
            .map(|&flags| ProgramHeader {
                kind: PT_GNU_STACK,
                ..load(flags, 0, 0, 0, 0)
            })
            .collect();
        let bytes = bytes_of(&headers);
        executable_stack(header(Kind::Fixed, headers.len()).table(&bytes).unwrap())
    };
    assert!(!of(&[]) && !of(&[PF_R | PF_W]) && of(&[PF_R | PF_W | PF_X]));
    assert!(of(&[0, PF_X]) && !of(&[PF_X, 0]));
}

#[test]
fn the_first_interpreter_counts_and_has_2_to_4096_bytes() {
    let of = |places: &[(u64, u64)]| {
        let mut headers = true_headers();
        headers.extend(places.iter().map(|&(offset, size)| ProgramHeader {
            kind: PT_INTERP,
            ..load(0, offset, 0, size, 0)
        }));
        let bytes = bytes_of(&headers);
        interpreter(header(Kind::Fixed, headers.len()).table(&bytes).unwrap())
    };
    assert_eq!(of(&[]), Ok(None));
    assert_eq!(of(&[(0x318, 0x1c), (0, 0)]), Ok(Some((0x318, 0x1c))));
    for (size, taken) in [
        (0, false),
        (1, false),
        (2, true),
        (4096, true),
        (4097, false),
        (u64::MAX, false),
    ] {
        let expected = if taken {
            Ok(Some((0, size as usize)))
        } else {
            Err(Errno::ENOEXEC)
        };
        assert_eq!(of(&[(0, size)]), expected);
    }
    let last = i64::MAX as u64;
    assert_eq!(of(&[(last - 2, 2)]), Ok(Some((last - 2, 2))));
    for offset in [last - 1, last, last + 1, u64::MAX - 1, u64::MAX] {
        assert_eq!(of(&[(offset, 2)]), Err(Errno::EINVAL), "{offset:#x}");
    }
}

#[test]
fn the_path_of_an_interpreter_ends_in_nul() {
    assert_eq!(interpreter_path(b"/lib/ld.so\0"), Ok(c"/lib/ld.so"));
    assert_eq!(interpreter_path(b"ld\0so\0"), Ok(c"ld"));
    assert_eq!(interpreter_path(b"\0x\0"), Ok(c"."));
    for bytes in [&b""[..], b"x", b"/lib/ld.so", b"ld\0so"] {
        assert_eq!(interpreter_path(bytes), Err(Errno::ENOEXEC));
    }
}

#[test]
fn no_program_headers_break_the_plan() {
    let mut next = crate::fuzz::numbers();
    let (mut planned, mut killed) = (0, 0);
    let aligned = |range: &Range<u64>| range.start.is_multiple_of(PAGE) && range.end.is_multiple_of(PAGE);
    for round in 0..100_000u32 {
        let mut bytes = bytes_of(&true_headers());
        for _ in 0..next() % 4 {
            let at = next() as usize % (bytes.len() / 8) * 8;
            let value = match next() % 4 {
                0 => next(),
                1 => next() >> (next() % 64),
                2 => u64::MAX - next() % 0x2000,
                _ => TASK_SIZE - next() % 0x2000,
            };
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        let kind = if round % 2 == 0 { Kind::Fixed } else { Kind::Relocatable };
        let header = Header {
            table_offset: next() >> (next() % 64),
            ..header(kind, bytes.len() / PROGRAM_HEADER_SIZE)
        };
        let table = header.table(&bytes).unwrap();
        let _ = (interpreter(table), executable_stack(table));
        if let Ok(layout) = Layout::interpreter(&header, table, TASK_SIZE) {
            let bias = layout.bias(next() & !0xfff);
            let _ = (
                layout.check(bias),
                layout.segments(bias).count(),
                layout.checked_entry(bias),
            );
        }
        let Ok(layout) = Layout::program(&header, table, TASK_SIZE) else {
            killed += 1;
            continue;
        };
        planned += 1;
        let first = layout.start_at(next() % TASK_SIZE);
        assert!(first.is_multiple_of(PAGE) && layout.bias(first).is_multiple_of(PAGE));
        assert!(layout.span() <= TASK_SIZE && layout.break_start(0) <= TASK_SIZE);
        let _ = (
            layout.code(first),
            layout.data(first),
            layout.headers(first),
            layout.entry(first),
        );
        for segment in segments(layout) {
            assert!(segment.address.is_multiple_of(PAGE) && segment.address < TASK_SIZE);
            assert!(aligned(&segment.anonymous) && segment.anonymous.start <= segment.anonymous.end);
            assert!(segment.anonymous.end <= TASK_SIZE && segment.zero.end - segment.zero.start < PAGE);
            if let Some(FilePart { offset, length }) = segment.file {
                assert!(offset.is_multiple_of(PAGE) && length.is_multiple_of(PAGE) && length > 0);
                assert!(segment.address + length <= TASK_SIZE && offset.checked_add(length).is_some());
                assert!(segment.anonymous.is_empty() || segment.anonymous.start == segment.address + length);
            }
        }
    }
    assert!(planned > 1000 && killed > 1000, "{planned} {killed}");
}
