//! The frames that wait for one viewer.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use futures_util::task::AtomicWaker;

use super::Frame;

/// The newest frame of each tile that was not fetched, for one task.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    tiles: Mutex<Tiles>,
    task: AtomicWaker,
}

#[derive(Debug, Default)]
struct Tiles {
    waiting: Vec<(u16, Arc<Frame>)>,
    /// Whether a frame has come since the task was told.
    has_new: bool,
}

/// The waiting frames of an inbox, which is locked while this is held.
pub(crate) struct Waiting<'a>(MutexGuard<'a, Tiles>);

impl Waiting<'_> {
    pub fn is_empty(&self) -> bool {
        self.0.waiting.is_empty()
    }

    /// The tiles with a waiting frame, and its size in bytes.
    pub fn tiles(&self) -> impl Iterator<Item = (u16, usize)> {
        self.0.waiting.iter().map(|(tile, frame)| (*tile, frame.jpeg.len()))
    }

    pub fn take(&mut self, tile: u16) -> Option<Arc<Frame>> {
        let place = self.0.waiting.iter().position(|(waits, _)| *waits == tile)?;
        Some(self.0.waiting.swap_remove(place).1)
    }
}

impl Inbox {
    pub fn waiting(&self) -> Waiting<'_> {
        Waiting(self.tiles.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn put(&self, tile: u16, frame: &Arc<Frame>) {
        let mut waiting = self.waiting();
        waiting.take(tile);
        let tiles = &mut *waiting.0;
        tiles.waiting.push((tile, frame.clone()));
        tiles.has_new = true;
        drop(waiting);
        self.task.wake();
    }

    pub fn take(&self, tile: u16) -> Option<Arc<Frame>> {
        self.waiting().take(tile)
    }

    /// Ends when a frame has come since this last ended.
    pub async fn came(&self) {
        poll_fn(|context| {
            // Registered first, so that no frame is missed.
            self.task.register(context.waker());
            match std::mem::take(&mut self.waiting().0.has_new) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
}
