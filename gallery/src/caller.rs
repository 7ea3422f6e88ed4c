//! Who asks for something, by HTTP or on a page, and with which rights.

use std::future::pending;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use access::{Cameras, Hours, Logins, Right, Rights, Role, Standing, Visitors};
use tokio::time::sleep;
use warp::http::StatusCode;
use wire::page::{Me, MyRole, Span};
use wire::{CameraId, NodeName};

use crate::limits::shares::Who;
use crate::problem::{Code, Problem};

/// How often it is looked whether the hours of somebody who still looks have ended.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Who asks. `http::guard` makes one for each request; a page's socket keeps it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The address.
    pub peer: IpAddr,
    /// As what they are here.
    pub standing: Standing,
    /// The rights.
    pub rights: Rights,
    /// The cameras for which they hold, and those that are seen at all.
    pub cameras: Cameras,
    /// When they hold; `None` for always.
    pub hours: Option<Hours>,
    /// Whether TLS was used.
    pub is_secure: bool,
    /// Whether they are at this very machine, and come through no proxy.
    pub is_near: bool,
    /// Whether the cookies that came along may count as theirs.
    pub is_own_page: bool,
}

impl Caller {
    /// A caller of a house where nobody has a login: it may do everything, as everybody who is let
    /// in.
    pub(crate) fn unknown(peer: IpAddr) -> Caller {
        let standing = Standing::Open;
        let rights = standing.rights(Visitors::None);
        Caller {
            peer,
            standing,
            rights,
            cameras: Cameras::ALL,
            hours: None,
            is_secure: false,
            is_near: false,
            is_own_page: false,
        }
    }

    /// The same caller with this standing.
    pub(crate) fn with(self, standing: Standing, logins: &Logins) -> Caller {
        let rights = standing.rights(logins.visitors());
        let person = standing.person();
        let cameras = person.map(|person| person.cameras.clone()).unwrap_or_default();
        let hours = person.and_then(|person| person.hours);
        Caller { standing, rights, cameras, hours, ..self }
    }

    /// The same caller after a change of logins; `None` if they were logged out.
    pub(crate) fn renewed(&self, logins: &Logins) -> Option<Caller> {
        let standing = logins.renewed(self.peer, self.is_secure, &self.standing)?;
        Some(self.clone().with(standing, logins))
    }

    /// Waits until the caller was logged out, or may no longer do what needs this right.
    pub(crate) async fn over(self, logins: Arc<Logins>, right: Option<Right>) {
        self.lasts(&logins, right, |_| true).await;
    }

    /// The same, or until they are to see other cameras than before.
    pub(crate) async fn changed(self, logins: Arc<Logins>, right: Option<Right>) {
        let cameras = |caller: &Caller| caller.standing.person().map(|it| it.cameras.clone());
        let before = cameras(&self);
        self.lasts(&logins, right, |now| cameras(now) == before).await;
    }

    async fn lasts(self, logins: &Logins, right: Option<Right>, is_same: impl Fn(&Caller) -> bool) {
        let mut changes = logins.changes();
        let may = |now: &Caller| right.is_none_or(|right| now.may(right, None)) && is_same(now);
        while let Some(now) = self.renewed(logins).filter(may) {
            tokio::select! {
                () = changes.next() => {}
                () = now.hours_over(), if right.is_some() => {}
            }
        }
    }

    /// Whose share the caller uses.
    pub(crate) fn who(&self) -> Who {
        Who::at(self.peer)
    }

    /// What a page is told of its user: the rights are those of now, none outside of their hours.
    pub(crate) fn me(&self, logins: &Logins) -> Me {
        let person = self.standing.person();
        Me {
            users: self.standing != Standing::Open,
            setup: self.is_near && !logins.have_people(),
            name: person.map(|person| person.name.to_string()),
            role: match &self.standing {
                Standing::Open => None,
                Standing::Visitor => Some(MyRole::Visitor),
                Standing::Person(person) => Some(my_role(person.role)),
            },
            rights: self
                .rights
                .iter()
                .filter(|right| self.may(*right, None))
                .map(|right| right.to_string())
                .collect(),
            cameras: (!self.cameras.are_all()).then(|| self.cameras.iter().collect()),
            hours: self.hours.map(Hours::times).map(|(from, to)| Span { from, to }),
            secure: self.is_secure,
            administrators: person.map(|_| logins.administrators()).unwrap_or_default(),
        }
    }

    /// Whether the caller may do something now, with this camera if it is about one. Everything
    /// that must be decided is decided here.
    pub fn may(&self, right: Right, camera: Option<&CameraId>) -> bool {
        self.rights.have(right)
            && self.hours.is_none_or(|hours| hours.include(clock::local()))
            && camera.is_none_or(|camera| self.cameras.sees(camera))
    }

    /// Whether the caller may do something now with each camera that a node has or will have.
    pub(crate) fn may_with_all(&self, right: Right, node: &NodeName) -> bool {
        self.may(right, None) && self.cameras.sees_all_of(node)
    }

    /// Waits until the caller's hours have ended; for ever if they may come always.
    pub(crate) async fn hours_over(&self) {
        let Some(hours) = self.hours else { return pending().await };
        while hours.include(clock::local()) {
            sleep(LOOK_EVERY).await;
        }
    }

    /// Checks that the caller has a right.
    ///
    /// # Errors
    /// The caller has not: 401 if a login could give it, else 403.
    pub(crate) fn needs(&self, right: Right) -> Result<(), Problem> {
        if self.may(right, None) {
            return Ok(());
        }
        Err(match self.standing {
            Standing::Visitor => {
                let error = format!("this needs a login with the right \"{right}\"");
                Problem::new(StatusCode::UNAUTHORIZED, error, "log in").coded(Code::LoginNeeded)
            }
            Standing::Open | Standing::Person(_) => {
                let error = format!("you may not do this: it needs the right \"{right}\"");
                let hint = "ask who runs this gallery";
                Problem::new(StatusCode::FORBIDDEN, error, hint).coded(Code::NoRight)
            }
        })
    }
}

/// Only people log in.
fn my_role(role: Role) -> MyRole {
    match role {
        Role::Admin => MyRole::Admin,
        Role::Operator => MyRole::Operator,
        Role::Viewer | Role::Node | Role::Gallery => MyRole::Viewer,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn caller(cameras: &str) -> Caller {
        let cameras = cameras.parse().unwrap();
        let rights = Rights::ALL;
        Caller { cameras, rights, ..Caller::unknown([127, 0, 0, 1].into()) }
    }

    /// Hours that begin after so many minutes, and last two.
    fn hours(begin_in: u64) -> Option<Hours> {
        let at = |minutes: u64| {
            let minutes = clock::local().as_secs() / 60 + minutes;
            format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
        };
        Some(Hours::parse(&at(begin_in), &at(begin_in + 2)).unwrap())
    }

    #[test]
    fn who_may_do_something_may_with_their_cameras_alone_and_during_their_hours() {
        let house = caller("house/*, */door");
        for right in Right::ALL {
            assert!(house.may(right, None) && house.may(right, Some(&id("house/attic"))));
            assert!(house.may(right, Some(&id("barn/door"))), "{right}");
            assert!(!house.may(right, Some(&id("barn/stable"))), "{right}");
            assert!(house.may_with_all(right, &"house".parse().unwrap()), "{right}");
            assert!(!house.may_with_all(right, &"barn".parse().unwrap()), "{right}");
            let unable = Caller { rights: house.rights.without(right), ..house.clone() };
            assert!(!unable.may(right, None) && !unable.may(right, Some(&id("house/attic"))));
            let now = Caller { hours: hours(0), ..house.clone() };
            assert!(now.may(right, None) && now.needs(right).is_ok(), "{right}");
            let later = Caller { hours: hours(60), ..house.clone() };
            assert!(!later.may(right, None) && later.needs(right).is_err(), "{right}");
        }
    }

    #[tokio::test]
    async fn hours_end_and_without_hours_nothing_does() {
        Caller { hours: hours(60), ..caller("*") }.hours_over().await;
        assert!(Caller { hours: hours(0), ..caller("*") }.hours_over().now_or_never().is_none());
        assert!(caller("*").hours_over().now_or_never().is_none());
    }

    fn id(id: &str) -> CameraId {
        id.parse().unwrap()
    }
}
