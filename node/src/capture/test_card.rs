//! The test card: a picture that moves and shows its clock, for machines without a camera and
//! for tests.
//!
//! At the very bottom, a strip shows the capture time to machines: 40 cells across the whole width,
//! 16 pixels high, for the milliseconds since 1970 modulo 2^40, most significant bit first, white
//! for 1 and black for 0. Cell `i` reaches from `i * width / 40` to `(i + 1) * width / 40`.

use std::time::Duration;

use crate::capture::source::{Fault, Frame, Source};
use crate::config::TestCard;
use crate::picture::raw::pixels::{Coding, Layout, Range};

/// Cells of the clock for machines.
const CELLS: usize = 40;
/// Its height in pixels.
const STRIP: usize = 16;

/// The card as a source of NV12 frames.
pub(crate) struct Card {
    layout: Layout,
    fps: u32,
    /// The picture without what moves, and the one that is shown.
    ground: Vec<u8>,
    shown: Vec<u8>,
    start: Duration,
    number: u32,
}

impl Card {
    /// A card that begins to count now.
    pub fn new(config: &TestCard) -> Self {
        let (width, height) = (config.width as usize, config.height as usize);
        let layout =
            Layout { coding: Coding::Nv12, width, height, stride: width, range: Range::Full };
        let ground = ground(&layout);
        let shown = ground.clone();
        Card { layout, fps: config.fps, ground, shown, start: clock::monotonic(), number: 0 }
    }

    fn draw(&mut self, unix: Duration, number: u32) {
        let Layout { width, height, .. } = self.layout;
        let luma = width * height;
        self.shown[..luma].copy_from_slice(&self.ground[..luma]);
        let mut canvas = Canvas { width, height, luma: &mut self.shown[..luma] };
        // A light that sweeps over the bars, once in four seconds.
        let phase = unix.as_millis() % 4000;
        let x = usize::try_from(phase).unwrap_or(0) * width / 4000;
        canvas.lighten(x, height / 8, (width / 160).max(2), height / 4);
        let day = unix.as_secs() % 86_400;
        let (hours, minutes, seconds) = (day / 3600, day / 60 % 60, day % 60);
        let time = format!("{hours:02}:{minutes:02}:{seconds:02}.{:03}", unix.subsec_millis());
        canvas.text(&time, height * 9 / 20, width / 80, 225);
        canvas.text(&format!("{number}"), height * 13 / 20, width / 160, 150);
        canvas.strip(unix);
    }
}

impl Source for Card {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn fps(&self) -> Option<f32> {
        Some(self.fps as f32)
    }

    fn next(&mut self, wait: Duration) -> Result<Option<Frame<'_>>, Fault> {
        let due = self.start + Duration::from_secs(u64::from(self.number)) / self.fps;
        let now = clock::monotonic();
        if due > now {
            std::thread::sleep(wait.min(due - now));
            if due - now > wait {
                return Ok(None);
            }
        }
        // A late reader has missed frames, as with a camera.
        let at = clock::monotonic();
        let passed = (at.saturating_sub(self.start).as_secs_f64() * f64::from(self.fps)) as u32;
        let sequence = passed.max(self.number);
        self.number = sequence.wrapping_add(1);
        self.draw(clock::unix(), sequence);
        Ok(Some(Frame { bytes: &self.shown, sequence, at, told: None, error: false, late: false }))
    }
}

/// What does not move: a dark ground with a row of muted colour bars.
fn ground(layout: &Layout) -> Vec<u8> {
    let Layout { width, height, .. } = *layout;
    let mut ground = vec![128; layout.bytes()];
    let (luma, chroma) = ground.split_at_mut(width * height);
    for (y, row) in luma.chunks_exact_mut(width).enumerate() {
        // A little lighter towards the top, to differ from a flat grey screen.
        row.fill(30 - (14 * y / height) as u8);
    }
    let (top, bottom) = (height / 8, height * 3 / 8);
    for (i, &(y, u, v)) in BARS.iter().enumerate() {
        let (left, right) = (i * width / BARS.len(), (i + 1) * width / BARS.len());
        for row in luma.chunks_exact_mut(width).take(bottom).skip(top) {
            row[left..right].fill(y);
        }
        for row in chroma.chunks_exact_mut(width).take(bottom / 2).skip(top / 2) {
            for pair in row[left / 2 * 2..right / 2 * 2].chunks_exact_mut(2) {
                pair.copy_from_slice(&[u, v]);
            }
        }
    }
    ground
}

/// Y, U and V of the bars: the usual order, a third of the usual strength.
const BARS: [(u8, u8, u8); 7] = [
    (150, 128, 128),
    (138, 92, 137),
    (112, 142, 96),
    (100, 106, 105),
    (84, 150, 151),
    (72, 114, 160),
    (46, 164, 119),
];

struct Canvas<'a> {
    width: usize,
    height: usize,
    luma: &'a mut [u8],
}

impl Canvas<'_> {
    fn rows(&mut self, top: usize, height: usize) -> impl Iterator<Item = &mut [u8]> {
        self.luma.chunks_exact_mut(self.width).skip(top).take(height)
    }

    fn lighten(&mut self, left: usize, top: usize, width: usize, height: usize) {
        let right = (left + width).min(self.width);
        for row in self.rows(top, height) {
            for pixel in &mut row[left..right] {
                *pixel = pixel.saturating_add(70);
            }
        }
    }

    /// Text in the middle of the line at `top`, its dots `dot` pixels wide.
    fn text(&mut self, text: &str, top: usize, dot: usize, shade: u8) {
        let dot = dot.max(1);
        let total = text.len() * 6 * dot;
        let left = self.width.saturating_sub(total) / 2;
        for (i, c) in text.chars().enumerate() {
            for (y, bits) in glyph(c).into_iter().enumerate() {
                for x in (0..5).filter(|x| bits >> (4 - x) & 1 == 1) {
                    let from = left + (i * 6 + x) * dot;
                    let to = (from + dot).min(self.width);
                    for row in self.rows(top + y * dot, dot) {
                        row[from.min(to)..to].fill(shade);
                    }
                }
            }
        }
    }

    fn strip(&mut self, unix: Duration) {
        let (width, top) = (self.width, self.height - STRIP);
        let time = unix.as_millis() % (1 << CELLS);
        for row in self.rows(top, STRIP) {
            for cell in 0..CELLS {
                let shade = if time >> (CELLS - 1 - cell) & 1 == 1 { 255 } else { 0 };
                row[cell * width / CELLS..(cell + 1) * width / CELLS].fill(shade);
            }
        }
    }
}

/// Seven rows of five dots.
fn glyph(c: char) -> [u8; 7] {
    match c {
        '0' => [14, 17, 19, 21, 25, 17, 14],
        '1' => [4, 12, 4, 4, 4, 4, 14],
        '2' => [14, 17, 1, 2, 4, 8, 31],
        '3' => [31, 2, 4, 2, 1, 17, 14],
        '4' => [2, 6, 10, 18, 31, 2, 2],
        '5' => [31, 16, 30, 1, 1, 17, 14],
        '6' => [6, 8, 16, 30, 17, 17, 14],
        '7' => [31, 1, 2, 4, 8, 8, 8],
        '8' => [14, 17, 17, 14, 17, 17, 14],
        '9' => [14, 17, 17, 15, 1, 2, 12],
        ':' => [0, 12, 12, 0, 12, 12, 0],
        '.' => [0, 0, 0, 0, 0, 12, 12],
        _ => [0; 7],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Show;
    use crate::picture::jpeg::encode::{Encode, Encoder};
    use crate::picture::raw::planes::Buffer;

    fn card(width: u32, height: u32) -> Card {
        Card::new(&TestCard {
            show: Show::Always,
            width,
            height,
            fps: 30,
            every: None,
            title: String::new(),
        })
    }

    /// Reads the clock for machines off a picture's luma.
    fn read(luma: &[u8], width: usize, height: usize) -> u64 {
        let row = &luma[(height - STRIP / 2) * width..][..width];
        (0..CELLS).fold(0, |time, cell| {
            let middle = (2 * cell + 1) * width / (2 * CELLS);
            time << 1 | u64::from(row[middle] > 127)
        })
    }

    #[test]
    fn the_clock_for_machines_is_read_back_also_from_the_jpeg() {
        for (width, height) in [(1280, 720), (160, 120), (642, 362), (3840, 2160)] {
            let mut card = card(width, height);
            let unix = Duration::from_millis(1_763_640_000_123);
            card.draw(unix, 4711);
            let expected = 1_763_640_000_123 % (1 << 40);
            let (width, height) = (width as usize, height as usize);
            assert_eq!(read(&card.shown, width, height), expected);
            let (mut buffer, mut encoder) = (Buffer::default(), Encoder::default());
            let planes = buffer.separate(&card.layout, &card.shown).unwrap();
            let jpeg = encoder.encode(&planes, 80).unwrap();
            let mut decoder = jpeg_decoder::Decoder::new(jpeg);
            let rgb = decoder.decode().unwrap();
            let luma: Vec<u8> = rgb.chunks_exact(3).map(|pixel| pixel[1]).collect();
            assert_eq!(read(&luma, width, height), expected);
        }
    }

    #[test]
    fn frames_come_in_order_and_at_their_time() {
        let mut card = card(160, 120);
        let mut last = None;
        for _ in 0..5 {
            let frame = card.next(Duration::from_secs(1)).unwrap().unwrap();
            assert!(last < Some(frame.sequence));
            last = Some(frame.sequence);
        }
        assert!(card.next(Duration::ZERO).unwrap().is_none());
    }
}
