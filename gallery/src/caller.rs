//! Who asks for something, by HTTP or on a page, and with which rights.

use std::net::IpAddr;

use access::{Allowed, Identity, Right, Rights};
use warp::http::StatusCode;

use crate::limits::shares::Who;
use crate::problem::{Code, Problem};

/// Who asks. `http::guard` makes one for each request; a page's socket keeps it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The address.
    pub peer: IpAddr,
    /// The identity.
    pub identity: Identity,
    /// The rights.
    pub rights: Rights,
}

impl Caller {
    /// A caller of whom only the address is known. It has all rights, as everybody who is let in.
    pub(crate) fn unknown(peer: IpAddr) -> Caller {
        let identity = Identity::Anonymous(Allowed::Everything);
        Caller { peer, identity, rights: Rights::ALL }
    }

    /// Whose share the caller uses.
    pub(crate) fn who(&self) -> Who {
        Who::at(self.peer)
    }

    /// Checks that the caller has a right.
    ///
    /// # Errors
    /// The caller has not, which is 403.
    pub(crate) fn needs(&self, right: Right) -> Result<(), Problem> {
        match self.rights.have(right) {
            true => Ok(()),
            false => {
                let error = format!("you may not do this: it needs the right \"{right}\"");
                let hint = "ask who runs this gallery";
                Err(Problem::new(StatusCode::FORBIDDEN, error, hint).coded(Code::NoRight))
            }
        }
    }
}
