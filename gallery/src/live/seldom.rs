//! What happens seldom, waited for beside what happens all the time.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// The same future, which is asked again only when it was itself woken, and not whenever another
/// that its task waits for was: with many things to wait for, asking is most of the work.
pub(crate) async fn seldom<F: Future>(future: F) -> F::Output {
    let mut task = Waker::noop().clone();
    let bell = Arc::new(Bell { rung: AtomicBool::new(true), task: Mutex::new(task.clone()) });
    let waker = Waker::from(bell.clone());
    let mut future = pin!(future);
    poll_fn(|context| {
        // First, so that no ring is missed. Nearly always it is the same task as before.
        if !task.will_wake(context.waker()) {
            task.clone_from(context.waker());
            bell.task.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&task);
        }
        match bell.rung.load(Ordering::Acquire) && bell.rung.swap(false, Ordering::AcqRel) {
            true => future.as_mut().poll(&mut Context::from_waker(&waker)),
            false => Poll::Pending,
        }
    })
    .await
}

/// Wakes the task, and tells that it was this that did.
struct Bell {
    rung: AtomicBool,
    task: Mutex<Waker>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.task.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn only_its_own_waker_has_it_asked_again() {
        let asked = Cell::new(0);
        let waker = Cell::new(None);
        let mut future = pin!(seldom(poll_fn(|context| {
            asked.set(asked.get() + 1);
            waker.set(Some(context.waker().clone()));
            if asked.get() < 3 { Poll::Pending } else { Poll::Ready("done") }
        })));
        let mut poll = || future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        for _ in 0..5 {
            assert_eq!(poll(), Poll::Pending);
        }
        assert_eq!(asked.get(), 1);
        waker.take().unwrap().wake();
        assert_eq!(poll(), Poll::Pending);
        waker.take().unwrap().wake();
        assert_eq!(poll(), Poll::Ready("done"));
        assert_eq!(asked.get(), 3);
    }
}
