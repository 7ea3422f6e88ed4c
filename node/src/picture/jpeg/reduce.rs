//! A JPEG decoded at a fraction of its size, within the cosine transform (libjpeg-turbo): what
//! would be averaged away is never computed.

use turbojpeg::{
    Colorspace, DecompressHeader, Decompressor, Error, ScalingFactor, Subsamp, YuvImage,
};

use crate::picture::raw::planes::{Plane, Planes, Sampling};

/// More pixels than any camera's. What has more is garbage.
const PIXELS: usize = 1 << 26;

/// Decodes one JPEG after another, in memory that it keeps.
#[derive(Debug, Default)]
pub(crate) struct Reducer {
    decompressor: Option<Decompressor>,
    planes: Vec<u8>,
}

impl Reducer {
    /// The picture at a 2nd, 4th or 8th of each side, in the planes that it has.
    ///
    /// # Errors
    /// The word under which the frame is counted: `garbage` when it cannot be decoded, `format`
    /// when it is another JPEG than cameras make.
    pub fn reduce(&mut self, jpeg: &[u8], by: usize) -> Result<Planes<'_>, &'static str> {
        let picture = self.decode(jpeg, by);
        // After an error libjpeg-turbo goes on within the header that it was reading.
        if picture.is_err() {
            self.decompressor = None;
        }
        let (width, height, sampling) = picture?;
        let mut rest = &self.planes[..];
        let mut planes = [Plane::default(); 3];
        for (i, plane) in planes.iter_mut().enumerate().take(sampling.planes()) {
            let (columns, rows) = sampling.extent(i, width, height);
            let (bytes, after) = rest.split_at_checked(columns * rows).ok_or("format")?;
            (*plane, rest) = (Plane { bytes, stride: columns }, after);
        }
        Ok(Planes { width, height, sampling, planes })
    }

    fn decode(&mut self, jpeg: &[u8], by: usize) -> Result<(usize, usize, Sampling), &'static str> {
        let decompressor = match &mut self.decompressor {
            Some(decompressor) => decompressor,
            none => none.insert(Decompressor::new().map_err(|_| "format")?),
        };
        let scale = match by {
            2 => ScalingFactor::ONE_HALF,
            4 => ScalingFactor::ONE_QUARTER,
            8 => ScalingFactor::ONE_EIGHTH,
            _ => return Err("format"),
        };
        let header = decompressor.read_header(jpeg).map_err(|_| "garbage")?;
        let sampling = sampling(&header)?;
        if header.width.saturating_mul(header.height) > PIXELS {
            return Err("garbage");
        }
        let DecompressHeader { width, height, subsamp, .. } = header.scaled(scale);
        let length = turbojpeg::yuv_pixels_len(width, 1, height, subsamp).map_err(|_| "format")?;
        self.planes.resize(length, 0);
        decompressor.set_scaling_factor(scale).map_err(|_| "format")?;
        // It writes as much as the picture's own sampling asks for, so that must be the image's.
        let image = YuvImage { pixels: &mut self.planes[..], width, height, align: 1, subsamp };
        match decompressor.decompress_to_yuv(jpeg, image) {
            Ok(()) => Ok((width, height, sampling)),
            Err(Error::TurboJpegError(warning)) if is_harmless(&warning) => {
                Ok((width, height, sampling))
            }
            Err(_) => Err("garbage"),
        }
    }
}

/// Many webcams put a few bytes too many before a marker, and some tell of their scan what only a
/// progressive one may. All of the picture is there.
fn is_harmless(warning: &str) -> bool {
    ["extraneous bytes before marker", "Invalid SOS parameters for sequential"]
        .iter()
        .any(|harmless| warning.contains(harmless))
}

/// A camera makes baseline JPEG of Y, U and V, or of Y alone. Other kinds would need memory for
/// the whole picture, or time for scan after scan of it.
fn sampling(header: &DecompressHeader) -> Result<Sampling, &'static str> {
    if header.is_progressive || header.is_arithmetic || header.is_lossless {
        return Err("format");
    }
    match (header.colorspace, header.subsamp) {
        (Colorspace::Gray, Subsamp::Gray) => Ok(Sampling::Grey),
        (Colorspace::YCbCr, Subsamp::None) => Ok(Sampling::S444),
        (Colorspace::YCbCr, Subsamp::Sub2x1) => Ok(Sampling::S422),
        (Colorspace::YCbCr, Subsamp::Sub2x2) => Ok(Sampling::S420),
        (Colorspace::YCbCr, Subsamp::Sub1x2) => Ok(Sampling::S440),
        (Colorspace::YCbCr, Subsamp::Sub4x1) => Ok(Sampling::S411),
        (Colorspace::YCbCr, Subsamp::Sub1x4) => Ok(Sampling::S441),
        _ => Err("format"),
    }
}
