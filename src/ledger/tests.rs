//! The ledger over ordinary memory, with processes that are only numbers.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use super::*;

const SHAPE: Shape = Shape {
    words: 30,
    own: 1,
    rows: 4,
    cells: 2,
};

/// Small enough to run out of everything.
const SMALL: Geometry = Geometry {
    shape: SHAPE,
    blocks: 8,
    listed: 4,
    unlisted: 4,
    pool: 64,
};

fn memory(geometry: Geometry) -> Vec<AtomicU64> {
    (0..geometry.len()).map(|_| AtomicU64::new(0)).collect()
}

fn holder(pid: u32) -> Holder {
    Holder { pid, namespace: 0 }
}

fn member(pid: u32) -> Member {
    Member {
        holder: holder(pid),
        parent: 1,
        name: [0; 2],
        began: 0,
    }
}

fn nobody_is_dead(_: Holder) -> bool {
    false
}

/// A thread's calls: some of the first row, fewer of them failed.
fn work(ledger: Ledger<'_>, block: usize, calls: u64, errors: u64) {
    let (core, words) = ledger.block(block);
    core[CoreWord::Trapped as usize].fetch_add(1, Relaxed);
    words[0].store(77, Relaxed);
    words[1].fetch_add(calls, Relaxed);
    words[2].fetch_add(errors, Relaxed);
    words[9].fetch_add(calls, Relaxed);
    // Behind the rows: kept for the tree, not for the process.
    words[20].fetch_add(calls, Relaxed);
}

fn total(ledger: Ledger<'_>) -> u64 {
    let mut sum = 0;
    ledger.for_each_block(|_, words| {
        assert_eq!(words[1].load(Relaxed), words[20].load(Relaxed));
        sum += words[1].load(Relaxed);
    });
    sum
}

fn rows(ledger: Ledger<'_>, record: usize) -> [u64; 2] {
    let mut words = [0; 30];
    ledger.rows(record, &mut |word, change| words[word] += change);
    let both = ledger.sums(record);
    assert_eq!(words[1..3], [both.calls, both.errors]);
    // A cell is a process's as its rows are.
    assert_eq!(words[9], both.calls);
    [both.calls, both.errors]
}

#[test]
fn a_process_has_its_share_of_a_block_that_others_had() {
    let memory = memory(SMALL);
    let ledger = Ledger::create(&memory, SMALL).unwrap();
    for pid in 1..=3 {
        let record = ledger.take_record(member(pid)).unwrap();
        let block = ledger.take_block(record).unwrap();
        assert_eq!(block, 0);
        assert_eq!(ledger.block(block).1[0].load(Relaxed), 0);
        work(ledger, block, u64::from(pid) * 10, 1);
        assert_eq!(rows(ledger, record), [u64::from(pid) * 10, 1]);
        ledger.close(record);
    }
    let ledger = Ledger::open(&memory).unwrap();
    let shares: Vec<_> = ledger.listed().map(|record| rows(ledger, record)).collect();
    assert_eq!(shares, [[10, 1], [20, 1], [30, 1]]);
    assert!(ledger.listed().all(|record| ledger.sums(record).trapped == 1));
    assert_eq!(total(ledger), 60);
}

#[test]
fn later_processes_share_records_and_nothing_is_lost() {
    let memory = memory(SMALL);
    let ledger = Ledger::create(&memory, SMALL).unwrap();
    let lasting = ledger.take_record(member(1)).unwrap();
    let first = ledger.take_block(lasting).unwrap();
    for pid in 2..=100 {
        let record = ledger.take_record(member(pid)).unwrap();
        let block = ledger.take_block(record).unwrap();
        work(ledger, block, 5, 0);
        ledger.close(record);
    }
    // A block that unlisted processes have left does not add to its share.
    let second = ledger.take_block(lasting).unwrap();
    work(ledger, first, 1, 0);
    work(ledger, second, 1, 0);
    assert_eq!(rows(ledger, lasting), [2, 0]);
    assert_eq!(total(ledger), 99 * 5 + 2);
    assert_eq!(ledger.listed().count(), 4);
    let others: u64 = ledger
        .unlisted()
        .map(|record| ledger.field(record, Record::Processes).load(Relaxed))
        .sum();
    assert_eq!(others, 96);
    // The pool is used up by now or not: sums are there in any case.
    assert!(ledger.listed().skip(1).all(|record| ledger.sums(record).calls == 5));
}

#[test]
fn what_the_dead_leave_is_found_at_whatever_point_they_died() {
    for point in 0..6 {
        let memory = memory(SMALL);
        let ledger = Ledger::create(&memory, SMALL).unwrap();
        let record = ledger.take_record(member(9)).unwrap();
        let mut want = [0, 0];
        if point > 0 {
            let block = ledger.take_block(record).unwrap();
            let other = ledger.take_block(record).unwrap();
            work(ledger, block, 3, 1);
            work(ledger, other, 4, 2);
            want = [7, 3];
        }
        match point {
            2 => ledger.write_rows(record),
            3 => {
                ledger.write_rows(record);
                ledger.set_rows_valid(record);
            }
            4 => {
                ledger.write_rows(record);
                ledger.set_rows_valid(record);
                ledger.rebase(0);
            }
            5 => {
                ledger.write_rows(record);
                ledger.set_rows_valid(record);
                ledger.rebase(0);
                ledger.free_block(0, false);
            }
            _ => {}
        }
        assert_eq!(rows(ledger, record), want, "{point}");
        assert_eq!(ledger.end(record, |_| true), End::Silent);
        ledger.scavenge(holder(1), |holder| holder.pid == 9);
        assert_eq!(rows(ledger, record), want, "{point}");
        assert_eq!(total(ledger), want[0]);
        assert_eq!((ledger.holder(record), ledger.blocks_of(record).count()), (None, 0));
        assert_eq!(ledger.end(record, |_| unreachable!()), End::Silent);
        // All blocks are there again.
        let next = ledger.take_record(member(2)).unwrap();
        assert!((0..8).all(|_| ledger.take_block(next).is_some()));
        assert_eq!(rows(ledger, next), [0, 0]);
    }
}

#[test]
fn a_scavenger_that_dies_is_scavenged() {
    let memory = memory(SMALL);
    let ledger = Ledger::create(&memory, SMALL).unwrap();
    let record = ledger.take_record(member(9)).unwrap();
    let block = ledger.take_block(record).unwrap();
    work(ledger, block, 3, 1);
    assert!(ledger.succeed(record, holder(9), holder(8)));
    assert!(!ledger.succeed(record, holder(9), holder(7)));
    assert_eq!(ledger.end(record, |holder| holder.pid == 9), End::Silent);
    ledger.scavenge(holder(1), |holder| holder.pid == 8);
    assert_eq!((ledger.holder(record), rows(ledger, record)), (None, [3, 1]));
}

#[test]
fn when_all_is_taken_there_is_none_until_somebody_ends() {
    let memory = memory(SMALL);
    let ledger = Ledger::create(&memory, SMALL).unwrap();
    let records: Vec<_> = (1..=8).map(|pid| ledger.take_record(member(pid)).unwrap()).collect();
    assert!(ledger.take_record(member(9)).is_none());
    assert!((0..8).all(|_| ledger.take_block(records[0]).is_some()));
    assert!(ledger.take_block(records[1]).is_none());
    ledger.scavenge(holder(2), nobody_is_dead);
    assert!(ledger.take_block(records[1]).is_none());
    ledger.close(records[0]);
    assert!(ledger.take_block(records[1]).is_some());
    // A listed record is not used again, an unlisted one is.
    assert!(ledger.take_record(member(9)).is_none());
    ledger.scavenge(holder(1), |holder| holder.pid == 8);
    assert!(ledger.take_record(member(9)).is_some());
}

#[test]
fn a_program_that_is_executed_goes_on_with_the_record() {
    let memory = memory(SMALL);
    let ledger = Ledger::create(&memory, SMALL).unwrap();
    let record = ledger.take_record(member(5)).unwrap();
    assert_eq!(ledger.after_exec(5), Executed::Unknown);
    ledger.before_exec(record, 5, 59);
    ledger.after_failed_exec(record);
    assert_eq!(ledger.after_exec(5), Executed::Unknown);
    ledger.before_exec(record, 5, 59);
    // Another process with the same hint.
    let other = ledger.take_record(member(5 + 256)).unwrap();
    ledger.before_exec(other, 5 + 256, 322);
    for (record, pid, number) in [(record, 5, 59), (other, 5 + 256, 322)] {
        let known = Executed::Known {
            record,
            holder: holder(pid),
            number,
        };
        assert_eq!(ledger.after_exec(pid), known);
    }
    assert_eq!(ledger.after_exec(5), Executed::Unknown);
    // And one that has no record yet.
    let new = Holder { pid: 5, namespace: 3 };
    ledger.before_first_exec(new);
    assert_eq!(ledger.after_exec(5 + 512), Executed::Unknown);
    assert_eq!(ledger.after_exec(5), Executed::New(new));
    assert_eq!(ledger.field(record, Record::Images).load(Relaxed), 2);
}

#[test]
fn without_room_in_the_pool_a_process_has_its_sums() {
    let geometry = Geometry { pool: 2, ..SMALL };
    let memory = memory(geometry);
    let ledger = Ledger::create(&memory, geometry).unwrap();
    let record = ledger.take_record(member(5)).unwrap();
    let block = ledger.take_block(record).unwrap();
    work(ledger, block, 3, 1);
    ledger.close(record);
    assert_eq!((ledger.sums(record).calls, ledger.sums(record).errors), (3, 1));
    ledger.rows(record, &mut |_, _| panic!("rows"));
}

#[test]
fn memory_that_is_no_ledger_is_not_opened() {
    let mut memory = memory(SMALL);
    assert!(Ledger::open(&memory).is_none());
    Ledger::create(&memory, SMALL).unwrap();
    let first: [u64; FIRST] = core::array::from_fn(|at| memory[at].load(Relaxed));
    assert_eq!(Ledger::len_of(&first), Some(SMALL.len()));
    memory.truncate(SMALL.len() - 1);
    assert!(Ledger::open(&memory).is_none());
    assert!(Ledger::create(&memory, SMALL).is_none());
    assert!(Ledger::open(&memory[..3]).is_none());
}

/// Processes come and go, and some of them die without a word, while others
/// take what they leave. Every call is in the total, and no block is ever two
/// processes'.
#[test]
fn nothing_is_lost_or_shared_when_many_come_and_go() {
    let geometry = Geometry {
        blocks: 12,
        listed: 300,
        unlisted: 16,
        pool: 1 << 14,
        ..SMALL
    };
    let memory = memory(geometry);
    let ledger = Ledger::create(&memory, geometry).unwrap();
    let pids = AtomicU32::new(1);
    let dead = Mutex::new(HashSet::new());
    let in_use: Vec<AtomicU32> = (0..geometry.blocks).map(|_| AtomicU32::new(0)).collect();
    let is_dead = |holder: Holder| dead.lock().unwrap().contains(&holder.pid);
    let made = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let (pids, dead, in_use, made, is_dead) = (&pids, &dead, &in_use, &made, &is_dead);
            scope.spawn(move || {
                let mut random = 0x9e37_79b9_7f4a_7c15u64 ^ thread << 32;
                for _ in 0..2000 {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let pid = pids.fetch_add(1, Relaxed);
                    let take = || {
                        let record = ledger.take_record(member(pid))?;
                        Some((record, ledger.take_block(record)))
                    };
                    let Some((record, block)) = take().or_else(|| {
                        ledger.scavenge(holder(pid), is_dead);
                        take()
                    }) else {
                        continue;
                    };
                    let block = block.or_else(|| {
                        ledger.scavenge(holder(pid), is_dead);
                        ledger.take_block(record)
                    });
                    let calls = random >> 60;
                    if let Some(block) = block {
                        assert_eq!(in_use[block].swap(pid, Relaxed), 0);
                        work(ledger, block, calls, calls / 2);
                        made.fetch_add(calls, Relaxed);
                        std::thread::yield_now();
                        assert_eq!(in_use[block].swap(0, Relaxed), pid);
                        assert!(ledger.owns(record, block));
                    }
                    if random >> 40 & 7 == 0 {
                        dead.lock().unwrap().insert(pid);
                    } else {
                        ledger.close(record);
                    }
                }
            });
        }
    });
    assert_eq!(total(ledger), made.load(Relaxed));
    ledger.scavenge(holder(1 << 30), is_dead);
    assert!(ledger.records().all(|record| ledger.holder(record).is_none()));
    let listed: u64 = ledger.listed().map(|record| ledger.sums(record).calls).sum();
    assert!(listed <= made.load(Relaxed));
    assert_eq!(ledger.listed().count(), 300);
    let last = ledger.take_record(member(1 << 30)).unwrap();
    assert!((0..geometry.blocks).all(|_| ledger.take_block(last).is_some()));
}
