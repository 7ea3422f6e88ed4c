//! The classroom: pages and programs that a class writes run here as their authors wrote them.
//!
//! `site` answers HTTP: a `folder` of pages, WebSockets in the relay, Socket.IO, and uploads. `tcp`
//! has the programs without a browser: the chat, the logbook, and turns. `projector` shows what
//! passes. What one sends goes to the
//! others as it is; the talk and the photos are the gallery's, which this crate sees as a `House`.
//! Starters are what `vitrina class --new` writes.

mod body;
mod config;
mod folder;
mod library;
mod projector;
mod replies;
mod site;
mod socketio;
mod start;
mod starters;
mod tcp;
mod uploads;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use access::Guard;
use gallery::{House, Https, HttpsError};
use supervision::{Health, stopped};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::field::display;
use tracing::info;
use traffic::Switches;

pub use config::{Config, Ports};
pub use starters::{Language, Starter};

use folder::Folder;
use projector::{Projector, Word};
use site::Site;
use socketio::SocketIo;
use start::Start;
use tcp::door::{self, Door};
use tcp::logbook::Logbook;
use tcp::turns::Table;

/// A task that shows no progress for this long hangs.
const HANGS: Duration = Duration::from_secs(30);

/// The command line's words of who may come in.
const KEYS: access::Keys = access::Keys {
    part: "class",
    networks: "gallery.networks",
    hosts: Some("gallery.hosts"),
    origins: "the class's --origin",
};

/// A classroom that has bound its ports.
#[derive(Debug)]
pub struct Classroom {
    config: Config,
    house: House,
    guard: Arc<Guard>,
    folder: Option<Folder>,
    http: TcpListener,
    address: SocketAddr,
    https: Option<(TcpListener, SocketAddr, Arc<Https>)>,
    chat: (TcpListener, SocketAddr),
    log: Option<(TcpListener, SocketAddr)>,
    turns: Option<(TcpListener, SocketAddr)>,
    logbook: Option<Logbook>,
    word: Word,
    health: Health,
}

/// Why a classroom cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port cannot be bound.
    #[error("the class cannot listen on {address}: {why}; {cure}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        why: io::Error,
        /// What to do.
        cure: String,
    },
    /// The folder cannot be served.
    #[error("the folder {0:?} of the class cannot be opened: {1}; name a folder of pages")]
    Folder(PathBuf, io::Error),
    /// There is no usable certificate.
    #[error(transparent)]
    Https(#[from] HttpsError),
    /// The system gives no random bytes.
    #[error("the class cannot make a word for its teacher: {0}")]
    Random(getrandom::Error),
    /// The logbook cannot be written.
    #[error("the class's logbook {0:?} cannot be written: {1}; name another folder with --data")]
    Logbook(PathBuf, io::Error),
}

/// Why a classroom ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A task ended, which no task does before the classroom stops.
    #[error("the class's {0} ended by itself; this is a defect")]
    Ended(&'static str),
    /// A task panicked.
    #[error("a task of the class failed: {0}; this is a defect")]
    Failed(tokio::task::JoinError),
}

impl Classroom {
    /// Binds the ports, and opens the folder.
    ///
    /// # Errors
    /// [`StartError`] says what to do.
    pub fn bind(config: Config, house: House) -> Result<Classroom, StartError> {
        let open = |path: &PathBuf| {
            Folder::open(path).map_err(|error| StartError::Folder(path.clone(), error))
        };
        let folder = config.folder.as_ref().map(open).transpose()?;
        let at = SocketAddr::new(config.ip, config.ports.http);
        let (http, address) = bound(at, "--http", gallery::listen)?;
        let tcp = |port, option| bound(SocketAddr::new(config.ip, port), option, door::listen);
        let Ports { https, chat, log, turns, .. } = config.ports;
        let https = https.map(|port| {
            let at = SocketAddr::new(config.ip, port);
            let (listener, address) = bound(at, "--https", gallery::listen)?;
            Ok::<_, StartError>((listener, address, house.https()?))
        });
        let https = https.transpose()?;
        let chat = tcp(chat, "--tcp")?;
        let log = log.map(|port| tcp(port, "--tcp-log")).transpose()?;
        let turns = turns.map(|port| tcp(port, "--tcp-turns")).transpose()?;
        let health = Health::default();
        let path = config.data.join("bitacora.log");
        let logbook = log.as_ref().map(|_| Logbook::open(&path, &health, show)).transpose();
        let logbook = logbook.map_err(|error| StartError::Logbook(path, error))?;
        let word = Word::new().map_err(StartError::Random)?;
        let guard = Arc::new(house.guard(&config.origins, KEYS));
        Ok(Classroom {
            config,
            house,
            guard,
            folder,
            http,
            address,
            https,
            chat,
            log,
            turns,
            logbook,
            word,
            health,
        })
    }

    /// The addresses with their real ports, each after what it is for: `http`, `https`, `tcp` for
    /// the chat, `tcp-log`, `tcp-turns`.
    pub fn addresses(&self) -> Vec<(&'static str, SocketAddr)> {
        let log = self.log.as_ref().map(|(_, address)| ("tcp-log", *address));
        let turns = self.turns.as_ref().map(|(_, address)| ("tcp-turns", *address));
        let https = self.https.as_ref().map(|(_, address, _)| ("https", *address));
        let chat = ("tcp", self.chat.1);
        let all = [("http", self.address)].into_iter().chain(https).chain([chat]);
        all.chain(log).chain(turns).collect()
    }

    /// The path of the projector's page for the teacher: who opens it may hold up the traffic.
    pub fn projector(&self) -> String {
        format!("class#{}", self.word)
    }

    /// Whether the classroom works, also while it runs.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Runs until `shutdown`.
    ///
    /// # Errors
    /// [`Error`] if one of its tasks ends by itself.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let Classroom {
            config,
            house,
            guard,
            folder,
            http,
            address,
            https,
            chat: (chat, chat_address),
            log,
            turns,
            logbook,
            word,
            health,
        } = self;
        let named = config.folder.as_deref().map(|folder| display(folder.display()));
        info!(%address, folder = named, "the class listens");
        if let Some((_, address, https)) = &https {
            info!(%address, fingerprint = https.fingerprint(), "the class by HTTPS");
        }
        let traffic = house.traffic().clone();
        let (stop, stopping) = watch::channel(false);
        let watch = |task| health.watch(format!("the class's {task}"), HANGS);
        let mut tasks = JoinSet::new();
        let socketio = SocketIo::new(house.clone());
        let rooms = socketio.rooms.clone();
        let secure = https.as_ref().map(|(_, address, _)| *address);
        let first = start(&config, address, secure, chat_address);
        let projector = Projector::new(&house, word, first.address.clone(), stopping.clone());
        let site = Site::new(&config, house.clone(), folder, first, socketio, projector);
        let door = Door::new(house.clone(), guard.clone());
        let (name, end, at, people) = ("chat", stopping.clone(), door.clone(), house.clone());
        let alive = watch(name);
        tasks.spawn(async move {
            let serve = |stream, peer, here| tcp::chat::serve(stream, peer, people.clone(), here);
            at.serve(chat, end, || alive.beat(), serve).await;
            name
        });
        if let Some(((listener, _), book)) = log.zip(logbook) {
            let (name, end, at) = ("logbook", stopping.clone(), door.clone());
            let alive = watch(name);
            tasks.spawn(async move {
                let serve = |stream, peer, here| book.clone().serve(stream, peer, here);
                at.serve(listener, end, || alive.beat(), serve).await;
                name
            });
        }
        if let Some((listener, _)) = turns {
            let (name, end) = ("turns", stopping.clone());
            let (alive, table) = (watch(name), Table::default());
            tasks.spawn(async move {
                let serve = |stream, _, here| table.clone().serve(stream, here);
                door.serve(listener, end, || alive.beat(), serve).await;
                name
            });
        }
        let (name, mut end) = ("clients of Socket.IO", stopping.clone());
        let alive = watch(name);
        tasks.spawn(async move {
            tokio::select! {
                () = rooms.run(|| alive.beat()) => {}
                () = stopped(&mut end) => rooms.end(),
            }
            name
        });
        let (name, end) = ("listener of HTTP", stopping.clone());
        let alive = watch(name);
        tasks.spawn(async move {
            let https = https.map(|(listener, _, https)| (listener, https));
            house.serve(http, https, guard, site, end, || alive.beat()).await;
            name
        });
        let ended = tokio::select! {
            () = shutdown => Ok(()),
            Some(ended) = tasks.join_next() => Err(match ended {
                Ok(task) => Error::Ended(task),
                Err(error) => Error::Failed(error),
            }),
        };
        // What is held up would not end.
        traffic.switch(Switches::default());
        let _ = stop.send(true);
        while tasks.join_next().await.is_some() {}
        ended
    }
}

/// What the first page says.
fn start(config: &Config, http: SocketAddr, https: Option<SocketAddr>, chat: SocketAddr) -> Start {
    let reached = |address| (config.reached)(address).into_iter().next().unwrap_or_default();
    let chat = reached(chat);
    Start {
        address: reached(http),
        secure: https.map(reached),
        is_open: !http.ip().is_loopback(),
        folder: config.folder.clone(),
        // As one types it for nc.
        chat: chat
            .replace(['[', ']'], "")
            .rsplit_once(':')
            .map_or(String::new(), |(host, port)| format!("{host} {port}")),
        keeps: config.keep,
    }
}

/// Shows lines where the class was started. Nobody may read there.
fn show(lines: &str) {
    let _ = io::stdout().write_all(lines.as_bytes());
}

/// Binds a port, or says which `option` helps.
fn bound(
    address: SocketAddr,
    option: &str,
    listen: impl FnOnce(SocketAddr) -> io::Result<TcpListener>,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = listen(address);
    bound.and_then(|listener| Ok((listener.local_addr()?, listener))).map_or_else(
        |why| {
            let cure = match why.kind() {
                io::ErrorKind::AddrInUse => format!(
                    "another program has port {}, perhaps a server that still runs: stop that one, \
                     or take another port with `{option} {}`",
                    address.port(),
                    address.port().saturating_add(10),
                ),
                io::ErrorKind::PermissionDenied => {
                    format!("ports below 1024 are reserved: take another one with `{option} 3000`")
                }
                _ => format!("take another port with {option}"),
            };
            Err(StartError::Bind { address, why, cure })
        },
        |(address, listener)| Ok((listener, address)),
    )
}
