//! Whose share of a bound it is: whoever has a login is known, and so is this machine.

use crate::admission::owner::Holder;

impl quota::Holder for Holder {
    fn is_known(&self) -> bool {
        match self {
            Holder::Known(_) => true,
            Holder::Address(ip) => ip.is_loopback(),
        }
    }
}
