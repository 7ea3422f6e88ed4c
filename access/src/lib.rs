//! Who may come in: one set of rules for the broker and the gallery.
//!
//! A [`Guard`] decides where a request may come from: by its network, by the host it names and by
//! the page that makes it. [`Authentication`] identifies one of the [`Users`] by name and password.
//! [`Rights`] are what somebody may do on the wall, with which [`Cameras`] and during which
//! [`Hours`]. The broker says which MQTT topics a [`Role`] may use, because only the broker knows
//! topics.
//!
//! All modules are pure except three: `folder` reads and writes files, `names` reads this machine's
//! names from the system, and `authentication` waits for password checks. The crate opens no socket
//! and knows neither MQTT nor routes.

mod authentication;
mod cameras;
mod guard;
mod hours;
mod identity;
mod logins;
mod refusals;
mod rights;
mod roles;
mod sessions;
mod standing;
mod users;

pub use authentication::{Authentication, Denied};
pub use cameras::{BadCameras, Cameras};
pub use guard::names::Names;
pub use guard::networks::{BadNetwork, LOCAL, Networks};
pub use guard::{Asks, Calls, Guard, Keys, ORIGINS, Refused, is_of_host};
pub use hours::{BadHours, Hours};
pub use identity::{Allowed, Identity};
pub use logins::{Changes, Comes, Device, Listed, Logins, NewUser, NotSetUp, Rules, UserChange};
pub use refusals::{Brief, Refusals};
pub use rights::{Right, Rights, Visitors};
pub use roles::{BadRole, Role, is_node};
pub use sessions::Token;
pub use standing::{Person, Standing};
pub use users::folder::setup_token;
pub use users::passwords::new_password;
pub use users::{BadUsers, User, Users};
