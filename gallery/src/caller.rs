//! Who asks for something, by HTTP or on a page, and with which rights.

use std::net::IpAddr;

use access::{Right, Rights, Role, Standing, Visitors};
use warp::http::StatusCode;
use wire::page::{Me, MyRole};

use crate::limits::shares::Who;
use crate::problem::{Code, Problem};

/// Who asks. `http::guard` makes one for each request; a page's socket keeps it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The address.
    pub peer: IpAddr,
    /// As what they are here.
    pub standing: Standing,
    /// The rights.
    pub rights: Rights,
    /// Whether TLS was used.
    pub is_secure: bool,
    /// Whether they are at this very machine, and come through no proxy.
    pub is_near: bool,
}

impl Caller {
    /// A caller of a house where nobody has a login: it may do everything, as everybody who is let
    /// in.
    pub(crate) fn unknown(peer: IpAddr) -> Caller {
        let standing = Standing::Open;
        let rights = standing.rights(Visitors::None);
        Caller { peer, standing, rights, is_secure: false, is_near: false }
    }

    /// Whose share the caller uses.
    pub(crate) fn who(&self) -> Who {
        Who::at(self.peer)
    }

    /// What a page is told of its user. `setup`: they may make the first administrator.
    pub(crate) fn me(&self, setup: bool, administrators: Vec<String>) -> Me {
        let person = self.standing.person();
        Me {
            users: self.standing != Standing::Open,
            setup,
            name: person.map(|person| person.name.to_string()),
            role: match &self.standing {
                Standing::Open => None,
                Standing::Visitor => Some(MyRole::Visitor),
                Standing::Person(person) => Some(my_role(person.role)),
            },
            rights: self.rights.iter().map(|right| right.to_string()).collect(),
            cameras: None,
            hours: None,
            secure: self.is_secure,
            administrators: person.map(|_| administrators).unwrap_or_default(),
        }
    }

    /// Checks that the caller has a right.
    ///
    /// # Errors
    /// The caller has not: 401 if a login could give it, else 403.
    pub(crate) fn needs(&self, right: Right) -> Result<(), Problem> {
        if self.rights.have(right) {
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
