//! All HTTP errors, as the same JSON: `{"error", "hint"}`.

use std::convert::Infallible;

use serde::Serialize;
use tracing::debug;
use warp::http::StatusCode;
use warp::http::header::{ALLOW, HeaderValue, RETRY_AFTER};
use warp::reject::{InvalidQuery, Rejection};
use warp::reply::{Reply, Response};
use wire::PhotoId;

use crate::limits::shares::Full;

/// What is wrong with a request, and what helps.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(skip)]
    status: StatusCode,
    /// After how many seconds another attempt may help.
    #[serde(skip)]
    retry_after: Option<u32>,
    error: String,
    hint: String,
    /// The photo that may still arrive.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<PhotoId>,
}

impl Problem {
    pub fn new(status: StatusCode, error: impl Into<String>, hint: impl Into<String>) -> Self {
        let (error, hint) = (error.into(), hint.into());
        Problem { status, retry_after: None, error, hint, id: None }
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

    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts are what JSON can say")
    }
}

impl From<Full> for Problem {
    fn from(full: Full) -> Self {
        let hint = "end some of them, or try again in some seconds";
        Problem::unavailable(full.to_string(), hint).retry_after(5)
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
