//! The mistakes that were refused, for those who must mend them.

use std::net::IpAddr;

use serde::Serialize;

use crate::Way;

/// How many are remembered; the oldest goes first.
const MOST: usize = 64;

/// What somebody did that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Mistake {
    /// A message or file is too large.
    TooLarge {
        /// Its size in bytes, as far as it was told.
        bytes: Option<u64>,
        /// The largest in bytes.
        most: u64,
        /// Whether it is text.
        text: bool,
    },
    /// It sends 200 messages a second, or more than the others take.
    TooFast,
    /// It talks faster than one may.
    TalksTooFast,
    /// What it sent to a port for text is none.
    NotText,
    /// It connects again and again.
    Reconnects,
    /// It takes nothing of what comes, and is ended.
    TakesNothing,
    /// What it sends breaks the protocol.
    Protocol,
    /// It speaks HTTP to a port of TCP.
    Browser,
    /// Its machine has too many connections already.
    NoRoom,
    /// A page of another site, which may not take part.
    Elsewhere,
    /// It began a message and did not finish it in time.
    Unfinished,
}

/// One kind of mistake of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    /// When last, in milliseconds since 1970.
    pub at: u64,
    pub way: Way,
    network: IpAddr,
    pub who: String,
    pub mistake: Mistake,
    pub count: u64,
}

/// The mistakes, see the module. Those of one kind of one machine are one, with a count.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(Vec<Made>);

impl Mistakes {
    pub fn add(&mut self, way: Way, address: IpAddr, who: &str, mistake: Mistake, at: u64) {
        let network = quota::network(address);
        let is_same = |made: &Made| {
            let same_kind =
                std::mem::discriminant(&made.mistake) == std::mem::discriminant(&mistake);
            made.network == network && made.way == way && same_kind
        };
        let known = self.0.iter().position(is_same).map(|known| self.0.remove(known));
        let count = known.map_or(0, |known| known.count) + 1;
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(Made { at, way, network, who: who.to_owned(), mistake, count });
    }

    /// Newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Made> {
        self.0.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_each_machine_is_told_once_with_its_count() {
        let mut mistakes = Mistakes::default();
        let at = |n: u16| IpAddr::from([10, 0, (n >> 8) as u8, n as u8]);
        let large = |bytes| Mistake::TooLarge { bytes: Some(bytes), most: 10, text: true };
        for bytes in 100..300 {
            mistakes.add(Way::WebSocket, at(1), "10.0.0.1", large(bytes), bytes);
        }
        mistakes.add(Way::Tcp, at(1), "Ana", Mistake::NotText, 7);
        let all: Vec<_> = mistakes.newest().map(|made| (made.count, made.mistake)).collect();
        assert_eq!(all, [(1, Mistake::NotText), (200, large(299))]);
        for n in 0..1000 {
            mistakes.add(Way::Tcp, at(n), "", Mistake::Browser, 8);
        }
        assert_eq!(mistakes.0.len(), MOST);
        let one = IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 1]);
        let same = IpAddr::from([0xfd00, 0, 0, 0, 9, 0, 0, 1]);
        for address in [one, same] {
            mistakes.add(Way::Tcp, address, "", Mistake::Browser, 9);
        }
        assert_eq!(mistakes.newest().next().map(|made| made.count), Some(2), "one network");
    }
}
