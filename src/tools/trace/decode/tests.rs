//! Texts as strace 6.1 prints them.

use super::*;
use crate::tools::trace::text::tests::written;

/// The arguments of a call in brackets, and what stands behind its result.
fn shown(number: i64, args: [u64; 6], result: i64) -> String {
    let call = Call {
        number: number as u32,
        args,
        result: None,
        most: 32,
        note: 0,
    };
    let note = note(&call);
    let text = written(|text| {
        enter(text, &call);
        let made = Call {
            result: Some(result),
            note,
            ..call
        };
        exit(text, &made);
    });
    let (args, behind) = text.split_once('\u{1}').unwrap_or((&text, ""));
    format!("({args}){behind}")
}

fn at<T: ?Sized>(value: &T) -> u64 {
    core::ptr::from_ref(value).cast::<u8>() as u64
}

const CWD: u64 = libc::AT_FDCWD as u32 as u64;

#[test]
fn strings_are_cut_and_paths_are_not() {
    let long = format!("/{}\0", "x".repeat(300));
    let path = at(long.as_bytes());
    assert_eq!(
        shown(libc::SYS_openat, [CWD, path, 0o2000000, 0o644, 0, 0], 3),
        format!("(AT_FDCWD, \"{}\", O_RDONLY|O_CLOEXEC)", &long[..301])
    );
    assert_eq!(
        shown(libc::SYS_write, [1, path, 300, 0, 0, 0], 300),
        format!("(1, \"{}\"..., 300)", &long[..32])
    );
    let name = "x".repeat(32) + "\0";
    assert_eq!(
        shown(libc::SYS_memfd_create, [at(name.as_bytes()), 1, 0, 0, 0, 0], 3),
        format!("(\"{}\", MFD_CLOEXEC)", &name[..32])
    );
    let name = "x".repeat(33) + "\0";
    assert_eq!(
        shown(libc::SYS_memfd_create, [at(name.as_bytes()), 0, 0, 0, 0, 0], 3),
        format!("(\"{}\"..., 0)", &name[..32])
    );
}

#[test]
fn long_strings_are_read_in_pieces() {
    for len in [254, 255, 256, 257, 511, 512, 513, 1000] {
        let string = "y".repeat(len) + "\0";
        let text = |most| written(|text| bytes::string(text, at(string.as_bytes()), most));
        let whole = format!("\"{}\"", "y".repeat(len));
        assert_eq!(text(4095), whole);
        assert_eq!(text(len), whole);
        assert_eq!(text(len - 1), format!("\"{}\"...", "y".repeat(len - 1)));
    }
}

#[test]
fn what_cannot_be_read_is_an_address() {
    let bad = 0x10;
    assert_eq!(shown(libc::SYS_open, [bad, 0, 0, 0, 0, 0], -14), "(0x10, O_RDONLY)");
    assert_eq!(shown(libc::SYS_open, [0, 0, 0, 0, 0, 0], -14), "(NULL, O_RDONLY)");
    assert_eq!(shown(libc::SYS_write, [3, bad, 20, 0, 0, 0], -14), "(3, 0x10, 20)");
    assert_eq!(shown(libc::SYS_write, [3, 0, 0, 0, 0, 0], 0), "(3, NULL, 0)");
    assert_eq!(shown(libc::SYS_read, [0, bad, 5, 0, 0, 0], -11), "(0, 0x10, 5)");
    for (number, signature) in (0..512).filter_map(|number| Some((number, super::signature(number)?))) {
        let everything = [u64::MAX - 8, 1, 0x10, 1 << 63, 0xffff_8000_0000_0000, 7];
        for turn in 0..6 {
            let mut args = everything;
            args.rotate_left(turn);
            for result in [0, -14, 7, 1 << 40] {
                let text = shown(number.into(), args, result);
                assert!(text.starts_with('(') && text.contains(')'), "{}", signature.name);
            }
        }
    }
}

#[test]
fn arguments_that_the_call_writes_come_with_its_result() {
    let buffer = *b"hello\n\x01\xff";
    let call = Call {
        number: libc::SYS_read as u32,
        args: [3, at(&buffer), 100, 0, 0, 0],
        result: None,
        most: 32,
        note: 0,
    };
    assert_eq!(written(|text| enter(text, &call)), "3, ");
    assert_eq!(shown(libc::SYS_read, call.args, 8), r#"(3, "hello\n\1\377", 100)"#);
    assert_eq!(shown(libc::SYS_read, call.args, 0), r#"(3, "", 100)"#);
    assert_eq!(
        shown(libc::SYS_read, call.args, -9),
        format!("(3, {:#x}, 100)", at(&buffer))
    );
}

#[test]
fn flags_have_names_and_the_rest_is_a_number() {
    for (number, args, wanted) in [
        (
            libc::SYS_mmap,
            [0, 4096, 3, 0x22, u32::MAX.into(), 0],
            "(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)",
        ),
        (
            libc::SYS_mmap,
            [0, 4096, 0, 0x10, 9, 0x1000],
            "(NULL, 4096, PROT_NONE, MAP_FILE|MAP_FIXED, 9, 0x1000)",
        ),
        (
            libc::SYS_mprotect,
            [0x7000, 4096, 0, 0, 0, 0],
            "(0x7000, 4096, PROT_NONE)",
        ),
        (
            libc::SYS_mremap,
            [0x7000, 1, 2, 1, 5, 0],
            "(0x7000, 1, 2, MREMAP_MAYMOVE)",
        ),
        (
            libc::SYS_mremap,
            [0x7000, 1, 2, 3, 5, 0],
            "(0x7000, 1, 2, MREMAP_MAYMOVE|MREMAP_FIXED, 0x5)",
        ),
        (libc::SYS_dup3, [3, 4, 0o2000000, 0, 0, 0], "(3, 4, O_CLOEXEC)"),
        (libc::SYS_fcntl, [3, 99, 1, 0, 0, 0], "(3, 0x63 /* F_??? */, 0x1)"),
        (libc::SYS_fcntl, [3, 1, 77, 0, 0, 0], "(3, F_GETFD) (flags FD_CLOEXEC)"),
        (libc::SYS_fcntl, [3, 2, 1, 0, 0, 0], "(3, F_SETFD, FD_CLOEXEC)"),
        (
            libc::SYS_fcntl,
            [3, 4, 0o6000, 0, 0, 0],
            "(3, F_SETFL, O_RDONLY|O_APPEND|O_NONBLOCK)",
        ),
        (libc::SYS_lseek, [3, u64::MAX, 2, 0, 0, 0], "(3, -1, SEEK_END)"),
        (
            libc::SYS_madvise,
            [0x7000, 1, 77, 0, 0, 0],
            "(0x7000, 1, 0x4d /* MADV_??? */)",
        ),
        (libc::SYS_umask, [0o22, 0, 0, 0, 0, 0], "(022)"),
        (libc::SYS_kill, [12, 9, 0, 0, 0, 0], "(12, SIGKILL)"),
        (libc::SYS_kill, [12, 0, 0, 0, 0, 0], "(12, 0)"),
        (libc::SYS_tgkill, [12, 12, 34, 0, 0, 0], "(12, 12, SIGRT_2)"),
        (
            libc::SYS_socket,
            [2, 0o2000001, 6, 0, 0, 0],
            "(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP)",
        ),
        (libc::SYS_socket, [1, 2, 0, 0, 0, 0], "(AF_UNIX, SOCK_DGRAM, 0)"),
        (libc::SYS_ioctl, [3, 0x5451, 9, 0, 0, 0], "(3, FIOCLEX)"),
        (
            libc::SYS_ioctl,
            [0, 0x1234567, 0x10, 0, 0, 0],
            "(0, _IOC(_IOC_NONE, 0x45, 0x67, 0x123), 0x10)",
        ),
        (
            libc::SYS_clone,
            [0x1200011, 0, 0, 0x7000, 0, 0],
            "(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7000)",
        ),
        (
            libc::SYS_futex,
            [0x7000, 129, 1, 0, 0, 0],
            "(0x7000, FUTEX_WAKE_PRIVATE, 1)",
        ),
        (
            libc::SYS_futex,
            [0x7000, 0x109, 5, 0, 0, u32::MAX.into()],
            "(0x7000, FUTEX_WAIT_BITSET|FUTEX_CLOCK_REALTIME, 5, NULL, FUTEX_BITSET_MATCH_ANY)",
        ),
        (
            libc::SYS_futex,
            [0x7000, 5, 1, 1, 0x8000, 0x4000001],
            "(0x7000, FUTEX_WAKE_OP, 1, 1, 0x8000, FUTEX_OP_SET<<28|0<<12|FUTEX_OP_CMP_GT<<24|0x1)",
        ),
        (libc::SYS_getpid, [9; 6], "()"),
        (500, [1, 0, 3, 4, 5, 6], "(0x1, 0, 0x3, 0x4, 0x5, 0x6)"),
    ] {
        assert_eq!(shown(number, args, 1), wanted);
    }
}

#[test]
fn structures_are_shown_in_short() {
    // `struct stat`: the mode in word 3, the device in word 5, the size in word 6.
    let mut stat = [0u64; 18];
    stat[3] = 0o100_644;
    stat[6] = 1271;
    assert_eq!(
        shown(libc::SYS_fstat, [3, at(&stat), 0, 0, 0, 0], 0),
        "(3, {st_mode=S_IFREG|0644, st_size=1271, ...})"
    );
    stat[3] = 0o020_666;
    stat[5] = 0x103;
    assert_eq!(
        shown(libc::SYS_fstat, [3, at(&stat), 0, 0, 0, 0], 0),
        "(3, {st_mode=S_IFCHR|0666, st_rdev=makedev(0x1, 0x3), ...})"
    );
    let limits = [8192 * 1024, u64::MAX];
    assert_eq!(
        shown(libc::SYS_prlimit64, [0, 3, 0, at(&limits), 0, 0], 0),
        "(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY})"
    );
    let time = [1u64, 500];
    assert_eq!(
        shown(libc::SYS_clock_nanosleep, [1, 1, at(&time), 0, 0, 0], 0),
        "(CLOCK_MONOTONIC, TIMER_ABSTIME, {tv_sec=1, tv_nsec=500}, NULL)"
    );
    let action = [1u64, 0x1400_0000, 0x7000, 1 << 9];
    assert_eq!(
        shown(libc::SYS_rt_sigaction, [12, at(&action), 0, 8, 0, 0], 0),
        "(SIGUSR2, {sa_handler=SIG_IGN, sa_mask=[USR1], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x7000}, NULL, 8)"
    );
    let sets = [1 << 1 | 1 << 33, !(3u64 << 31)];
    assert_eq!(
        shown(libc::SYS_rt_sigprocmask, [2, at(&sets[1]), at(&sets[0]), 8, 0, 0], 0),
        "(SIG_SETMASK, ~[RTMIN RT_1], [INT RT_2], 8)"
    );
    let status = 9 | 0x80;
    assert_eq!(
        shown(libc::SYS_wait4, [5, at(&status), 1, 0, 0, 0], 5),
        "(5, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL && WCOREDUMP(s)}], WNOHANG, NULL)"
    );
    let pair = [4u32, 5];
    assert_eq!(shown(libc::SYS_pipe2, [at(&pair), 0, 0, 0, 0, 0], 0), "([4, 5], 0)");
}

#[test]
fn vectors_and_messages_are_shown_whole() {
    let (one, two) = (*b"ab", *b"cde");
    let vector = [at(&one), 2, at(&two), 3, 0, 0];
    assert_eq!(
        shown(libc::SYS_writev, [3, at(&vector), 3, 0, 0, 0], 5),
        r#"(3, [{iov_base="ab", iov_len=2}, {iov_base="cde", iov_len=3}, {iov_base=NULL, iov_len=0}], 3)"#
    );
    assert_eq!(
        shown(libc::SYS_readv, [3, at(&vector), 2, 0, 0, 0], 3),
        r#"(3, [{iov_base="ab", iov_len=2}, {iov_base="c", iov_len=3}], 2)"#
    );
    let message = [0u64, 0, at(&vector), 2, 0, 0, 0];
    assert_eq!(
        shown(libc::SYS_sendmsg, [15, at(&message), 0, 0, 0, 0], 5),
        r#"(15, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="ab", iov_len=2}, {iov_base="cde", iov_len=3}], msg_iovlen=2, msg_controllen=0, msg_flags=0}, 0)"#
    );
    let words = [at(b"a\0"), at(b"b\0"), 0];
    assert_eq!(
        shown(libc::SYS_execve, [at(b"/x\0"), at(&words), at(&words[1]), 0, 0, 0], -2),
        format!(r#"("/x", ["a", "b"], {:#x} /* 1 var */)"#, at(&words[1]))
    );
}

#[test]
fn addresses_of_sockets_are_shown_by_their_family() {
    let connect = |address: &[u8]| shown(libc::SYS_connect, [5, at(address), address.len() as u64, 0, 0, 0], 0);
    let internet = [2, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(
        connect(&internet),
        r#"(5, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16)"#
    );
    let six = |bytes: [u8; 16]| {
        let mut address = vec![10, 0, 0, 80, 0, 0, 0, 0];
        address.extend(bytes);
        address.extend([0; 4]);
        let text = connect(&address);
        let start = text.find("AF_INET6, \"").unwrap() + 11;
        text[start..].split('"').next().unwrap().to_string()
    };
    for text in [
        "::",
        "::1",
        "fe80::1:0:0:1",
        "2001:db8::",
        "1:2:3:4:5:6:7:8",
        "::ffff:1.2.3.4",
        "0:1:0:2:0:3:0:4",
    ] {
        let address: std::net::Ipv6Addr = text.parse().unwrap();
        assert_eq!(six(address.octets()), text);
    }
    assert_eq!(
        connect(b"\x01\0/tmp/s\0xx"),
        r#"(5, {sa_family=AF_UNIX, sun_path="/tmp/s"}, 11)"#
    );
    assert_eq!(
        connect(b"\x01\0\0abs"),
        r#"(5, {sa_family=AF_UNIX, sun_path=@"abs"}, 6)"#
    );
    assert_eq!(connect(b"\x01\0"), "(5, {sa_family=AF_UNIX}, 2)");
    let mut len = 110u32;
    let args = [3, at(b"\x01\0\0abs"), at(&len), 0, 0, 0];
    assert_eq!(shown(libc::SYS_getsockname, args, 0).split(", ").last(), Some("[110])"));
    len = 6;
    let call = Call {
        number: libc::SYS_getsockname as u32,
        args: [3, at(b"\x01\0\0abs"), at(&len), 0, 0, 0],
        result: Some(0),
        most: 32,
        note: 110,
    };
    assert_eq!(
        written(|text| exit(text, &call)),
        r#"{sa_family=AF_UNIX, sun_path=@"abs"}, [110 => 6]"#
    );
}

#[test]
fn what_was_found_stands_behind_the_result() {
    let polled = [[6u32, 1], [7, 5 | 4 << 16]];
    assert_eq!(
        shown(libc::SYS_poll, [at(&polled), 2, 0, 0, 0, 0], 1),
        "([{fd=6, events=POLLIN}, {fd=7, events=POLLIN|POLLOUT}], 2, 0) ([{fd=7, revents=POLLOUT}])"
    );
    assert_eq!(
        shown(libc::SYS_poll, [at(&polled), 1, 5, 0, 0, 0], 0),
        "([{fd=6, events=POLLIN}], 1, 5) (Timeout)"
    );
    let (set, time) = ([1u64 << 6; 16], [0u64, 5]);
    assert_eq!(
        shown(libc::SYS_select, [7, at(&set), 0, 0, at(&time), 0], 1),
        "(7, [6], NULL, NULL, {tv_sec=0, tv_usec=5}) (in [6], left {tv_sec=0, tv_usec=5})"
    );
    assert_eq!(shown(libc::SYS_sched_getscheduler, [0; 6], 3), "(0) (SCHED_BATCH)");
}
