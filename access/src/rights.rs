//! What somebody may do on the wall.

use std::fmt;

/// One thing that somebody may do. Each route and each message of a page needs one or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// See cameras, photos, people and what they say.
    Look,
    /// Be here under a name, and say something.
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
}

impl Right {
    /// All rights.
    pub const ALL: [Right; 11] = [
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
        })
    }
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights(u16);

impl Rights {
    /// Everything.
    pub const ALL: Rights = Rights(u16::MAX);

    /// Whether a right is among them.
    pub fn have(self, right: Right) -> bool {
        self.0 & bit(right) != 0
    }

    /// All of these except one.
    #[must_use]
    pub fn without(self, right: Right) -> Rights {
        Rights(self.0 & !bit(right))
    }
}

fn bit(right: Right) -> u16 {
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
}
