//! `vitrina watch`: a live table.

mod broker;
mod nodes;

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::config::Settings;
use crate::mqtt::{Connection, Message};

/// How often the table is drawn.
const DRAW: Duration = Duration::from_secs(1);

/// How long `--once` listens: long enough for a preview of each camera.
const LISTEN: Duration = Duration::from_secs(2);

/// Home the cursor and clear what is below it, as every terminal understands (ECMA-48).
const REDRAW: &str = "\x1b[H\x1b[J";

/// What messages add up to.
trait Table {
    /// The topics that it is made of.
    fn filters(&self) -> Vec<String>;
    /// Takes one message in.
    fn take(&mut self, message: &Message, now: Instant);
    /// The table as lines.
    fn draw(&self, now: Instant) -> String;
}

/// Shows nodes and cameras, or what the broker says of itself.
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
    let mut broker = Connection::new(settings.broker()?, "watch");
    // The first answer tells whether there is a broker at all.
    for message in broker.retained(&filters).await? {
        table.take(&message, Instant::now());
    }
    if once {
        let listening = async {
            loop {
                if let Some(message) = broker.next().await {
                    table.take(&message, Instant::now());
                }
            }
        };
        let _ = tokio::time::timeout(LISTEN, listening).await;
        write!(io::stdout(), "{}", table.draw(Instant::now()))?;
        return Ok(());
    }
    let redraw = if io::stdout().is_terminal() { REDRAW } else { "" };
    let mut draws = tokio::time::interval(DRAW);
    loop {
        tokio::select! {
            _ = draws.tick() => writeln!(io::stdout(), "{redraw}{}", table.draw(Instant::now()))?,
            message = broker.next() => match message {
                Some(message) => table.take(&message, Instant::now()),
                None => broker.subscribe(&filters).await?,
            },
        }
    }
}
