//! Rare events, awaited beside frequent ones.

use std::future::pending;

use futures_util::stream::{FuturesUnordered, StreamExt};

/// The same future, polled again only after its own wake-up, and not after those of its task's
/// other futures: with many futures, polling is most of the work.
pub(crate) async fn when_woken<F: Future>(future: F) -> F::Output {
    let mut one = FuturesUnordered::from_iter([future]);
    match one.next().await {
        Some(output) => output,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn only_its_own_waker_has_it_asked_again() {
        let asked = Cell::new(0);
        let waker = Cell::new(None);
        let mut future = pin!(when_woken(poll_fn(|context| {
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
