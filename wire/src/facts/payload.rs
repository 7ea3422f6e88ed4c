//! How every JSON payload is read and written.
//!
//! A reader accepts unknown fields, since a later version may send them. All times are whole
//! milliseconds since 1970 by the sender's own clock, which may be wrong.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits;

/// Why a payload was refused.
#[derive(Debug, thiserror::Error)]
pub enum BadPayload {
    /// Larger than [`limits::JSON`].
    #[error("{0} bytes; the most is {most}", most = limits::JSON)]
    TooLarge(usize),
    /// Not a JSON object.
    #[error("not a JSON object")]
    NoObject,
    /// Not the JSON of this topic.
    #[error("not understood: {0}")]
    Json(#[from] serde_json::Error),
    /// Neither `online` nor `offline`.
    #[error("a status is `online` or `offline`")]
    Status,
    /// A number that no camera has.
    #[error("{field} is {value}; it must be 0 to {most}", most = limits::FPS)]
    Rate {
        /// The field.
        field: &'static str,
        /// Its value.
        value: f32,
    },
    /// A time between two frames that no camera has.
    #[error("interval is {value}; it must be 0 to {most} s", most = limits::INTERVAL)]
    Interval {
        /// Its value.
        value: f32,
    },
}

pub(crate) fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, BadPayload> {
    if payload.len() > limits::JSON {
        return Err(BadPayload::TooLarge(payload.len()));
    }
    // A derived reader would also accept an array of the fields in their order.
    if payload.trim_ascii_start().first() != Some(&b'{') {
        return Err(BadPayload::NoObject);
    }
    Ok(serde_json::from_slice(payload)?)
}

pub(crate) fn write<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("these types hold only what JSON can say")
}

pub(super) fn rate(field: &'static str, value: f32) -> Result<(), BadPayload> {
    if (0.0..=limits::FPS).contains(&value) {
        Ok(())
    } else {
        Err(BadPayload::Rate { field, value })
    }
}
