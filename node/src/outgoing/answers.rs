//! The node's answers on their way to the broker.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use wire::{Answer, Cause};

/// More than this wait only while the broker accepts nothing. Then the oldest is dropped, because
/// its asker has given up.
const WAITING: usize = 64;

/// Why the node cannot do what somebody asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// A sentence for people.
    pub why: String,
    /// Its kind, if programs must tell it from others.
    pub cause: Option<Cause>,
}

impl Refusal {
    /// The node's disk or spool accepts no more.
    pub fn storage(why: impl Into<String>) -> Self {
        Refusal { why: why.into(), cause: Some(Cause::Storage) }
    }
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Refusal { why, cause: None }
    }
}

impl From<&str> for Refusal {
    fn from(why: &str) -> Self {
        why.to_owned().into()
    }
}

/// Answers in the order of their arrival.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    waiting: Mutex<VecDeque<Answer>>,
    given: Notify,
}

impl Answers {
    /// Answers that the request with this id cannot be met, and why.
    pub fn refuse(&self, id: &str, refusal: impl Into<Refusal>) {
        let Refusal { why, cause } = refusal.into();
        self.give(Answer { id: id.to_owned(), result: None, error: Some(why), cause });
    }

    /// Adds an answer.
    pub fn give(&self, answer: Answer) {
        let mut waiting = self.lock();
        if waiting.len() >= WAITING {
            waiting.pop_front();
        }
        waiting.push_back(answer);
        drop(waiting);
        self.given.notify_one();
    }

    /// Waits for the oldest answer.
    pub async fn next(&self) -> Answer {
        loop {
            if let Some(answer) = self.lock().pop_front() {
                return answer;
            }
            self.given.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Answer>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn they_come_in_order_and_the_oldest_goes_when_too_many_wait() {
        let answers = Answers::default();
        for id in 0..WAITING + 1 {
            answers.refuse(&id.to_string(), "no");
        }
        for id in 1..WAITING + 1 {
            assert_eq!(answers.next().await.id, id.to_string());
        }
    }
}
