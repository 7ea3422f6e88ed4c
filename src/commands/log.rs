//! `vitrina log`: prints what happens, as it happens.

use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::{Instant, interval, sleep, sleep_until};
use wire::Topic;
use wire::log::Observer;

use crate::commands::mqtt::{Connection, News, QoS};
use crate::config::Settings;
use crate::signals::Signals;

/// How long after the subscription all retained messages have arrived.
const RETAINED: Duration = Duration::from_secs(2);
/// How many earlier events it prints first.
const BEFORE: usize = 10;
/// How often it looks what happened at the gallery of this machine alone, and how many of its last
/// events it reads then.
const LOOK: Duration = Duration::from_secs(1);
const READ: usize = 200;
/// How long after a loss it connects again.
const AGAIN: Duration = Duration::from_secs(1);

pub fn run(settings: &Settings) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut signals = Signals::listen()?;
        let mut log = Log::default();
        loop {
            let lost = tokio::select! {
                Err(lost) = log.follow(settings) => lost,
                _ = signals.next() => return Ok(()),
            };
            // A connection that never worked is not tried again. Errors of the connection have a
            // context; a bare one comes from the output.
            if !log.was_up || lost.is::<io::Error>() && lost.chain().count() == 1 {
                return Err(lost);
            }
            if std::mem::replace(&mut log.is_up, false) {
                show(&format_args!("the connection is lost: {lost:#}; trying again"))?;
            }
            tokio::select! {
                () = sleep(AGAIN) => {}
                _ = signals.next() => return Ok(()),
            }
        }
    })
}

#[derive(Default)]
struct Log {
    observer: Observer,
    is_up: bool,
    was_up: bool,
    /// The last event of the gallery of this machine that was read.
    read: u64,
}

impl Log {
    /// Prints what happens until the connection is lost, which is an error.
    async fn follow(&mut self, settings: &Settings) -> anyhow::Result<()> {
        let root = &settings.file.root;
        let remote = settings.broker()?;
        let url = remote.url.clone();
        let mut live = Connection::new(remote, "log")?.follow();
        let mut settles = None;
        let mut look = interval(LOOK);
        loop {
            let settled = async {
                match settles {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                news = live.next() => match news? {
                    News::Up => {
                        if std::mem::replace(&mut self.was_up, true) {
                            show(&"connected again")?;
                        } else {
                            self.before(settings)?;
                            show(&format_args!("connected to {url}; what happens from now on:"))?;
                        }
                        self.is_up = true;
                        self.observer.connected();
                        settles = Some(Instant::now() + RETAINED);
                        for filter in Observer::filters(root) {
                            live.client.subscribe(filter, QoS::AtLeastOnce).await?;
                        }
                    }
                    News::Acknowledged => {}
                    News::Message(message) => {
                        let Ok(topic) = Topic::parse(root, &message.topic) else { continue };
                        let events =
                            self.observer.observe(&topic, &message.payload, message.retained);
                        events.iter().try_for_each(show)?;
                    }
                },
                _ = look.tick(), if self.was_up => self.at_gallery(settings)?,
                () = settled => {
                    settles = None;
                    self.observer.retained_arrived().iter().try_for_each(show)?;
                }
            }
        }
    }

    /// Earlier events from the log of the gallery of this machine, if there is one.
    fn before(&mut self, settings: &Settings) -> io::Result<()> {
        for entry in gallery::last_events(&settings.gallery_folder(), BEFORE) {
            let at = i64::try_from(entry.at).ok();
            let at = at.and_then(|at| Timestamp::from_millisecond(at).ok()).map(|at| {
                at.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
            });
            writeln!(io::stdout(), "{} {}", at.unwrap_or_default(), entry.event)?;
            self.read = entry.id;
        }
        Ok(())
    }

    /// What happened since at the gallery of this machine alone, such as logins.
    fn at_gallery(&mut self, settings: &Settings) -> io::Result<()> {
        for entry in gallery::last_events(&settings.gallery_folder(), READ) {
            if entry.id > self.read {
                self.read = entry.id;
                if entry.event.is_of_gallery() {
                    show(&entry.event)?;
                }
            }
        }
        Ok(())
    }
}

/// One line with the time, by this machine's clock.
fn show(what: &impl std::fmt::Display) -> io::Result<()> {
    writeln!(io::stdout(), "{} {what}", jiff::ZonedDateTime::now().strftime("%H:%M:%S"))
}
