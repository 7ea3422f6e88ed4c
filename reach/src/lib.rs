//! How other devices reach this machine: the addresses of its networks, the name that the local
//! network knows it by, and the code that a phone reads from a screen.
//!
//! `interfaces` reads what the kernel says, `addresses` says which of it reaches a listener, `name`
//! asks the network, and `code` is pure. Nothing here listens, and nothing is kept.

mod addresses;
mod code;
mod interfaces;
mod name;

pub use addresses::{Address, of};
pub use code::{Code, LONGEST};
pub use name::answered;
