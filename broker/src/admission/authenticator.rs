//! Decides who comes in with a CONNECT, and with which grant.

use std::net::IpAddr;
use std::sync::Arc;

use access::{Allowed, Authentication, Denied, Identity, Role};
use wire::Root;

use crate::admission::grants::Grant;
use crate::protocol::packet::{Login, Reason, Refusal};

/// The rules of admission, see [`crate::Section`].
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub root: Root,
    pub deny: Arc<[String]>,
    /// Whether clients of the networks may come in without a password while there are no users.
    pub open: bool,
    /// The role of clients without a user name when there are users.
    pub anonymous: Option<Role>,
}

/// Lets clients in.
pub(crate) struct Authenticator {
    rules: Rules,
    known: Arc<Authentication>,
}

/// A client that may come in.
#[derive(Debug)]
pub(crate) struct Guest {
    pub grant: Grant,
    pub identity: Arc<Identity>,
}

impl Authenticator {
    pub fn new(rules: Rules, known: Arc<Authentication>) -> Authenticator {
        Authenticator { rules, known }
    }

    /// The known users.
    pub fn known(&self) -> &Authentication {
        &self.known
    }

    /// Identifies a client. A wrong password takes a second.
    ///
    /// # Errors
    /// Why the client may not come in.
    pub async fn admit(&self, peer: IpAddr, login: Option<Login>) -> Result<Guest, Refusal> {
        if let Some(Login { user, password }) = login
            && let Some(identity) = self.known.identify(peer, user, password).await?
        {
            return Ok(self.guest(identity));
        }
        let has_users = self.known.has_users();
        let allowed = self.allowed(peer, has_users).ok_or_else(|| {
            let why = match has_users {
                false => "clients on other machines need a user (vitrina user add) or broker.open",
                true => "no user name was given, and broker.anonymous is not set",
            };
            Refusal::new(Reason::NotAuthorized, why)
        })?;
        Ok(self.guest(Identity::Anonymous(allowed)))
    }

    fn guest(&self, identity: Identity) -> Guest {
        let Rules { root, deny, .. } = &self.rules;
        let grant = match &identity {
            Identity::Local { name, role } | Identity::User { name, role, .. } => {
                Grant::of(*role, name, root, deny.clone())
            }
            Identity::Anonymous(Allowed::As(role)) => Grant::of(*role, "", root, deny.clone()),
            Identity::Anonymous(Allowed::Everything) => Grant::everything(deny.clone()),
        };
        Guest { grant, identity: Arc::new(identity) }
    }

    /// What somebody without a user name may do.
    fn allowed(&self, peer: IpAddr, has_users: bool) -> Option<Allowed> {
        if has_users {
            self.rules.anonymous.map(Allowed::As)
        } else {
            let is_near = peer.to_canonical().is_loopback();
            (self.rules.open || is_near).then_some(Allowed::Everything)
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Refusal {
        let reason = match denied {
            Denied::Wrong | Denied::TooMany => Reason::BadLogin,
            Denied::Busy => Reason::ServerBusy,
        };
        Refusal::new(reason, denied.why())
    }
}
