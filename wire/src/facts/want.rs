//! Somebody asks a camera for frames.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::facts::payload::{BadPayload, rate, read, write};
use crate::limits;

/// Somebody asks a camera for frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Want {
    /// Who asks: 1 to 64 bytes. A later want from the same asker replaces this one.
    pub by: String,
    /// The rate of `live/full`, in frames a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<f32>,
    /// The rate of `live/half`, in frames a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half: Option<f32>,
    /// The rate of `live/quarter`, in frames a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarter: Option<f32>,
    /// How many people the asker speaks for; 1 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookers: Option<u32>,
    /// For how many seconds; [`limits::WANT_FOR`] if left out.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f32>,
}

impl Want {
    /// Reads the payload of a want topic.
    ///
    /// # Errors
    /// [`BadPayload`] if it is too large, not such JSON, or asks for an impossible rate.
    pub fn parse(payload: &[u8]) -> Result<Self, BadPayload> {
        use serde::de::Error;
        let want: Want = read(payload)?;
        if want.by.is_empty() || want.by.len() > 64 {
            return Err(serde_json::Error::custom("`by` must be 1 to 64 bytes").into());
        }
        rate("full", want.full.unwrap_or(0.0))?;
        rate("half", want.half.unwrap_or(0.0))?;
        rate("quarter", want.quarter.unwrap_or(0.0))?;
        Ok(want)
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        write(self)
    }

    /// How long it holds: [`limits::WANT_FOR`] unless it says, [`limits::WANT_FOR_MOST`] at most.
    pub fn holds(&self) -> Duration {
        let asked = self.seconds.unwrap_or(limits::WANT_FOR.as_secs_f32());
        let most = limits::WANT_FOR_MOST.as_secs_f32();
        Duration::from_secs_f32(if asked.is_nan() { 0.0 } else { asked.clamp(0.0, most) })
    }
}
