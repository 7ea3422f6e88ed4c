//! How much of what there is only so much of one of many may have ([`Shares`], [`Ledger`]), and how
//! often something may be done ([`Bucket`], [`Buckets`]) or said ([`Throttle`]).
//!
//! Who has some may have more as long as at least as much as theirs is left for others. So one
//! alone gets half of all, a second one half of the rest, and who has nothing yet finds something,
//! however greedy the others are (the dynamic thresholds of Choudhury and Hahne, IEEE/ACM
//! Transactions on Networking 6(2), 1998). Who has little may have more as long as there is any.
//! The last eighth is for those who are known, see [`Holder`].

mod ledger;
mod rate;
mod shares;
mod throttle;

pub use ledger::{Holder, Ledger, allows, network};
pub use rate::{Bucket, Buckets, Rate};
pub use shares::{Full, Share, Shares};
pub use throttle::Throttle;
