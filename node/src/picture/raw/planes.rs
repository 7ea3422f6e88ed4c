//! A picture as planes of Y, U and V at full range, as in JPEG, and its reduction.
//!
//! JFIF uses the colour matrix of BT.601 at full range (ITU-T T.871). The range is converted; a
//! camera that reports BT.709 appears with slightly shifted hues.

use crate::picture::raw::pixels::{Kind, Layout, Range};

/// How many pixels share one value of U and of V.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "turbojpeg"), expect(dead_code, reason = "raw frames have three of them"))]
pub(crate) enum Sampling {
    /// Only Y.
    Grey,
    /// 4:4:4: one pixel.
    S444,
    /// 4:2:2: two side by side.
    S422,
    /// 4:2:0: two by two.
    S420,
    /// 4:4:0: two one above the other.
    S440,
    /// 4:1:1: four side by side.
    S411,
    /// 4:4:1: four one above the other.
    S441,
}

impl Sampling {
    /// How many pixels across and down share one value.
    pub fn shared(self) -> (usize, usize) {
        match self {
            Sampling::Grey | Sampling::S444 => (1, 1),
            Sampling::S422 => (2, 1),
            Sampling::S420 => (2, 2),
            Sampling::S440 => (1, 2),
            Sampling::S411 => (4, 1),
            Sampling::S441 => (1, 4),
        }
    }

    /// The number of planes.
    pub fn planes(self) -> usize {
        if self == Sampling::Grey { 1 } else { 3 }
    }

    /// Columns and rows of a plane of a picture. Y is padded to whole groups of pixels that share a
    /// U and a V.
    pub fn extent(self, plane: usize, width: usize, height: usize) -> (usize, usize) {
        let (across, down) = self.shared();
        let (columns, rows) = (width.div_ceil(across), height.div_ceil(down));
        if plane == 0 { (columns * across, rows * down) } else { (columns, rows) }
    }
}

/// One plane: rows of bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plane<'a> {
    pub bytes: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
}

impl<'a> Plane<'a> {
    pub fn row(&self, row: usize, columns: usize) -> &'a [u8] {
        &self.bytes[row * self.stride..][..columns]
    }
}

/// A picture. Each plane has all its rows ([`Sampling::extent`]).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planes<'a> {
    pub width: usize,
    pub height: usize,
    pub sampling: Sampling,
    /// Y, U, V; [`Sampling::Grey`] uses Y alone.
    pub planes: [Plane<'a>; 3],
}

/// Memory for the planes of one picture after another.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    planes: [Vec<u8>; 3],
    sums: Vec<u16>,
}

impl Buffer {
    /// The planes of a raw frame. Planes that already lie in it are not copied.
    ///
    /// # Errors
    /// The reason under which stats count a frame that cannot be used.
    pub fn separate<'a>(
        &'a mut self,
        layout: &Layout,
        frame: &'a [u8],
    ) -> Result<Planes<'a>, &'static str> {
        let &Layout { coding, width, height, stride, range } = layout;
        if frame.is_empty() {
            return Err("empty");
        }
        if coding.is_jpeg() || stride < layout.line() || width == 0 || height == 0 {
            return Err("format");
        }
        if frame.len() < layout.bytes() {
            return Err("truncated");
        }
        let kind = coding.kind();
        let sampling = match kind {
            Kind::Grey | Kind::Deep { .. } => Sampling::Grey,
            Kind::Packed(_) | Kind::Pairs { down: 1, .. } => Sampling::S422,
            _ => Sampling::S420,
        };
        // Where the chroma planes begin, and from one of their lines to the next.
        let chroma = stride * height;
        let chroma_stride = layout.chroma_stride();
        let lies = |at: usize, stride: usize| Plane { bytes: &frame[at..], stride };
        let (y, pairs) = (lies(0, stride), lies(chroma.min(frame.len()), stride));
        let second = chroma + chroma_stride * height.div_ceil(2);
        let mut u = Plane { stride: chroma_stride, ..pairs };
        let mut v = lies(second.min(frame.len()), chroma_stride);
        if kind == (Kind::Planar { v_first: true }) {
            std::mem::swap(&mut u, &mut v);
        }

        let as_it_lies =
            range == Range::Full && sampling.extent(0, width, height) == (width, height);
        let copied = match kind {
            Kind::Grey | Kind::Planar { .. } if as_it_lies => [false; 3],
            Kind::Pairs { .. } if as_it_lies => [false, true, true],
            _ => [true; 3],
        };
        for (i, plane) in self.planes.iter_mut().enumerate().take(sampling.planes()) {
            let (columns, rows) = sampling.extent(i, width, height);
            plane.resize(if copied[i] { columns * rows } else { 0 }, 0);
        }
        // Each order and range has a loop of its own, which a compiler can vectorize.
        match (kind, range) {
            (Kind::Packed([0, 1, 3, 2]), _) => self.unpack(layout, y, [0, 1, 3, 2]),
            (Kind::Packed([1, 0, 2, 3]), _) => self.unpack(layout, y, [1, 0, 2, 3]),
            (Kind::Packed(order), _) => self.unpack(layout, y, order),
            (Kind::Grey | Kind::Planar { .. }, _) => {
                for (i, plane) in [y, u, v].into_iter().enumerate().take(sampling.planes()) {
                    if copied[i] {
                        self.copy(layout, sampling, i, plane);
                    }
                }
            }
            (Kind::Pairs { v_first, .. }, _) => {
                if copied[0] {
                    self.copy(layout, sampling, 0, y);
                }
                match range {
                    Range::Full => self.unpair(layout, pairs, v_first, same),
                    Range::Limited => self.unpair(layout, pairs, v_first, full_chroma),
                }
            }
            (Kind::Rgb { bytes, order }, Range::Full) => {
                self.convert(layout, y, |line, x| order.map(|at| line[bytes * x + at]));
            }
            (Kind::Rgb { bytes, order }, Range::Limited) => {
                self.convert(layout, y, |line, x| order.map(|at| full_luma(line[bytes * x + at])));
            }
            (Kind::Rgb565 { is_big_endian }, _) => {
                let full = if range == Range::Full { same } else { full_luma };
                let pixel = |line: &[u8], x| unpack_565(word_at(line, x, is_big_endian)).map(full);
                self.convert(layout, y, pixel);
            }
            (Kind::Deep { bits, is_big_endian }, _) => {
                self.flatten(layout, y, bits, |line, x| word_at(line, x, is_big_endian));
            }
            // Refused before.
            (Kind::Jpeg, _) => {}
        }
        let mut planes = [y, u, v];
        for i in (0..sampling.planes()).filter(|&i| copied[i]) {
            let stride = sampling.extent(i, width, height).0;
            planes[i] = Plane { bytes: &self.planes[i], stride };
        }
        Ok(Planes { width, height, sampling, planes })
    }

    /// The picture with each `by` times `by` pixels replaced by their mean. At an edge, only the
    /// existing pixels count.
    pub fn shrink<'a>(&'a mut self, from: &Planes<'_>, by: usize) -> Planes<'a> {
        let by = by.max(1);
        let (width, height) = (from.width.div_ceil(by), from.height.div_ceil(by));
        let sampling = from.sampling;
        for i in 0..sampling.planes() {
            let (columns, rows) = sampling.extent(i, width, height);
            let (from_columns, from_rows) = sampling.extent(i, from.width, from.height);
            let out = &mut self.planes[i];
            out.resize(columns * rows, 0);
            for (row, out) in out.chunks_exact_mut(columns).enumerate() {
                // A row of padding repeats the last one.
                let first = (row * by).min((from_rows - 1) / by * by);
                let last = (first + by).min(from_rows);
                self.sums.clear();
                self.sums.resize(from_columns, 0);
                for row in first..last {
                    let line = from.planes[i].row(row, from_columns);
                    for (sum, &value) in self.sums.iter_mut().zip(line) {
                        *sum += u16::from(value);
                    }
                }
                match (by, last - first) {
                    (2, 2) => means::<2>(&self.sums, out),
                    (4, 4) => means::<4>(&self.sums, out),
                    (_, rows) => means_of(&self.sums, by, rows, None, out),
                }
            }
        }
        self.planes(width, height, sampling)
    }

    /// The planes of the last picture.
    fn planes(&self, width: usize, height: usize, sampling: Sampling) -> Planes<'_> {
        let mut planes = [Plane::default(); 3];
        for (i, plane) in planes.iter_mut().enumerate().take(sampling.planes()) {
            let stride = sampling.extent(i, width, height).0;
            *plane = Plane { bytes: &self.planes[i], stride };
        }
        Planes { width, height, sampling, planes }
    }

    /// Packed 4:2:2. `order` is the positions of Y, U, V and the second Y in four bytes.
    #[inline(always)]
    fn unpack(&mut self, layout: &Layout, from: Plane<'_>, order: [usize; 4]) {
        match layout.range {
            Range::Full => self.unpack_as(layout, from, order, same, same),
            Range::Limited => self.unpack_as(layout, from, order, full_luma, full_chroma),
        }
    }

    #[inline(always)]
    fn unpack_as(
        &mut self,
        layout: &Layout,
        from: Plane<'_>,
        order: [usize; 4],
        luma: impl Fn(u8) -> u8 + Copy,
        chroma: impl Fn(u8) -> u8 + Copy,
    ) {
        let pairs = layout.width.div_ceil(2);
        let [ys, us, vs] = &mut self.planes;
        let rows = ys
            .chunks_exact_mut(2 * pairs)
            .zip(us.chunks_exact_mut(pairs).zip(vs.chunks_exact_mut(pairs)));
        for (row, (ys, (us, vs))) in rows.enumerate() {
            let line = from.row(row, 4 * pairs);
            unpack_line(line, order, ys, us, vs, luma, chroma);
            if let [.., before, filling] = ys
                && layout.width % 2 == 1
            {
                *filling = *before;
            }
        }
    }

    /// Separates alternating U and V.
    fn unpair(&mut self, layout: &Layout, from: Plane<'_>, v_first: bool, map: impl Fn(u8) -> u8) {
        let pairs = layout.width.div_ceil(2);
        let [_, us, vs] = &mut self.planes;
        let (us, vs) = if v_first { (vs, us) } else { (us, vs) };
        let rows = us.chunks_exact_mut(pairs).zip(vs.chunks_exact_mut(pairs));
        for (row, (us, vs)) in rows.enumerate() {
            let line = from.row(row, 2 * pairs);
            for ((pair, u), v) in line.chunks_exact(2).zip(us).zip(vs) {
                (*u, *v) = (map(pair[0]), map(pair[1]));
            }
        }
    }

    /// Copies a plane, at full range and padded.
    fn copy(&mut self, layout: &Layout, sampling: Sampling, plane: usize, from: Plane<'_>) {
        let (columns, rows) = sampling.extent(plane, layout.width, layout.height);
        let (has_columns, has_rows) = match plane {
            0 => (layout.width, layout.height),
            _ => (columns, rows),
        };
        for (row, out) in self.planes[plane].chunks_exact_mut(columns).enumerate() {
            let line = from.row(row.min(has_rows - 1), has_columns);
            let (out, filling) = out.split_at_mut(has_columns);
            match (layout.range, plane) {
                (Range::Full, _) => out.copy_from_slice(line),
                (Range::Limited, 0) => map(line, out, full_luma),
                (Range::Limited, _) => map(line, out, full_chroma),
            }
            filling.fill(out[has_columns - 1]);
        }
    }

    /// Y of more than eight bits. 16-bit Y comes from a thermal or depth camera, which uses a small
    /// part of the range: a picture's least value becomes black and its greatest white.
    fn flatten(
        &mut self,
        layout: &Layout,
        from: Plane<'_>,
        bits: u32,
        read: impl Fn(&[u8], usize) -> u16,
    ) {
        let Layout { width, height, range, .. } = *layout;
        let line = |row| from.row(row, layout.line());
        let ys = &mut self.planes[0];
        if bits < 16 {
            let full = if range == Range::Full { same } else { full_luma };
            for (row, out) in ys.chunks_exact_mut(width).enumerate() {
                let line = line(row);
                for (x, out) in out.iter_mut().enumerate() {
                    *out = full((read(line, x) >> (bits - 8)).min(255) as u8);
                }
            }
            return;
        }
        let (mut least, mut greatest) = (u16::MAX, 0);
        for line in (0..height).map(line) {
            for value in (0..width).map(|x| read(line, x)) {
                (least, greatest) = (least.min(value), greatest.max(value));
            }
        }
        // 2^32 times the factor: a division for each pixel would be slow.
        let factor = (255_u64 << 32).div_ceil(greatest.saturating_sub(least).max(1).into());
        for (row, out) in ys.chunks_exact_mut(width).enumerate() {
            let line = line(row);
            for (x, out) in out.iter_mut().enumerate() {
                let above = u64::from(read(line, x) - least);
                *out = ((above * factor + (1 << 31)) >> 32) as u8;
            }
        }
    }

    /// Converts RGB by the matrix of JFIF; U and V come from the mean of four pixels. `read` gives
    /// R, G and B of a pixel of a line.
    fn convert(
        &mut self,
        layout: &Layout,
        from: Plane<'_>,
        read: impl Fn(&[u8], usize) -> [u8; 3],
    ) {
        let (width, height) = (layout.width, layout.height);
        let (columns, rows) = Sampling::S420.extent(0, width, height);
        let pixel = |x: usize, y: usize| {
            let line = from.row(y.min(height - 1), layout.line());
            read(line, x.min(width - 1)).map(i32::from)
        };
        let [ys, us, vs] = &mut self.planes;
        for row in 0..rows / 2 {
            for column in 0..columns / 2 {
                let mut mean = [0; 3];
                for (x, y) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                    let (x, y) = (2 * column + x, 2 * row + y);
                    let rgb @ [r, g, b] = pixel(x, y);
                    ys[y * columns + x] =
                        ((19_595 * r + 38_470 * g + 7_471 * b + 32_768) >> 16) as u8;
                    for (sum, value) in mean.iter_mut().zip(rgb) {
                        *sum += value;
                    }
                }
                let [r, g, b] = mean;
                // 2^16 times the factors, of four pixels, around 128.
                let chroma = |sum: i32| (((sum + (1 << 17)) >> 18) + 128).clamp(0, 255) as u8;
                let at = row * columns / 2 + column;
                us[at] = chroma(-11_059 * r - 21_709 * g + 32_768 * b);
                vs[at] = chroma(32_768 * r - 27_439 * g - 5_329 * b);
            }
        }
    }
}

/// A value of 16 bits of a line.
#[inline(always)]
fn word_at(line: &[u8], x: usize, is_big_endian: bool) -> u16 {
    let bytes = [line[2 * x], line[2 * x + 1]];
    if is_big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
}

/// R, G and B of eight bits: the highest bits are repeated, so that white stays white.
fn unpack_565(word: u16) -> [u8; 3] {
    let (r, g, b) = (word >> 11, word >> 5 & 63, word & 31);
    [r << 3 | r >> 2, g << 2 | g >> 4, b << 3 | b >> 2].map(|value| value as u8)
}

#[inline(always)]
fn unpack_line(
    line: &[u8],
    [y0, u, v, y1]: [usize; 4],
    ys: &mut [u8],
    us: &mut [u8],
    vs: &mut [u8],
    luma: impl Fn(u8) -> u8 + Copy,
    chroma: impl Fn(u8) -> u8 + Copy,
) {
    let pixels = line.chunks_exact(4).zip(ys.chunks_exact_mut(2)).zip(us.iter_mut().zip(vs));
    for ((four, ys), (us, vs)) in pixels {
        ys[0] = luma(four[y0]);
        ys[1] = luma(four[y1]);
        *us = chroma(four[u]);
        *vs = chroma(four[v]);
    }
}

#[inline(always)]
fn map(line: &[u8], out: &mut [u8], map: impl Fn(u8) -> u8) {
    for (out, &value) in out.iter_mut().zip(line) {
        *out = map(value);
    }
}

/// Means of whole boxes of `N` times `N`, from the sums of their columns.
#[inline(always)]
fn means<const N: usize>(sums: &[u16], out: &mut [u8]) {
    let whole = (sums.len() / N).min(out.len());
    let (out, rest) = out.split_at_mut(whole);
    let area = (N * N) as u16;
    for (out, sums) in out.iter_mut().zip(sums.chunks_exact(N)) {
        // At most 16 times 255.
        let sum: u16 = sums.iter().sum();
        *out = ((sum + area / 2) / area) as u8;
    }
    means_of(&sums[whole * N..], N, N, out.last().copied(), rest);
}

/// Means of boxes `by` wide and `rows` high. Beyond the end, the last one is repeated.
fn means_of(sums: &[u16], by: usize, rows: usize, before: Option<u8>, out: &mut [u8]) {
    let mut last = before.unwrap_or(0);
    let mut boxes = sums.chunks(by);
    for out in out {
        if let Some(sums) = boxes.next() {
            let area = (sums.len() * rows) as u32;
            let sum: u32 = sums.iter().map(|&sum| u32::from(sum)).sum();
            last = ((sum + area / 2) / area) as u8;
        }
        *out = last;
    }
}

fn same(value: u8) -> u8 {
    value
}

/// 16 to 235 becomes 0 to 255, in 16 bits: a processor handles many such values at once.
#[inline(always)]
fn full_luma(value: u8) -> u8 {
    ((u16::from(value.clamp(16, 235) - 16) * 298 + 128) >> 8) as u8
}

/// 16 to 240 around 128 becomes 0 to 255 around 128 (ITU-T T.871, section 7).
#[inline(always)]
fn full_chroma(value: u8) -> u8 {
    let scaled = ((i16::from(value.clamp(16, 240)) - 128) * 146 + 64) >> 7;
    (scaled + 128).min(255) as u8
}

#[cfg(test)]
mod tests;
