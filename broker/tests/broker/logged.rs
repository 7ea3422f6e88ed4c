//! The broker's log, for facts that nothing else shows.

use std::fmt::{Debug, Write};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use tokio::time::timeout;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::running::SOON;

static STARTED: Once = Once::new();
static ERRORS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps the errors logged from now on by any test of this process.
pub fn keep() {
    STARTED.call_once(|| tracing::subscriber::set_global_default(Errors).unwrap());
}

/// Waits for an error that contains all of these words.
pub async fn error(words: &[&str]) {
    let is_there = || {
        let errors = ERRORS.lock().unwrap_or_else(PoisonError::into_inner);
        errors.iter().any(|error| words.iter().all(|word| error.contains(word)))
    };
    let waiting = async {
        while !is_there() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(SOON, waiting).await.is_ok(), "nothing is logged with {words:?}");
}

struct Errors;

impl Subscriber for Errors {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        ERRORS.lock().unwrap_or_else(PoisonError::into_inner).push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{value:?} ");
    }
}
