//! A running broker, and a stopped one.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use broker::{Broker, Config, Counters, Counts, Section, Transport};
use supervision::Health;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wire::Root;

use crate::raw::{Connect, Raw, V5};

/// What must happen happens within this time.
pub const SOON: Duration = Duration::from_secs(10);

pub struct Running {
    pub address: SocketAddr,
    pub addresses: Vec<(Transport, SocketAddr)>,
    pub counters: Arc<Counters>,
    pub health: Health,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

/// A section with a free port.
pub fn section() -> Section {
    Section { listen: "127.0.0.1:0".parse().unwrap(), ..Section::default() }
}

pub async fn start() -> Running {
    start_with(section()).await
}

pub async fn start_with(section: Section) -> Running {
    serve(section.check().unwrap()).await
}

/// A broker with a directory.
pub async fn start_in(section: Section, folder: &Path) -> Running {
    serve(section.check_in(Root::default(), Some(folder.to_owned())).unwrap()).await
}

async fn serve(config: Config) -> Running {
    let broker = Broker::bind(config).await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    Running {
        address: broker.local_addr(),
        addresses: broker.addresses().collect(),
        counters: broker.counters(),
        health: broker.health(),
        stop,
        task: tokio::spawn(broker.run(async {
            let _ = stopped.await;
        })),
    }
}

impl Running {
    /// Stops the broker, which takes at most two seconds.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        timeout(Duration::from_secs(3), self.task).await.expect("ends in time").unwrap().unwrap();
    }

    /// Advances the broker's own clock by `seconds`: until such a session has expired.
    pub async fn pass(&self, seconds: u8) {
        let before = self.counters.read().expired;
        let expiry = [0x11, 0, 0, 0, seconds];
        let clock = Connect { properties: &expiry, ..Connect::new(V5, "clock") };
        Raw::enter(self.address, V5, &clock.bytes()).await.leave().await;
        self.until("the end of the clock's session", |c| c.expired > before).await;
    }

    /// Waits until the counts are as wanted.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Counts) -> bool) -> Counts {
        let waiting = async {
            loop {
                let counts = self.counters.read();
                if is_so(&counts) {
                    return counts;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match timeout(SOON, waiting).await {
            Ok(counts) => counts,
            Err(_) => panic!("{what} does not come about: {:?}", self.counters.read()),
        }
    }
}
