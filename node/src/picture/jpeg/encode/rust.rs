//! Encodes with `jpeg-encoder`, which is pure Rust and needs no build tools.

use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType, SamplingFactor};

use super::Encode;
use crate::picture::raw::planes::{Planes, Sampling};

/// `jpeg-encoder`'s encoder.
#[derive(Debug, Default)]
pub(crate) struct Rust {
    jpeg: Vec<u8>,
}

impl Encode for Rust {
    fn encode(&mut self, planes: &Planes<'_>, quality: u8) -> Result<&[u8], &'static str> {
        let (Ok(width), Ok(height)) = (planes.width.try_into(), planes.height.try_into()) else {
            return Err("format");
        };
        self.jpeg.clear();
        let mut encoder = Encoder::new(&mut self.jpeg, quality);
        encoder.set_sampling_factor(match planes.sampling {
            Sampling::Grey | Sampling::S444 => SamplingFactor::F_1_1,
            Sampling::S422 => SamplingFactor::F_2_1,
            Sampling::S420 => SamplingFactor::F_2_2,
            Sampling::S440 => SamplingFactor::F_1_2,
            Sampling::S411 => SamplingFactor::F_4_1,
            Sampling::S441 => SamplingFactor::F_1_4,
        });
        let image = Buffer { planes, width, height };
        encoder.encode_image(image).map_err(|_| "format")?;
        Ok(&self.jpeg)
    }
}

struct Buffer<'a> {
    planes: &'a Planes<'a>,
    width: u16,
    height: u16,
}

impl ImageBuffer for Buffer<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        match self.planes.sampling {
            Sampling::Grey => JpegColorType::Luma,
            _ => JpegColorType::Ycbcr,
        }
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    /// The encoder wants a value of each component for each pixel and then takes the first of each
    /// group (`ChromaSubsamplingMethod::Nearest`), so this repeats each U and V.
    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let (row, width) = (usize::from(y), self.planes.width);
        let sampling = self.planes.sampling;
        let (across, down) = sampling.shared();
        let [luma, chroma @ ..] = &self.planes.planes;
        let [ys, chromas @ ..] = buffers;
        ys.extend_from_slice(luma.row(row, width));
        if sampling == Sampling::Grey {
            return;
        }
        for (out, plane) in chromas.iter_mut().zip(chroma) {
            let line = plane.row(row / down, width.div_ceil(across));
            let end = out.len() + width;
            match across {
                1 => out.extend_from_slice(line),
                2 => out.extend(line.iter().flat_map(|&value| [value; 2])),
                _ => out.extend(line.iter().flat_map(|&value| [value; 4])),
            }
            out.truncate(end);
        }
    }
}
