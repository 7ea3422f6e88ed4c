//! All HTTP errors, as the same JSON: `{"code", "error", "hint"}`.

use std::convert::Infallible;

use serde::Serialize;
use tracing::debug;
use warp::http::StatusCode;
use warp::http::header::{ALLOW, HeaderValue, RETRY_AFTER};
use warp::reject::{InvalidQuery, Rejection};
use warp::reply::{Reply, Response};
use wire::{CameraId, NodeName, PhotoId};

use crate::limits::shares::Full;

/// What kind of problem it is, for programs: these words never change. `docs/protocol.md` lists
/// them; the page says the ones of its own requests in the reader's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Code {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Timeout,
    Conflict,
    Gone,
    TooLarge,
    UnsupportedMedia,
    RangeNotSatisfiable,
    Unprocessable,
    UpgradeRequired,
    Internal,
    Unavailable,
    StorageFull,
    Late,
    /// The caller lacks a right.
    NoRight,
    /// The caller lacks a right that a login could give.
    LoginNeeded,
    /// No user has this name and this password; which of the two is wrong is not said.
    LoginWrong,
    /// Too many passwords were wrong.
    LoginSlow,
    /// This is not the address for the first administrator.
    SetupWrong,
    /// There is somebody already.
    SetupUsed,
    UserKnown,
    UserUnknown,
    /// No user can have this name.
    UserName,
    UserPassword,
    UserCameras,
    /// Nobody would be left who may change users.
    LastAdmin,
    /// The caller has too many of something already.
    TooMany,
    PhotoUnknown,
    PhotoDeleted,
    /// The picture's bytes are broken or no picture that is taken.
    PictureRefused,
    PictureTooLarge,
    DiskFull,
    DiskReadOnly,
    /// The folder of the photos is not there.
    PhotosAway,
    /// Another gallery stores.
    ViewOnly,
    Stopping,
    /// Looking for words takes too long.
    Slow,
    /// There is no room for the list of what is in a ZIP.
    ZipTooLarge,
    CameraUnknown,
    /// A page shows it, and takes its photos itself.
    CameraOfPage,
    /// The camera, its node or the way to it does not work; `error` says why.
    CameraAway,
    NodeDiskFull,
    /// It lives, and is not forgotten.
    StillHere,
    /// The gallery cannot reach its broker, or has too much to tell it.
    BrokerAway,
    /// The broker did not clear what it retains.
    NotCleared,
    NodeUnknown,
    /// The node, or the way to it, does not work; `error` says why.
    NodeAway,
    /// The key of idempotency stands for another picture.
    KeyTaken,
}

impl Code {
    /// That of a status, where nothing more is known.
    fn of(status: StatusCode) -> Code {
        match status.as_u16() {
            401 => Code::Unauthorized,
            403 => Code::Forbidden,
            404 => Code::NotFound,
            405 => Code::MethodNotAllowed,
            408 => Code::Timeout,
            409 => Code::Conflict,
            410 => Code::Gone,
            413 => Code::TooLarge,
            415 => Code::UnsupportedMedia,
            416 => Code::RangeNotSatisfiable,
            422 => Code::Unprocessable,
            426 => Code::UpgradeRequired,
            503 => Code::Unavailable,
            504 => Code::Late,
            507 => Code::StorageFull,
            500..=599 => Code::Internal,
            _ => Code::BadRequest,
        }
    }
}

/// What is wrong with a request, and what helps.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(skip)]
    status: StatusCode,
    /// After how many seconds another attempt may help.
    #[serde(skip)]
    retry_after: Option<u32>,
    code: Code,
    error: String,
    hint: String,
    /// The photo that may still arrive.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<PhotoId>,
}

impl Problem {
    pub fn new(status: StatusCode, error: impl Into<String>, hint: impl Into<String>) -> Self {
        let (error, hint) = (error.into(), hint.into());
        Problem { status, retry_after: None, code: Code::of(status), error, hint, id: None }
    }

    pub fn bad_request(error: impl Into<String>, hint: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, error, hint)
    }

    pub fn not_found(error: impl Into<String>, hint: impl Into<String>) -> Self {
        Problem::new(StatusCode::NOT_FOUND, error, hint)
    }

    pub fn unavailable(error: impl Into<String>, hint: impl Into<String>) -> Self {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, error, hint)
    }

    /// Only the owner of the gallery can help.
    pub fn internal(error: impl Into<String>) -> Self {
        let hint = "the gallery's log says more; try again later";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error, hint)
    }

    /// Says more of its kind than the status.
    pub fn coded(self, code: Code) -> Self {
        Problem { code, ..self }
    }

    /// Names the photo that may still arrive.
    pub fn with_id(self, id: PhotoId) -> Self {
        Problem { id: Some(id), ..self }
    }

    pub fn retry_after(self, seconds: u32) -> Self {
        Problem { retry_after: Some(seconds), ..self }
    }

    /// What is wrong.
    pub fn error(&self) -> &str {
        &self.error
    }

    pub fn code(&self) -> Code {
        self.code
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts are what JSON can say")
    }
}

/// There is no such camera, or not for who asks.
pub(crate) fn no_camera(camera: &CameraId) -> Problem {
    let hint = "GET /api/cameras lists those that you may see";
    Problem::not_found(format!("there is no camera {camera}"), hint).coded(Code::CameraUnknown)
}

/// There is no such node, or not for who asks.
pub(crate) fn no_node(node: &NodeName) -> Problem {
    let hint = "GET /api/cameras lists the cameras that you may see";
    Problem::not_found(format!("there is no node {node}"), hint).coded(Code::NodeUnknown)
}

impl From<Full> for Problem {
    fn from(full: Full) -> Self {
        let hint = "end some of them, or try again in some seconds";
        Problem::unavailable(full.to_string(), hint).coded(Code::TooMany).retry_after(5)
    }
}

impl Reply for Problem {
    fn into_response(self) -> Response {
        let json = warp::reply::json(&self);
        let json = warp::reply::with_header(json, "cache-control", "no-store");
        let mut response = warp::reply::with_status(json, self.status).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The resource exists but does not allow this method; others are allowed.
#[derive(Debug)]
pub(crate) struct CannotBeDone {
    pub methods: Vec<&'static str>,
}

impl Reply for CannotBeDone {
    fn into_response(self) -> Response {
        let methods = self.methods.join(", ");
        let hint = format!("use {methods}; docs/protocol.md says what for");
        let error = "this address does not take this method";
        let mut response =
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, error, hint).into_response();
        if let Ok(methods) = HeaderValue::from_str(&methods) {
            response.headers_mut().insert(ALLOW, methods);
        }
        response
    }
}

/// Answers a request that cannot be read.
pub(crate) async fn recover(rejection: Rejection) -> Result<Response, Infallible> {
    let error = match rejection.find::<InvalidQuery>() {
        Some(_) => "what follows the ? cannot be read",
        None => {
            debug!(?rejection, "a request cannot be read");
            "this request cannot be read"
        }
    };
    Ok(Problem::bad_request(error, "docs/protocol.md says what can be asked").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_documented() {
        let source = include_str!("problem.rs").split_once("enum Code {").unwrap().1;
        let source = source.split_once("\n}").unwrap().0;
        let codes: Vec<&str> =
            source.lines().filter_map(|line| line.trim().strip_suffix(',')).collect();
        assert!(codes.len() > 30);
        let documented = include_str!("../../docs/protocol.md");
        for code in codes {
            let mut word = String::new();
            for letter in code.chars() {
                if letter.is_uppercase() && !word.is_empty() {
                    word.push('-');
                }
                word.extend(letter.to_lowercase());
            }
            assert!(documented.contains(&format!("`{word}`")), "{word}");
        }
    }

    #[test]
    fn a_code_is_that_of_the_status_until_more_is_known() {
        let problem = Problem::not_found("there is no such photo", "look elsewhere");
        assert!(problem.to_json().starts_with("{\"code\":\"not-found\""));
        let problem = problem.coded(Code::PhotoUnknown);
        assert_eq!((problem.status().as_u16(), problem.code()), (404, Code::PhotoUnknown));
        assert!(problem.to_json().starts_with("{\"code\":\"photo-unknown\""));
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        assert_eq!(Code::of(status), Code::Internal);
        assert_eq!(Code::of(StatusCode::IM_A_TEAPOT), Code::BadRequest);
    }
}
