//! Starts the requested parts, and stops them in order.

use std::fmt::Write as _;
use std::future::Future;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use access::Authentication;
use anyhow::{Context, anyhow};
use classroom::{Classroom, Config as Class};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tracing::{info, warn};
use traffic::Traffic;
use wire::BrokerUrl;

use crate::check;
use crate::class;
use crate::config::{self, Settings};
use crate::signals::Signals;
use crate::supervisor;

/// How long a graceful stop may take.
const STOP: Duration = Duration::from_secs(5);

/// How long each network may take to answer for this machine's name.
const NAMED_WITHIN: Duration = Duration::from_millis(500);

/// How many files all clients of all parts may have open together, as in the units.
const DESCRIPTORS: u64 = 4096;

const PANICKED: &str = "a part panicked; this is a defect, please report it";

/// Which parts run in this process.
#[derive(Debug, Clone, Copy)]
pub struct Parts {
    pub broker: bool,
    pub gallery: bool,
    pub node: bool,
}

impl Parts {
    pub fn all() -> Self {
        Parts { broker: true, gallery: true, node: true }
    }

    pub fn broker() -> Self {
        Parts { broker: true, gallery: false, node: false }
    }

    pub fn gallery() -> Self {
        Parts { broker: false, gallery: true, node: false }
    }

    pub fn node() -> Self {
        Parts { broker: false, gallery: false, node: true }
    }

    /// The runtime of the tasks. They move bytes; cameras, pictures and the disk have threads of
    /// their own. In a node or a gallery alone, a second thread would wake for each frame and find
    /// little to do, and a multi-threaded scheduler costs more even with one thread.
    fn runtime(self) -> io::Result<Runtime> {
        let mut builder = match self.broker {
            true => Builder::new_multi_thread(),
            false => Builder::new_current_thread(),
        };
        builder.worker_threads(2).thread_name("vitrina").enable_all().build()
    }
}

/// Runs `parts` until a signal comes or one of them fails.
pub fn run(settings: Settings, parts: Parts, log: node::Log) -> anyhow::Result<()> {
    start(settings, parts, None, log)
}

/// Runs all parts and a class. `takes_turns`: this console is one of two who take turns there.
pub fn run_class(
    settings: Settings,
    class: Class,
    takes_turns: bool,
    log: node::Log,
) -> anyhow::Result<()> {
    start(settings, Parts::all(), Some((class, takes_turns)), log)
}

fn start(
    settings: Settings,
    parts: Parts,
    class: Option<(Class, bool)>,
    log: node::Log,
) -> anyhow::Result<()> {
    check::check(&settings, parts)?;
    raise_descriptors();
    let runtime = parts.runtime().context("cannot start the threads; raise ulimit -u")?;
    let outcome = runtime.block_on(serve(settings, parts, class, log));
    // Threads that still wait for a disk or a device end with the process.
    runtime.shutdown_background();
    outcome
}

/// Raises the limit of open files as far as needed and allowed: each viewer needs one, and the
/// default is 1024.
fn raise_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(DESCRIPTORS).min(DESCRIPTORS);
    if limit.current.is_some_and(|current| current < most) {
        limit.current = Some(most);
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            warn!(%error, "cannot raise the limit of open files, which bounds how many can connect");
        }
    }
}

async fn serve(
    settings: Settings,
    parts: Parts,
    class: Option<(Class, bool)>,
    log: node::Log,
) -> anyhow::Result<()> {
    let broker_folder = settings.broker_folder();
    let Settings { mut file, data, .. } = settings;
    // Before it reports `ready`, because a signal may follow at once.
    let signals = Signals::listen()?;
    let mut running = Running::default();
    let mut ready = String::from("ready");
    let (mut bound, mut setup) = (Vec::new(), None);

    // Only a class looks at what passes.
    let traffic = class.as_ref().map(|_| Traffic::watched()).unwrap_or_default();
    let broker = match parts.broker {
        true => {
            let config = file.broker.check_in(file.root.clone(), Some(broker_folder.clone()))?;
            let known = Arc::new(Authentication::new(Some(broker_folder.clone()))?);
            let broker = broker::Broker::bind_with(config, known.clone()).await?;
            Some((broker.watched_by(traffic.clone()), known))
        }
        false => None,
    };
    let (broker, known) = broker.unzip();
    if let Some(broker) = &broker {
        let url = config::local_broker(broker.local_addr());
        file.gallery.broker.get_or_insert(url.to_string());
        file.node.broker.get_or_insert(url.to_string());
    }
    for (broker, password_file, part) in [
        (&file.gallery.broker, &mut file.gallery.password_file, "gallery"),
        (&file.node.broker, &mut file.node.password_file, "node"),
    ] {
        // The part itself reports a bad address.
        let url = broker.as_ref().map_or(Ok(BrokerUrl::default()), |url| url.parse());
        if let (None, Ok(url)) = (&password_file, url) {
            *password_file = config::local_password(&url, &broker_folder, part);
        }
    }
    // Reads files and asks devices before anything runs that would have to wait for them.
    let gallery = match parts.gallery {
        true => {
            let folder = data.join("gallery");
            let config = file.gallery.check_in(file.root.clone(), folder, Some(&broker_folder))?;
            // Broker and gallery of one process share what a wrong password costs.
            let known = match known {
                Some(known) => known,
                None => Arc::new(Authentication::of_users(broker_folder.clone())?),
            };
            Some(gallery::Gallery::bind(config, known).await?.watched_by(traffic.clone()))
        }
        false => None,
    };
    let node = match parts.node {
        true => Some(node::Node::new(file.node.check(file.root, data.join("node"))?, log)?),
        false => None,
    };
    let takes_turns = class.as_ref().is_some_and(|(_, takes_turns)| *takes_turns);
    let class = match (class, &gallery) {
        (Some((class, _)), Some(gallery)) => Some(Classroom::bind(class, gallery.house())?),
        _ => None,
    };
    // A gallery's `/healthz` covers the whole process.
    let health = gallery.as_ref().map(gallery::Gallery::health).unwrap_or_default();
    let others =
        [broker.as_ref().map(broker::Broker::health), node.as_ref().map(node::Node::health)];
    others.iter().flatten().for_each(|part| health.include(part));
    let told = class.as_ref().map(|class| (class.addresses(), class.projector()));
    if let Some(class) = class {
        health.include(&class.health());
        bound.extend(class.addresses().into_iter().map(|(what, at)| ("class", what, at)));
        running.start("class", |stop| class.run(stop));
    }
    if let Some(gallery) = gallery {
        bound.push(("gallery", "http", gallery.local_addr()));
        if let Some(token) = gallery.setup_token()? {
            setup = called(gallery.local_addr()).first().map(|at| setup_address(*at, &token));
        }
        bound.extend(gallery.https_addr().map(|address| ("gallery", "https", address)));
        running.start("gallery", |stop| gallery.run(stop));
    }
    if let Some(broker) = broker {
        for (transport, address) in broker.addresses() {
            bound.push(("broker", transport.scheme(), address));
        }
        running.start("broker", |stop| broker.run(stop));
    }
    if let Some(node) = node {
        info!(name = %node.name(), "the node starts");
        running.start("node", |stop| node.run(stop));
    }

    for &(part, scheme, address) in &bound {
        tell(&mut ready, part, scheme, address)?;
    }
    if let Some(address) = setup {
        info!(address, "nobody runs this house yet: make the first administrator here, once");
        write!(ready, " setup={address}")?;
    }
    writeln!(io::stdout(), "{ready}")?;
    if let Some((told, projector)) = told {
        class::tell(&told, &projector)?;
        if takes_turns {
            class::take_turns(&told);
        }
    }
    supervisor::ready();
    tokio::task::spawn_blocking(move || tell_name(bound.iter().map(|(.., address)| *address)));
    let watchdog = tokio::spawn(supervisor::watch(health));
    let outcome = tokio::select! {
        () = signals.first() => Ok(()),
        ended = running.first_end() => ended,
    };
    watchdog.abort();
    supervisor::stopping();
    let stopped = tokio::time::timeout(STOP, running.stop()).await;
    if stopped.is_err() {
        warn!("not everything stopped within {} s", STOP.as_secs());
    }
    outcome.and(stopped.unwrap_or(Ok(())))
}

/// Adds a part's first address to the `ready` line, and logs the others.
fn tell(ready: &mut String, part: &str, scheme: &str, bound: SocketAddr) -> std::fmt::Result {
    let mut urls = called(bound).into_iter().map(|address| format!("{scheme}://{address}"));
    write!(ready, " {part}={}", urls.next().unwrap_or_default())?;
    let others = urls.collect::<Vec<_>>().join(" ");
    if !others.is_empty() {
        info!(part, others, "also reachable at these addresses");
    }
    Ok(())
}

/// The one-time address at which the first administrator is made. What is behind the `#` stays in
/// the browser.
pub fn setup_address(gallery: SocketAddr, token: &str) -> String {
    format!("http://{gallery}/setup#{token}")
}

/// The addresses by which a listener is called, best first: those of others, or without a network
/// the one for this machine.
pub fn called(bound: SocketAddr) -> Vec<SocketAddr> {
    let ip = bound.ip().to_canonical();
    let alone = if ip.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { ip };
    let others = reach::of(bound);
    let ips = others.iter().map(|address| address.ip).collect::<Vec<_>>();
    let ips = if ips.is_empty() { vec![alone] } else { ips };
    ips.into_iter().map(|ip| SocketAddr::new(ip, bound.port())).collect()
}

/// Logs the name of this machine, if the local network knows it.
fn tell_name(bound: impl Iterator<Item = SocketAddr>) {
    let addresses = bound.map(reach::of).max_by_key(Vec::len).unwrap_or_default();
    if let Some(name) = reach::answered(&addresses, NAMED_WITHIN) {
        info!(name, "the local network knows this machine by its name");
    }
}

/// The parts that run, each a task of its own.
#[derive(Default)]
struct Running {
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
    stops: Vec<(&'static str, oneshot::Sender<()>)>,
}

impl Running {
    fn start<F, E>(&mut self, name: &'static str, run: impl FnOnce(Stop) -> F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<anyhow::Error>,
    {
        let (stop, stopped) = oneshot::channel();
        self.stops.push((name, stop));
        let part = run(Box::pin(async move {
            // A dropped sender stops it as well.
            let _ = stopped.await;
        }));
        self.tasks.spawn(async move { (name, part.await.map_err(Into::into)) });
    }

    /// Resolves when a part ends by itself.
    async fn first_end(&mut self) -> anyhow::Result<()> {
        match self.tasks.join_next().await {
            Some(Ok((name, Err(error)))) => Err(error.context(format!("the {name} failed"))),
            Some(Ok((name, Ok(())))) => {
                Err(anyhow!("the {name} ended by itself; this is a defect, please report it"))
            }
            Some(Err(panic)) => Err(anyhow!(panic).context(PANICKED)),
            None => std::future::pending().await,
        }
    }

    /// Stops the class first, whose people leave the talk; then the node, so that it can publish
    /// `offline`; then the gallery; then the broker, which carries their last messages.
    async fn stop(mut self) -> anyhow::Result<()> {
        let mut outcome = Ok(());
        for next in ["class", "node", "gallery", "broker"] {
            let Some(at) = self.stops.iter().position(|(name, _)| *name == next) else { continue };
            drop(self.stops.swap_remove(at));
            while let Some(ended) = self.tasks.join_next().await {
                let (name, result) = ended.context(PANICKED)?;
                outcome = outcome.and(result.with_context(|| format!("the {name} failed")));
                if name == next {
                    break;
                }
            }
        }
        outcome
    }
}

type Stop = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_bound_is_the_one_that_is_called() {
        for (bound, expected) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:80", "[::1]:80"),
            ("[::ffff:10.0.0.7]:80", "10.0.0.7:80"),
        ] {
            assert_eq!(called(bound.parse().unwrap()), [expected.parse().unwrap()], "{bound}");
        }
        for address in called("0.0.0.0:8080".parse().unwrap()) {
            assert!(!address.ip().is_unspecified() && address.port() == 8080, "{address}");
        }
    }
}
