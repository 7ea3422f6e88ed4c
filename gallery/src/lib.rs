//! The gallery: the wall of cameras in the browser.
//!
//! It receives the nodes' messages from an MQTT broker and shows their cameras to pages. Messages
//! flow one way, `mqtt` → `live::hub` → `live::page` and `http::snapshot`; wants flow back through
//! `frames`.

mod caller;
mod config;
mod hex;
mod house;
mod http;
mod limits;
mod live;
mod mqtt;
mod now;
mod people;
mod photos;
mod problem;
mod record;
mod relay;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use access::{Authentication, Guard, Logins, Names};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use tracing::{info, warn};
use traffic::Traffic;

pub use caller::Caller;
pub use config::{BadConfig, Config, Section, origin};
pub use house::{House, MESSAGE};
pub use http::https::{Https, HttpsError};
pub use http::listener::{Answers, bind as listen};
pub use http::range;
pub use limits::shares::{Share, Who};
pub use live::socket::{Receiver, write_frame};
pub use people::{Guest, Held};
pub use photos::picture::{BadSection as BadPicturesSection, Section as PicturesSection};
#[doc(hidden)]
pub use photos::store::fill;
pub use photos::store::{BadSection as BadPhotosSection, Section as PhotosSection};
pub use photos::store::{OpenError, Progress, Recovered};
pub use relay::patience;
pub use supervision::{Health, stopped};

use http::cors::Readers;
use http::invite::{Door, Doors};
use http::listener::Service;
use http::routes::Routes;
use http::site::Site;
use http::zip::Downloads;
use limits::strangers::Strangers;
use live::hub::Hub;
use people::People;
use photos::ingest::{Ingest, Saying};
use photos::store::Store;
use photos::upload::Uploads;
use record::away::{Away, Times};
use record::journal::Journal;
use record::roll::Roll;
use relay::{Offered, Relay};

/// A task that shows no progress for this long hangs. The slowest needs 10 s, when it looks for a
/// broker that is gone.
const HANGS: Duration = Duration::from_secs(30);

/// How long stopping may take.
const END_WITHIN: Duration = Duration::from_millis(2500);

/// How long the disk may take while stopping.
const CLOSE_WITHIN: Duration = Duration::from_millis(1500);

/// A gallery that has bound its addresses.
#[derive(Debug)]
pub struct Gallery {
    config: Config,
    listener: TcpListener,
    address: SocketAddr,
    https: Option<(TcpListener, SocketAddr, Arc<Https>)>,
    health: Health,
    opened: Opened,
    strangers: Strangers,
    logins: Arc<Logins>,
    relay: Relay,
    offered: Offered,
    uploads: Uploads,
    /// True when everything is to stop.
    stop: watch::Sender<bool>,
}

/// What a gallery opens on disk.
#[derive(Debug)]
struct Opened {
    store: Store,
    people: Arc<People>,
    journal: Arc<Journal>,
    roll: Arc<Roll>,
    away: (Away, Times),
}

/// Why a gallery cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// There is no usable certificate.
    #[error(transparent)]
    Https(#[from] HttpsError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Opening the data panicked.
    #[error("the gallery's data could not be opened: {0}; this is a defect, please report it")]
    Failed(tokio::task::JoinError),
}

/// The address could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("the gallery cannot listen on {address}: {source}; {cure}")]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
    cure: String,
}

/// Why a gallery ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A task ended, which no task does before the gallery stops.
    #[error("the gallery's {0} ended by itself; this is a defect, please report it")]
    Ended(&'static str),
    /// A task panicked.
    #[error("a task of the gallery failed: {0}; this is a defect, please report it")]
    Failed(tokio::task::JoinError),
}

impl Gallery {
    /// Binds the address and opens the store. People who are `known` can log in.
    ///
    /// # Errors
    /// [`StartError`] says what to do.
    pub async fn bind(config: Config, known: Arc<Authentication>) -> Result<Gallery, StartError> {
        let (listener, address) = bind("listen", config.listen)?;
        let secure = config.https.as_ref().map(|https| bind("https_listen", https.listen));
        let secure = secure.transpose()?;
        // Keys are made, files read and databases opened on a thread that may wait.
        let open = {
            let config = config.clone();
            move || {
                let https = config.https.as_ref();
                let https = https.map(|https| Https::new(https.files.as_ref(), &config.data));
                let (https, opened) = (https.transpose()?, Opened::of(&config)?);
                let log = opened.journal.clone();
                let logins = Logins::new(known, config.rules, move |event| log.note(event));
                Ok::<_, StartError>((https, opened, Arc::new(logins)))
            }
        };
        let (https, opened, logins) = spawn_blocking(open).await.map_err(StartError::Failed)??;
        let https = secure.zip(https);
        let https = https.map(|((listener, address), https)| (listener, address, Arc::new(https)));
        let health = Health::default();
        health.include(opened.store.health());
        health.include(config.pictures.health());
        health.include(opened.people.health());
        health.include(opened.journal.health());
        opened.roll.health().into_iter().for_each(|roll| health.include(roll));
        let strangers = Strangers::new();
        let stop = watch::Sender::new(false);
        let (offers, offered) = relay::offers();
        let relay = Relay::new(offers, strangers.clone(), logins.clone(), stop.subscribe());
        let pictures = config.pictures.clone();
        let uploads = Uploads::new(opened.store.clone(), pictures, strangers.uploads.clone());
        Ok(Gallery {
            config,
            listener,
            address,
            https,
            health,
            opened,
            strangers,
            logins,
            relay,
            offered,
            uploads,
            stop,
        })
    }

    /// The same gallery, whose traffic is watched.
    #[must_use]
    pub fn watched_by(mut self, traffic: Traffic) -> Gallery {
        self.relay.traffic = traffic;
        self
    }

    /// The secret of the one-time address, `/setup#<secret>`, at which the first administrator is
    /// made. `None` if people have logins already, or only this machine reaches the gallery: the page
    /// offers it there.
    ///
    /// # Errors
    /// Its file cannot be read or written.
    pub fn setup_token(&self) -> io::Result<Option<String>> {
        if self.config.open { self.logins.setup_token() } else { Ok(None) }
    }

    /// This gallery for programs that let others in, also while it runs.
    pub fn house(&self) -> House {
        House {
            networks: self.config.networks.clone(),
            hosts: self.config.hosts.clone(),
            https: self.https.as_ref().map(|(.., https)| https.clone()),
            data: self.config.data.clone(),
            strangers: self.strangers.clone(),
            logins: self.logins.clone(),
            relay: self.relay.clone(),
            uploads: self.uploads.clone(),
            people: self.opened.people.clone(),
        }
    }

    /// The address of HTTP, with the real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The address of HTTPS, if there is one, with the real port.
    pub fn https_addr(&self) -> Option<SocketAddr> {
        self.https.as_ref().map(|(_, address, _)| *address)
    }

    /// Whether the gallery works, also while it runs.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Runs until `shutdown`, and at most 4 s longer.
    ///
    /// # Errors
    /// [`Error`] if one of its tasks ends by itself.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let Gallery {
            config,
            listener,
            address,
            https,
            health,
            opened,
            strangers,
            logins,
            relay,
            offered,
            uploads,
            stop,
        } = self;
        let mut stopping = stop.subscribe();
        info!(%address, broker = %config.broker, id = %config.id, "the gallery listens");
        if let Some((_, address, https)) = &https {
            info!(%address, fingerprint = https.fingerprint(), "the gallery by HTTPS");
        }
        if config.open && !logins.have_people() {
            let who = match config.networks.are_local() {
                true => "on the local network",
                false => "in gallery.networks, also beyond the local network,",
            };
            warn!("open: everybody {who} can see the wall, without a password");
        }
        if config.cors_origins.iter().any(|origin| origin == http::cors::ANY) {
            warn!(
                "gallery.cors_origins has \"*\": every page that anybody opens in this network can \
                 read the live pictures"
            );
        }
        // The databases are closed last, on threads that may wait for a disk.
        let closing = (opened.people.clone(), opened.journal.clone(), opened.roll.clone());
        let (say, sayings) = mpsc::channel(photos::ingest::SAYINGS);
        let port = https.as_ref().map(|(_, address, _)| address.port());
        let hub = Arc::new(opened.hub(&config, port, say));
        let Opened { store, people, .. } = opened;
        let watch = |task| health.watch(format!("the gallery's {task}"), HANGS);
        let names = Names::of_this_machine(&config.hosts);
        let networks = config.networks.clone();
        let guard = Guard::new(networks, names, &config.relay_origins, http::guard::KEYS);
        let doors = Arc::new(doors(&config, address, https.as_ref().map(|(_, at, _)| *at)));
        let pictures = config.pictures.clone();
        let (end, up) = (stopping.clone(), uploads.clone());
        let site = Site {
            hub: hub.clone(),
            store: store.clone(),
            pictures,
            uploads: up,
            downloads: Downloads::default(),
            relay: relay.clone(),
            health: health.clone(),
            strangers: strangers.clone(),
            logins: logins.clone(),
            readers: Arc::new(Readers::new(&config.cors_origins)),
            doors: doors.clone(),
            policy: http::assets::policy(&config.frame_origins),
            stop: end,
        };
        let service = Service {
            answers: Routes::new(site),
            guard: Arc::new(guard),
            logins: logins.clone(),
            refusals: Arc::default(),
            doors: Some(doors),
            strangers,
            redirect: https
                .as_ref()
                .filter(|_| config.https.as_ref().is_some_and(|https| https.redirect))
                .map(|(_, address, _)| address.port()),
        };

        // These tasks end with `stop`, or when the set is dropped.
        let mut tasks = JoinSet::new();
        let (name, end) = ("listener", stopping.clone());
        let alive = watch(name);
        tasks.spawn(async move {
            let https = https.map(|(listener, _, https)| (listener, https));
            http::listener::serve(listener, https, service, end, || alive.beat()).await;
            name
        });
        let (name, wall, open, mut end) = ("logins", hub.clone(), config.open, stopping.clone());
        let alive = watch(name);
        tasks.spawn(async move {
            let mut changes = logins.changes();
            let telling = async {
                loop {
                    wall.set_open(open && !logins.have_people());
                    changes.next().await;
                }
            };
            tokio::select! {
                () = logins.keep(|| alive.beat()) => {}
                () = telling => {}
                () = stopped(&mut end) => {}
            }
            name
        });
        let (name, heard, end) = ("connection to the broker", hub.clone(), stopping.clone());
        let alive = watch(name);
        tasks.spawn(async move {
            mqtt::run(&config, heard, sayings, end, || alive.beat()).await;
            name
        });
        let (name, photos, end) = ("photos of the relay", store.clone(), stopping.clone());
        let alive = watch(name);
        tasks.spawn(async move {
            relay::run(relay, photos, uploads, offered, end, || alive.beat()).await;
            name
        });
        let name = "state of the wall";
        let alive = watch(name);
        tasks.spawn(async move {
            tokio::select! {
                () = hub.run(|| alive.beat()) => {}
                () = hub.journal.run() => {}
                () = stopped(&mut stopping) => {}
            }
            name
        });
        let (name, mut end) = ("list of people", stop.subscribe());
        let alive = watch(name);
        tasks.spawn(async move {
            tokio::select! {
                () = people.run(|| alive.beat()) => {}
                () = stopped(&mut end) => {}
            }
            name
        });

        let ended = tokio::select! {
            () = shutdown => Ok(()),
            Some(ended) = tasks.join_next() => Err(match ended {
                Ok(task) => Error::Ended(task),
                Err(error) => Error::Failed(error),
            }),
        };
        let _ = stop.send(true);
        let end = async {
            while tasks.join_next().await.is_some() {}
            // Each page holds a receiver.
            stop.closed().await;
        };
        if timeout(END_WITHIN, end).await.is_err() {
            warn!("closed the connections that did not end in time");
        }
        let close = async {
            let _ = spawn_blocking(move || drop(closing)).await;
            store.close().await;
        };
        if timeout(CLOSE_WITHIN, close).await.is_err() {
            warn!("the photos could not be closed in time; they are checked at the next start");
        }
        ended
    }
}

impl Opened {
    /// The store comes first: it knows whether another gallery has this data.
    fn of(config: &Config) -> Result<Opened, OpenError> {
        let roll = Arc::new(Roll::new(&config.roll));
        let store = Store::open(config.photos.clone(), roll.clone())?;
        let people = Arc::new(People::new(&config.people, &config.id, &config.root));
        let journal = Arc::new(Journal::new(&config.log));
        Ok(Opened { store, people, journal, roll, away: Away::open(config.away.clone()) })
    }

    /// The hub of a gallery that has HTTPS on this port; what it says to the broker goes into
    /// `say`.
    fn hub(&self, config: &Config, https: Option<u16>, say: mpsc::Sender<Saying>) -> Hub {
        let Opened { store, people, journal, away: (away, since), .. } = self;
        let ingest = Ingest::new(store.clone(), say, config.pictures.config().keep_gps);
        let (id, people, journal) = (config.id.clone(), people.clone(), journal.clone());
        Hub::new(id, config.open, https, people, store.clone(), ingest, journal)
            .remembering(away.clone(), since.clone())
    }
}

/// The listeners at these addresses, as others come in: plain HTTP that leads to HTTPS is none.
fn doors(config: &Config, http: SocketAddr, https: Option<SocketAddr>) -> Doors {
    let secure = config.https.as_ref().zip(https);
    let leads_there = secure.as_ref().is_some_and(|(config, _)| config.redirect);
    let plain = Door { bound: http, is_secure: false, warns: false };
    let secure = secure.map(|(config, bound)| Door {
        bound,
        is_secure: true,
        warns: config.files.is_none(),
    });
    let plain = Some(plain).filter(|_| !leads_there);
    Doors::new(plain.into_iter().chain(secure).collect(), config.networks.clone())
}

/// A new gallery with the directory `data`, for tests of the parts above it.
#[cfg(test)]
fn opened(data: &std::path::Path) -> (Config, Opened, Arc<Hub>) {
    let config = Section::default().check(wire::Root::default(), data.to_owned()).unwrap();
    let opened = Opened::of(&config).unwrap();
    let hub = opened.hub(&config, None, mpsc::channel(1).0);
    (config, opened, Arc::new(hub))
}

/// The logins of a house where nobody has one, for tests of the parts above them.
#[cfg(test)]
fn nobody() -> Arc<Logins> {
    let known = Arc::new(Authentication::new(None).unwrap());
    let rules = access::Rules { open: true, ..Default::default() };
    Arc::new(Logins::new(known, rules, |_| {}))
}

/// The last events in the log of a gallery with the directory `data`, oldest first. Empty if no
/// gallery ever ran there, or this user may not read them.
pub fn last_events(data: &std::path::Path, most: usize) -> Vec<wire::log::Entry> {
    record::database::peek(&config::log(data), most)
}

/// Rebuilds the index of a gallery's photos from the files. Calls `progress` now and then.
///
/// # Errors
/// [`OpenError`], also if a gallery uses them.
pub fn reindex(config: &Config, progress: impl FnMut(Progress)) -> Result<Recovered, OpenError> {
    photos::store::reindex(&config.photos.folder, progress)
}

fn bind(key: &str, wanted: SocketAddr) -> Result<(TcpListener, SocketAddr), BindError> {
    let bound = http::listener::bind(wanted);
    bound.and_then(|listener| Ok((listener.local_addr()?, listener))).map_or_else(
        |source| {
            let cure = match source.kind() {
                io::ErrorKind::AddrInUse => format!(
                    "another program uses it: stop that one, or choose another port with `--set \
                     gallery.{key}=127.0.0.1:8081`"
                ),
                io::ErrorKind::PermissionDenied => format!(
                    "ports below 1024 are reserved: choose another one with `--set \
                     gallery.{key}=127.0.0.1:8080`"
                ),
                _ => format!(
                    "choose an address of this machine with `--set gallery.{key}=ADDRESS:PORT`"
                ),
            };
            Err(BindError { address: wanted, source, cure })
        },
        |(address, listener)| Ok((listener, address)),
    )
}
