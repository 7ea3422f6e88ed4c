//! The last lines of the log, for questions from outside.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many lines it keeps.
const LINES: usize = 200;

/// The longest line, in characters; the rest is cut off.
const LINE: usize = 400;

/// The newest lines. The writer of the log writes each line here too, in one piece.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<VecDeque<String>>>);

impl Log {
    /// The last `count` lines, oldest first.
    pub(crate) fn last(&self, count: usize) -> Vec<String> {
        let lines = self.lines();
        lines.iter().skip(lines.len().saturating_sub(count)).cloned().collect()
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line).trim_end().chars().take(LINE).collect();
        let mut lines = self.lines();
        if lines.len() >= LINES {
            lines.pop_front();
        }
        lines.push_back(text);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_last_lines_are_kept_and_a_long_one_is_cut() {
        let mut log = Log::default();
        for n in 0..1000 {
            log.write_all(format!("line {n}\n").as_bytes()).unwrap();
        }
        log.write_all("é".repeat(10_000).as_bytes()).unwrap();
        assert_eq!(log.last(usize::MAX).len(), LINES);
        let last = log.last(2);
        assert_eq!(last[0], "line 999");
        assert_eq!(last[1].chars().count(), LINE);
        assert!(log.last(0).is_empty());
    }
}
