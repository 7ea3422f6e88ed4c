//! How much one machine of the class may take of what all share.

use std::net::IpAddr;

/// An address, whose share it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Who(IpAddr);

impl Who {
    /// An IPv6 network counts as one, see [`quota::network`].
    pub fn at(address: IpAddr) -> Who {
        Who(quota::network(address))
    }
}

impl quota::Holder for Who {
    fn is_known(&self) -> bool {
        self.0.is_loopback()
    }
}
