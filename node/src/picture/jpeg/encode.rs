//! Planes to JPEG. The reasons for the two encoders, and figures, are in
//! `docs/decisions/encoder.md`.

use crate::picture::raw::planes::Planes;

#[cfg(any(test, not(feature = "turbojpeg")))]
mod rust;
#[cfg(feature = "turbojpeg")]
mod turbo;

#[cfg(not(feature = "turbojpeg"))]
pub(crate) use rust::Rust as Encoder;
#[cfg(feature = "turbojpeg")]
pub(crate) use turbo::Turbo as Encoder;

/// Makes one JPEG after another, and reuses its memory.
pub(crate) trait Encode {
    /// The JPEG of a picture, baseline, with the standard Huffman tables, at `quality` 1 to 100.
    ///
    /// # Errors
    /// The reason under which stats count a frame that cannot be encoded.
    fn encode(&mut self, planes: &Planes<'_>, quality: u8) -> Result<&[u8], &'static str>;
}

#[cfg(test)]
mod tests;
