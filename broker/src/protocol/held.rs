//! Counts the memory of messages that wait, are retained, or are being written.
//!
//! A payload counts once, however many clients it waits for, because they all share it.

use std::sync::Arc;

use bytes::Bytes;

use crate::counters::Counters;

/// A part of that memory, given back when dropped. A copy counts separately.
#[derive(Debug, Default)]
pub(crate) struct Held {
    counters: Option<Arc<Counters>>,
    bytes: usize,
}

impl Held {
    pub fn new(bytes: usize, counters: &Arc<Counters>) -> Held {
        counters.held_bytes.add(bytes);
        Held { counters: Some(counters.clone()), bytes }
    }

    /// Another part of `bytes` bytes, in the same count.
    pub fn beside(&self, bytes: usize) -> Held {
        self.counters.as_ref().map_or_else(Held::default, |counters| Held::new(bytes, counters))
    }

    /// The same payload, counted as long as any part of the program holds it.
    pub fn payload(payload: Bytes, counters: &Arc<Counters>) -> Bytes {
        if payload.is_empty() {
            return payload;
        }
        let held = Held::new(payload.len(), counters);
        Bytes::from_owner(Payload { payload, _held: held })
    }
}

impl Clone for Held {
    fn clone(&self) -> Held {
        self.beside(self.bytes)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(counters) = &self.counters {
            counters.held_bytes.sub(self.bytes);
        }
    }
}

struct Payload {
    payload: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        &self.payload
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_counted_once_and_until_the_last_one_has_let_go_of_it() {
        let counters = Arc::new(Counters::default());
        let payload = Held::payload(Bytes::from(vec![7; 1000]), &counters);
        let (copy, part) = (payload.clone(), payload.slice(10..20));
        assert_eq!(counters.read().held_bytes, 1000);
        drop((payload, copy));
        assert_eq!((counters.read().held_bytes, &part[..]), (1000, &[7; 10][..]));
        drop(part);
        assert_eq!(counters.read().held_bytes, 0);
    }

    #[test]
    fn a_copy_is_counted_by_itself() {
        let counters = Arc::new(Counters::default());
        let held = Held::new(5, &counters);
        let copies = (held.clone(), held.beside(7));
        assert_eq!(counters.read().held_bytes, 17);
        drop((held, copies, Held::default().clone()));
        assert_eq!(counters.read().held_bytes, 0);
    }
}
