//! The formats that a node can use, and how a picture lies in memory.

use std::fmt;
use std::str::FromStr;

/// A format of V4L2 that a node understands (`Documentation/userspace-api/media/v4l/pixfmt.rst`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// `MJPG`: each frame is a JPEG, possibly without Huffman tables.
    Mjpeg,
    /// `JPEG`: each frame is a JPEG.
    Jpeg,
    /// `YUYV`: 4:2:2, packed Y U Y V.
    Yuyv,
    /// `UYVY`: 4:2:2, packed U Y V Y.
    Uyvy,
    /// `NV12`: 4:2:0, a plane of Y and one of U and V in turn.
    Nv12,
    /// `NV21`: as NV12 with V before U.
    Nv21,
    /// `YU12`: 4:2:0, planes of Y, U and V.
    Yu12,
    /// `RGB3`: R, G and B of eight bits each.
    Rgb24,
    /// `GREY`: Y of eight bits.
    Grey,
}

impl Coding {
    /// All of them, those first that are preferred where all else is equal.
    pub const ALL: [Coding; 9] = [
        Coding::Mjpeg,
        Coding::Jpeg,
        Coding::Yuyv,
        Coding::Uyvy,
        Coding::Nv12,
        Coding::Nv21,
        Coding::Yu12,
        Coding::Rgb24,
        Coding::Grey,
    ];

    /// V4L2's four characters.
    pub fn fourcc(self) -> [u8; 4] {
        *match self {
            Coding::Mjpeg => b"MJPG",
            Coding::Jpeg => b"JPEG",
            Coding::Yuyv => b"YUYV",
            Coding::Uyvy => b"UYVY",
            Coding::Nv12 => b"NV12",
            Coding::Nv21 => b"NV21",
            Coding::Yu12 => b"YU12",
            Coding::Rgb24 => b"RGB3",
            Coding::Grey => b"GREY",
        }
    }

    /// The format of these four characters; `None` if a node cannot use it.
    pub fn from_fourcc(fourcc: [u8; 4]) -> Option<Self> {
        Coding::ALL.into_iter().find(|coding| coding.fourcc() == fourcc)
    }

    /// Whether the camera does the JPEG encoding itself.
    pub fn is_jpeg(self) -> bool {
        matches!(self, Coding::Mjpeg | Coding::Jpeg)
    }
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.fourcc()))
    }
}

impl FromStr for Coding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = match text.to_ascii_uppercase().as_str() {
            "MJPEG" => "MJPG".to_owned(),
            "RGB24" => "RGB3".to_owned(),
            "I420" => "YU12".to_owned(),
            word => word.to_owned(),
        };
        Coding::ALL.into_iter().find(|coding| coding.to_string() == word).ok_or_else(|| {
            let all: Vec<String> = Coding::ALL.iter().map(ToString::to_string).collect();
            format!("a format is one of {}", all.join(" "))
        })
    }
}

/// Which of the 256 values stand for black and white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// 0 to 255, as JFIF has it.
    Full,
    /// 16 to 235, colour differences 16 to 240.
    Limited,
}

/// How a frame lies in its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The format.
    pub coding: Coding,
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Bytes from one line of the first plane to the next (V4L2's `bytesperline`).
    pub stride: usize,
    /// Black and white.
    pub range: Range,
}

impl Layout {
    /// Bytes of a line without what stands between it and the next.
    pub fn line(&self) -> usize {
        let pairs = self.width.div_ceil(2);
        match self.coding {
            Coding::Mjpeg | Coding::Jpeg => 0,
            Coding::Yuyv | Coding::Uyvy => 4 * pairs,
            Coding::Nv12 | Coding::Nv21 | Coding::Yu12 | Coding::Grey => self.width,
            Coding::Rgb24 => 3 * self.width,
        }
    }

    /// Bytes of a whole frame; what is shorter is cut. 0 for JPEG, which tells by itself.
    pub fn bytes(&self) -> usize {
        let (stride, rows) = (self.stride, self.height.div_ceil(2));
        match self.coding {
            Coding::Mjpeg | Coding::Jpeg => 0,
            Coding::Yuyv | Coding::Uyvy | Coding::Rgb24 | Coding::Grey => {
                stride * self.height.saturating_sub(1) + self.line()
            }
            Coding::Nv12 | Coding::Nv21 => {
                stride * self.height + stride * rows.saturating_sub(1) + 2 * self.width.div_ceil(2)
            }
            Coding::Yu12 => {
                let chroma = self.chroma_stride();
                stride * self.height
                    + chroma * (2 * rows).saturating_sub(1)
                    + self.width.div_ceil(2)
            }
        }
    }

    /// Bytes from one line of YU12's U or V to the next.
    pub fn chroma_stride(&self) -> usize {
        self.stride.div_ceil(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_read_as_v4l2_or_people_write_it() {
        for coding in Coding::ALL {
            assert_eq!(coding.to_string().parse(), Ok(coding));
            assert_eq!(Coding::from_fourcc(coding.fourcc()), Some(coding));
        }
        assert_eq!("mjpeg".parse(), Ok(Coding::Mjpeg));
        assert_eq!("rgb24".parse(), Ok(Coding::Rgb24));
        assert!("H264".parse::<Coding>().unwrap_err().contains("YUYV"));
    }

    #[test]
    fn a_frame_has_the_bytes_that_v4l2_says() {
        let bytes = |coding, width, height, stride| {
            Layout { coding, width, height, stride, range: Range::Full }.bytes()
        };
        assert_eq!(bytes(Coding::Yuyv, 640, 480, 1280), 640 * 480 * 2);
        assert_eq!(bytes(Coding::Nv12, 640, 480, 640), 640 * 480 * 3 / 2);
        assert_eq!(bytes(Coding::Yu12, 640, 480, 640), 640 * 480 * 3 / 2);
        assert_eq!(bytes(Coding::Rgb24, 640, 480, 1920), 640 * 480 * 3);
        assert_eq!(bytes(Coding::Grey, 640, 480, 640), 640 * 480);
        // The last line need not be followed by filling.
        assert_eq!(bytes(Coding::Grey, 5, 3, 8), 8 + 8 + 5);
    }
}
