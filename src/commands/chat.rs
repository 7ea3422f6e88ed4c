//! `vitrina chat`: the talk of the page in a terminal.

mod room;
mod terminal;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::bail;
use quota::{Bucket, Rate};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use wire::people::{Person, Say, text};
use wire::{PersonId, PhotoId, Root, Topic, limits};

use crate::commands::lines;
use crate::commands::mqtt::{Connection, Live, Message, News, QoS};
use crate::config::Settings;
use crate::signals::Signals;
use room::Room;
use terminal::Printer;

/// How long after the subscription it lists who is here.
const RETAINED: Duration = Duration::from_millis(500);
/// How long the broker may take to echo our own presence.
const SHOWN: Duration = Duration::from_secs(10);
/// A message that is not echoed within `ECHO` is sent again; after `NEVER` the chat gives it up.
const ECHO: Duration = Duration::from_secs(5);
const NEVER: Duration = Duration::from_secs(30);
/// How long the last messages may take.
const GOOD_BYE: Duration = Duration::from_secs(2);
/// How long after a loss it connects again.
const AGAIN: Duration = Duration::from_secs(1);
const PROMPT: &str = "> ";
/// A line of the input is cut after this many bytes, and then refused as too long.
const LINE: u64 = 16 * limits::SAY as u64;

pub fn run(settings: &Settings, name: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        let (mut lines, printer) = match is_terminal {
            true => terminal::open(PROMPT).map(|(lines, printer)| (lines, Some(printer)))?,
            false => (lines::read(LINE)?, None),
        };
        let mut chat = Chat::new(settings, name, printer)?;
        loop {
            let Err(lost) = chat.connected(settings, &mut lines, &mut signals).await else {
                return Ok(());
            };
            // A connection that never worked is not tried again. Errors of the connection have a
            // context; a bare one comes from the output.
            if !chat.is_shown || lost.is::<io::Error>() && lost.chain().count() == 1 {
                return Err(lost);
            }
            let waits = match chat.saying {
                Some(_) => "; your last line goes out when it is back",
                None => "",
            };
            chat.show(&format!("the connection is lost: {lost:#}; trying again{waits}"))?;
            tokio::select! {
                () = sleep(AGAIN) => {}
                _ = signals.next() => return Ok(()),
            }
        }
    })
}

struct Chat {
    root: Root,
    me: PersonId,
    person: Person,
    room: Room,
    /// Sent, but not come back yet. Nothing more is read until it has.
    saying: Option<Say>,
    /// Reads no faster than readers accept messages; by the time since `began`.
    pace: Bucket,
    began: Instant,
    /// The input has ended.
    is_done: bool,
    /// The broker echoed our presence, so others see us too.
    is_shown: bool,
    is_typed: bool,
    /// For a terminal that both reads lines and shows the talk.
    printer: Option<Printer>,
}

impl Chat {
    fn new(settings: &Settings, name: &str, printer: Option<Printer>) -> anyhow::Result<Chat> {
        Ok(Chat {
            root: settings.file.root.clone(),
            me: format!("chat-{:08x}", fastrand::u32(..)).parse()?,
            person: Person { name: name.to_owned(), since: clock::unix_ms(), gallery: None },
            room: Room::default(),
            saying: None,
            pace: Bucket::new(Rate { burst: limits::SAID.0, per_second: limits::SAID.1 }),
            began: Instant::now(),
            is_done: false,
            is_shown: false,
            is_typed: io::stdin().is_terminal(),
            printer,
        })
    }

    /// Talks until the input ends or a signal comes, and then leaves.
    ///
    /// # Errors
    /// The connection is lost, or never worked.
    async fn connected(
        &mut self,
        settings: &Settings,
        lines: &mut mpsc::Receiver<String>,
        signals: &mut Signals,
    ) -> anyhow::Result<()> {
        let topic = self.topic(&Topic::Person(self.me.clone()));
        let remote = settings.broker()?;
        let mut live = Connection::with_will(remote, self.me.as_str(), &topic)?.follow();
        // Published with QoS 1 and not yet acknowledged.
        let mut waiting = 0;
        let (mut is_up, mut has_retained, mut is_shown) = (false, false, false);
        let mut since = Instant::now();
        // When `saying` was first and last sent on this connection.
        let (mut first, mut last) = (since, since);
        loop {
            let is_heard = is_up && waiting == 0 && self.saying.is_none();
            if is_heard && self.is_done && is_shown {
                return self.leave(live).await;
            }
            let turn = Instant::now() + self.pace.wait(self.began.elapsed());
            tokio::select! {
                news = live.next() => match news? {
                    News::Up => {
                        is_up = true;
                        since = Instant::now();
                        self.room.connected();
                        for filter in Room::filters(&self.root) {
                            live.client.subscribe(filter, QoS::AtLeastOnce).await?;
                        }
                        waiting = 1 + usize::from(self.saying.is_some());
                        self.join(&live).await?;
                        self.say(&live).await?;
                        (first, last) = (since, since);
                    }
                    News::Acknowledged => waiting = waiting.saturating_sub(1),
                    News::Message(message) => match Topic::parse(&self.root, &message.topic) {
                        // Our will, published after our return.
                        Ok(Topic::Person(id)) if id == self.me && message.payload.is_empty() => {
                            waiting += 1;
                            self.join(&live).await?;
                        }
                        // The broker may give a new gallery no retained messages.
                        Ok(Topic::GalleryStatus(id))
                            if !message.retained && message.payload == b"online" =>
                        {
                            waiting += 1;
                            self.join(&live).await?;
                            self.receive(&Topic::GalleryStatus(id), &message)?;
                        }
                        Ok(topic) => {
                            is_shown |= topic == Topic::Person(self.me.clone());
                            self.is_shown |= is_shown;
                            self.receive(&topic, &message)?;
                        }
                        Err(_) => {}
                    },
                },
                line = next(lines, turn), if is_heard && !self.is_done => match line {
                    None => self.is_done = true,
                    Some(line) => {
                        self.saying = self.read(&line)?;
                        if self.saying.is_some() {
                            // It waited for its turn.
                            let _ = self.pace.take(self.began.elapsed());
                        }
                        waiting += usize::from(self.saying.is_some());
                        self.say(&live).await?;
                        first = Instant::now();
                        last = first;
                    }
                },
                () = sleep_until(last + ECHO), if is_up && self.saying.is_some() => {
                    last = Instant::now();
                    if last >= first + NEVER {
                        bail!("the broker accepts your messages but delivers them to nobody");
                    }
                    waiting += 1;
                    self.say(&live).await?;
                }
                () = sleep_until(since + RETAINED), if is_up && !has_retained => {
                    has_retained = true;
                    for line in self.room.retained_arrived() {
                        self.show(&line)?;
                    }
                }
                () = sleep_until(since + SHOWN), if !is_shown => {
                    if is_up {
                        bail!(
                            "the broker does not pass your messages on; talking needs the role \
                             operator"
                        );
                    }
                    bail!("the broker does not answer");
                }
                _ = signals.next() => {
                    return if is_up { self.leave(live).await } else { Ok(()) };
                }
            }
        }
    }

    async fn join(&self, live: &Live) -> anyhow::Result<()> {
        let topic = self.topic(&Topic::Person(self.me.clone()));
        Ok(live.client.publish(topic, QoS::AtLeastOnce, true, self.person.to_json()).await?)
    }

    async fn say(&self, live: &Live) -> anyhow::Result<()> {
        let Some(say) = &self.saying else { return Ok(()) };
        let topic = self.topic(&Topic::Say(self.me.clone()));
        Ok(live.client.publish(topic, QoS::AtLeastOnce, false, say.to_json()).await?)
    }

    async fn leave(&self, mut live: Live) -> anyhow::Result<()> {
        let topic = self.topic(&Topic::Person(self.me.clone()));
        live.client.publish(topic, QoS::AtLeastOnce, true, Vec::new()).await?;
        live.client.disconnect().await?;
        // The broker closes the connection when it has read everything.
        let closed = async { while live.next().await.is_ok() {} };
        timeout(GOOD_BYE, closed).await.ok();
        Ok(())
    }

    /// The message in a line of the input, if any.
    fn read(&mut self, line: &str) -> io::Result<Option<Say>> {
        let said = text(line);
        if said.is_none() && !line.trim().is_empty() {
            self.show(&format!("not sent: a message has at most {} characters", limits::SAY))?;
        }
        let id = PhotoId::new(clock::unix_ms(), fastrand::u128(..));
        Ok(said.map(|text| Say { id, at: clock::unix_ms(), text }))
    }

    fn receive(&mut self, topic: &Topic, message: &Message) -> io::Result<()> {
        let lines = self.room.receive(topic, &message.payload);
        let is_ours = *topic == Topic::Say(self.me.clone());
        if is_ours
            && let Ok(said) = Say::parse(&message.payload)
            && self.saying.as_ref().is_some_and(|saying| saying.id == said.id)
        {
            self.saying = None;
        }
        // Typed lines are on the terminal already.
        if self.is_typed && is_ours {
            return Ok(());
        }
        lines.iter().try_for_each(|line| self.show(line))
    }

    /// Prints one line with the time.
    fn show(&mut self, line: &str) -> io::Result<()> {
        let line = format!("{} {line}", jiff::ZonedDateTime::now().strftime("%H:%M:%S"));
        match &mut self.printer {
            Some(printer) => printer.print(&line),
            None => writeln!(io::stdout(), "{line}"),
        }
    }

    fn topic(&self, topic: &Topic) -> String {
        topic.under(&self.root).to_string()
    }
}

/// The next line, not before `turn`. Cancelling it loses no line.
async fn next(lines: &mut mpsc::Receiver<String>, turn: Instant) -> Option<String> {
    sleep_until(turn).await;
    lines.recv().await
}
