//! Whose share of a bound it is.

use std::net::IpAddr;

use wire::NodeName;

pub(crate) use quota::Full;

/// So much of something, of which each has a share.
pub(crate) type Shares = quota::Shares<Who>;
/// What one has of it, until this is dropped.
pub(crate) type Share = quota::Share<Who>;

/// Whose share it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Address(IpAddr),
    Node(NodeName),
    /// All who show their camera from a page.
    Pages,
    Gallery,
}

impl Who {
    /// Of IPv6 a network is one, see [`quota::network`].
    pub fn at(address: IpAddr) -> Who {
        Who::Address(quota::network(address))
    }
}

impl quota::Holder for Who {
    fn is_known(&self) -> bool {
        match self {
            Who::Address(ip) => ip.is_loopback(),
            Who::Node(_) | Who::Gallery => true,
            Who::Pages => false,
        }
    }
}
