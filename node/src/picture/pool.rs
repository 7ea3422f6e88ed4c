//! Reuses the memory of sent pictures.

use bytes::Bytes;

/// The most pictures of a camera that are on their way: two or three sizes, each waiting and being
/// written, and the last one of each size.
const MOST: usize = 12;

/// The given pictures. One that nobody else holds becomes memory for the next.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    given: Vec<Bytes>,
}

impl Pool {
    /// Empty memory, taken from an earlier picture that nobody else holds, if there is one.
    pub fn take(&mut self) -> Vec<u8> {
        let free = self.given.iter().position(Bytes::is_unique);
        let free = free.map(|at| self.given.swap_remove(at));
        match free.map(Bytes::try_into_mut) {
            Some(Ok(mut memory)) => {
                memory.clear();
                Vec::from(memory)
            }
            _ => Vec::new(),
        }
    }

    /// A picture whose memory comes back by itself.
    pub fn give(&mut self, picture: Vec<u8>) -> Bytes {
        let picture = Bytes::from(picture);
        if self.given.len() < MOST {
            self.given.push(picture.clone());
        }
        picture
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_once_everybody_has_let_go() {
        let mut pool = Pool::default();
        let mut memory = pool.take();
        memory.extend([7; 100_000]);
        let at = memory.as_ptr();
        let picture = pool.give(memory);
        let copy = picture.clone();
        drop(picture);
        assert_eq!(pool.take().capacity(), 0, "somebody has it");
        assert_eq!(copy, [7; 100_000][..]);
        drop(copy);
        let memory = pool.take();
        assert_eq!((memory.as_ptr(), memory.len()), (at, 0));
        assert!(memory.capacity() >= 100_000);
    }

    #[test]
    fn two_pictures_by_turns_need_two_memories() {
        let mut pool = Pool::default();
        let mut seen = std::collections::BTreeSet::new();
        let mut last = None;
        for i in 0..50u8 {
            let mut memory = pool.take();
            memory.resize(5000 + usize::from(i), i);
            seen.insert(memory.as_ptr() as usize);
            last = Some(pool.give(memory));
        }
        assert_eq!(last.unwrap()[0], 49);
        // A longer picture may move once.
        assert!(seen.len() <= 6, "{}", seen.len());
    }

    #[test]
    fn what_is_never_let_go_is_not_kept_without_bound() {
        let mut pool = Pool::default();
        let kept: Vec<Bytes> = (0..100)
            .map(|_| {
                let memory = vec![0; 10];
                pool.give(memory)
            })
            .collect();
        assert_eq!((kept.len(), pool.given.len()), (100, MOST));
    }
}
