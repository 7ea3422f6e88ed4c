//! HTTP's problems for a photo that is not there.

use tracing::warn;
use warp::http::StatusCode;

use crate::photos::picture::{BadPicture, PoolError};
use crate::photos::snaps::SnapError;
use crate::photos::store::StoreError;
use crate::photos::upload::multipart::BadBody;
use crate::problem::Problem;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let sentence = error.to_string();
        let (status, hint) = match error {
            StoreError::Unknown => (StatusCode::NOT_FOUND, "GET /api/photos lists them"),
            StoreError::Gone => (StatusCode::GONE, "it can be restored for ten minutes"),
            StoreError::Full(_) => {
                let hint = "make room on the gallery's disk; it goes on by itself then";
                (StatusCode::INSUFFICIENT_STORAGE, hint)
            }
            StoreError::ReadOnly(_) => {
                (StatusCode::INSUFFICIENT_STORAGE, "it goes on by itself when it can be written")
            }
            StoreError::Away(_) => (StatusCode::SERVICE_UNAVAILABLE, "ask who runs this gallery"),
            StoreError::ViewOnly(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "send it to the gallery that stores photos")
            }
            StoreError::Picture(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "the picture itself may still be shown")
            }
            StoreError::Closed => (StatusCode::SERVICE_UNAVAILABLE, "try again in some seconds"),
            StoreError::Io { .. } | StoreError::Index(_) => {
                warn!(error = sentence, "the store of photos failed");
                return Problem::internal("the store of photos failed");
            }
        };
        Problem::new(status, sentence, hint)
    }
}

impl From<SnapError> for Problem {
    fn from(error: SnapError) -> Self {
        let sentence = error.to_string();
        match error {
            SnapError::Unknown(_) => Problem::not_found(sentence, "GET /api/cameras lists them"),
            SnapError::Browser(_) => {
                let hint = "whoever shows it presses the shutter on their own page";
                Problem::new(StatusCode::CONFLICT, sentence, hint)
            }
            SnapError::Refused(_) => {
                Problem::unavailable(sentence, "try again when the camera works")
            }
            SnapError::Full(_) => {
                let hint = "make room on the node's disk, then try again";
                Problem::new(StatusCode::INSUFFICIENT_STORAGE, sentence, hint)
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
            return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error, hint);
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
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error, hint)
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
