//! The conversation of one page with the gallery: one loop for each page.

mod credits;
mod live;
mod meter;
pub(crate) mod rights;
pub(crate) mod sight;
mod woken;

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use access::{Changes, Logins, Right};
use bytes::{Buf, Bytes};
use supervision::stopped;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};
use tracing::debug;
use traffic::{Client, Traffic, Way};
use websocket::close::{GOING_AWAY, NORMAL, POLICY, TOO_LARGE, TRY_LATER};
use websocket::{Broken, Incoming, Kind, Opcode};
use wire::page::{ALIVE_MS, Camera, FromPage, Me, Notice, Tile, ToPage};
use wire::{CameraId, PhotoEvent, frame};

use crate::caller::Caller;
use crate::live::hub::Hub;
use crate::live::socket::{self, Socket};
use crate::now::{self, Micros, Now, micros};
use crate::people::Visitor;
use crate::record::journal::Reader;
use crate::record::roll::Roll;
use live::{Live, Next};
pub(crate) use woken::when_woken;

/// The longest message of a page, in bytes.
pub(crate) const MESSAGE: usize = 64 * 1024;

/// The longest message of a page that shows its camera, in bytes.
pub(crate) const OWN_FRAME: usize = frame::Own::HEADER + wire::limits::PICTURE;

const PING_EVERY: Duration = Duration::from_secs(4);

/// The longest silence toward a page: it cannot see pings, and takes a silent connection for dead.
const ALIVE: Duration = Duration::from_millis(ALIVE_MS);

/// How often a measuring page is told what it gets.
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// A page that sends nothing for this long, not even a pong, is gone.
const SILENT_AFTER: Duration = Duration::from_secs(45);

/// The same for a page where somebody joined, because others see that person until then.
const VISITOR_SILENT_AFTER: Duration = Duration::from_secs(12);

/// A page that takes nothing for this long is stalled.
const SEND_WITHIN: Duration = Duration::from_secs(10);

/// How long the other side may take to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// The socket of a page.
pub(crate) type Stream = Socket<socket::Stream>;

/// The code of a close that says that the caller is nobody any more, or may no longer look (RFC
/// 6455, section 7.4.2, leaves it to us).
pub(crate) const LOGIN_OVER: u16 = 4401;

/// Serves a caller's page until it leaves, breaks a rule, was logged out, or `stop` is true. `build`
/// is that of the page which the gallery serves now.
pub(crate) async fn serve(
    mut socket: Stream,
    hub: Arc<Hub>,
    logins: Arc<Logins>,
    caller: Caller,
    visitor: Visitor,
    build: &str,
    (traffic, mut stop): (Traffic, watch::Receiver<bool>),
) {
    let here = traffic.enter(Way::Page, caller.peer);
    let (mut live, now) = (Live::new(hub.frames.clone()), now::mono());
    live.traffic = traffic;
    let over = caller.clone().over(logins.clone(), Some(Right::Look));
    let me = caller.me(&logins);
    let mut page = Page {
        caller,
        me,
        logins,
        visitor,
        live,
        tiles: Vec::new(),
        cameras: None,
        log: None,
        here,
        received: now,
        sent: now,
        hub,
    };
    let end = tokio::select! {
        Err(end) = page.run(&mut socket, build) => end,
        // Also while a message waits for a page that takes nothing.
        () = when_woken(stopped(&mut stop)) => End::Close(GOING_AWAY, "the gallery stops".to_owned()),
        () = when_woken(over) => login_over(),
    };
    if let End::Lost = end {
        page.visitor.is_lost();
    }
    // While the socket closes, no frames come and nothing is wanted.
    drop(page);
    if let End::Close(code, reason) = end {
        debug!(code, reason, "closing a page");
        let close = async {
            // A reason has at most 123 bytes (RFC 6455, section 5.5).
            let reason: String = reason.chars().take(60).collect();
            let code = code.to_be_bytes();
            let payload = (&code[..]).chain(reason.as_bytes());
            if socket.send(Opcode::Close, payload).await.is_ok() {
                // Until the page closes too; otherwise its last messages could destroy the close.
                socket.until_gone().await;
            }
        };
        let _ = timeout(CLOSE_WITHIN, close).await;
    }
}

/// Why a page is no longer served.
enum End {
    /// The page left.
    Gone,
    /// The page is silent, or takes nothing.
    Lost,
    /// The page is told why, with a code of RFC 6455, section 7.4.
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

fn login_over() -> End {
    End::Close(LOGIN_OVER, "you may not look here, or not now".to_owned())
}

fn against_policy(reason: String) -> End {
    End::Close(POLICY, reason)
}

struct Page {
    caller: Caller,
    /// What the page was told of its user.
    me: Me,
    logins: Arc<Logins>,
    visitor: Visitor,
    live: Live,
    /// What the page wants to watch, also what it may not.
    tiles: Vec<Tile>,
    /// The cameras that a page was told which does not see all.
    cameras: Option<Vec<Camera>>,
    /// The log, while the page follows it.
    log: Option<Reader>,
    /// As it is watched.
    here: Client,
    /// When the page last sent something.
    received: Micros,
    /// When the page was last sent something that it sees.
    sent: Micros,
    hub: Arc<Hub>,
}

/// Everything except frames and their answers.
enum Event {
    Said(Kind, Bytes),
    News(News),
}

impl Page {
    async fn run(&mut self, socket: &mut Stream, build: &str) -> Result<Infallible, End> {
        self.say(socket, &ToPage::Hello { page: build.to_owned() }).await?;
        self.say(socket, &ToPage::Me(self.me.clone())).await?;
        let mut sources = Sources::new(&self.hub, &self.logins);
        loop {
            // We do not read from a page that takes no answers.
            let may_read = !self.visitor.is_full();
            let Page { visitor, live, log, received, sent, .. } = self;
            let news = sources.next(visitor, log, live.is_measured());
            let event = play(live, socket, news, may_read, received, sent).await?;
            match event {
                Event::Said(kind, bytes) => self.receive(kind, &bytes)?,
                Event::News(News::Logins) => {
                    if self.look_again(&mut sources)? {
                        self.say(socket, &ToPage::Me(self.me.clone())).await?;
                    }
                }
                Event::News(News::Message(message)) => {
                    if let Some(message) = self.seen(message) {
                        self.say(socket, &message).await?;
                    }
                }
                Event::News(News::Text(text)) => {
                    let Some(text) = sight::text(&self.hub, &self.caller, text) else {
                        continue;
                    };
                    send(socket, Opcode::Text, text.as_bytes()).await?;
                    self.sent = now::mono();
                }
                Event::News(News::Measure) => {
                    let tiles = self.live.measured();
                    self.say(socket, &ToPage::Measured { tiles }).await?;
                }
                Event::News(News::Alive) => {
                    let now = Now::read();
                    let quiet = Duration::from_micros(now.mono.saturating_sub(self.sent));
                    if quiet < ALIVE {
                        sources.alive.reset_after(ALIVE - quiet);
                    } else {
                        self.say(socket, &ToPage::Alive { now: now.wall_ms() }).await?;
                        sources.alive.reset();
                    }
                }
                Event::News(News::Ping) => {
                    let joined = self.visitor.is_here();
                    let most = if joined { VISITOR_SILENT_AFTER } else { SILENT_AFTER };
                    if now::mono().saturating_sub(self.received) > micros(most) {
                        return Err(End::Lost);
                    }
                    send(socket, Opcode::Ping, &[][..]).await?;
                }
                Event::News(News::End(end)) => return Err(end),
            }
        }
    }

    /// A message to all, as this page is told it.
    fn seen(&mut self, message: ToPage) -> Option<ToPage> {
        let seen = sight::message(&self.hub, &self.caller, message)?;
        match &seen {
            // Who does not see a camera does not see either that it changes.
            ToPage::Cameras { cameras, .. } if !self.caller.cameras.are_all() => {
                let before = self.cameras.replace(cameras.clone());
                (before.as_ref() != Some(cameras)).then_some(seen)
            }
            _ => Some(seen),
        }
    }

    /// Watches what the page wants and may.
    fn watch(&mut self) -> Result<(), End> {
        let caller = &self.caller;
        let may = |camera: &CameraId| caller.may(Right::Look, Some(camera));
        self.live.watch(self.tiles.clone(), may).map_err(against_policy)
    }

    /// The logins have changed, and with them perhaps what this page may do and see. Says whether
    /// the page must be told.
    fn look_again(&mut self, sources: &mut Sources) -> Result<bool, End> {
        let now = self.caller.renewed(&self.logins).ok_or_else(login_over)?;
        let before = std::mem::replace(&mut self.caller, now);
        if before.cameras != self.caller.cameras {
            self.watch()?;
            self.cameras = None;
            sources.cameras.mark_changed();
            sources.notices.mark_changed();
        }
        if !self.caller.may(Right::Show, None) {
            self.visitor.unshare();
        }
        if !self.caller.may(Right::Talk, None) {
            self.visitor.leave();
        } else if !before.may(Right::Talk, None) {
            self.visitor.listen_anew();
        }
        if !self.caller.may(Right::Log, None) {
            self.log = None;
        }
        let me = self.caller.me(&self.logins);
        Ok(std::mem::replace(&mut self.me, me.clone()) != me)
    }

    async fn say(&mut self, socket: &mut Stream, what: &ToPage) -> Result<(), End> {
        let text = serde_json::to_vec(what).expect("these types hold only what JSON can say");
        send(socket, Opcode::Text, &text[..]).await?;
        self.sent = now::mono();
        Ok(())
    }

    /// Refuses a message without the right to it: with a reply that it is not passed on, or by
    /// closing.
    fn refuse(&mut self, message: FromPage, why: &str) -> Result<(), End> {
        let (text, id) = match message {
            FromPage::Say { text, id } => (text, id),
            FromPage::Join { name, .. } | FromPage::Share { name, .. } => (name, None),
            _ => return Err(against_policy(why.to_owned())),
        };
        self.visitor.refuse(text, id, why);
        Ok(())
    }

    fn receive(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), End> {
        if bytes.len() > MESSAGE && !(kind == Kind::Binary && self.visitor.shows()) {
            return Err(End::Close(TOO_LARGE, too_long()));
        }
        if kind == Kind::Binary {
            return self.visitor.frame(bytes).map_err(against_policy);
        }
        let message: FromPage =
            serde_json::from_slice(bytes).map_err(|error| against_policy(error.to_string()))?;
        let needed = rights::needs(&message);
        if let Some(problem) = needed.and_then(|right| self.caller.needs(right).err()) {
            return self.refuse(message, problem.error());
        }
        match message {
            FromPage::Watch { tiles } => {
                self.tiles = tiles;
                self.watch()?;
            }
            FromPage::Pause => self.live.pause(true),
            FromPage::Resume => self.live.pause(false),
            FromPage::Join { name, id, key } => {
                self.here.is_called(&name);
                self.visitor.join(name, id, key.as_deref());
            }
            FromPage::Leave => self.visitor.leave(),
            FromPage::Say { text, id } => self.visitor.say(text, id),
            FromPage::Share { name, size } => {
                self.visitor.share(name, size).map_err(against_policy)?;
            }
            FromPage::Unshare => self.visitor.unshare(),
            FromPage::Log { follow } => {
                self.log = follow.then(|| self.hub.journal.follow());
            }
            FromPage::Measure { on } => self.live.measure(on),
        }
        Ok(())
    }
}

/// Sends frames and takes their answers until the page or its sources say something else.
async fn play(
    live: &mut Live,
    socket: &mut Stream,
    news: impl Future<Output = News>,
    may_read: bool,
    received: &mut Micros,
    sent: &mut Micros,
) -> Result<Event, End> {
    let inbox = live.inbox.clone();
    let mut news = pin!(when_woken(news));
    loop {
        let wake = loop {
            match live.next() {
                Next::Send(header, tile, frame) => {
                    within(socket.send_picture(&header, &frame.jpeg)).await?;
                    *sent = now::mono();
                    live.sent(tile, &frame, *sent);
                }
                Next::Wait(wake) => break wake,
            }
        };
        tokio::select! {
            // Rare events first, or a page that never stops sending would not get them.
            biased;
            news = &mut news => return Ok(Event::News(news)),
            () = inbox.came() => {}
            said = socket.receive(), if may_read => {
                *received = now::mono();
                match said? {
                    Some(Incoming::Message(kind, bytes)) => {
                        let answered = match kind {
                            Kind::Binary => frame::parse_acks(&bytes),
                            Kind::Text => None,
                        };
                        match answered {
                            Some(serials) => live.answered(serials).map_err(against_policy)?,
                            None => return Ok(Event::Said(kind, bytes)),
                        }
                    }
                    Some(Incoming::Ping(payload)) => send(socket, Opcode::Pong, payload).await?,
                    Some(Incoming::Pong) => {}
                    Some(Incoming::Close) => {
                        send(socket, Opcode::Close, &NORMAL.to_be_bytes()[..]).await?;
                        return Err(End::Gone);
                    }
                    None => return Err(End::Gone),
                }
            }
            () = until(wake) => {}
        }
    }
}

async fn until(time: Option<Micros>) {
    match time {
        Some(time) => sleep(Duration::from_micros(time.saturating_sub(now::mono()))).await,
        None => pending().await,
    }
}

/// The sources of news.
struct Sources {
    cameras: watch::Receiver<Arc<[Camera]>>,
    notices: watch::Receiver<Arc<[Notice]>>,
    photos: broadcast::Receiver<PhotoEvent>,
    roll: Arc<Roll>,
    logins: Changes,
    ping: Interval,
    alive: Interval,
    measure: Interval,
}

/// What a page is told besides its frames.
enum News {
    Message(ToPage),
    /// The same, already encoded.
    Text(Arc<str>),
    /// The page's user may have another standing.
    Logins,
    /// It is time to say what the page gets.
    Measure,
    /// It is time to check whether the page is there.
    Ping,
    /// The page may need a sign of life.
    Alive,
    End(End),
}

impl Sources {
    fn new(hub: &Hub, logins: &Logins) -> Self {
        let (mut cameras, mut notices) = (hub.cameras(), hub.notices());
        cameras.mark_changed();
        notices.mark_changed();
        let mut measure = interval(MEASURE_EVERY);
        measure.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (photos, roll) = (hub.store.events(), hub.store.roll().clone());
        let (ping, alive) = (interval(PING_EVERY), interval(ALIVE));
        let logins = logins.changes();
        Sources { cameras, notices, photos, roll, logins, ping, alive, measure }
    }

    /// The next news. Safe to cancel.
    async fn next(
        &mut self,
        visitor: &mut Visitor,
        log: &mut Option<Reader>,
        is_measured: bool,
    ) -> News {
        tokio::select! {
            Ok(()) = self.cameras.changed() => {
                let cameras = self.cameras.borrow_and_update().to_vec();
                News::Message(ToPage::Cameras { now: Now::read().wall_ms(), cameras })
            }
            Ok(()) = self.notices.changed() => {
                let notices = self.notices.borrow_and_update().to_vec();
                News::Message(ToPage::Notice { notices })
            }
            event = self.photos.recv() => match event {
                Ok(event) => News::Message(ToPage::Photo(self.roll.called_in(event))),
                // The page reconnects, and asks for the photos again.
                Err(RecvError::Lagged(missed)) => {
                    let reason = format!("{missed} photos changed too fast for this page");
                    News::End(End::Close(TRY_LATER, reason))
                }
                Err(RecvError::Closed) => News::End(End::Gone),
            },
            told = visitor.next_message() => News::Text(told),
            told = next_lines(log) => News::Text(told),
            () = self.logins.next() => News::Logins,
            _ = self.measure.tick(), if is_measured => News::Measure,
            _ = self.ping.tick() => News::Ping,
            _ = self.alive.tick() => News::Alive,
        }
    }
}

/// The next lines of the log, if the page follows it.
async fn next_lines(log: &mut Option<Reader>) -> Arc<str> {
    match log {
        Some(log) => log.next().await,
        None => pending().await,
    }
}

async fn send(socket: &mut Stream, opcode: Opcode, payload: impl Buf) -> Result<(), End> {
    within(socket.send(opcode, payload)).await
}

async fn within(sending: impl Future<Output = io::Result<()>>) -> Result<(), End> {
    tokio::select! {
        biased;
        // Nobody is left to tell.
        sent = sending => sent.map_err(|_| End::Gone),
        // The timer starts only if the page does not take it at once, as most do.
        () = async { sleep(SEND_WITHIN).await } => Err(End::Lost),
    }
}

#[cfg(test)]
mod tests;
