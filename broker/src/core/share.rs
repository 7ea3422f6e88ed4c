//! Which holders of a share are known: clients with a login, and this machine.

use crate::admission::owner::Holder;

impl quota::Holder for Holder {
    fn is_known(&self) -> bool {
        match self {
            Holder::Known(_) => true,
            Holder::Address(ip) => ip.is_loopback(),
        }
    }
}
