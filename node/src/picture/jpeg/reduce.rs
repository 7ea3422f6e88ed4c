//! Decodes a JPEG at a fraction of its size, within the cosine transform (libjpeg-turbo): it never
//! computes what it would average away.

use turbojpeg::{
    Colorspace, DecompressHeader, Decompressor, Error, ScalingFactor, Subsamp, YuvImage,
};

use crate::picture::raw::planes::{Plane, Planes, Sampling};

/// More pixels than any camera has. A larger picture is garbage.
const PIXELS: usize = 1 << 26;

/// Decodes one JPEG after another, and reuses its memory.
#[derive(Debug, Default)]
pub(crate) struct Reducer {
    decompressor: Option<Decompressor>,
    planes: Vec<u8>,
}

impl Reducer {
    /// The picture at a 2nd, 4th or 8th of each side, in its own planes.
    ///
    /// # Errors
    /// The reason under which stats count the frame: `garbage` if it cannot be decoded, `format` if
    /// cameras do not make this kind of JPEG.
    pub fn reduce(&mut self, jpeg: &[u8], by: usize) -> Result<Planes<'_>, &'static str> {
        let picture = self.decode(jpeg, by);
        // After an error libjpeg-turbo would continue within the header that it was reading.
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
        // It writes as much as the picture's own sampling needs, so the image must have the same.
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

/// Many webcams write a few extra bytes before a marker, and some give their scan parameters that
/// only a progressive one may have. The picture is complete.
fn is_harmless(warning: &str) -> bool {
    ["extraneous bytes before marker", "Invalid SOS parameters for sequential"]
        .iter()
        .any(|harmless| warning.contains(harmless))
}

/// A camera makes baseline JPEG of Y, U and V, or of Y alone. Other kinds would need memory for the
/// whole picture, or time for scan after scan of it.
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
