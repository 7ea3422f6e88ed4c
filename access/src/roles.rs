//! The roles of users. The broker says what each means in MQTT's topics.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A user's role, which decides what the user may do. All roles except `admin` are limited to
/// Vitrina's topics, `<root>/#` and `<root>-jpeg/#`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A node with the user's name: publishes and reads under that name, and reads which galleries
    /// there are.
    Node,
    /// A gallery: publishes commands, receipts for photos, people and browsers' nodes; reads all.
    Gallery,
    /// Somebody who gives commands: reads all, and the broker's own facts.
    Operator,
    /// Somebody who looks: reads all.
    Viewer,
    /// Everything, including what `broker.deny` refuses to others.
    Admin,
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no role {0:?}; choose node, gallery, operator, viewer or admin")]
pub struct BadRole(String);

impl Role {
    /// All roles.
    pub const ALL: [Role; 5] =
        [Role::Node, Role::Gallery, Role::Operator, Role::Viewer, Role::Admin];

    fn as_str(self) -> &'static str {
        match self {
            Role::Node => "node",
            Role::Gallery => "gallery",
            Role::Operator => "operator",
            Role::Viewer => "viewer",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = BadRole;

    fn from_str(word: &str) -> Result<Role, BadRole> {
        Role::ALL
            .into_iter()
            .find(|role| role.as_str() == word)
            .ok_or_else(|| BadRole(word.chars().take(64).collect()))
    }
}

/// Whether a user of this name can be a node.
pub fn is_node(name: &str) -> bool {
    name.parse::<wire::NodeName>().is_ok_and(|name| !name.is_browser())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_words() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert!("root".parse::<Role>().unwrap_err().to_string().contains("viewer"));
    }
}
