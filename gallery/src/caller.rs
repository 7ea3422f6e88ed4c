//! Who asks for something, by HTTP or at a page, and what they may.

use std::net::IpAddr;

use access::{Allowed, Identity, Right, Rights};
use warp::http::StatusCode;

use crate::limits::shares::Who;
use crate::problem::Problem;

/// Who asks. `http::guard` makes it, once for each request; a page's socket keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Where they are.
    pub peer: IpAddr,
    /// Who they are found to be.
    #[expect(dead_code, reason = "nobody logs in yet, so that all are the same")]
    pub identity: Identity,
    /// What they may do.
    pub rights: Rights,
}

impl Caller {
    /// Somebody of whom nothing but the address is known, and who may do everything, as all who are
    /// let in.
    pub fn unknown(peer: IpAddr) -> Caller {
        let identity = Identity::Anonymous(Allowed::Everything);
        Caller { peer, identity, rights: Rights::ALL }
    }

    /// Whose share is taken.
    pub fn who(&self) -> Who {
        Who::at(self.peer)
    }

    /// Whether they may do this.
    ///
    /// # Errors
    /// They may not, which is 403.
    pub fn needs(&self, right: Right) -> Result<(), Problem> {
        match self.rights.have(right) {
            true => Ok(()),
            false => {
                let error = format!("you may not do this: it needs the right \"{right}\"");
                let hint = "ask who runs this gallery";
                Err(Problem::new(StatusCode::FORBIDDEN, error, hint))
            }
        }
    }
}
