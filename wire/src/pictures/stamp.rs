//! The facts inside a picture: a comment segment (COM) in every JPEG on the wire.

use std::fmt;

use crate::pictures::jpeg::{self, APP0, APP15, COM, NotJpeg, Segment};
use crate::topics::name::{CameraId, PhotoId};

/// What a picture says of itself, written `vitrina node=… camera=… seq=… at=<unix µs> mono=<µs>
/// boot=<id>`. A live picture also has `got=<µs> made=<µs>`, a snapshot `photo=<ULID>`.
///
/// It comes right after the leading APPn segments, since JFIF and EXIF must be first. Any viewer
/// can still open the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Node and camera that took it.
    pub camera: CameraId,
    /// The frame's number. It counts every frame that the camera made, even unpublished ones.
    pub seq: u32,
    /// The wall clock at capture, in microseconds since 1970. It may be wrong.
    pub at: u64,
    /// The monotonic clock at capture, in microseconds since boot.
    pub mono: u64,
    /// Eight hex digits of the boot id of the boot that `mono` counts from.
    pub boot: String,
    /// The parts of its age so far, if the node says.
    pub ages: Option<Ages>,
    /// The photo's id, if it is a snapshot.
    pub photo: Option<PhotoId>,
}

/// How old a frame was at two moments in its node, in microseconds since capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ages {
    /// When the node got it from the driver.
    pub got: u32,
    /// When the node had made this picture from it.
    pub made: u32,
}

const WORD: &str = "vitrina ";

impl Stamp {
    /// Copies `jpeg` to the end of `out` with this stamp in it, and changes nothing else, so
    /// [`Stamp::remove`] returns the same bytes.
    ///
    /// # Errors
    /// [`NotJpeg`] if the header cannot be read; `out` is then unchanged.
    pub fn insert(&self, jpeg: &[u8], out: &mut Vec<u8>) -> Result<(), NotJpeg> {
        let at = after_leading_apps(jpeg)?;
        let text = self.to_string();
        let length = u16::try_from(text.len() + 2).expect("names are short");
        out.reserve(jpeg.len() + text.len() + 4);
        out.extend_from_slice(&jpeg[..at]);
        out.extend_from_slice(&[0xff, COM]);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(&jpeg[at..]);
        Ok(())
    }

    /// The stamp of a picture. It ignores other programs' comments.
    pub fn find(jpeg: &[u8]) -> Option<Stamp> {
        find(jpeg).map(|(stamp, _)| stamp)
    }

    /// The picture before it was stamped; `None` if it carries no stamp.
    pub fn remove(jpeg: &[u8]) -> Option<Vec<u8>> {
        let (_, segment) = find(jpeg)?;
        Some([&jpeg[..segment.start], &jpeg[segment.end..]].concat())
    }

    fn parse(comment: &[u8]) -> Option<Stamp> {
        let fields = std::str::from_utf8(comment).ok()?.strip_prefix(WORD)?;
        let field =
            |name: &str| fields.split(' ').find_map(|f| f.strip_prefix(name)?.strip_prefix('='));
        let boot = field("boot")?;
        if boot.is_empty() || boot.len() > 36 {
            return None;
        }
        Some(Stamp {
            camera: CameraId {
                node: field("node")?.parse().ok()?,
                camera: field("camera")?.parse().ok()?,
            },
            seq: field("seq")?.parse().ok()?,
            at: field("at")?.parse().ok()?,
            mono: field("mono")?.parse().ok()?,
            boot: boot.to_owned(),
            ages: match (field("got"), field("made")) {
                (Some(got), Some(made)) => {
                    Some(Ages { got: got.parse().ok()?, made: made.parse().ok()? })
                }
                _ => None,
            },
            photo: match field("photo") {
                Some(id) => Some(id.parse().ok()?),
                None => None,
            },
        })
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stamp { camera: CameraId { node, camera }, seq, at, mono, boot, ages, photo } = self;
        write!(f, "{WORD}node={node} camera={camera} seq={seq} at={at} mono={mono} boot={boot}")?;
        if let Some(Ages { got, made }) = ages {
            write!(f, " got={got} made={made}")?;
        }
        match photo {
            Some(id) => write!(f, " photo={id}"),
            None => Ok(()),
        }
    }
}

fn after_leading_apps(jpeg: &[u8]) -> Result<usize, NotJpeg> {
    for segment in jpeg::segments(jpeg) {
        let segment = segment?;
        if !(APP0..=APP15).contains(&segment.marker) {
            return Ok(segment.start);
        }
    }
    Err(NotJpeg::Cut)
}

fn find(jpeg: &[u8]) -> Option<(Stamp, Segment<'_>)> {
    jpeg::segments(jpeg)
        .map_while(Result::ok)
        .filter(|segment| segment.marker == COM)
        .find_map(|segment| Some((Stamp::parse(segment.data)?, segment)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::jpeg::tests::picture;
    use proptest::prelude::*;

    fn stamp() -> Stamp {
        Stamp {
            camera: "workshop/bench".parse().unwrap(),
            seq: 4711,
            at: 1_763_640_000_123_456,
            mono: 98_765_432,
            boot: "6f2d41aa".into(),
            ages: None,
            photo: None,
        }
    }

    fn stamped(jpeg: &[u8], stamp: &Stamp) -> Vec<u8> {
        let mut out = Vec::new();
        stamp.insert(jpeg, &mut out).unwrap();
        out
    }

    #[test]
    fn the_golden_picture_carries_the_golden_stamp() {
        let jpeg = include_bytes!("../../golden/stamped.jpg");
        let text = include_str!("../../golden/stamped.txt");
        let stamp = Stamp::find(jpeg).unwrap();
        assert_eq!(stamp.to_string(), text.trim_end());
        assert_eq!(stamped(&Stamp::remove(jpeg).unwrap(), &stamp), jpeg);
    }

    #[test]
    fn it_stands_after_jfif_and_exif_and_before_all_else() {
        let jpeg = picture(&[(APP0, b"JFIF\0"), (APP0 + 1, b"Exif\0\0"), (0xdb, &[0; 65])]);
        let stamped = stamped(&jpeg, &stamp());
        let markers: Vec<u8> = jpeg::segments(&stamped).map(|s| s.unwrap().marker).collect();
        assert_eq!(markers[..4], [APP0, APP0 + 1, COM, 0xdb]);
    }

    #[test]
    fn a_comment_of_the_camera_is_left_alone() {
        let jpeg = picture(&[(COM, b"uvccam serial=RIG0000 seq=1 mono_ns=2")]);
        assert_eq!(Stamp::find(&jpeg), None);
        assert_eq!(Stamp::remove(&jpeg), None);
        let stamped = stamped(&jpeg, &stamp());
        assert_eq!(Stamp::find(&stamped), Some(stamp()));
        assert_eq!(Stamp::remove(&stamped), Some(jpeg));
    }

    #[test]
    fn a_broken_picture_leaves_the_output_as_it_was() {
        let mut out = b"before".to_vec();
        assert_eq!(stamp().insert(b"\xff\xd8\xff", &mut out), Err(NotJpeg::Cut));
        assert_eq!(stamp().insert(b"text", &mut out), Err(NotJpeg::Start));
        assert_eq!(out, b"before");
    }

    #[test]
    fn a_stamp_with_a_bad_field_is_none() {
        for bad in [
            "vitrina node=a camera=b seq=1 at=2 mono=3",
            "vitrina node=A camera=b seq=1 at=2 mono=3 boot=4",
            "vitrina node=a camera=b seq=-1 at=2 mono=3 boot=4",
            "vitrina node=a camera=b seq=1 at=2 mono=3 boot=",
            "vitrina node=a camera=b seq=1 at=2 mono=3 boot=4 photo=x",
            "vitrina node=a camera=b seq=1 at=2 mono=3 boot=4 got=x made=1",
            "Vitrina node=a camera=b seq=1 at=2 mono=3 boot=4",
        ] {
            assert_eq!(Stamp::find(&picture(&[(COM, bad.as_bytes())])), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_put_in_comes_out(
            seq: u32, at: u64, mono: u64,
            camera in "[a-z0-9_-]{1,32}",
            ages in proptest::option::of((any::<u32>(), any::<u32>())),
            photo in proptest::option::of("[0-7][0-9A-HJKMNP-TV-Z]{25}"),
            apps in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..4),
        ) {
            let photo = photo.map(|id| id.parse().unwrap());
            let camera = format!("pi/{camera}").parse().unwrap();
            let ages = ages.map(|(got, made)| Ages { got, made });
            let stamp = Stamp { camera, seq, at, mono, ages, photo, ..stamp() };
            let apps: Vec<(u8, &[u8])> = apps.iter().map(|data| (APP0, &data[..])).collect();
            let jpeg = picture(&apps);
            let stamped = stamped(&jpeg, &stamp);
            prop_assert_eq!(Stamp::find(&stamped), Some(stamp));
            prop_assert_eq!(Stamp::remove(&stamped), Some(jpeg));
        }

        #[test]
        fn a_cut_stamp_is_none_or_whole(cut in 0usize..400) {
            let stamped = stamped(&picture(&[(APP0, b"JFIF\0")]), &stamp());
            let cut = cut.min(stamped.len());
            let found = Stamp::find(&stamped[..cut]);
            prop_assert!(found.is_none() || found == Some(stamp()));
        }

        #[test]
        fn any_comment_is_a_stamp_or_none(text: Vec<u8>) {
            let comment = [WORD.as_bytes(), &text].concat();
            let _ = Stamp::find(&picture(&[(COM, &comment)]));
        }
    }
}
