//! The formats that a node can use, and the layout of a picture in memory.

use std::fmt;
use std::str::FromStr;

/// A format of V4L2 that a node understands (`Documentation/userspace-api/media/v4l/pixfmt.rst`),
/// with the name that V4L2 gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is a name of V4L2's")]
pub enum Coding {
    Mjpeg,
    Jpeg,
    Yuyv,
    Uyvy,
    Yvyu,
    Vyuy,
    Nv12,
    Nv21,
    Nv16,
    Nv61,
    Yuv420,
    Yvu420,
    Rgb24,
    Bgr24,
    Xbgr32,
    Abgr32,
    Bgr32,
    Xrgb32,
    Argb32,
    Rgb32,
    Rgbx32,
    Rgba32,
    Bgrx32,
    Bgra32,
    Rgb565,
    Rgb565x,
    Grey,
    Y10,
    Y12,
    Y16,
    Y16Be,
}

/// The layout of a pixel's values in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Each frame is a JPEG.
    Jpeg,
    /// 4:2:2 in four bytes (`pixfmt-packed-yuv.rst`): the places of Y, U, V and the second Y.
    Packed([usize; 4]),
    /// 4:2:0 in planes of Y, U and V (`pixfmt-yuv-planar.rst`).
    Planar { v_first: bool },
    /// A plane of Y and one of U and V in turn, for each line of Y or for two.
    Pairs { down: usize, v_first: bool },
    /// The bytes of a pixel, with the positions of R, G and B (`pixfmt-rgb.rst`).
    Rgb { bytes: usize, order: [usize; 3] },
    /// Five, six and five bits of R, G and B from the left of 16 (`pixfmt-rgb.rst`).
    Rgb565 { is_big_endian: bool },
    /// Y of eight bits.
    Grey,
    /// Y in the low bits of 16 (`pixfmt-yuv-luma.rst`).
    Deep { bits: u32, is_big_endian: bool },
}

impl Coding {
    /// All of them, in order of preference where all else is equal.
    pub const ALL: [Coding; 31] = [
        Coding::Mjpeg,
        Coding::Jpeg,
        Coding::Yuyv,
        Coding::Uyvy,
        Coding::Yvyu,
        Coding::Vyuy,
        Coding::Nv12,
        Coding::Nv21,
        Coding::Nv16,
        Coding::Nv61,
        Coding::Yuv420,
        Coding::Yvu420,
        Coding::Rgb24,
        Coding::Bgr24,
        Coding::Xbgr32,
        Coding::Abgr32,
        Coding::Bgr32,
        Coding::Xrgb32,
        Coding::Argb32,
        Coding::Rgb32,
        Coding::Rgbx32,
        Coding::Rgba32,
        Coding::Bgrx32,
        Coding::Bgra32,
        Coding::Rgb565,
        Coding::Rgb565x,
        Coding::Grey,
        Coding::Y10,
        Coding::Y12,
        Coding::Y16,
        Coding::Y16Be,
    ];

    /// V4L2's four characters, and the layout of a pixel in memory.
    ///
    /// V4L2's names for 32-bit formats describe a little-endian word whose bytes have this order.
    /// The old names without a letter for the fourth byte do not say which byte it is; the tables
    /// of `pixfmt-rgb.rst` do.
    fn facts(self) -> ([u8; 4], Kind) {
        let rgb = |bytes, order| Kind::Rgb { bytes, order };
        match self {
            Coding::Mjpeg => (*b"MJPG", Kind::Jpeg),
            Coding::Jpeg => (*b"JPEG", Kind::Jpeg),
            Coding::Yuyv => (*b"YUYV", Kind::Packed([0, 1, 3, 2])),
            Coding::Uyvy => (*b"UYVY", Kind::Packed([1, 0, 2, 3])),
            Coding::Yvyu => (*b"YVYU", Kind::Packed([0, 3, 1, 2])),
            Coding::Vyuy => (*b"VYUY", Kind::Packed([1, 2, 0, 3])),
            Coding::Nv12 => (*b"NV12", Kind::Pairs { down: 2, v_first: false }),
            Coding::Nv21 => (*b"NV21", Kind::Pairs { down: 2, v_first: true }),
            Coding::Nv16 => (*b"NV16", Kind::Pairs { down: 1, v_first: false }),
            Coding::Nv61 => (*b"NV61", Kind::Pairs { down: 1, v_first: true }),
            Coding::Yuv420 => (*b"YU12", Kind::Planar { v_first: false }),
            Coding::Yvu420 => (*b"YV12", Kind::Planar { v_first: true }),
            Coding::Rgb24 => (*b"RGB3", rgb(3, [0, 1, 2])),
            Coding::Bgr24 => (*b"BGR3", rgb(3, [2, 1, 0])),
            Coding::Xbgr32 => (*b"XR24", rgb(4, [2, 1, 0])),
            Coding::Abgr32 => (*b"AR24", rgb(4, [2, 1, 0])),
            Coding::Bgr32 => (*b"BGR4", rgb(4, [2, 1, 0])),
            Coding::Xrgb32 => (*b"BX24", rgb(4, [1, 2, 3])),
            Coding::Argb32 => (*b"BA24", rgb(4, [1, 2, 3])),
            Coding::Rgb32 => (*b"RGB4", rgb(4, [1, 2, 3])),
            Coding::Rgbx32 => (*b"XB24", rgb(4, [0, 1, 2])),
            Coding::Rgba32 => (*b"AB24", rgb(4, [0, 1, 2])),
            Coding::Bgrx32 => (*b"RX24", rgb(4, [3, 2, 1])),
            Coding::Bgra32 => (*b"RA24", rgb(4, [3, 2, 1])),
            Coding::Rgb565 => (*b"RGBP", Kind::Rgb565 { is_big_endian: false }),
            Coding::Rgb565x => (*b"RGBR", Kind::Rgb565 { is_big_endian: true }),
            Coding::Grey => (*b"GREY", Kind::Grey),
            Coding::Y10 => (*b"Y10 ", Kind::Deep { bits: 10, is_big_endian: false }),
            Coding::Y12 => (*b"Y12 ", Kind::Deep { bits: 12, is_big_endian: false }),
            Coding::Y16 => (*b"Y16 ", Kind::Deep { bits: 16, is_big_endian: false }),
            // `v4l2_fourcc_be`: the highest bit.
            Coding::Y16Be => (*b"Y16\xa0", Kind::Deep { bits: 16, is_big_endian: true }),
        }
    }

    /// V4L2's four characters.
    pub fn fourcc(self) -> [u8; 4] {
        self.facts().0
    }

    /// The layout of a pixel in memory.
    pub(crate) fn kind(self) -> Kind {
        self.facts().1
    }

    /// The format with these four characters; `None` if a node cannot use it.
    pub fn from_fourcc(fourcc: [u8; 4]) -> Option<Self> {
        Coding::ALL.into_iter().find(|coding| coding.fourcc() == fourcc)
    }

    /// Whether the camera does the JPEG encoding itself.
    pub fn is_jpeg(self) -> bool {
        self.kind() == Kind::Jpeg
    }

    /// Whether pixels have values of red, green and blue.
    pub(crate) fn is_rgb(self) -> bool {
        matches!(self.kind(), Kind::Rgb { .. } | Kind::Rgb565 { .. })
    }
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fourcc = self.fourcc();
        let is_big_endian = fourcc[3] & 0x80 != 0;
        let text = fourcc.map(|byte| byte & 0x7f);
        f.write_str(String::from_utf8_lossy(&text).trim_end())?;
        f.write_str(if is_big_endian { "-BE" } else { "" })
    }
}

impl FromStr for Coding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = match text.to_ascii_uppercase().as_str() {
            "MJPEG" => "MJPG".to_owned(),
            "RGB24" => "RGB3".to_owned(),
            "BGR24" => "BGR3".to_owned(),
            "RGB565" => "RGBP".to_owned(),
            "XRGB32" => "BX24".to_owned(),
            "I420" | "YUV420" => "YU12".to_owned(),
            "YVU420" => "YV12".to_owned(),
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

/// The layout of a frame's bytes.
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
    /// Bytes of a line without the padding behind it.
    pub fn line(&self) -> usize {
        match self.coding.kind() {
            Kind::Jpeg => 0,
            Kind::Packed(_) => 4 * self.width.div_ceil(2),
            Kind::Planar { .. } | Kind::Pairs { .. } | Kind::Grey => self.width,
            Kind::Rgb { bytes, .. } => bytes * self.width,
            Kind::Rgb565 { .. } | Kind::Deep { .. } => 2 * self.width,
        }
    }

    /// Bytes of a whole frame; a shorter one is cut. 0 for JPEG, which shows its own end.
    pub fn bytes(&self) -> usize {
        let Layout { width, height, stride, .. } = *self;
        match self.coding.kind() {
            Kind::Jpeg => 0,
            Kind::Pairs { down, .. } => {
                let rows = height.div_ceil(down);
                stride * height + stride * rows.saturating_sub(1) + 2 * width.div_ceil(2)
            }
            Kind::Planar { .. } => {
                let rows = 2 * height.div_ceil(2);
                let chroma = self.chroma_stride() * rows.saturating_sub(1) + width.div_ceil(2);
                stride * height + chroma
            }
            _ => stride * height.saturating_sub(1) + self.line(),
        }
    }

    /// Bytes from one line of a plane of U or V to the next.
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
        assert_eq!("y16".parse(), Ok(Coding::Y16));
        assert_eq!("Y16-BE".parse(), Ok(Coding::Y16Be));
        assert!("H264".parse::<Coding>().unwrap_err().contains("YUYV"));
    }

    #[test]
    fn a_frame_has_the_bytes_that_v4l2_says() {
        let bytes = |coding, width, height, stride| {
            Layout { coding, width, height, stride, range: Range::Full }.bytes()
        };
        assert_eq!(bytes(Coding::Yuyv, 640, 480, 1280), 640 * 480 * 2);
        assert_eq!(bytes(Coding::Nv12, 640, 480, 640), 640 * 480 * 3 / 2);
        assert_eq!(bytes(Coding::Yuv420, 640, 480, 640), 640 * 480 * 3 / 2);
        assert_eq!(bytes(Coding::Rgb24, 640, 480, 1920), 640 * 480 * 3);
        assert_eq!(bytes(Coding::Grey, 640, 480, 640), 640 * 480);
        assert_eq!(bytes(Coding::Nv16, 640, 480, 640), 640 * 480 * 2);
        assert_eq!(bytes(Coding::Xrgb32, 640, 480, 2560), 640 * 480 * 4);
        assert_eq!(bytes(Coding::Y16, 160, 120, 320), 160 * 120 * 2);
        // The last line may lack padding.
        assert_eq!(bytes(Coding::Grey, 5, 3, 8), 8 + 8 + 5);
    }
}
