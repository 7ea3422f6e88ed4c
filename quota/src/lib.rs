//! Limits for things that many share: how much each may have ([`Shares`], [`Ledger`]), how often
//! each may do something ([`Bucket`], [`Buckets`]), and how often the log may say something
//! ([`Throttle`]).
//!
//! A holder may have more as long as it leaves as much for others as it has. So a single holder
//! gets half of the total, a second one half of the rest, and a holder with nothing yet always
//! finds something, however greedy the others are (the dynamic thresholds of Choudhury and Hahne,
//! IEEE/ACM Transactions on Networking 6(2), 1998). A holder that has little may have more as long
//! as there is any. The last eighth is for holders that are known, see [`Holder`].

mod ledger;
mod rate;
mod shares;
mod throttle;

pub use ledger::{Holder, Ledger, allows, network};
pub use rate::{Bucket, Buckets, Rate};
pub use shares::{Full, Share, Shares};
pub use throttle::Throttle;
