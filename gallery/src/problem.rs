//! Every HTTP error as the same JSON: `{"error", "hint"}`.

use std::convert::Infallible;

use serde::Serialize;
use warp::http::StatusCode;
use warp::reject::{MethodNotAllowed, Rejection};
use warp::reply::{Reply, Response};

use crate::door::Refused;

/// What went wrong with a request, and what helps.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(skip)]
    status: StatusCode,
    error: String,
    hint: String,
}

impl Problem {
    pub fn new(status: StatusCode, error: impl Into<String>, hint: impl Into<String>) -> Self {
        Problem { status, error: error.into(), hint: hint.into() }
    }

    pub fn not_found(error: impl Into<String>, hint: impl Into<String>) -> Self {
        Problem::new(StatusCode::NOT_FOUND, error, hint)
    }

    pub fn unavailable(error: impl Into<String>, hint: impl Into<String>) -> Self {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, error, hint)
    }
}

impl From<Refused> for Problem {
    fn from(Refused { error, hint }: Refused) -> Self {
        Problem::new(StatusCode::FORBIDDEN, error, hint)
    }
}

impl Reply for Problem {
    fn into_response(self) -> Response {
        let json = warp::reply::json(&self);
        let json = warp::reply::with_header(json, "cache-control", "no-store");
        warp::reply::with_status(json, self.status).into_response()
    }
}

/// A request that no route took.
pub(crate) async fn recover(rejection: Rejection) -> Result<Response, Infallible> {
    let problem = if rejection.is_not_found() {
        Problem::not_found("there is nothing here", "the wall is at /")
    } else if rejection.find::<MethodNotAllowed>().is_some() {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this can only be looked at", "use GET")
    } else {
        let hint = "see docs/protocol.md for what can be asked";
        Problem::new(StatusCode::BAD_REQUEST, format!("{rejection:?}"), hint)
    };
    Ok(problem.into_response())
}
