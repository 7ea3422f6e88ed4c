//! Shrinks a picture while its lines come: each small pixel is the mean of the pixels that it
//! covers, in parts where necessary.

use image::RgbImage;

/// Takes lines of RGB.
#[derive(Debug)]
pub(super) struct Shrink {
    from: (usize, usize),
    to: (usize, usize),
    /// How many lines have come.
    came: usize,
    /// The narrowed line, and the sum of those in the current small line.
    line: Vec<u32>,
    sum: Vec<u64>,
    made: Vec<u8>,
}

impl Shrink {
    /// From one size to another that is not larger.
    pub fn new(from: (u32, u32), to: (u32, u32)) -> Self {
        let size = |(width, height): (u32, u32)| (width.max(1) as usize, height.max(1) as usize);
        let (from, to) = (size(from), size(to));
        let to = (to.0.min(from.0), to.1.min(from.1));
        let made = Vec::with_capacity(3 * to.0 * to.1);
        Shrink { from, to, came: 0, line: vec![0; 3 * to.0], sum: vec![0; 3 * to.0], made }
    }

    /// The bytes that it takes, including the picture.
    pub fn memory(to: (u32, u32)) -> u64 {
        let (width, height) = (u64::from(to.0), u64::from(to.1));
        3 * width * (height + 12)
    }

    /// The next line. Surplus lines are ignored.
    pub fn line(&mut self, rgb: &[u8]) {
        let (width, height) = self.from;
        let (narrow, low) = self.to;
        if self.came >= height {
            return;
        }
        if narrow == width {
            self.line.iter_mut().zip(rgb).for_each(|(sum, &value)| *sum = u32::from(value));
        } else {
            self.line.fill(0);
            shares(width, narrow, |x, i, share| {
                if let Some(pixel) = rgb.get(3 * x..3 * x + 3) {
                    for (sum, &value) in self.line[3 * i..3 * i + 3].iter_mut().zip(pixel) {
                        *sum += share * u32::from(value);
                    }
                }
            });
        }
        // A large line covers as many parts as there are small lines; a small line has as many
        // parts as there are large lines.
        let (start, end) = (self.came * low, (self.came + 1) * low);
        let edge = (start / height + 1) * height;
        self.add(end.min(edge) - start);
        if end >= edge {
            self.close();
            self.add(end - edge);
        }
        self.came += 1;
    }

    fn add(&mut self, share: usize) {
        if share > 0 {
            for (sum, &value) in self.sum.iter_mut().zip(&self.line) {
                *sum += share as u64 * u64::from(value);
            }
        }
    }

    fn close(&mut self) {
        let across = if self.to.0 == self.from.0 { 1 } else { self.from.0 };
        let parts = (across * self.from.1) as u64;
        let mean = |&sum: &u64| u8::try_from((sum + parts / 2) / parts).unwrap_or(u8::MAX);
        self.made.extend(self.sum.iter().map(mean));
        self.sum.fill(0);
    }

    /// The picture. Missing lines repeat the last one.
    pub fn finish(mut self) -> Option<RgbImage> {
        let (width, height) = self.to;
        let line = 3 * width;
        self.made.truncate(line * height);
        while self.made.len() < line * height {
            let from = self.made.len().checked_sub(line)?;
            self.made.extend_from_within(from..);
        }
        RgbImage::from_raw(u32::try_from(width).ok()?, u32::try_from(height).ok()?, self.made)
    }
}

/// Says for each pixel of a line how many of its parts belong to which pixel of a shorter line.
fn shares(width: usize, narrow: usize, mut tell: impl FnMut(usize, usize, u32)) {
    let (mut i, mut edge) = (0, width);
    for x in 0..width {
        let (start, end) = (x * narrow, (x + 1) * narrow);
        let first = end.min(edge) - start;
        if first > 0 {
            tell(x, i, first as u32);
        }
        if end >= edge {
            i += 1;
            if end > edge {
                tell(x, i, (end - edge) as u32);
            }
            edge += width;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shrink(width: u32, height: u32, to: (u32, u32), pixel: impl Fn(u32, u32) -> u8) -> RgbImage {
        let mut shrink = Shrink::new((width, height), to);
        for y in 0..height {
            let line: Vec<u8> = (0..width).flat_map(|x| [pixel(x, y); 3]).collect();
            shrink.line(&line);
        }
        shrink.finish().unwrap()
    }

    #[test]
    fn an_even_picture_stays_even_in_every_size() {
        for (width, height, to) in [
            (7, 5, (3, 2)),
            (100, 1, (33, 1)),
            (64, 64, (64, 64)),
            (1000, 3, (999, 2)),
            (5, 9, (1, 1)),
        ] {
            let small = shrink(width, height, to, |_, _| 200);
            assert_eq!(small.dimensions(), to);
            assert!(small.pixels().all(|pixel| pixel.0 == [200; 3]), "{width} x {height}");
        }
    }

    #[test]
    fn a_pixel_is_the_mean_of_what_it_covers() {
        let small = shrink(3, 3, (2, 1), |x, _| [0, 90, 240][x as usize]);
        // Each gets half of the middle one.
        assert_eq!([small.get_pixel(0, 0).0[0], small.get_pixel(1, 0).0[0]], [30, 190]);
    }

    #[test]
    fn lines_that_do_not_come_are_like_the_last() {
        let mut shrink = Shrink::new((4, 8), (2, 4));
        (0..6).for_each(|_| shrink.line(&[9; 12]));
        let small = shrink.finish().unwrap();
        assert!(small.pixels().all(|pixel| pixel.0 == [9; 3]));
    }
}
