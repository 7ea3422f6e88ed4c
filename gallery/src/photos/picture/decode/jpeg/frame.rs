//! The frame header (B.2.2), and the data of each component.

use crate::photos::picture::BadPicture;

/// Nothing of a coefficient has come; otherwise how many of its last bits are missing.
pub(super) const NOTHING: u8 = 255;

#[derive(Debug, Clone)]
pub(super) struct Component {
    pub id: u8,
    /// Sampling factors.
    pub across: usize,
    pub down: usize,
    pub table: usize,
    /// Quantisation steps, by lines, from the component's first scan on.
    pub steps: Option<[u16; 64]>,
    /// Blocks in a line, and lines of blocks, up to the end of the last MCU.
    pub wide: usize,
    pub high: usize,
    /// The same without blocks that only fill an MCU.
    pub own_wide: usize,
    pub own_high: usize,
    /// The kept coefficients of blocks, and for progressive pictures which of them are not 0: of
    /// all blocks, or of one line of MCUs.
    pub kept: Vec<i16>,
    pub known: Vec<u64>,
    /// The DC value of the previous block.
    pub before: i32,
    pub missing_bits: [u8; 64],
}

#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub progressive: bool,
    pub width: usize,
    pub height: usize,
    /// Size of an MCU in samples.
    pub mcu: (usize, usize),
    pub mcus_across: usize,
    pub mcus_down: usize,
    pub components: Vec<Component>,
}

impl Component {
    /// How many blocks are kept at once.
    pub fn blocks(&self, streamed: bool) -> usize {
        self.wide * if streamed { self.down } else { self.high }
    }
}

impl Frame {
    /// Reads a frame header (B.2.2).
    pub fn new(marker: u8, data: &[u8]) -> Result<Frame, BadPicture> {
        let &[bits, h1, h0, w1, w0, count, ref rest @ ..] = data else {
            return Err(BadPicture::broken("its frame header is too short"));
        };
        if !matches!(marker, 0xc0..=0xc2) || bits != 8 || !matches!(count, 1 | 3 | 4) {
            return Err(BadPicture::broken("it is of a kind of JPEG that browsers do not draw"));
        }
        let height = usize::from(u16::from_be_bytes([h1, h0]));
        let width = usize::from(u16::from_be_bytes([w1, w0]));
        let told = rest.get(..3 * usize::from(count));
        let told = told.ok_or_else(|| BadPicture::broken("its frame header is too short"))?;
        let factors = |factors: u8| (usize::from(factors >> 4), usize::from(factors & 15));
        // The factors of a single component have no meaning.
        let factors = |all| if count == 1 { (1, 1) } else { factors(all) };
        let told: Vec<_> =
            told.chunks_exact(3).map(|c| (c[0], factors(c[1]), usize::from(c[2] & 3))).collect();
        if told.iter().any(|&(_, (h, v), _)| !(1..=4).contains(&h) || !(1..=4).contains(&v)) {
            return Err(BadPicture::broken("its sampling factors are not 1 to 4"));
        }
        if width == 0 || height == 0 {
            return Err(BadPicture::broken("it has no pixels"));
        }
        let most = told.iter().fold((1, 1), |(h, v), told| (h.max(told.1.0), v.max(told.1.1)));
        let mcu = (8 * most.0, 8 * most.1);
        let (mcus_across, mcus_down) = (width.div_ceil(mcu.0), height.div_ceil(mcu.1));
        let component = |&(id, (across, down), table): &(u8, (usize, usize), usize)| Component {
            id,
            across,
            down,
            table,
            steps: None,
            wide: mcus_across * across,
            high: mcus_down * down,
            own_wide: (width * across).div_ceil(mcu.0),
            own_high: (height * down).div_ceil(mcu.1),
            kept: Vec::new(),
            known: Vec::new(),
            before: 0,
            missing_bits: [NOTHING; 64],
        };
        let components = told.iter().map(component).collect();
        let progressive = marker == 0xc2;
        Ok(Frame { progressive, width, height, mcu, mcus_across, mcus_down, components })
    }

    /// Whether a scan with this header has the whole picture, so that each line of MCUs is finished
    /// before the next.
    pub fn is_streamed(&self, scan: &[u8]) -> bool {
        !self.progressive && scan.first().map(|&n| usize::from(n)) == Some(self.components.len())
    }
}
