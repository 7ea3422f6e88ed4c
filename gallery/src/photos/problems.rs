//! HTTP's problems for a photo that is not there.

use tracing::warn;
use warp::http::StatusCode;

use crate::photos::picture::{BadPicture, PoolError};
use crate::photos::snaps::SnapError;
use crate::photos::store::StoreError;
use crate::photos::upload::multipart::BadBody;
use crate::problem::{Code, Problem};

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let sentence = error.to_string();
        let (status, code, hint) = match error {
            StoreError::Unknown => {
                (StatusCode::NOT_FOUND, Code::PhotoUnknown, "GET /api/photos lists them")
            }
            StoreError::Gone => {
                (StatusCode::GONE, Code::PhotoDeleted, "it can be restored for ten minutes")
            }
            StoreError::Full(_) => {
                let hint = "make room on the gallery's disk; it goes on by itself then";
                (StatusCode::INSUFFICIENT_STORAGE, Code::DiskFull, hint)
            }
            StoreError::ReadOnly(_) => {
                let hint = "it goes on by itself when it can be written";
                (StatusCode::INSUFFICIENT_STORAGE, Code::DiskReadOnly, hint)
            }
            StoreError::Away(_) => {
                let hint = "ask who runs this gallery";
                (StatusCode::SERVICE_UNAVAILABLE, Code::PhotosAway, hint)
            }
            StoreError::ViewOnly(_) => {
                let hint = "send it to the gallery that stores photos";
                (StatusCode::SERVICE_UNAVAILABLE, Code::ViewOnly, hint)
            }
            StoreError::Picture(_) => {
                let hint = "the picture itself may still be shown";
                (StatusCode::UNPROCESSABLE_ENTITY, Code::PictureRefused, hint)
            }
            StoreError::Closed => {
                let hint = "try again in some seconds";
                (StatusCode::SERVICE_UNAVAILABLE, Code::Stopping, hint)
            }
            StoreError::Slow => {
                let hint = "name a camera, a person or a day too";
                (StatusCode::SERVICE_UNAVAILABLE, Code::Slow, hint)
            }
            StoreError::Io { .. } | StoreError::Index(_) => {
                warn!(error = sentence, "the store of photos failed");
                return Problem::internal("the store of photos failed");
            }
        };
        Problem::new(status, sentence, hint).coded(code)
    }
}

impl From<SnapError> for Problem {
    fn from(error: SnapError) -> Self {
        let sentence = error.to_string();
        match error {
            SnapError::Unknown(_) => {
                let hint = "GET /api/cameras lists them";
                Problem::not_found(sentence, hint).coded(Code::CameraUnknown)
            }
            SnapError::Browser(_) => {
                let hint = "whoever shows it presses the shutter on their own page";
                Problem::new(StatusCode::CONFLICT, sentence, hint).coded(Code::CameraOfPage)
            }
            SnapError::Refused(_) => {
                let hint = "try again when the camera works";
                Problem::unavailable(sentence, hint).coded(Code::CameraAway)
            }
            SnapError::Full(_) => {
                let hint = "make room on the node's disk, then try again";
                let status = StatusCode::INSUFFICIENT_STORAGE;
                Problem::new(status, sentence, hint).coded(Code::NodeDiskFull)
            }
            SnapError::Late(id) => {
                let hint = "ask for it by its id later; asking again takes no second photo";
                Problem::new(StatusCode::GATEWAY_TIMEOUT, sentence, hint).with_id(id)
            }
            SnapError::Store(error) => error.into(),
        }
    }
}

impl From<BadBody> for Problem {
    fn from(error: BadBody) -> Self {
        let (status, hint) = match error {
            BadBody::NotMultipart => {
                let hint =
                    "send a form with pictures in the field image: curl -F image=@a.jpg …/upload";
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, hint)
            }
            BadBody::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "send fewer pictures at once"),
            BadBody::Silent => {
                (StatusCode::REQUEST_TIMEOUT, "send it again over a better connection")
            }
            BadBody::Cut | BadBody::Broken(_) => (StatusCode::BAD_REQUEST, "send it again"),
        };
        Problem::new(status, error.to_string(), hint)
    }
}

impl From<BadPicture> for Problem {
    fn from(bad: BadPicture) -> Self {
        let error = format!("the picture is refused: {bad}");
        if bad.is_too_large() {
            let hint =
                "make it smaller; [gallery.pictures] of the configuration says what is taken";
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Problem::new(status, error, hint).coded(Code::PictureTooLarge);
        }
        let hint = match bad {
            BadPicture::Other("HEIC") => {
                "save it as JPEG; an iPhone does, with Settings, Camera, Formats, Most Compatible"
            }
            BadPicture::Unknown | BadPicture::Other(_) => {
                "its content counts, not its name: convert it"
            }
            _ => "open it in a program that can read it, and save it again",
        };
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Problem::new(status, error, hint).coded(Code::PictureRefused)
    }
}

impl From<PoolError> for Problem {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Memory(bad) => bad.into(),
            PoolError::Failed | PoolError::Thread(_) => Problem::internal(error.to_string()),
        }
    }
}
