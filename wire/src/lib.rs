//! What all parts of Vitrina agree on: names, topics, payloads, the facts inside pictures, the
//! messages of the page's WebSocket, and the limits.
//!
//! Nothing here reads a file, a socket or a clock. Everything that came from outside is either a
//! value or an error, never a panic.

mod ask;
pub mod broker_url;
pub mod frame;
pub mod jpeg;
pub mod limits;
pub mod log;
mod name;
pub mod page;
mod payload;
pub mod people;
mod photo;
mod stamp;
mod takes;
mod topic;
pub mod units;

pub use ask::{Answer, Ask};
pub use broker_url::{BadBrokerUrl, BrokerUrl};
pub use name::{BadName, CameraId, CameraName, GalleryId, NodeName, PersonId, PhotoId, Root};
pub use payload::{
    BadPayload, CameraState, CameraStats, Control, Info, Kind, Reason, Resolution, State, Stats,
    Status, Want,
};
pub use photo::{Author, Mark, MediaType, Photo, PhotoEvent, Snap, Stored, TimeSource};
pub use stamp::{Stamp, Took};
pub use takes::Takes;
pub use topic::{BadTopic, Size, Topic, filter};
