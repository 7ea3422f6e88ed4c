//! The QoS 2 messages that a client has sent and not released.

/// A set of packet identifiers. It takes 8 KiB for any number of them, and nothing when empty.
#[derive(Debug, Default)]
pub(crate) struct Received {
    bits: Option<Box<[u64; 1024]>>,
    count: usize,
}

impl Received {
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn contains(&self, id: u16) -> bool {
        let (word, bit) = place(id);
        self.bits.as_ref().is_some_and(|bits| bits[word] & bit != 0)
    }

    /// Adds one that is not in the set.
    pub fn insert(&mut self, id: u16) {
        if !self.contains(id) {
            let (word, bit) = place(id);
            self.bits.get_or_insert_with(|| Box::new([0; 1024]))[word] |= bit;
            self.count += 1;
        }
    }

    /// Takes one out and says whether it was there.
    pub fn remove(&mut self, id: u16) -> bool {
        let was_there = self.contains(id);
        if was_there {
            let (word, bit) = place(id);
            self.count -= 1;
            match &mut self.bits {
                Some(bits) if self.count > 0 => bits[word] &= !bit,
                bits => *bits = None,
            }
        }
        was_there
    }
}

/// The index of the word, below 1024, and the bit in it.
fn place(id: u16) -> (usize, u64) {
    (usize::from(id >> 6), 1 << (id & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_come_and_go() {
        let mut received = Received::default();
        assert!(!received.remove(1));
        for id in [1, 64, u16::MAX, 1] {
            received.insert(id);
        }
        assert_eq!(received.len(), 3);
        assert!(received.contains(u16::MAX) && !received.contains(2));
        assert!(received.remove(1) && !received.remove(1));
        assert!(received.contains(64));
        assert!(received.remove(64) && received.remove(u16::MAX));
        assert!(received.bits.is_none());
    }
}
