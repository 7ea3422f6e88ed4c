//! What somebody may do on the wall.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::roles::Role;

/// One thing that somebody may do. Each route and each message of a page needs one or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// See cameras and photos.
    Look,
    /// See who is here and what they say, be here under a name, and say something.
    Talk,
    /// Show a camera of one's own.
    Show,
    /// Bring photos.
    Upload,
    /// Have a camera take a photo.
    Snap,
    /// Change what cameras and nodes are called.
    Control,
    /// Give photos captions, and pin them.
    Edit,
    /// Delete photos, and take that back.
    Delete,
    /// Clear what is known of a node or camera that will not come back.
    Forget,
    /// Read what happened in the house.
    Log,
    /// Send and receive messages of programs, through the relay.
    Relay,
    /// Say who else may come, and to do what.
    Users,
}

impl Right {
    /// All rights.
    pub const ALL: [Right; 12] = [
        Right::Look,
        Right::Talk,
        Right::Show,
        Right::Upload,
        Right::Snap,
        Right::Control,
        Right::Edit,
        Right::Delete,
        Right::Forget,
        Right::Log,
        Right::Relay,
        Right::Users,
    ];
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Right::Look => "look",
            Right::Talk => "talk",
            Right::Show => "show",
            Right::Upload => "upload",
            Right::Snap => "snap",
            Right::Control => "control",
            Right::Edit => "edit",
            Right::Delete => "delete",
            Right::Forget => "forget",
            Right::Log => "log",
            Right::Relay => "relay",
            Right::Users => "users",
        })
    }
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights(u16);

impl Rights {
    /// Everything.
    pub const ALL: Rights = Rights(u16::MAX);

    /// Nothing.
    pub const NONE: Rights = Rights(0);

    /// What may be done in a house where nobody has a login: everything, but that nobody can say
    /// who else may come before there is a first administrator.
    pub const OPEN: Rights = Rights(!bit(Right::Users));

    /// These rights.
    const fn of(rights: &[Right]) -> Rights {
        let (mut bits, mut i) = (0, 0);
        while i < rights.len() {
            bits |= bit(rights[i]);
            i += 1;
        }
        Rights(bits)
    }

    /// Whether a right is among them.
    pub fn have(self, right: Right) -> bool {
        self.0 & bit(right) != 0
    }

    /// All of these except one.
    #[must_use]
    pub fn without(self, right: Right) -> Rights {
        Rights(self.0 & !bit(right))
    }

    /// These and those.
    #[must_use]
    pub fn and(self, others: Rights) -> Rights {
        Rights(self.0 | others.0)
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.have(*right))
    }
}

impl Role {
    /// What a user of this role may do on the wall. Nodes and galleries are no people, and may do
    /// nothing there.
    pub fn rights(self) -> Rights {
        match self {
            Role::Admin => Rights::ALL,
            Role::Operator => Rights::ALL.without(Right::Users),
            Role::Viewer => Rights::of(&[Right::Look, Right::Talk]),
            Role::Node | Role::Gallery => Rights::NONE,
        }
    }

    /// Whether a user of this role is a person, who can log in on the wall.
    pub fn is_person(self) -> bool {
        self.rights() != Rights::NONE
    }
}

/// What somebody without a login may do on the wall of a house where people have logins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visitors {
    /// Nothing.
    #[default]
    None,
    /// Look.
    Look,
    /// Look, talk, show a camera and bring photos.
    Join,
}

impl Visitors {
    /// What they may do.
    pub fn rights(self) -> Rights {
        match self {
            Visitors::None => Rights::NONE,
            Visitors::Look => Rights::of(&[Right::Look]),
            Visitors::Join => Rights::of(&[Right::Look, Right::Talk, Right::Show, Right::Upload]),
        }
    }
}

const fn bit(right: Right) -> u16 {
    1 << right as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_that_is_taken_away_takes_no_other_along() {
        for taken in Right::ALL {
            let rights = Rights::ALL.without(taken);
            for right in Right::ALL {
                assert_eq!(rights.have(right), right != taken, "{right} without {taken}");
            }
        }
    }
    /// The rights of each role, in words.
    #[test]
    fn roles_may_do_what_the_documentation_says() {
        let said =
            |rights: Rights| rights.iter().map(|right| right.to_string()).collect::<Vec<_>>();
        let all: Vec<_> = Right::ALL.into_iter().map(|right| right.to_string()).collect();
        for role in Role::ALL {
            let expected: &[&str] = match role {
                Role::Admin => &all.iter().map(String::as_str).collect::<Vec<_>>(),
                Role::Operator => &all[..11].iter().map(String::as_str).collect::<Vec<_>>(),
                Role::Viewer => &["look", "talk"],
                Role::Node | Role::Gallery => &[],
            };
            assert_eq!(said(role.rights()), expected, "{role}");
            assert_eq!(role.is_person(), !expected.is_empty(), "{role}");
        }
        assert_eq!(said(Rights::OPEN), all[..11], "no user is made before the first administrator");
        for (visitors, expected) in [
            (Visitors::None, &[][..]),
            (Visitors::Look, &["look"]),
            (Visitors::Join, &["look", "talk", "show", "upload"]),
        ] {
            assert_eq!(said(visitors.rights()), expected, "{visitors:?}");
        }
        let both = Visitors::Join.rights().and(Role::Viewer.rights());
        assert_eq!(said(both), ["look", "talk", "show", "upload"]);
    }
}
