//! Whose share of a bound it is.

use std::net::IpAddr;

use wire::NodeName;

pub(crate) use quota::Full;

/// A limited amount of something, of which each holder has a share.
pub(crate) type Shares = quota::Shares<Who>;
/// The part that one holder has, until this is dropped.
pub type Share = quota::Share<Who>;

/// Whose share it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Who {
    /// A machine.
    Address(IpAddr),
    /// A node.
    Node(NodeName),
    /// All who show their cameras from pages.
    Pages,
    /// The gallery itself.
    Gallery,
}

impl Who {
    /// An IPv6 network counts as one, see [`quota::network`].
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
