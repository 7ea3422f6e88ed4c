//! The photo that a camera was asked for, or why there is none.

use wire::{CameraId, Photo, PhotoId};

use crate::photos::store::StoreError;

/// A requested photo.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Snapped {
    pub photo: Photo,
    /// Whether it was taken for this request, and not stored before.
    pub is_new: bool,
}

/// Why there is no photo.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum SnapError {
    /// There is no such camera.
    #[error("there is no camera {0}")]
    Unknown(CameraId),
    /// A page shows the camera, and takes its photos itself.
    #[error("{0} is shown from a browser, which takes its photos itself")]
    Browser(String),
    /// The camera cannot be asked, or its node refuses.
    #[error("{0}")]
    Refused(String),
    /// The disk or spool of its node is full.
    #[error("{0}")]
    Full(String),
    /// It was asked; the photo will be stored when the node can be reached again.
    #[error("the photo is not here yet; it is stored when it comes")]
    Late(PhotoId),
    /// The photo cannot be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}
