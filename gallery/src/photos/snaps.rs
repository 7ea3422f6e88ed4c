//! A photo that a camera was asked for, or why there is none.

use wire::{CameraId, Photo, PhotoId};

use crate::photos::store::StoreError;

/// A photo that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Snapped {
    pub photo: Photo,
    /// It was taken for this request, and not stored before.
    pub is_new: bool,
}

/// Why there is no photo.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum SnapError {
    /// There is no such camera.
    #[error("there is no camera {0}")]
    Unknown(CameraId),
    /// A page shows it, and takes its photos itself.
    #[error("{0} is shown from a browser, which takes its photos itself")]
    Browser(String),
    /// It cannot be asked, or its node says that it cannot.
    #[error("{0}")]
    Refused(String),
    /// Its node's disk or spool keeps nothing more.
    #[error("{0}")]
    Full(String),
    /// It was asked, and will be stored when the node can be reached again.
    #[error("the photo is not here yet; it is stored when it comes")]
    Late(PhotoId),
    /// It cannot be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}
