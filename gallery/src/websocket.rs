//! The page's WebSocket: one loop for each page.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tracing::debug;
use wire::frame::{self, CLOCK_UNKNOWN, HEADER, Header};
use wire::page::{FromPage, TILES, Tile, ToPage};

use crate::credits::Credits;
use crate::frames::{Frame, Inbox, Wanted, Watch};
use crate::journal::Reader;
use crate::meter::Meter;
use crate::now::{self, Now};
use crate::people::Visitor;
use crate::relay::frames::{Broken, GOING_AWAY, Heard, NORMAL, Opcode, TOO_LARGE};
use crate::relay::message::Kind;
use crate::socket::Socket;
use crate::stop::stopped;
use crate::wall::Wall;

/// A page's message is at most so long, in bytes.
pub(crate) const MESSAGE: usize = 64 * 1024;

/// A message of a page that shows its camera is at most so long, in bytes.
pub(crate) const OWN_FRAME: usize = frame::Own::HEADER + wire::limits::PICTURE;

/// No tile is sent more frames a second than this.
const FPS_MOST: f32 = 60.0;

const PING_EVERY: Duration = Duration::from_secs(4);

/// How often a page that measures is told what it gets.
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// A page that says nothing for this long, not even that it got a ping, is gone.
const SILENT_AFTER: Duration = Duration::from_secs(45);

/// The same where somebody joined, since others see them as here until then.
const VISITOR_SILENT_AFTER: Duration = Duration::from_secs(12);

/// A page that takes nothing for this long is stalled.
const SEND_WITHIN: Duration = Duration::from_secs(10);

/// How long the other side may take to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

const POLICY: u16 = 1008;
/// Registered with IANA.
const TRY_AGAIN: u16 = 1013;

/// The socket of a page.
pub(crate) type Stream = Socket<TokioIo<Upgraded>>;

/// Serves a page until it leaves, does what it must not, or `stop` is true.
pub(crate) async fn serve(
    mut socket: Stream,
    wall: Arc<Wall>,
    visitor: Visitor,
    mut stop: watch::Receiver<bool>,
) {
    let mut page = Page {
        visitor,
        inbox: Arc::default(),
        credits: Credits::default(),
        tiles: HashMap::new(),
        log: None,
        paused: false,
        meter: None,
        wall,
    };
    let end = tokio::select! {
        end = page.run(&mut socket) => end,
        // Also while a message waits for a page that takes nothing.
        () = stopped(&mut stop) => End::Close(GOING_AWAY, "the gallery stops".to_owned()),
    };
    if let End::Lost = end {
        page.visitor.is_lost();
    }
    // No more frames come, and nothing is wanted, while the socket is closed.
    drop(page);
    if let End::Close(code, reason) = end {
        debug!(code, reason, "closing a page");
        let close = async {
            // A reason has at most 123 bytes (RFC 6455, section 5.5).
            let reason: String = reason.chars().take(60).collect();
            let code = code.to_be_bytes();
            let payload = (&code[..]).chain(reason.as_bytes());
            if socket.send(Opcode::Close, payload).await.is_ok() {
                // Until the page closes too, or the close would be lost with what it still says.
                socket.until_gone().await;
            }
        };
        let _ = timeout(CLOSE_WITHIN, close).await;
    }
}

/// Why a page is not served any more.
enum End {
    /// It left.
    Gone,
    /// It is silent, or takes nothing.
    Lost,
    /// It is told why, with a code of RFC 6455, section 7.4.
    Close(u16, String),
}

impl From<Broken> for End {
    fn from(Broken(code, reason): Broken) -> Self {
        match code {
            TOO_LARGE => End::Close(TOO_LARGE, too_long()),
            _ => End::Close(code, reason.to_owned()),
        }
    }
}

fn too_long() -> String {
    format!("a message may have {MESSAGE} bytes, {OWN_FRAME} with a frame of its own camera")
}

struct Page {
    visitor: Visitor,
    inbox: Arc<Inbox>,
    credits: Credits,
    tiles: HashMap<u16, (Watch, Wanted)>,
    /// The log, while the page follows it.
    log: Option<Reader>,
    paused: bool,
    /// While the page wants to know.
    meter: Option<Meter>,
    wall: Arc<Wall>,
}

impl Page {
    async fn run(&mut self, socket: &mut Stream) -> End {
        match self.converse(socket).await {
            Ok(end) | Err(end) => end,
        }
    }

    async fn converse(&mut self, socket: &mut Stream) -> Result<End, End> {
        let mut cameras = self.wall.cameras();
        let mut notices = self.wall.notices();
        let mut photos = self.wall.store.events();
        cameras.mark_changed();
        notices.mark_changed();
        let mut ping = interval(PING_EVERY);
        let mut measure = interval(MEASURE_EVERY);
        measure.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let wake = self.send_frames(socket).await?;
            tokio::select! {
                // A page that takes no answers is not heard.
                said = socket.hear(), if !self.visitor.is_full() => {
                    heard = Instant::now();
                    match said? {
                        Some(Heard::Message(kind, bytes)) => self.hear(kind, &bytes)?,
                        Some(Heard::Ping(payload)) => send(socket, Opcode::Pong, payload).await?,
                        Some(Heard::Pong) => {}
                        Some(Heard::Close) => {
                            send(socket, Opcode::Close, &NORMAL.to_be_bytes()[..]).await?;
                            return Ok(End::Gone);
                        }
                        None => return Ok(End::Gone),
                    }
                }
                Ok(()) = cameras.changed() => {
                    let cameras = cameras.borrow_and_update().to_vec();
                    say(socket, &ToPage::Cameras { now: Now::read().wall_ms(), cameras }).await?;
                }
                Ok(()) = notices.changed() => {
                    let notices = notices.borrow_and_update().to_vec();
                    say(socket, &ToPage::Notice { notices }).await?;
                }
                event = photos.recv() => match event {
                    Ok(event) => say(socket, &ToPage::Photo(event)).await?,
                    // It comes back, and asks for the photos as they are then.
                    Err(RecvError::Lagged(missed)) => {
                        let reason = format!("{missed} photos changed too fast for this page");
                        return Err(End::Close(TRY_AGAIN, reason));
                    }
                    Err(RecvError::Closed) => return Ok(End::Gone),
                },
                told = self.visitor.told() => send(socket, Opcode::Text, told.as_bytes()).await?,
                told = next(&mut self.log) => send(socket, Opcode::Text, told.as_bytes()).await?,
                () = self.inbox.came() => {}
                () = sleep(wake.unwrap_or(PING_EVERY)) => {}
                _ = measure.tick(), if self.meter.is_some() => {
                    let now = now::mono();
                    let tiles = self.meter.as_mut().map(|meter| meter.take(now)).unwrap_or_default();
                    say(socket, &ToPage::Measured { tiles }).await?;
                }
                _ = ping.tick() => {
                    let joined = self.visitor.is_here();
                    if heard.elapsed() > if joined { VISITOR_SILENT_AFTER } else { SILENT_AFTER } {
                        return Ok(End::Lost);
                    }
                    send(socket, Opcode::Ping, &[][..]).await?;
                }
            }
        }
    }

    /// Sends what may be sent now. Returns how long to wait when more is held back by its rate.
    async fn send_frames(&mut self, socket: &mut Stream) -> Result<Option<Duration>, End> {
        loop {
            let now = now::mono();
            let waiting = |tile| self.inbox.waiting(tile);
            let Some(tile) = self.credits.next(now, waiting) else {
                let wake = self.credits.wake(now, waiting);
                return Ok(wake.map(|at| Duration::from_micros(at.saturating_sub(now))));
            };
            let Some(frame) = self.inbox.take(tile) else { continue };
            let serial = self.credits.sent(tile, frame.jpeg.len(), now);
            if let Some(meter) = &mut self.meter {
                meter.sent(serial, tile, &frame, now);
            }
            let header = header(&frame, serial, tile);
            send(socket, Opcode::Binary, (&header[..]).chain(frame.jpeg.clone())).await?;
        }
    }

    fn hear(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), End> {
        if bytes.len() > MESSAGE && !(kind == Kind::Binary && self.visitor.shows()) {
            return Err(End::Close(TOO_LARGE, too_long()));
        }
        let refuse = |reason: String| Err(End::Close(POLICY, reason));
        if kind == Kind::Binary {
            let Some(serial) = frame::parse_ack(bytes) else {
                return self.visitor.frame(bytes).or_else(refuse);
            };
            let now = now::mono();
            if !self.credits.answered(serial, now) {
                return refuse(format!("no frame {serial} waits for an answer"));
            }
            if let Some(meter) = &mut self.meter {
                meter.answered(serial, now);
            }
            Ok(())
        } else {
            match serde_json::from_slice(bytes) {
                Ok(FromPage::Watch { tiles }) => return self.watch(tiles),
                Ok(FromPage::Pause) => return self.pause(true),
                Ok(FromPage::Resume) => return self.pause(false),
                Ok(FromPage::Join { name, id, key }) => self.visitor.join(name, id, key.as_deref()),
                Ok(FromPage::Leave) => self.visitor.leave(),
                Ok(FromPage::Say { text }) => self.visitor.say(text),
                Ok(FromPage::Share { name, size }) => {
                    return self.visitor.share(name, size).or_else(refuse);
                }
                Ok(FromPage::Unshare) => self.visitor.unshare(),
                Ok(FromPage::Log { follow }) => {
                    self.log = follow.then(|| self.wall.journal.follow());
                }
                Ok(FromPage::Measure { on }) => {
                    self.meter = on.then(|| Meter::new(now::mono()));
                }
                Err(error) => return refuse(error.to_string()),
            }
            Ok(())
        }
    }

    fn watch(&mut self, tiles: Vec<Tile>) -> Result<(), End> {
        let refuse = |reason: String| Err(End::Close(POLICY, reason));
        if tiles.len() > TILES {
            return refuse(format!("{} tiles; the most is {TILES}", tiles.len()));
        }
        let mut old = std::mem::take(&mut self.tiles);
        for Tile { tile, camera, width, fps } in tiles {
            if !(0.0..=wire::limits::FPS).contains(&fps) {
                return refuse(format!("tile {tile} wants {fps} frames a second"));
            }
            let wanted = Wanted { fps: fps.min(FPS_MOST), width };
            // What is watched already goes on being wanted without a gap.
            let watch = match old.remove(&tile) {
                Some((watch, _)) if watch.camera == camera => watch,
                other => {
                    // First the old one's end, since it clears the tile's place in the inbox.
                    drop(other);
                    self.wall.frames.watch(camera, tile, &self.inbox)
                }
            };
            if self.tiles.insert(tile, (watch, wanted)).is_some() {
                return refuse(format!("tile {tile} is there twice"));
            }
        }
        drop(old);
        self.credits.watch(self.tiles.iter().map(|(tile, (_, wanted))| (*tile, wanted.fps)));
        self.ask();
        Ok(())
    }

    fn pause(&mut self, paused: bool) -> Result<(), End> {
        self.paused = paused;
        self.credits.pause(paused);
        self.ask();
        Ok(())
    }

    fn ask(&self) {
        for (watch, wanted) in self.tiles.values() {
            watch.ask(if self.paused { Wanted::NOTHING } else { *wanted });
        }
    }
}

/// The next lines of the log, if it is followed.
async fn next(log: &mut Option<Reader>) -> Arc<str> {
    match log {
        Some(log) => log.next().await,
        None => std::future::pending().await,
    }
}

fn header(frame: &Frame, serial: u32, tile: u16) -> [u8; HEADER] {
    let now = Now::read();
    let (captured, known) = frame.captured_ms(now);
    let flags = if known { 0 } else { CLOCK_UNKNOWN };
    let sent = now.wall as f64 / 1000.0;
    Header { serial, tile, flags, seq: frame.seq, captured, sent }.to_bytes()
}

async fn say(socket: &mut Stream, what: &ToPage) -> Result<(), End> {
    let text = serde_json::to_vec(what).expect("these types hold only what JSON can say");
    send(socket, Opcode::Text, &text[..]).await
}

async fn send(socket: &mut Stream, opcode: Opcode, payload: impl Buf) -> Result<(), End> {
    match timeout(SEND_WITHIN, socket.send(opcode, payload)).await {
        Ok(Ok(())) => Ok(()),
        // There is nobody to tell.
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Lost),
    }
}
