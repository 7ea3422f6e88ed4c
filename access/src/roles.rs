//! What a user is there for. What that means in MQTT's topics, the broker says.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a user is there for, and therefore may do. All but `admin` are bound to the topics of
/// Vitrina, `<root>/#` and `<root>-jpeg/#`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A node, whose name is the user's: publishes and reads under its own name, and reads which
    /// galleries there are.
    Node,
    /// A gallery: commands, photos taken over, people, and the nodes that browsers are; reads all.
    Gallery,
    /// Somebody who gives commands: reads all, and what the broker says of itself.
    Operator,
    /// Somebody who looks: reads all.
    Viewer,
    /// Everything, also what `broker.deny` refuses to others.
    Admin,
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no role {0:?}; choose node, gallery, operator, viewer or admin")]
pub struct BadRole(String);

impl Role {
    /// All there are.
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
