//! The threads that there are, as far as records tell.

use super::ring::Who;

/// Threads beyond these are not known.
const MOST: usize = 4096;

/// A list of threads.
pub(super) struct Live {
    list: [Who; MOST],
    len: usize,
}

impl Live {
    pub(super) const fn new() -> Live {
        Live {
            list: [Who { tid: 0, pid: 0 }; MOST],
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn known(&self) -> &[Who] {
        self.list.get(..self.len).unwrap_or(&[])
    }

    /// A thread begins. One that is there already is no other.
    pub(super) fn add(&mut self, who: Who) {
        if !self.known().iter().any(|known| known.tid == who.tid)
            && let Some(place) = self.list.get_mut(self.len)
        {
            *place = who;
            self.len += 1;
        }
    }

    /// A thread has ended. False if it was not there.
    pub(super) fn remove(&mut self, tid: u32) -> bool {
        let Some(place) = self.known().iter().position(|known| known.tid == tid) else {
            return false;
        };
        self.len -= 1;
        // In their order.
        self.list.copy_within(place + 1..self.len + 1, place);
        true
    }

    /// A thread of the process, its first one last.
    pub(super) fn of_process(&self, pid: u32) -> Option<Who> {
        let mut of = self.known().iter().filter(|known| known.pid == pid);
        let other = of.clone().find(|known| known.tid != pid);
        other.or_else(|| of.next()).copied()
    }

    /// Any thread.
    pub(super) fn first(&self) -> Option<Who> {
        self.known().first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_come_once_and_go_with_their_first_one_last() {
        let mut live = Box::new(Live::new());
        for (tid, pid) in [(5, 5), (6, 5), (9, 9), (7, 5), (6, 5)] {
            live.add(Who { tid, pid });
        }
        assert_eq!(live.len(), 4);
        assert_eq!(live.first(), Some(Who { tid: 5, pid: 5 }));
        let mut ended = Vec::new();
        while let Some(Who { tid, .. }) = live.of_process(5) {
            assert!(live.remove(tid) && !live.remove(tid));
            ended.push(tid);
        }
        assert_eq!(ended, [6, 7, 5]);
        assert_eq!(live.len(), 1);
    }

    #[test]
    fn too_many_are_not_known() {
        let mut live = Box::new(Live::new());
        (1..=5000).for_each(|tid| live.add(Who { tid, pid: 1 }));
        assert_eq!(live.len(), MOST);
        assert!(!live.remove(4999));
    }
}
