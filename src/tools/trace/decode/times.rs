//! Times and intervals.

use super::{Call, Words, field, object, object_out};
use crate::abi::errno::Errno;
use crate::tools::trace::text::Text;

fn spec(text: &mut Text<'_>, words: Words<'_>, at: usize) {
    field(text, "{tv_sec=", words.i64(at));
    field(text, ", tv_nsec=", words.i64(at + 8));
    text.byte(b'}');
}

pub(super) fn val(text: &mut Text<'_>, words: Words<'_>, at: usize) {
    field(text, "{tv_sec=", words.i64(at));
    field(text, ", tv_usec=", words.i64(at + 8));
    text.byte(b'}');
}

pub(super) fn timespec(text: &mut Text<'_>, address: u64) {
    object::<16>(text, address, |text, words| spec(text, words, 0));
}

pub(super) fn timespec_out(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<16>(text, call, address, |text, words| spec(text, words, 0));
}

/// What is left of a sleep: written only if it was interrupted.
pub(super) fn left(text: &mut Text<'_>, call: &Call, address: u64) {
    if call.result == Some(Errno::EINTR.to_result()) {
        timespec(text, address);
    } else {
        text.pointer(address);
    }
}

/// Bits of nanoseconds in a [`packed`] time.
const NANOSECONDS: u32 = 30;

/// A `struct timespec` in a word: what there is no room for is left out.
pub(super) fn packed(words: Words<'_>) -> u64 {
    words.u64(0) << NANOSECONDS | words.u64(8) & ((1 << NANOSECONDS) - 1)
}

/// How long a call waits at most, as it was before the call.
pub(super) fn limit(text: &mut Text<'_>, call: &Call, address: u64) {
    object::<16>(text, address, |text, _| {
        field(text, "{tv_sec=", (call.note >> NANOSECONDS) as i64);
        field(text, ", tv_nsec=", (call.note & ((1 << NANOSECONDS) - 1)) as i64);
        text.byte(b'}');
    });
}

/// What is left of it.
pub(super) fn limit_left(text: &mut Text<'_>, call: &Call) {
    let address = call.arg(4u8);
    if address != 0 {
        text.str(" (left ");
        timespec(text, address);
        text.byte(b')');
    }
}

/// `struct utimbuf`.
pub(super) fn utimbuf(text: &mut Text<'_>, address: u64) {
    object::<16>(text, address, |text, words| {
        for (name, at) in [("{actime=", 0), (", modtime=", 8)] {
            field(text, name, words.i64(at));
            if words.i64(at) != 0 {
                text.str(" /* ");
                date(text, words.i64(at), None);
                text.str(" */");
            }
        }
        text.byte(b'}');
    });
}

pub(super) fn timeval(text: &mut Text<'_>, address: u64) {
    object::<16>(text, address, |text, words| val(text, words, 0));
}

pub(super) fn timeval_out(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<16>(text, call, address, |text, words| val(text, words, 0));
}

pub(super) fn timezone(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<8>(text, call, address, |text, words| {
        field(text, "{tz_minuteswest=", words.i32(0).into());
        field(text, ", tz_dsttime=", words.i32(4).into());
        text.byte(b'}');
    });
}

pub(super) fn timevals(text: &mut Text<'_>, address: u64) {
    object::<32>(text, address, |text, words| {
        text.byte(b'[');
        val(text, words, 0);
        text.str(", ");
        val(text, words, 16);
        text.byte(b']');
    });
}

/// The times of utimensat.
pub(super) fn utimes(text: &mut Text<'_>, address: u64) {
    const NOW: i64 = (1 << 30) - 1;
    const OMIT: i64 = (1 << 30) - 2;
    object::<32>(text, address, |text, words| {
        text.byte(b'[');
        for at in [0, 16] {
            if at != 0 {
                text.str(", ");
            }
            match words.i64(at + 8) {
                NOW => text.str("UTIME_NOW"),
                OMIT => text.str("UTIME_OMIT"),
                nanoseconds => {
                    spec(text, words, at);
                    if (0..1_000_000_000).contains(&nanoseconds) && words.i64(at) != 0 {
                        text.str(" /* ");
                        date(text, words.i64(at), Some(nanoseconds as u64));
                        text.str(" */");
                    }
                }
            }
        }
        text.byte(b']');
    });
}

/// A point in time, in UTC, as ISO 8601 has it.
fn date(text: &mut Text<'_>, seconds: i64, nanoseconds: Option<u64>) {
    let (days, second) = (seconds.div_euclid(86400), seconds.rem_euclid(86400) as u64);
    // Eras of 400 years that begin in March.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    text.int(year);
    for (sign, value) in [
        (b'-', month as u64),
        (b'-', day as u64),
        (b'T', second / 3600),
        (b':', second / 60 % 60),
        (b':', second % 60),
    ] {
        text.byte(sign);
        text.padded(value, 2);
    }
    if let Some(nanoseconds) = nanoseconds.filter(|&nanoseconds| nanoseconds != 0) {
        text.byte(b'.');
        text.padded(nanoseconds, 9);
    }
    text.str("+0000");
}

pub(super) fn itimerspec(text: &mut Text<'_>, address: u64) {
    object::<32>(text, address, |text, words| interval(text, words, spec));
}

pub(super) fn itimerspec_out(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<32>(text, call, address, |text, words| interval(text, words, spec));
}

pub(super) fn itimerval(text: &mut Text<'_>, address: u64) {
    object::<32>(text, address, |text, words| interval(text, words, val));
}

pub(super) fn itimerval_out(text: &mut Text<'_>, call: &Call, address: u64) {
    object_out::<32>(text, call, address, |text, words| interval(text, words, val));
}

fn interval(text: &mut Text<'_>, words: Words<'_>, show: impl Fn(&mut Text<'_>, Words<'_>, usize)) {
    text.str("{it_interval=");
    show(text, words, 0);
    text.str(", it_value=");
    show(text, words, 16);
    text.byte(b'}');
}

#[cfg(test)]
mod tests {
    use super::date;
    use crate::tools::trace::text::tests::written;

    #[test]
    fn points_in_time_are_dates() {
        for (seconds, nanoseconds, wanted) in [
            (0, None, "1970-01-01T00:00:00+0000"),
            (1, Some(2), "1970-01-01T00:00:01.000000002+0000"),
            (951_782_400, None, "2000-02-29T00:00:00+0000"),
            (1_795_595_707, None, "2026-11-25T08:35:07+0000"),
            (-1, None, "1969-12-31T23:59:59+0000"),
        ] {
            assert_eq!(written(|text| date(text, seconds, nanoseconds)), wanted);
        }
    }
}
