//! Who may reach a part that listens: from which [`Networks`], and by which [`Names`] browsers may
//! call it. One rule for the broker and the gallery. [`Refusals`] are those that were said.

mod names;
mod networks;
mod refusals;

pub use names::Names;
pub use networks::{BadNetwork, LOCAL, Networks};
pub use refusals::{Brief, Refusals};
