//! Who may come in, for whoever listens: the broker and the gallery have one rule.
//!
//! A [`Guard`] judges where a request is from: by its network, by the name that it calls and by the
//! page that makes it. [`Authentication`] finds out who somebody is by name and password, among the
//! [`Users`]. [`Rights`] are what somebody may do on the wall; what a [`Role`] may do in MQTT's
//! topics is the broker's to say, since only it knows topics.
//!
//! All is pure but three: `folder` reads and writes files, `names` reads what the system calls this
//! machine, and `authentication` waits for passwords to be checked. It opens no socket and knows
//! neither MQTT nor routes.

mod attempts;
mod authentication;
mod folder;
mod guard;
mod identity;
mod local;
mod names;
mod networks;
mod passwords;
mod refusals;
mod rights;
mod roles;
mod users;

pub use authentication::{Authentication, Denied};
pub use guard::{Asks, Calls, Guard, Keys, Refused, is_of_host};
pub use identity::{Allowed, Identity};
pub use names::Names;
pub use networks::{BadNetwork, LOCAL, Networks};
pub use passwords::new_password;
pub use refusals::{Brief, Refusals};
pub use rights::{Right, Rights};
pub use roles::{BadRole, Role, is_node};
pub use users::{BadUsers, User, Users};
