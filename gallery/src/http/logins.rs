//! Logins: in, out, one's devices and password, and the first administrator.

use std::time::Duration;

use access::{BadUsers, Comes, Denied, NotSetUp, Standing, Token};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use warp::http::StatusCode;
use warp::http::header::USER_AGENT;
use warp::reply::{Reply, Response};

use crate::caller::Caller;
use crate::http::photos::{json, small};
use crate::http::site::{Asked, Site};
use crate::http::{cookies, device};
use crate::problem::{Code, Problem};

type Answer = Result<Response, Problem>;

/// Who asks, and what they may do. It also has their browser keep its token for another while.
pub(crate) async fn me(site: Site, asked: Asked) -> Answer {
    let mut response = json(&asked.caller.me(&site.logins));
    renew(&site, &asked.caller, &asked, &mut response);
    Ok(response)
}

/// Has the browser of somebody who is logged in keep its token for another while.
pub(crate) fn renew(site: &Site, caller: &Caller, asked: &Asked, response: &mut Response) {
    let Some(person) = caller.standing.person() else { return };
    let tokens = cookies::tokens(&asked.headers, caller.is_secure);
    if let Some(token) = tokens.iter().find(|token| site.logins.is_of(person, token)) {
        cookies::set(response, caller.is_secure, token);
    }
}

/// Logs somebody in.
pub(crate) async fn log_in(site: Site, mut asked: Asked) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Login {
        name: String,
        password: String,
    }
    let hint = r#"send JSON such as {"name":"ana","password":"…"}"#;
    let Login { name, password } = read(&whole(&mut asked).await?, hint)?;
    let comes = comes(&asked);
    match site.logins.log_in(&comes, name.clone(), password).await {
        Ok(begun) => Ok(begin(&site, asked.caller, begun)),
        Err(denied) => Err(refusal(denied, site.logins.wait(comes.peer, &name))),
    }
}

/// Logs out whoever asks. Who is not logged in is so already. Of two good tokens both end, though
/// nobody is logged in with two.
pub(crate) async fn log_out(site: Site, asked: Asked) -> Answer {
    let Caller { peer, is_secure, is_own_page, .. } = asked.caller;
    if is_own_page {
        for token in cookies::tokens(&asked.headers, is_secure) {
            if let Standing::Person(person) = site.logins.standing(peer, is_secure, &[token]) {
                site.logins.log_out(&person).await;
            }
        }
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    cookies::clear(&mut response, is_secure);
    Ok(response)
}

/// Where the asker is logged in.
pub(crate) async fn devices(site: Site, asked: Asked) -> Answer {
    let person = asked.caller.standing.person();
    Ok(json(&person.map(|person| site.logins.devices(person)).unwrap_or_default()))
}

/// Logs the asker out on one device.
pub(crate) async fn end_device(site: Site, asked: Asked) -> Answer {
    let person = asked.caller.standing.person();
    let ended = match person {
        Some(person) => site.logins.log_out_elsewhere(person, Some(asked.name(0))).await,
        None => 0,
    };
    if ended == 0 {
        let hint = "GET /api/me/devices lists them";
        return Err(Problem::not_found("you are not logged in on such a device", hint));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Logs the asker out everywhere else.
pub(crate) async fn end_devices(site: Site, asked: Asked) -> Answer {
    if let Some(person) = asked.caller.standing.person() {
        site.logins.log_out_elsewhere(person, None).await;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Gives the asker another password.
pub(crate) async fn set_password(site: Site, mut asked: Asked) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Passwords {
        old: String,
        new: String,
    }
    let hint = r#"send JSON such as {"old":"…","new":"…"}"#;
    let Passwords { old, new } = read(&whole(&mut asked).await?, hint)?;
    let Some(person) = asked.caller.standing.person() else { return Err(needs_login()) };
    let peer = asked.caller.peer;
    match site.logins.set_password(peer, person, old, new).await {
        Ok(Ok(())) => Ok(StatusCode::NO_CONTENT.into_response()),
        Ok(Err(bad)) => Err(bad.into()),
        Err(denied) => Err(refusal(denied, site.logins.wait(peer, &person.name))),
    }
}

/// Makes the first administrator, and logs them in.
pub(crate) async fn set_up(site: Site, mut asked: Asked) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct First {
        #[serde(default)]
        token: Option<String>,
        name: String,
        password: String,
    }
    let hint = r#"send JSON such as {"token":"…","name":"ana","password":"…"}"#;
    let First { token, name, password } = read(&whole(&mut asked).await?, hint)?;
    let comes = comes(&asked);
    match site.logins.set_up(&comes, token.as_deref(), name, password).await {
        Ok(begun) => Ok(begin(&site, asked.caller, begun)),
        Err(NotSetUp::Bad(bad)) => Err(bad.into()),
        Err(NotSetUp::Denied(Denied::Wrong)) => {
            let error = "this is not the address at which the first administrator is made";
            let hint = "the gallery's log has it, and `vitrina user setup` says it again";
            Err(Problem::new(StatusCode::FORBIDDEN, error, hint).coded(Code::SetupWrong))
        }
        Err(NotSetUp::Denied(denied)) => Err(refusal(denied, site.logins.wait(comes.peer, ""))),
    }
}

/// The answer to somebody who has just logged in.
fn begin(site: &Site, caller: Caller, (token, standing): (Token, Standing)) -> Response {
    let is_secure = caller.is_secure;
    let mut response = json(&caller.with(standing, &site.logins).me(&site.logins));
    cookies::begin(&mut response, is_secure, &token);
    response
}

fn comes(asked: &Asked) -> Comes {
    let Caller { peer, is_secure, is_near, .. } = asked.caller;
    let agent = asked.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    let before = cookies::tokens(&asked.headers, is_secure);
    Comes { peer, is_secure, is_near, device: device::name(agent), before }
}

fn refusal(denied: Denied, wait: Duration) -> Problem {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    let problem = match denied {
        Denied::Wrong => {
            let error = "this name and this password do not match";
            let hint = "try again; an administrator can give you another password";
            Problem::new(StatusCode::UNAUTHORIZED, error, hint).coded(Code::LoginWrong)
        }
        Denied::TooMany => {
            let hint = "wait before the next try; each wrong password makes the wait longer";
            let status = StatusCode::TOO_MANY_REQUESTS;
            return Problem::new(status, denied.why(), hint)
                .coded(Code::LoginSlow)
                .retry_after(seconds.max(1));
        }
        Denied::Busy => {
            let hint = "try again in some seconds";
            return Problem::unavailable(denied.why(), hint).coded(Code::TooMany).retry_after(5);
        }
    };
    if seconds > 0 { problem.retry_after(seconds) } else { problem }
}

fn needs_login() -> Problem {
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "this needs a login", "log in");
    problem.coded(Code::LoginNeeded)
}

pub(super) async fn whole(asked: &mut Asked) -> Result<Bytes, Problem> {
    small(&mut asked.body).await
}

/// Reads JSON. The error says nothing of what was sent, which may be a password.
pub(super) fn read<T: DeserializeOwned>(body: &[u8], hint: &str) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Problem::bad_request(format!("this cannot be read from {place} on"), hint)
    })
}

impl From<BadUsers> for Problem {
    fn from(bad: BadUsers) -> Problem {
        let (status, code, hint) = match &bad {
            BadUsers::Io { .. } | BadUsers::Content { .. } => {
                tracing::error!(error = %bad, "cannot change the users");
                return Problem::internal("the users cannot be changed now");
            }
            BadUsers::Name(_) | BadUsers::NodeName(_) => {
                (StatusCode::BAD_REQUEST, Code::UserName, "choose another name")
            }
            BadUsers::Password => {
                (StatusCode::BAD_REQUEST, Code::UserPassword, "choose another one")
            }
            BadUsers::Known(_) => {
                (StatusCode::CONFLICT, Code::UserKnown, "choose another name, or change that user")
            }
            BadUsers::Unknown(_) => {
                (StatusCode::NOT_FOUND, Code::UserUnknown, "GET /api/users lists them")
            }
            BadUsers::LastAdmin(_) => (
                StatusCode::CONFLICT,
                Code::LastAdmin,
                "give another user the role admin, without hours",
            ),
            BadUsers::SetUp => (StatusCode::CONFLICT, Code::SetupUsed, "log in"),
            BadUsers::TooMany => (StatusCode::CONFLICT, Code::TooMany, "remove some"),
        };
        Problem::new(status, bad.to_string(), hint).coded(code)
    }
}
