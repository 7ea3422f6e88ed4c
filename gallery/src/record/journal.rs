//! The log: events in the house, one line each, stored with a bound.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quota::{Bucket, Rate};
use supervision::Health;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, broadcast};
use tokio::time::{sleep, timeout};
use wire::log::{Entry, Event, Observer};
use wire::page::ToPage;
use wire::{Topic, limits};

use crate::now::{Micros, Now};
use crate::record::database::Database;

/// The most lines, in memory and on disk.
const KEPT: usize = 5000;

/// How many lines are taken: enough for a crowd that comes or leaves at once, but no flood.
const TAKEN: Rate = Rate { burst: 1000.0, per_second: 100.0 };

/// Lines are gathered for this long before pages are told, so that many make one message.
const GATHER: Duration = Duration::from_millis(80);

/// How many bundles wait for a page. One that misses some gets the last lines again.
const BUNDLES: usize = 64;

/// How long after a connection to the broker those who were not announced again have left.
const SETTLES: Micros = 10_000_000;

#[derive(Debug)]
pub(crate) struct Journal {
    state: Mutex<State>,
    kept: Database,
    changed: Notify,
    bundles: broadcast::Sender<Arc<str>>,
}

#[derive(Debug)]
struct State {
    observer: Observer,
    settles: Option<Micros>,
    /// Oldest first.
    entries: VecDeque<Entry>,
    next: u64,
    /// How many of the last lines have not been told.
    fresh: usize,
    taken: Bucket,
    missed: u64,
}

impl Journal {
    /// Continues the log that an earlier life of this gallery stored in `file`.
    pub fn new(file: &Path) -> Self {
        let (kept, entries) = Database::open::<Entry>(file, "log", KEPT, KEPT);
        let next = entries.iter().map(|entry| entry.id + 1).max().unwrap_or(1);
        let state = State {
            observer: Observer::default(),
            settles: None,
            entries: entries.into(),
            next,
            fresh: 0,
            taken: Bucket::new(TAKEN),
            missed: 0,
        };
        let bundles = broadcast::Sender::new(BUNDLES);
        Journal { state: Mutex::new(state), kept, changed: Notify::new(), bundles }
    }

    /// The health of the thread that stores the log.
    pub fn health(&self) -> &Health {
        &self.kept.health
    }

    /// How many lines of the log are missing on disk.
    pub fn not_kept(&self) -> u64 {
        self.kept.lost()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The broker was reached; retained messages come next.
    pub fn connected(&self) {
        let mut state = self.state();
        state.observer.connected();
        state.settles = Some(Now::read().mono + SETTLES);
    }

    /// Takes a message from the broker.
    pub fn receive(&self, topic: &Topic, payload: &[u8], retained: bool) {
        if topic.is_picture() {
            return;
        }
        let mut state = self.state();
        let events = state.observer.observe(topic, payload, retained);
        self.add(&mut state, events, Now::read());
    }

    /// Takes what happened here, and not at the broker.
    pub fn note(&self, event: Event) {
        self.add(&mut self.state(), vec![event], Now::read());
    }

    fn add(&self, state: &mut State, events: Vec<Event>, now: Now) {
        for event in events {
            if state.taken.take(now.since_boot()).is_err() {
                state.missed += 1;
                continue;
            }
            let entry = Entry { id: state.next, at: now.wall_ms(), event };
            self.kept.keep(&entry);
            if state.entries.len() >= KEPT {
                state.entries.pop_front();
            }
            state.entries.push_back(entry);
            state.next += 1;
            state.fresh += 1;
            self.changed.notify_one();
        }
    }

    /// Up to `limit` of the lines that are `seen`, older than the line `before`, newest first.
    pub fn list(
        &self,
        before: Option<u64>,
        limit: usize,
        seen: impl Fn(&Entry) -> bool,
    ) -> Vec<Entry> {
        let state = self.state();
        let older = state.entries.iter().rev().filter(|it| before.is_none_or(|id| it.id < id));
        older.filter(|entry| seen(entry)).take(limit).cloned().collect()
    }

    /// The last lines, then all from now on.
    pub fn follow(self: &Arc<Self>) -> Reader {
        let state = self.state();
        let later = self.bundles.subscribe();
        Reader { journal: Arc::clone(self), first: Some(state.last(limits::LOG)), later }
    }

    /// Tells followers the news. Never ends.
    pub async fn run(&self) {
        loop {
            let _ = timeout(Duration::from_secs(1), self.changed.notified()).await;
            sleep(GATHER).await;
            self.flush(Now::read());
        }
    }

    fn flush(&self, now: Now) {
        let mut state = self.state();
        if state.settles.is_some_and(|at| now.mono >= at) {
            state.settles = None;
            let gone = state.observer.retained_arrived();
            self.add(&mut state, gone, now);
        }
        if state.missed > 0 {
            let count = std::mem::take(&mut state.missed);
            self.add(&mut state, vec![Event::Missed { count }], now);
            // Without room for even that line, the count of missed lines goes on.
            state.missed = if state.missed > 0 { count } else { 0 };
        }
        let fresh = std::mem::take(&mut state.fresh);
        if fresh > 0 {
            // Under the lock, so that a follower that begins now misses none.
            let _ = self.bundles.send(state.last(fresh));
        }
    }
}

impl State {
    /// The last lines as a message for a page.
    fn last(&self, count: usize) -> Arc<str> {
        let skipped = self.entries.len().saturating_sub(count);
        let entries = self.entries.iter().skip(skipped).cloned().collect();
        let json = serde_json::to_string(&ToPage::Log { entries });
        json.expect("these types hold only what JSON can say").into()
    }
}

/// A follower of the log.
#[derive(Debug)]
pub(crate) struct Reader {
    journal: Arc<Journal>,
    first: Option<Arc<str>>,
    later: broadcast::Receiver<Arc<str>>,
}

impl Reader {
    /// The next message for the page.
    pub async fn next(&mut self) -> Arc<str> {
        if let Some(first) = self.first.take() {
            return first;
        }
        match self.later.recv().await {
            Ok(bundle) => bundle,
            Err(RecvError::Lagged(_)) => {
                let Reader { first, later, .. } = self.journal.follow();
                self.later = later;
                first.unwrap_or_default()
            }
            // The channel outlives the pages.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Root;

    fn receive(journal: &Journal, topic: &str, payload: &str) {
        let topic = Topic::parse(&Root::default(), topic).unwrap();
        journal.receive(&topic, payload.as_bytes(), false);
    }

    fn ids(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|entry| entry.id).collect()
    }

    #[tokio::test]
    async fn who_follows_gets_the_last_lines_and_each_new_one_once() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Arc::new(Journal::new(&folder.path().join("log.db")));
        journal.connected();
        receive(&journal, "vitrina/pi/status", "online");
        journal.flush(Now::read());
        let mut reader = journal.follow();
        assert!(reader.next().await.contains(r#""id":1,"#));
        receive(&journal, "vitrina/pi/status", "offline");
        receive(&journal, "vitrina/pi/cam/snap", "");
        journal.flush(Now::read());
        let told: ToPage = serde_json::from_str(&reader.next().await).unwrap();
        let ToPage::Log { entries } = told else { panic!("{told:?}") };
        assert_eq!(ids(&entries), [2, 3]);
        assert_eq!(ids(&journal.list(None, 2, |_| true)), [3, 2]);
        assert_eq!(ids(&journal.list(Some(3), 9, |_| true)), [2, 1]);
        assert!(journal.list(Some(1), 9, |_| true).is_empty());
    }

    #[test]
    fn it_goes_on_with_its_numbers_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log.db");
        let journal = Journal::new(&file);
        receive(&journal, "vitrina/pi/status", "online");
        drop(journal);
        let journal = Journal::new(&file);
        receive(&journal, "vitrina/attic/status", "online");
        assert_eq!(ids(&journal.list(None, 9, |_| true)), [2, 1]);
    }

    #[test]
    fn a_flood_is_counted_and_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(&folder.path().join("log.db"));
        for _ in 0..20_000 {
            receive(&journal, "vitrina/pi/cam/snap", "");
        }
        assert!(journal.list(None, KEPT, |_| true).len() < 3000);
        let mut later = Now::read();
        later.mono += 1_000_000;
        journal.flush(later);
        let last = journal.list(None, 1, |_| true);
        assert!(matches!(last[0].event, Event::Missed { count } if count > 17_000), "{last:?}");
    }
}
