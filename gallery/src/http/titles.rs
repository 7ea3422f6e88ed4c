//! Titles over HTTP.

use serde::{Deserialize, Serialize};
use warp::http::StatusCode;
use warp::reply::Response;

use crate::http::photos::json;
use crate::live::hub::Hub;
use crate::live::title::{TitleError, Whose};
use crate::problem::Problem;

/// The request, and the answer with the title that holds now.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Titled {
    title: String,
}

/// `PUT …/title`: gives a camera or a node another title.
pub(crate) async fn set(hub: &Hub, whose: Whose, body: &[u8]) -> Result<Response, Problem> {
    let Titled { title } = serde_json::from_slice(body).map_err(|error| {
        let hint = r#"send JSON such as {"title":"North door"}; an empty title takes it away"#;
        Problem::bad_request(format!("the title cannot be read: {error}"), hint)
    })?;
    let title = wire::title::title(&title)
        .map_err(|bad| Problem::bad_request(bad.to_string(), "make it shorter"))?;
    let title = hub.set_title(whose, title).await?;
    Ok(json(&Titled { title }))
}

impl From<TitleError> for Problem {
    fn from(error: TitleError) -> Self {
        let (status, hint) = match error {
            TitleError::Unknown(_) => (StatusCode::NOT_FOUND, "GET /api/cameras lists the cameras"),
            TitleError::Browser(_) => {
                (StatusCode::CONFLICT, "the person who shows it can change their own name")
            }
            TitleError::Away(_) => (StatusCode::SERVICE_UNAVAILABLE, "try again when it is back"),
            TitleError::Refused(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "its node keeps the titles, and says why not")
            }
            TitleError::Full(_) => {
                (StatusCode::INSUFFICIENT_STORAGE, "make room on the disk of its node")
            }
            TitleError::Late(_) => {
                (StatusCode::GATEWAY_TIMEOUT, "a node of an earlier version keeps no titles")
            }
        };
        Problem::new(status, error.to_string(), hint)
    }
}
