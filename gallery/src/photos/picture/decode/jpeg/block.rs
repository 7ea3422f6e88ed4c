//! The coefficients of one block of 8 x 8 samples (ITU-T T.81, F.2.2 and G.1.2), and its samples
//! (A.3.3), which may be fewer.

use super::huffman::{Bits, Table};

/// The position of each coefficient in a block, by lines (figure A.6).
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Not kept.
const NOWHERE: u8 = 255;

/// Which part of the coefficients a scan brings (B.2.3).
#[derive(Debug, Clone, Copy)]
pub(super) struct Band {
    /// The first and the last coefficient.
    pub from: usize,
    pub to: usize,
    /// The bit that came before, or 0, and the one that comes now.
    pub high: u32,
    pub low: u32,
}

/// How blocks are made smaller: only the lowest `size` x `size` coefficients are kept, and give as
/// many samples.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    /// 0, 1, 2, 4 or 8.
    pub size: usize,
    /// Where each coefficient is kept, in the order of arrival.
    place: [u8; 64],
    /// The cosines, by sample and frequency.
    basis: [[f32; 8]; 8],
}

impl Scale {
    pub fn new(size: usize) -> Self {
        let mut place = [NOWHERE; 64];
        for (place, &natural) in place.iter_mut().zip(&ZIGZAG) {
            let (x, y) = (usize::from(natural % 8), usize::from(natural / 8));
            if x < size && y < size {
                *place = u8::try_from(y * size + x).unwrap_or(NOWHERE);
            }
        }
        let mut basis = [[0.0; 8]; 8];
        let n = size as f32;
        for (x, row) in basis.iter_mut().enumerate().take(size) {
            for (u, value) in row.iter_mut().enumerate().take(size) {
                let angle = (2 * x + 1) as f32 * u as f32 * std::f32::consts::PI / (2.0 * n);
                let scale = if u == 0 { 1.0 } else { std::f32::consts::SQRT_2 };
                *value = angle.cos() * scale / 8.0_f32.sqrt();
            }
        }
        Scale { size, place, basis }
    }

    fn keep(&self, kept: &mut [i16], k: usize, value: i32) {
        if let Some(kept) = kept.get_mut(usize::from(self.place[k & 63])) {
            *kept = value as i16;
        }
    }

    /// Reads a whole block (F.2.2). `before` is the DC value of the component's previous block.
    pub fn sequential(
        &self,
        bits: &mut Bits,
        (dc, ac): (&Table, &Table),
        before: &mut i32,
        kept: &mut [i16],
    ) {
        let size = bits.symbol(dc);
        *before = before.wrapping_add(bits.value(size));
        self.keep(kept, 0, *before);
        let mut k = 1;
        while k < 64 && !bits.ended {
            let symbol = bits.symbol(ac);
            let (run, size) = (usize::from(symbol >> 4), symbol & 15);
            if size == 0 {
                if run != 15 {
                    break;
                }
                k += 16;
                continue;
            }
            k += run;
            let value = bits.value(size);
            if k < 64 {
                self.keep(kept, k, value);
            }
            k += 1;
        }
    }

    /// Reads a bit of the DC value, or all but its last (G.1.2.1).
    pub fn first(
        &self,
        bits: &mut Bits,
        dc: Option<&Table>,
        band: Band,
        before: &mut i32,
        kept: &mut [i16],
    ) {
        if let Some(dc) = dc {
            let size = bits.symbol(dc);
            *before = before.wrapping_add(bits.value(size));
            self.keep(kept, 0, before.wrapping_shl(band.low));
        } else if bits.take(1) == 1
            && let Some(kept) = kept.first_mut()
        {
            *kept |= 1 << band.low;
        }
    }

    /// Reads coefficients of a band (G.1.2.2). `run` counts further blocks without any; `known` has
    /// a bit for each that is not 0.
    pub fn spectral(
        &self,
        bits: &mut Bits,
        ac: &Table,
        band: Band,
        run: &mut u32,
        known: &mut u64,
        kept: &mut [i16],
    ) {
        if *run > 0 {
            *run -= 1;
            return;
        }
        let mut k = band.from;
        while k <= band.to && !bits.ended {
            let symbol = bits.symbol(ac);
            let (zeros, size) = (symbol >> 4, symbol & 15);
            if size == 0 {
                if zeros != 15 {
                    *run = end_of_band(bits, zeros) - 1;
                    return;
                }
                k += 16;
                continue;
            }
            k += usize::from(zeros);
            let value = bits.value(size);
            if k < 64 {
                *known |= 1 << k;
                self.keep(kept, k, value.wrapping_shl(band.low));
            }
            k += 1;
        }
    }

    /// Reads one more bit of the coefficients of a band (G.1.2.3).
    pub fn refine(
        &self,
        bits: &mut Bits,
        ac: &Table,
        band: Band,
        run: &mut u32,
        known: &mut u64,
        kept: &mut [i16],
    ) {
        let bit = 1_i16 << band.low.min(13);
        let correct = |bits: &mut Bits, kept: &mut [i16], k: usize| {
            if bits.take(1) == 1
                && let Some(kept) = kept.get_mut(usize::from(self.place[k]))
                && *kept & bit == 0
            {
                *kept = if *kept >= 0 { kept.wrapping_add(bit) } else { kept.wrapping_sub(bit) };
            }
        };
        let mut k = band.from;
        if *run == 0 {
            while k <= band.to && !bits.ended {
                let symbol = bits.symbol(ac);
                let (mut zeros, size) = (symbol >> 4, symbol & 15);
                let mut new = 0;
                if size > 0 {
                    new = if bits.take(1) == 1 { bit } else { -bit };
                } else if zeros != 15 {
                    *run = end_of_band(bits, zeros);
                    break;
                }
                while k <= band.to {
                    if *known >> k & 1 == 1 {
                        correct(bits, kept, k);
                    } else if zeros == 0 {
                        break;
                    } else {
                        zeros -= 1;
                    }
                    k += 1;
                }
                if new != 0 && k <= band.to {
                    *known |= 1 << k;
                    self.keep(kept, k, i32::from(new));
                }
                k += 1;
            }
        }
        if *run > 0 {
            while k <= band.to {
                if *known >> k & 1 == 1 {
                    correct(bits, kept, k);
                }
                k += 1;
            }
            *run -= 1;
        }
    }

    /// Makes samples from a block's kept coefficients, in lines that are `stride` apart.
    pub fn samples(&self, kept: &[i16], steps: &[u16; 64], samples: &mut [u8], stride: usize) {
        let n = self.size;
        let mut half = [[0.0_f32; 8]; 8];
        for (v, half) in half.iter_mut().enumerate().take(n) {
            let line = &kept[v * n..(v + 1) * n];
            if line.iter().all(|&value| value == 0) {
                continue;
            }
            let mut scaled = [0.0_f32; 8];
            for (u, (scaled, &value)) in scaled.iter_mut().zip(line).enumerate() {
                *scaled = f32::from(value) * f32::from(steps[v * 8 + u]);
            }
            for (half, basis) in half.iter_mut().zip(&self.basis).take(n) {
                *half = scaled.iter().zip(basis).map(|(a, b)| a * b).sum();
            }
        }
        for (y, basis) in self.basis.iter().enumerate().take(n) {
            for x in 0..n {
                let sum: f32 = (0..n).map(|v| basis[v] * half[v][x]).sum();
                // `as` clamps it to 0 to 255.
                samples[y * stride + x] = (sum + 128.5) as u8;
            }
        }
    }
}

/// How many blocks, including this one, have no more coefficients (G.1.2.2, EOBn).
fn end_of_band(bits: &mut Bits, size: u8) -> u32 {
    let more = bits.take(u32::from(size));
    (1 << size) + u32::try_from(more).unwrap_or(0)
}

/// Orders quantisation steps by lines; they come in the order of the coefficients.
pub(super) fn by_lines(steps: &[u16; 64]) -> [u16; 64] {
    let mut lines = [0; 64];
    for (&natural, &step) in ZIGZAG.iter().zip(steps) {
        lines[usize::from(natural)] = step;
    }
    lines
}
