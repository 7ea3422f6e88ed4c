//! `vitrina watch`: a live table.

mod broker;
mod nodes;

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use rustix::termios::tcgetwinsize;

use crate::commands::mqtt::{ClientError, Connection, Message};
use crate::config::Settings;

/// How often the table is drawn.
const DRAW: Duration = Duration::from_secs(1);

/// How long `--once` listens: long enough for a preview of each camera.
const LISTEN: Duration = Duration::from_secs(2);

/// Moves the cursor home and clears what is below it, on every terminal (ECMA-48).
const REDRAW: &str = "\x1b[H\x1b[J";

/// A table made from messages.
trait Table {
    /// The topics to subscribe to.
    fn filters(&self) -> Vec<String>;
    /// Handles one message. Returns topics to subscribe to by exact name, because some brokers
    /// give no retained messages to wildcards.
    fn take(&mut self, message: &Message, now: Instant) -> Vec<String>;
    /// The table as lines.
    fn draw(&self, now: Instant) -> String;
}

/// Shows nodes and cameras, or the broker's own figures.
pub fn run(settings: &Settings, broker: bool, once: bool) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let root = &settings.file.root;
    if broker {
        runtime.block_on(show(settings, broker::Facts::default(), once))
    } else {
        runtime.block_on(show(settings, nodes::Board::new(root), once))
    }
}

async fn show(settings: &Settings, mut table: impl Table, once: bool) -> anyhow::Result<()> {
    let filters = table.filters();
    let mut broker = Connection::new(settings.broker()?, "watch")?;
    // The first answer shows whether there is a broker at all.
    for message in broker.retained(&filters).await? {
        take(&mut table, &message, &mut broker).await?;
    }
    if once {
        let listening = async {
            loop {
                if let Some(message) = broker.next().await {
                    take(&mut table, &message, &mut broker).await?;
                }
            }
        };
        let listened: Result<Result<(), ClientError>, _> =
            tokio::time::timeout(LISTEN, listening).await;
        listened.unwrap_or(Ok(()))?;
        write!(io::stdout(), "{}", table.draw(Instant::now()))?;
        return Ok(());
    }
    let mut draws = tokio::time::interval(DRAW);
    loop {
        tokio::select! {
            _ = draws.tick() => {
                let drawn = table.draw(Instant::now());
                match rows() {
                    Some(rows) => write!(io::stdout(), "{REDRAW}{}", first_rows(&drawn, rows))?,
                    None => writeln!(io::stdout(), "{drawn}")?,
                }
                io::stdout().flush()?;
            }
            message = broker.next() => match message {
                Some(message) => take(&mut table, &message, &mut broker).await?,
                None => broker.subscribe(&filters).await?,
            },
        }
    }
}

/// Handles a message, and subscribes to the topics that it reveals.
async fn take(
    table: &mut impl Table,
    message: &Message,
    broker: &mut Connection,
) -> Result<(), ClientError> {
    let topics = table.take(message, Instant::now());
    if topics.is_empty() { Ok(()) } else { broker.subscribe(&topics).await }
}

/// How many rows the terminal has, if the output is one.
fn rows() -> Option<usize> {
    let stdout = io::stdout();
    let size = stdout.is_terminal().then(|| tcgetwinsize(&stdout).ok())??;
    Some(usize::from(size.ws_row)).filter(|rows| *rows > 0)
}

/// The rows that fit on the screen, and a last line that says how many do not.
fn first_rows(table: &str, rows: usize) -> String {
    let lines: Vec<&str> = table.lines().collect();
    if lines.len() < rows {
        return table.to_owned();
    }
    let shown = rows.saturating_sub(2);
    let first = lines.get(..shown).unwrap_or(&lines).join("\n");
    let more = lines.len().saturating_sub(shown);
    format!("{first}\n… {more} more rows; all of them: vitrina watch --once")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_taller_than_the_screen_says_how_much_is_missing() {
        let table: String = (0..30).map(|n| format!("row {n}\n")).collect();
        assert_eq!(first_rows(&table, 40), table);
        let shown = first_rows(&table, 10);
        assert_eq!(shown.lines().count(), 9);
        assert!(
            shown.ends_with("row 7\n… 22 more rows; all of them: vitrina watch --once"),
            "{shown}"
        );
        assert!(first_rows(&table, 1).contains("30 more"));
    }
}
