//! The table of all calls, as `strace -c` writes it. The time in calls is the
//! time that passed, as with its `-w`.

use core::cmp::Reverse;
use core::fmt::{self, Write};

use super::clock::Clock;
use super::options::Sort;
use super::ring::{Kind, Record};
use super::table::Name;
use crate::abi::errno::Errno;

/// Numbers with a row of their own; all others share the last one.
const NUMBERS: usize = 512;

#[derive(Clone, Copy)]
struct Row {
    calls: u64,
    errors: u64,
    ns: u64,
}

impl Row {
    const NONE: Row = Row {
        calls: 0,
        errors: 0,
        ns: 0,
    };
}

/// Calls, errors and times.
pub(super) struct Counts([Row; NUMBERS + 1]);

impl Counts {
    pub(super) const fn new() -> Counts {
        Counts([Row::NONE; NUMBERS + 1])
    }

    /// Takes the record of a call that has come back.
    pub(super) fn add(&mut self, record: &Record, clock: &Clock) {
        if !matches!(record.kind, Kind::Exit | Kind::Restart) {
            return;
        }
        let index = (record.number as usize).min(NUMBERS);
        let Some(row) = self.0.get_mut(index) else { return };
        row.calls += 1;
        row.errors += u64::from(Errno::from_result(record.result).is_some());
        if record.since != 0 {
            row.ns += clock.ns(record.time).saturating_sub(clock.ns(record.since));
        }
    }

    /// Writes the table.
    pub(super) fn write(&self, sort: Sort, out: &mut dyn Write) -> fmt::Result {
        const LINE: &str = "------ ----------- ----------- --------- --------- ----------------";
        let mut order: [u16; NUMBERS + 1] = core::array::from_fn(|index| index as u16);
        let row = |index: u16| self.0.get(usize::from(index)).unwrap_or(&Row::NONE);
        let name = |index: u16| super::table::signature(index.into()).map_or("~", |signature| signature.name);
        match sort {
            Sort::Time => order.sort_unstable_by_key(|&index| (Reverse(row(index).ns), index)),
            Sort::Calls => order.sort_unstable_by_key(|&index| (Reverse(row(index).calls), index)),
            Sort::Errors => order.sort_unstable_by_key(|&index| (Reverse(row(index).errors), index)),
            Sort::Name => order.sort_unstable_by_key(|&index| (name(index), index)),
            Sort::None => {}
        }
        let total = self.0.iter().fold(Row::NONE, |sum, row| Row {
            calls: sum.calls + row.calls,
            errors: sum.errors + row.errors,
            ns: sum.ns + row.ns,
        });
        writeln!(out, "% time     seconds  usecs/call     calls    errors syscall")?;
        writeln!(out, "{LINE}")?;
        for index in order {
            let row = row(index);
            if row.calls != 0 {
                line(row, &total, out)?;
                match usize::from(index) {
                    NUMBERS => writeln!(out, "(others)")?,
                    number => writeln!(out, "{}", Name(number as u32))?,
                }
            }
        }
        writeln!(out, "{LINE}")?;
        line(&total, &total, out)?;
        writeln!(out, "total")
    }
}

/// All but the name.
fn line(row: &Row, total: &Row, out: &mut dyn Write) -> fmt::Result {
    let share = |part: u64| (u128::from(part) * 10_000).checked_div(total.ns.into()).unwrap_or(0);
    let hundredths = if row.calls == total.calls {
        10_000
    } else {
        share(row.ns)
    };
    let per_call = (row.ns / 1000).checked_div(row.calls).unwrap_or(0);
    write!(out, "{:>3}.{:02} ", hundredths / 100, hundredths % 100)?;
    write!(out, "{:>4}.{:06} ", row.ns / 1_000_000_000, row.ns / 1000 % 1_000_000)?;
    write!(out, "{per_call:>11} {:>9} ", row.calls)?;
    match row.errors {
        0 => write!(out, "{:9} ", ""),
        errors => write!(out, "{errors:>9} "),
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::Pair;
    use super::super::ring::{Base, Who};
    use super::*;

    const CLOCK: Clock = Clock {
        start: Pair { ticks: 0, ns: 0 },
        now: Pair {
            ticks: 2_000_000,
            ns: 2_000_000,
        },
    };

    fn table(sort: Sort) -> String {
        let mut counts = Box::new(Counts::new());
        for (kind, number, result, ns) in [
            (Kind::Enter, 0, 0, 0),
            (Kind::Exit, 0, 10, 1_000),
            (Kind::Exit, 0, -2, 2_000),
            (Kind::Restart, 34, -4, 7_000_000_000),
            (Kind::Exit, 39, 10, 500),
            (Kind::Exit, 39, 10, 499),
            (Kind::Exit, 39, -4096, 1),
            (Kind::Exit, 500, -38, 0),
            (Kind::Exit, 600, -38, 0),
        ] {
            let record = Record {
                kind,
                number,
                result,
                time: ns + 5,
                since: 5,
                base: Base::Decimal,
                ..Record::bare(kind, Who::default(), 0)
            };
            counts.add(&record, &CLOCK);
        }
        let mut text = String::new();
        counts.write(sort, &mut text).unwrap();
        text
    }

    #[test]
    fn the_table_is_straces() {
        let wanted = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 99.99    7.000000     7000000         1         1 pause
  0.00    0.000003           1         2         1 read
  0.00    0.000001           0         3           getpid
  0.00    0.000000           0         1         1 syscall_0x1f4
  0.00    0.000000           0         1         1 (others)
------ ----------- ----------- --------- --------- ----------------
100.00    7.000004      875000         8         4 total
";
        assert_eq!(table(Sort::Time), wanted);
    }

    #[test]
    fn it_is_sorted_as_wanted() {
        let names = |sort| {
            let text = table(sort);
            let rows = text.lines().skip(2).take(5);
            let names = rows.map(|row| row.split_whitespace().last().unwrap().to_owned());
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(Sort::Calls), "getpid read pause syscall_0x1f4 (others)");
        assert_eq!(names(Sort::Errors), "read pause syscall_0x1f4 (others) getpid");
        assert_eq!(names(Sort::Name), "getpid pause read syscall_0x1f4 (others)");
        assert_eq!(names(Sort::None), "read pause getpid syscall_0x1f4 (others)");
    }
}
