//! Who may come, as administrators see and change it.

use access::{Cameras, Hours, Listed, NewUser, Role, UserChange};
use serde::{Deserialize, Deserializer, Serialize};
use warp::http::StatusCode;
use warp::reply::{Reply, Response};

use crate::http::logins::{read, whole};
use crate::http::photos::json;
use crate::http::site::{Asked, Site};
use crate::problem::{Code, Problem};

type Answer = Result<Response, Problem>;

/// A user as JSON.
#[derive(Serialize)]
struct Shown {
    name: String,
    role: Role,
    /// None means all.
    cameras: Option<Cameras>,
    /// None means always.
    hours: Option<Hours>,
    devices: usize,
    seen: Option<u64>,
}

impl From<Listed> for Shown {
    fn from(Listed { name, role, cameras, hours, devices, seen }: Listed) -> Shown {
        let cameras = Some(cameras).filter(|cameras| !cameras.are_all());
        Shown { name, role, cameras, hours, devices, seen }
    }
}

/// All users.
pub(crate) async fn list(site: Site, _: Asked) -> Answer {
    Ok(json(&site.logins.users().into_iter().map(Shown::from).collect::<Vec<_>>()))
}

/// Makes a user.
pub(crate) async fn add(site: Site, mut asked: Asked) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct New {
        name: String,
        role: String,
        password: String,
        #[serde(default)]
        cameras: Option<Vec<String>>,
        #[serde(default)]
        hours: Option<Times>,
    }
    let hint =
        r#"send JSON such as {"name":"leo","role":"viewer","password":"…","cameras":["house/*"]}"#;
    let New { name, role, password, cameras, hours } = read(&whole(&mut asked).await?, hint)?;
    let (role, cameras) = (parse_role(&role)?, parse_cameras(cameras)?);
    let hours = hours.map(parse_hours).transpose()?;
    let by = asked.caller.standing.person();
    let new = NewUser { name: name.clone(), role, password, cameras, hours };
    site.logins.add_user(by, new).await?;
    shown(&site, &name, StatusCode::CREATED)
}

/// Changes a user.
pub(crate) async fn change(site: Site, mut asked: Asked) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Changed {
        #[serde(default)]
        role: Option<String>,
        #[serde(default)]
        password: Option<String>,
        #[serde(default, deserialize_with = "given")]
        cameras: Option<Option<Vec<String>>>,
        #[serde(default, deserialize_with = "given")]
        hours: Option<Option<Times>>,
    }
    let hint = r#"send JSON such as {"role":"viewer","cameras":["house/*"],"hours":null}"#;
    let Changed { role, password, cameras, hours } = read(&whole(&mut asked).await?, hint)?;
    let change = UserChange {
        role: role.as_deref().map(parse_role).transpose()?,
        password,
        cameras: cameras.map(parse_cameras).transpose()?,
        hours: hours.map(|hours| hours.map(parse_hours).transpose()).transpose()?,
    };
    let by = asked.caller.standing.person();
    site.logins.change_user(by, asked.name(0), change).await?;
    shown(&site, asked.name(0), StatusCode::OK)
}

/// Removes a user.
pub(crate) async fn remove(site: Site, asked: Asked) -> Answer {
    let by = asked.caller.standing.person();
    site.logins.remove_user(by, asked.name(0)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Brings back a user who was removed a moment ago.
pub(crate) async fn restore(site: Site, asked: Asked) -> Answer {
    let by = asked.caller.standing.person();
    site.logins.restore_user(by, asked.name(0)).await?;
    shown(&site, asked.name(0), StatusCode::OK)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Times {
    from: String,
    to: String,
}

/// Null is told from what is left out.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

fn parse_role(word: &str) -> Result<Role, Problem> {
    let bad = |error: access::BadRole| {
        Problem::bad_request(error.to_string(), "people are admin, operator or viewer")
    };
    word.parse().map_err(bad)
}

fn parse_cameras(patterns: Option<Vec<String>>) -> Result<Cameras, Problem> {
    patterns.map_or_else(|| Ok(Cameras::default()), Cameras::parse).map_err(|bad| {
        let hint = "null means all cameras";
        Problem::bad_request(bad.to_string(), hint).coded(Code::UserCameras)
    })
}

fn parse_hours(Times { from, to }: Times) -> Result<Hours, Problem> {
    Hours::parse(&from, &to)
        .map_err(|bad| Problem::bad_request(bad.to_string(), "null means always"))
}

fn shown(site: &Site, name: &str, status: StatusCode) -> Answer {
    let user = site.logins.users().into_iter().find(|user| user.name == name);
    let mut response = json(&user.map(Shown::from));
    *response.status_mut() = status;
    Ok(response)
}
