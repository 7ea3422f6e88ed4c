//! The QR code of an address (ISO/IEC 18004), which a phone reads from a screen.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// The longest text of a code, in bytes. A longer one has too many modules for a phone that is held
/// at arm's length.
pub const LONGEST: usize = 512;

/// The modules of quiet around a code, without which readers miss it.
const QUIET: i32 = 4;

/// The light modules; a reader takes it for white.
const PAPER: &str = "#f4f1ea";

/// A QR code: a square of dark and light modules.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(QrCode);

impl Code {
    /// The code of a text; `None` if it is longer than [`LONGEST`].
    pub fn of(text: &str) -> Option<Code> {
        // Medium: a seventh of it may be hidden by a reflection or a thumb.
        let fits = text.len() <= LONGEST;
        fits.then(|| QrCode::encode_text(text, QrCodeEcc::Medium).ok()).flatten().map(Code)
    }

    /// How many modules each side has, without the quiet around it.
    pub fn side(&self) -> i32 {
        self.0.size()
    }

    /// Whether a module is dark, counted from the left and the top. All around it is light.
    pub fn is_dark(&self, x: i32, y: i32) -> bool {
        self.0.get_module(x, y)
    }

    /// The code as a picture, black on paper, with the quiet around it.
    pub fn svg(&self) -> String {
        let all = self.side() + 2 * QUIET;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-{QUIET} -{QUIET} {all} {all}\" \
             shape-rendering=\"crispEdges\"><path fill=\"{PAPER}\" \
             d=\"M-{QUIET}-{QUIET}h{all}v{all}h-{all}z\"/><path d=\""
        );
        for y in 0..self.side() {
            let mut x = 0;
            while x < self.side() {
                let dark = (x..self.side()).take_while(|&x| self.is_dark(x, y)).count() as i32;
                if dark > 0 {
                    let _ = write!(svg, "M{x} {y}h{dark}v1h-{dark}z");
                }
                x += dark.max(1);
            }
        }
        svg + "\"/></svg>"
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_makes_a_small_code() {
        let code = Code::of("http://192.168.1.20:8080/people").unwrap();
        assert_eq!(code.side(), 29);
        // The corners that readers look for.
        assert!(code.is_dark(0, 0) && code.is_dark(28, 0) && code.is_dark(0, 28));
        assert!(!code.is_dark(-1, 0) && !code.is_dark(29, 29));
        let svg = code.svg();
        assert!(svg.contains("viewBox=\"-4 -4 37 37\"") && svg.contains("M0 0h7v1h-7z"), "{svg}");
    }

    #[test]
    fn what_no_phone_could_read_has_no_code() {
        assert!(Code::of(&"a".repeat(LONGEST)).is_some());
        assert!(Code::of(&"a".repeat(LONGEST + 1)).is_none());
    }

    proptest! {
        #[test]
        fn the_picture_shows_each_dark_module_once(text in ".{0,120}") {
            let Some(code) = Code::of(&text) else { return Ok(()) };
            let dark = (0..code.side())
                .flat_map(|y| (0..code.side()).map(move |x| (x, y)))
                .filter(|&(x, y)| code.is_dark(x, y))
                .count();
            let svg = code.svg();
            let drawn = svg.rsplit_once(" d=\"").unwrap().1.split('h').skip(1).step_by(2);
            let drawn = drawn.map(|run| run.split('v').next().unwrap().parse::<usize>().unwrap());
            prop_assert_eq!(drawn.sum::<usize>(), dark);
        }
    }
}
