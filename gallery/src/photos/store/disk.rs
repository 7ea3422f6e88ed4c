//! The store's disk: whether it has room, is present, and is writable.
//!
//! This module knows the folder and how full its file system is, but neither photos nor the index.
//! Deleting must always work, even on a full disk.

mod reserve;
mod space;

pub(super) use reserve::Reserve;
pub(super) use space::Space;
