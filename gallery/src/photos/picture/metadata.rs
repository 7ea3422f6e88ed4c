//! The facts in a picture: EXIF, XMP, texts, and the colour profile.

mod dates;
pub(super) mod exif;
pub(super) mod profile;
pub(super) mod tiff;
pub(super) mod xmp;

pub(super) use dates::parse as parse_date;
pub(crate) use dates::{plausible, times};
pub(crate) use exif::facts;
pub(super) use xmp::PARTS;
