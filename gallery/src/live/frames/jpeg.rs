//! The bytes of a picture, for many viewers also in a pipe.
//!
//! A write to a socket copies the bytes into the kernel for each viewer. Bytes in a pipe are not
//! copied: all sockets share the same memory pages. Filling a pipe costs more than a few copies, so
//! it is done only for many viewers. The pipe begins with the header of the first of them, which is
//! the same for most.

use std::ops::Deref;
use std::sync::OnceLock;

use bytes::Bytes;

use super::splice::{Lent, Piped};

/// From this many viewers on the pipe is cheaper (`docs/decisions/freshness.md`).
const MANY: usize = 16;

/// The bytes of a picture, see the module.
#[derive(Debug)]
pub(crate) struct Jpeg {
    bytes: Bytes,
    is_for_many: bool,
    piped: OnceLock<Option<Piped>>,
}

impl Jpeg {
    /// Says how many viewers will get it.
    pub fn is_for(&mut self, viewers: usize) {
        self.is_for_many = viewers >= MANY;
    }

    /// Whether many viewers will get it.
    pub fn is_for_many(&self) -> bool {
        self.is_for_many
    }

    /// A message of the first caller's `head` and the picture; `None` if copying is better, or the
    /// kernel gives no pipe.
    pub fn lend(&self, head: &[u8]) -> Option<Lent<'_>> {
        if !self.is_for_many {
            return None;
        }
        self.piped.get_or_init(|| Piped::new(head, &self.bytes).ok()).as_ref()?.lend().ok()
    }

    /// How much memory it takes.
    pub fn memory(&self) -> usize {
        self.bytes.len() * if self.is_for_many { 2 } else { 1 }
    }
}

impl From<Bytes> for Jpeg {
    fn from(bytes: Bytes) -> Self {
        Jpeg { bytes, is_for_many: false, piped: OnceLock::new() }
    }
}

impl Deref for Jpeg {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_to_many_it_is_lent() {
        let mut jpeg = Jpeg::from(Bytes::from(vec![7; 60_000]));
        jpeg.is_for(MANY - 1);
        assert!(jpeg.lend(b"head").is_none());
        assert_eq!(jpeg.memory(), 60_000);
        jpeg.is_for(MANY);
        assert_eq!(jpeg.memory(), 120_000);
        assert_eq!(jpeg.lend(b"head").unwrap().head(), b"head");
        assert_eq!(jpeg.lend(b"another").unwrap().head(), b"head");
    }
}
