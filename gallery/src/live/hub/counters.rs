//! All counters since the start, whoever counts: they are read only here.

use std::collections::BTreeMap;

use wire::{CameraId, limits};

use super::Hub;
use crate::people::Counted;

/// All counts at one moment.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Counters {
    /// Messages from the broker that were refused.
    pub refused: u64,
    pub talk: Counted,
    /// Lines of the log that are missing on disk.
    pub log_not_kept: u64,
    /// Pictures that arrived and were dropped, by camera on the wall and by reason.
    pub dropped: BTreeMap<CameraId, BTreeMap<&'static str, u64>>,
}

impl Hub {
    /// Reads all counts.
    pub fn counters(&self) -> Counters {
        let cameras = self.cameras.borrow().clone();
        let dropped = |id: &CameraId| (id.clone(), self.frames.dropped(id));
        Counters {
            refused: self.state().refused,
            talk: self.people.counted(),
            log_not_kept: self.journal.not_kept(),
            dropped: cameras.iter().map(|camera| dropped(&camera.camera)).collect(),
        }
    }
}

impl Counters {
    /// Counts that somebody should know: sentences for `/healthz`.
    pub fn notes(&self) -> Vec<String> {
        let Counters { refused, talk: Counted { dropped, missed, not_kept }, log_not_kept, .. } =
            *self;
        let (_, most) = limits::RECEIVED;
        let kept = |what, lines: u64| {
            format!(
                "the {what}: {lines} lines since the start could not be written to the disk; the \
                 program's log says why"
            )
        };
        let all = [
            (
                refused,
                format!(
                    "{refused} messages from the broker were refused since the start; the log names \
                     their topics"
                ),
            ),
            (not_kept, kept("talk", not_kept)),
            (
                dropped,
                format!(
                    "the talk: {dropped} lines since the start were dropped, because one person \
                     sent more than {most} a second"
                ),
            ),
            (missed, format!("the talk: {missed} lines since the start came too fast to be shown")),
            (log_not_kept, kept("log", log_not_kept)),
        ];
        all.into_iter().filter(|(count, _)| *count > 0).map(|(_, note)| note).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_count_is_told_once_there_is_something_to_tell() {
        assert!(Counters::default().notes().is_empty());
        let talk = Counted { dropped: 2, missed: 3, not_kept: 1 };
        let counters = Counters { refused: 4, talk, log_not_kept: 5, ..Counters::default() };
        let notes = counters.notes();
        let begin = [
            "4 messages",
            "the talk: 1 lines",
            "the talk: 2 lines",
            "the talk: 3 lines",
            "the log: 5 lines",
        ];
        assert_eq!(notes.len(), begin.len());
        for (note, begin) in notes.iter().zip(begin) {
            assert!(note.starts_with(begin), "{note}");
        }
    }
}
