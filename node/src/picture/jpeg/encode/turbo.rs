//! Encodes with libjpeg-turbo.

use turbojpeg::{Compressor, Image, OutputBuf, PixelFormat, Subsamp, YuvPlanesImage};

use super::Encode;
use crate::picture::raw::planes::{Planes, Sampling};

/// libjpeg-turbo's encoder.
#[derive(Debug, Default)]
pub(crate) struct Turbo {
    compressor: Option<Compressor>,
    /// As long as the longest JPEG of the size; the unused part is never touched.
    jpeg: Vec<u8>,
}

impl Encode for Turbo {
    fn encode(&mut self, planes: &Planes<'_>, quality: u8) -> Result<&[u8], &'static str> {
        self.compress(planes, quality).map_err(|_| "format")
    }
}

impl Turbo {
    fn compress(&mut self, picture: &Planes<'_>, quality: u8) -> turbojpeg::Result<&[u8]> {
        let &Planes { width, height, sampling, planes: [y, u, v] } = picture;
        let compressor = match &mut self.compressor {
            Some(compressor) => compressor,
            none => none.insert(Compressor::new()?),
        };
        let subsamp = subsamp(sampling);
        let longest = turbojpeg::compressed_buf_len(width, height, subsamp)?;
        if self.jpeg.len() < longest {
            self.jpeg = vec![0; longest];
        }
        compressor.set_quality(quality.into())?;
        let mut out = OutputBuf::borrowed(&mut self.jpeg);
        if sampling == Sampling::Grey {
            compressor.set_subsamp(subsamp)?;
            let format = PixelFormat::GRAY;
            let image = Image { pixels: y.bytes, width, pitch: y.stride, height, format };
            compressor.compress(image, &mut out)?;
        } else {
            let image = YuvPlanesImage {
                y_plane: y.bytes,
                u_plane: u.bytes,
                v_plane: v.bytes,
                width,
                height,
                y_stride: y.stride,
                u_stride: u.stride,
                v_stride: v.stride,
                subsamp,
            };
            compressor.compress_yuv_planes(&image, &mut out)?;
        }
        let length = out.len();
        drop(out);
        Ok(&self.jpeg[..length])
    }
}

fn subsamp(sampling: Sampling) -> Subsamp {
    match sampling {
        Sampling::Grey => Subsamp::Gray,
        Sampling::S444 => Subsamp::None,
        Sampling::S422 => Subsamp::Sub2x1,
        Sampling::S420 => Subsamp::Sub2x2,
        Sampling::S440 => Subsamp::Sub1x2,
        Sampling::S411 => Subsamp::Sub4x1,
        Sampling::S441 => Subsamp::Sub1x4,
    }
}
