//! The disk that all is written to: whether it has room, is there, and can be written.
//!
//! It may know the folder and how full its file system is; it knows neither photos nor the index.
//! What must never be: a full disk on which nothing can be deleted any more.

mod reserve;
mod space;

pub(super) use reserve::Reserve;
pub(super) use space::Space;
