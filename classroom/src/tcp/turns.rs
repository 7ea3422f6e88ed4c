//! Turns: two clients speak in turn. Whoever comes waits for another; then the second message of one
//! waits until the other has answered. Either may begin.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::oneshot;
use traffic::{Client, Kind, Mistake};

use super::{Ending, Lines, NO_HTTP, NO_TEXT, Out, is_http, text};

/// What the one that stays is told at the end.
const LEFT: &str = "[Se ha desconectado]";

/// The table at which clients meet. A cheap handle.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table(Arc<Mutex<Option<oneshot::Sender<Side>>>>);

/// One of two.
#[derive(Debug)]
struct Side {
    lines: Lines<OwnedReadHalf>,
    out: Out<OwnedWriteHalf>,
    /// As it is watched.
    here: Client,
    /// What it said before the other came.
    first: Option<Vec<u8>>,
    said: u64,
    /// Told when this one's connection is over, for whoever holds its place.
    over: Option<oneshot::Sender<()>>,
}

impl Table {
    /// Serves a client, as it is watched, until it, or the one that it meets, goes.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn serve(self, stream: TcpStream, here: Client) -> io::Result<()> {
        let (reader, writer) = stream.into_split();
        let (lines, out) = (Lines::new(reader), Out::new(writer));
        let mut side = Side { lines, out, here, first: None, said: 0, over: None };
        loop {
            match self.sit(side).await? {
                Seat::Met(mut mine, mut other) => return pair(&mut mine, &mut other).await,
                Seat::Over => return Ok(()),
                Seat::Alone(again) => side = again,
            }
        }
    }

    async fn sit(&self, mut side: Side) -> io::Result<Seat> {
        let (place, mut met) = oneshot::channel();
        let waiting = {
            let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match table.take() {
                Some(waiting) => Some(waiting),
                None => {
                    *table = Some(place);
                    None
                }
            }
        };
        if let Some(waiting) = waiting {
            let (over, is_over) = oneshot::channel();
            side.over = Some(over);
            return Ok(match waiting.send(side) {
                Ok(()) => {
                    let _ = is_over.await;
                    Seat::Over
                }
                // The one that waited has gone.
                Err(side) => Seat::Alone(side),
            });
        }
        loop {
            tokio::select! {
                other = &mut met => return Ok(match other {
                    Ok(other) => Seat::Met(side, other),
                    Err(_) => Seat::Alone(side),
                }),
                first = side.lines.next(), if side.first.is_none() => match first? {
                    Some(first) if is_http(&first) => {
                        side.here.mistake(Mistake::Browser);
                        side.out.end(NO_HTTP).await;
                        return Ok(Seat::Over);
                    }
                    Some(first) => side.first = Some(first),
                    None => return Ok(Seat::Over),
                }
            }
        }
    }
}

enum Seat {
    Met(Side, Side),
    Alone(Side),
    Over,
}

/// Lets two speak in turn until one goes.
async fn pair(a: &mut Side, b: &mut Side) -> io::Result<()> {
    loop {
        let (from, to, message) = tokio::select! {
            message = a.next(), if a.said <= b.said => (&mut *a, &mut *b, message),
            message = b.next(), if b.said <= a.said => (&mut *b, &mut *a, message),
        };
        let Ok(Some(message)) = message else {
            to.out.ending = to.ending(from);
            return to.out.write(LEFT).await;
        };
        let passing = from.here.passing(|| Kind::Turn, message.len());
        from.here.opens(&passing, message.len()).await;
        let Some(message) = text(&message) else {
            from.here.mistake(Mistake::NotText);
            from.out.ending = from.ending(to);
            from.out.write(NO_TEXT).await?;
            continue;
        };
        from.said += 1;
        to.out.ending = to.ending(from);
        passing.goes_to(1);
        to.here.reaches(&passing, message.len()).await;
        if to.out.write(&message).await.is_err() {
            from.out.ending = from.ending(to);
            return from.out.write(LEFT).await;
        }
        passing.taken();
    }
}

impl Side {
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.lines.next().await,
        }
    }

    /// How messages to this one end: as its own, or, while it has said nothing, as the other's.
    fn ending(&self, other: &Side) -> Ending {
        match self.said {
            0 => other.lines.ending(),
            _ => self.lines.ending(),
        }
    }
}
