//! The calls: name and arguments of each, as data.

mod calls;

use core::fmt;

use self::calls::CALLS;
use super::args::Arg;

/// A call.
#[derive(Debug)]
pub(super) struct Signature {
    number: u16,
    pub(super) name: &'static str,
    pub(super) args: &'static [Arg],
    /// The place of the first that the call writes to, or how many there are.
    pub(super) out: usize,
    /// Whether that depends on the call ([`Arg::may_be_out`]).
    pub(super) depends: bool,
    /// The place of one that [`Arg::is_noted`].
    pub(super) noted: Option<usize>,
}

const fn call(number: u16, name: &'static str, args: &'static [Arg]) -> Signature {
    let (mut out, mut depends, mut noted) = (args.len(), false, None);
    let mut at = args.len();
    while at > 0 {
        at -= 1;
        if args[at].is_out() {
            out = at;
        }
        depends |= args[at].may_be_out();
        if args[at].is_noted() {
            noted = Some(at);
        }
    }
    Signature {
        number,
        name,
        args,
        out,
        depends,
        noted,
    }
}

/// A call's name, as it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name(pub(super) u32);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match signature(self.0) {
            Some(signature) => f.write_str(signature.name),
            None => write!(f, "syscall_{:#x}", self.0),
        }
    }
}

/// The signature of a call; none of a number that is no call's.
pub(super) fn signature(number: u32) -> Option<&'static Signature> {
    let place = PLACES.get(number as usize)?.checked_sub(1)?;
    CALLS.get(usize::from(place))
}

/// One more than the greatest number.
const NUMBERS: usize = 512;

/// For each number its place in [`CALLS`], plus 1.
static PLACES: [u16; NUMBERS] = {
    let mut places = [0; NUMBERS];
    let mut index = 0;
    while index < CALLS.len() {
        places[CALLS[index].number as usize] = index as u16 + 1;
        index += 1;
    }
    places
};

#[cfg(test)]
mod tests {
    use super::*;
    use syscalls::Sysno;

    #[test]
    fn every_call_of_the_kernel_is_there_by_its_name() {
        for call in Sysno::iter() {
            let known = signature(call.id() as u32).map(|signature| signature.name);
            assert_eq!(known, Some(call.name()), "{}", call.id());
        }
    }

    /// The list was made by `strace -e raw=all` of each number (6.1).
    #[test]
    fn every_call_has_the_arguments_that_strace_knows() {
        let list = include_str!("../golden/arguments.txt");
        assert!(list.lines().count() > 360);
        for line in list.lines() {
            let mut words = line.split(' ');
            let number = words.next().unwrap().parse().unwrap();
            let known = signature(number).unwrap();
            let [name, count] = [0; 2].map(|_| words.next().unwrap());
            assert_eq!(known.name, name);
            assert_eq!(known.args.len().to_string(), count, "{name}");
        }
    }

    #[test]
    fn a_number_that_is_no_calls_has_no_signature() {
        for number in [337, 423, 500, 511, 512, 1023, u32::MAX] {
            assert!(signature(number).is_none());
        }
        assert!(CALLS.iter().all(|call| call.args.len() <= 6));
    }
}
