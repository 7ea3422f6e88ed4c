//! What is wrong, for `/healthz` and as notices for pages.

use std::sync::Arc;

use tracing::warn;
use wire::NodeName;
use wire::page::{Notice, NoticeCode};

use super::{Hub, State};
use crate::live::arrivals::Dark;
use crate::now;
use crate::photos::store::StoreError;

impl Hub {
    /// What is wrong, for `/healthz`.
    pub fn faults(&self) -> Vec<String> {
        let lost = self.state().broker_lost.then(|| BROKER_LOST.to_owned());
        lost.into_iter().chain(self.store.trouble().map(|why| why.to_string())).collect()
    }

    /// What is not wrong here but should be known, for `/healthz`.
    pub fn notes(&self) -> Vec<String> {
        let counted = self.counters().notes();
        let state = self.state();
        let nodes = state.cameras.troubles().into_iter().map(|(_, why)| why);
        let nodes = nodes.chain(state.cameras.refused());
        let nodes = nodes.chain(state.cameras.kept_back());
        let allow = |filter: &String| {
            format!("The broker does not let this gallery read {filter}: allow its user to")
        };
        let nodes = nodes.chain(state.denied.iter().map(allow));
        let nodes = nodes.chain(state.echo.is_missing(now::mono()).then(|| NO_ECHO.to_owned()));
        let large = self.people.pictures.takes().held();
        let nodes = nodes.chain(large.map(|why| format!("Pages' cameras: {why}")));
        let dark = state.arrivals.dark().take(TOLD);
        let dark = dark.map(|(camera, dark)| format!("{camera}: {}", explain(dark)));
        let all = state.view_only.iter().cloned().chain(nodes).chain(dark);
        all.chain(counted).collect()
    }

    /// Why those of these nodes take no photos that do not, if any.
    pub fn troubles_of(&self, is_meant: impl Fn(&NodeName) -> bool) -> Option<String> {
        join(self.state().troubles.iter().filter(|(node, _)| is_meant(node)))
    }

    /// Which cameras somebody must repair, for `/healthz`.
    pub fn errors(&self) -> Vec<String> {
        self.state().cameras.errors()
    }

    /// Whether everybody on the local network can see the wall.
    pub fn set_open(&self, open: bool) {
        let mut state = self.state();
        if std::mem::replace(&mut state.open, open) != open {
            self.notices.send_replace(state.notices());
        }
    }

    /// Tells pages what is wrong with the store and the nodes, whenever that changes.
    pub(super) fn watch_troubles(&self) {
        let trouble = self.store.trouble().map(|why| notice(&why));
        let mut state = self.state();
        if state.echo.is_newly_missing(now::mono()) {
            warn!("{NO_ECHO}");
        }
        let troubles = state.cameras.troubles();
        if (&trouble, &troubles) != (&state.trouble, &state.troubles) {
            (state.trouble, state.troubles) = (trouble, troubles);
            self.notices.send_replace(state.notices());
        }
    }
}

/// What is wrong with nodes, in one text.
fn join<'a>(troubles: impl IntoIterator<Item = &'a (NodeName, String)>) -> Option<String> {
    let troubles: Vec<&str> = troubles.into_iter().map(|(_, why)| why.as_str()).collect();
    (!troubles.is_empty()).then(|| troubles.join("; "))
}

/// A store's fault as a notice for pages.
pub(super) fn notice(why: &StoreError) -> (NoticeCode, String) {
    let code = match why {
        StoreError::Full(_) => NoticeCode::DiskFull,
        _ => NoticeCode::NotStored,
    };
    (code, why.to_string())
}

/// At most this many cameras whose pictures do not come are named one by one.
const TOLD: usize = 20;

/// What a broker holds back of a camera, and what to do.
pub(super) fn explain(dark: Dark) -> &'static str {
    match dark {
        Dark::Pictures => {
            "it publishes pictures, but none comes here: the broker must let the node publish, \
             and this gallery read, live/+ under the pictures' topics, and take messages of their \
             size"
        }
        Dark::Wants => {
            "it does not receive that it is asked for pictures: the broker must let this gallery \
             publish, and the node read, its topic want"
        }
    }
}

const NO_ECHO: &str = "What this gallery says does not come back from the broker, so it stores no \
                       photos: allow its user to publish and read under gallery/";

const BROKER_LOST: &str = "The broker cannot be reached; trying again";

impl State {
    pub(super) fn notices(&self) -> Arc<[Notice]> {
        const OPEN: &str =
            "Everybody on the local network can see this wall: there is no password yet";
        let is = |holds: bool, text: &str| holds.then(|| text.to_owned());
        let https = |port| format!("This wall can be opened by HTTPS too, on port {port}");
        let all = [
            (NoticeCode::Https, self.https.map(https)),
            (NoticeCode::BrokerLost, is(self.broker_lost, BROKER_LOST)),
            (NoticeCode::Open, is(self.open, OPEN)),
            (NoticeCode::ViewOnly, self.view_only.clone()),
            (NoticeCode::NoSnapshots, join(&self.troubles)),
        ];
        let trouble = self.trouble.clone().map(|(code, text)| (code, Some(text)));
        let port = |code| self.https.filter(|_| code == NoticeCode::Https);
        let all = all.into_iter().chain(trouble);
        all.filter_map(|(code, text)| Some(Notice { code, text: text?, port: port(code) }))
            .collect()
    }
}
