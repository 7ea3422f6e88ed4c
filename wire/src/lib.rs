//! What all parts of Vitrina agree on: names, topics, payloads, the facts inside pictures, the
//! messages of the page's WebSocket, and the limits.
//!
//! Nothing here reads a file, a socket or a clock. Everything from outside becomes either a value
//! or an error, never a panic.
//!
//! A folder uses those after it: `page` and `log` use `facts`, and these use `pictures` and
//! `topics`; `limits` and `settings` use no other.

mod facts;
mod forget;
pub mod limits;
pub mod log;
pub mod page;
mod pictures;
mod settings;
mod topics;

pub use facts::ask::{Answer, Ask, Cause};
pub use facts::camera::{CameraState, CameraStats, Control, Controls, Reason, Resolution, State};
pub use facts::node::{Info, Kind, Stats, Status};
pub use facts::payload::BadPayload;
pub use facts::people;
pub use facts::photo::{Author, Mark, MediaType, Photo, PhotoEvent, Snap, Stored, TimeSource};
pub use facts::title::{self, BadTitle};
pub use facts::want::Want;
pub use forget::{Forgotten, StillHere};
pub use limits::PacketLimits;
pub use page::frame;
pub use pictures::jpeg;
pub use pictures::stamp::{Ages, Stamp};
pub use settings::broker_url::{self, BadBrokerUrl, BrokerUrl};
pub use settings::units;
pub use topics::filter;
pub use topics::foreign::{BadForeignTopic, ForeignTopic};
pub use topics::name::{
    BadName, CameraId, CameraName, GalleryId, NodeName, PersonId, PhotoId, Root,
};
pub use topics::topic::{BadTopic, Size, Topic};
