//! Users who were removed on the wall a moment ago, and can be brought back as they were.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::users::User;

/// For how long. The page offers it for 8 s, longer while somebody points at the offer.
const KEPT: Duration = Duration::from_secs(60);

/// How many at most; the one removed first goes first.
const MOST: usize = 16;

#[derive(Default)]
pub(super) struct Removed(VecDeque<Kept>);

struct Kept {
    name: String,
    user: User,
    until: Instant,
}

impl Removed {
    pub fn keep(&mut self, name: &str, user: User, now: Instant) {
        self.0.retain(|kept| kept.until > now && kept.name != name);
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(Kept { name: name.to_owned(), user, until: now + KEPT });
    }

    /// The user of this name as it was, if it was removed so lately.
    pub fn take(&mut self, name: &str, now: Instant) -> Option<User> {
        self.0.retain(|kept| kept.until > now);
        let at = self.0.iter().position(|kept| kept.name == name)?;
        self.0.remove(at).map(|kept| kept.user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cameras::Cameras;
    use crate::roles::Role;

    fn user(password: &str) -> User {
        let cameras = Cameras::default();
        User { role: Role::Viewer, password: password.to_owned(), cameras, hours: None }
    }

    #[test]
    fn a_user_is_kept_for_a_while_and_brought_back_once() {
        let (mut removed, now) = (Removed::default(), Instant::now());
        removed.keep("leo", user("before"), now);
        removed.keep("leo", user("after"), now);
        assert_eq!(removed.take("ana", now).map(|user| user.password), None);
        assert_eq!(removed.take("leo", now).map(|user| user.password), Some("after".to_owned()));
        assert_eq!(removed.take("leo", now).map(|user| user.password), None);
        removed.keep("leo", user("late"), now);
        assert_eq!(removed.take("leo", now + KEPT).map(|user| user.password), None);
    }

    #[test]
    fn no_more_than_some_are_kept() {
        let (mut removed, now) = (Removed::default(), Instant::now());
        for n in 0..=MOST {
            removed.keep(&n.to_string(), user("x"), now);
        }
        assert_eq!(removed.0.len(), MOST);
        assert!(removed.take("0", now).is_none() && removed.take("1", now).is_some());
    }
}
