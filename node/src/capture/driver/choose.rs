//! Chooses the format, size and rate of a camera.

use std::cmp::Reverse;
use std::fmt;

use wire::Reason;

use crate::capture::source::Fault;
use crate::picture::raw::pixels::Coding;

/// The default JPEG quality.
pub(crate) const QUALITY: u8 = 80;

/// The requested values; the rest is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ask {
    /// Pixels across.
    pub width: Option<u32>,
    /// Pixels down.
    pub height: Option<u32>,
    /// Frames a second.
    pub fps: Option<f32>,
    /// The format.
    pub format: Option<Coding>,
    /// JPEG quality where the node encodes, 1 to 100.
    pub quality: u8,
}

impl Default for Ask {
    fn default() -> Self {
        Ask { width: None, height: None, fps: None, format: None, quality: QUALITY }
    }
}

/// A time between frames in seconds, as V4L2 writes it: `numerator / denominator`. It is a possible
/// one: drivers also report 0/0, 1/0, or ten million frames a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    numerator: u32,
    denominator: u32,
}

impl Interval {
    /// The longest in seconds: one frame a day.
    const LONGEST: f64 = 86_400.0;

    /// `None` where a driver's numbers make no sense.
    pub fn new(numerator: u32, denominator: u32) -> Option<Self> {
        let seconds = f64::from(numerator) / f64::from(denominator);
        let shortest = 1.0 / f64::from(wire::limits::FPS);
        (shortest..=Self::LONGEST).contains(&seconds).then_some(Interval { numerator, denominator })
    }

    /// The numerator.
    pub fn numerator(self) -> u32 {
        self.numerator
    }

    /// The denominator.
    pub fn denominator(self) -> u32 {
        self.denominator
    }

    /// Frames a second, above 0 and at most [`wire::limits::FPS`].
    pub fn fps(self) -> f32 {
        let fps = f64::from(self.denominator) / f64::from(self.numerator);
        (fps as f32).min(wire::limits::FPS)
    }
}

/// One size in one format that a camera offers, with its rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The format.
    pub coding: Coding,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The rates; empty if the driver does not report any.
    pub intervals: Vec<Interval>,
}

/// The settings for the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    pub coding: Coding,
    pub width: u32,
    pub height: u32,
    /// `None` if the driver offers no rates.
    pub interval: Option<Interval>,
}

/// The largest size that is chosen unasked.
const LARGEST: (u32, u32) = (1920, 1080);
/// From this rate on, pictures look fluent; a fluent size goes before a larger one that is not.
const FLUENT: f32 = 25.0;
/// How many offers an error lists.
const TOLD: usize = 24;
/// The highest rate that is chosen unasked: more is twice the data for little gain.
const ENOUGH: f32 = 30.5;

/// Chooses as requested; otherwise MJPEG before all others, then the largest size up to 1920x1080
/// with 25 frames a second, else the size with the best rate. `None` if no offer matches the
/// request.
pub(crate) fn choose(offers: &[Offer], ask: &Ask) -> Option<Choice> {
    let asked: Vec<&Offer> = offers
        .iter()
        .filter(|offer| ask.format.is_none_or(|format| format == offer.coding))
        .filter(|offer| ask.width.is_none_or(|width| width == offer.width))
        .filter(|offer| ask.height.is_none_or(|height| height == offer.height))
        .collect();
    let compressed = asked.iter().any(|offer| offer.coding.is_jpeg());
    let enough = ask.fps.unwrap_or(FLUENT) * 0.99;
    let best = asked.into_iter().filter(|offer| offer.coding.is_jpeg() == compressed).min_by_key(
        |offer| {
            let fits = offer.width <= LARGEST.0 && offer.height <= LARGEST.1;
            let area = u64::from(offer.width) * u64::from(offer.height);
            // A driver that reports no rates is assumed to be fluent.
            let fps = offer.best_fps().unwrap_or(enough);
            let rate =
                if fps >= enough { Rate::Enough } else { Rate::Low(Reverse((fps * 100.0) as u32)) };
            // If all sizes are too large, the smallest is the nearest.
            let size = if fits { Reverse(area) } else { Reverse(u64::MAX - area) };
            let preferred = Coding::ALL.iter().position(|&coding| coding == offer.coding);
            (!fits, rate, size, preferred)
        },
    )?;
    let wanted = ask.fps.unwrap_or(ENOUGH);
    let interval = match ask.fps {
        Some(fps) => best.intervals.iter().min_by_key(|i| ((i.fps() - fps).abs() * 1000.0) as u64),
        None => {
            let within = best.intervals.iter().filter(|i| i.fps() <= wanted);
            within
                .max_by_key(|i| (i.fps() * 1000.0) as u64)
                .or_else(|| best.intervals.iter().min_by_key(|i| (i.fps() * 1000.0) as u64))
        }
    };
    Some(Choice {
        coding: best.coding,
        width: best.width,
        height: best.height,
        interval: interval.copied(),
    })
}

/// The fault of a camera without a matching offer.
pub(crate) fn no_choice(offers: &[Offer], ask: &Ask) -> Fault {
    if offers.is_empty() {
        return Fault::error(Reason::Format, "offers no format that Vitrina can use");
    }
    let mut asked = Vec::new();
    asked.extend(ask.format.map(|format| format.to_string()));
    asked.extend(ask.width.map(|width| format!("{width} wide")));
    asked.extend(ask.height.map(|height| format!("{height} high")));
    let mut offered: Vec<String> = offers.iter().take(TOLD).map(ToString::to_string).collect();
    if offers.len() > TOLD {
        offered.push(format!("and {} more (vitrina cameras lists them)", offers.len() - TOLD));
    }
    let detail = format!(
        "does not offer what the configuration asks ({}); it offers {}",
        asked.join(", "),
        offered.join(", ")
    );
    Fault::error(Reason::Format, detail)
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rate {
    Enough,
    Low(Reverse<u32>),
}

impl Offer {
    /// The highest rate, in frames a second; `None` if the driver reports none.
    pub fn best_fps(&self) -> Option<f32> {
        self.intervals.iter().map(|interval| interval.fps()).reduce(f32::max)
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}x{}", self.coding, self.width, self.height)?;
        let mut rates: Vec<f32> =
            self.intervals.iter().map(|i| (i.fps() * 10.0).round() / 10.0).collect();
        rates.sort_by(|a, b| b.total_cmp(a));
        rates.dedup();
        let rates: Vec<String> = rates.iter().map(ToString::to_string).collect();
        if !rates.is_empty() {
            write!(f, " at {}", rates.join(" "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offer(coding: Coding, size: &str, rates: &[u32]) -> Offer {
        let (width, height) = size.split_once('x').unwrap();
        let interval = |&rate| Interval { numerator: 10, denominator: rate };
        Offer {
            coding,
            width: width.parse().unwrap(),
            height: height.parse().unwrap(),
            intervals: rates.iter().map(interval).collect(),
        }
    }

    fn chosen(offers: &[Offer], ask: Ask) -> String {
        match choose(offers, &ask) {
            Some(Choice { coding, width, height, interval }) => {
                let fps = interval.map(|interval| format!(" {}", interval.fps()));
                format!("{coding} {width}x{height}{}", fps.unwrap_or_default())
            }
            None => "nothing".to_owned(),
        }
    }

    /// What a Logitech C920 offers (USB 2), rates in tenths.
    fn c920() -> Vec<Offer> {
        let all: &[u32] = &[300, 240, 200, 150, 100, 75, 50];
        vec![
            offer(Coding::Yuyv, "640x480", all),
            offer(Coding::Yuyv, "1280x720", &[100, 75, 50]),
            offer(Coding::Yuyv, "1920x1080", &[50]),
            offer(Coding::Yuyv, "2304x1536", &[20]),
            offer(Coding::Mjpeg, "640x480", all),
            offer(Coding::Mjpeg, "1280x720", all),
            offer(Coding::Mjpeg, "1920x1080", all),
        ]
    }

    /// The kernel's vivid, webcam input.
    fn vivid() -> Vec<Offer> {
        let sizes = [
            ("320x180", &[600, 500, 300][..]),
            ("640x360", &[400, 300, 250]),
            ("640x480", &[250, 150]),
            ("1280x720", &[125, 100]),
            ("1920x1080", &[50]),
            ("3840x2160", &[20]),
        ];
        [Coding::Grey, Coding::Uyvy, Coding::Yuyv, Coding::Nv12]
            .into_iter()
            .flat_map(|coding| sizes.map(|(size, rates)| offer(coding, size, rates)))
            .collect()
    }

    #[test]
    fn a_webcam_gives_mjpeg_at_full_hd() {
        assert_eq!(chosen(&c920(), Ask::default()), "MJPG 1920x1080 30");
    }

    #[test]
    fn vivid_gives_the_largest_size_that_is_fluent() {
        assert_eq!(chosen(&vivid(), Ask::default()), "YUYV 640x480 25");
    }

    #[test]
    fn what_is_asked_is_taken() {
        let ask = |ask| chosen(&c920(), ask);
        assert_eq!(ask(Ask { format: Some(Coding::Yuyv), ..Ask::default() }), "YUYV 640x480 30");
        assert_eq!(ask(Ask { width: Some(1280), ..Ask::default() }), "MJPG 1280x720 30");
        assert_eq!(ask(Ask { fps: Some(14.0), ..Ask::default() }), "MJPG 1920x1080 15");
        assert_eq!(ask(Ask { width: Some(2304), ..Ask::default() }), "YUYV 2304x1536 2");
        assert_eq!(ask(Ask { width: Some(1111), ..Ask::default() }), "nothing");
        assert_eq!(
            ask(Ask { fps: Some(5.0), format: Some(Coding::Yuyv), ..Ask::default() }),
            "YUYV 1920x1080 5"
        );
    }

    #[test]
    fn a_camera_that_is_never_fluent_gives_its_best_rate() {
        let slow = [
            offer(Coding::Yuyv, "1920x1080", &[50]),
            offer(Coding::Yuyv, "1280x720", &[100]),
            offer(Coding::Yuyv, "640x480", &[100]),
        ];
        assert_eq!(chosen(&slow, Ask::default()), "YUYV 1280x720 10");
    }

    #[test]
    fn a_fast_camera_is_not_driven_faster_than_needed() {
        let fast = [offer(Coding::Mjpeg, "1280x720", &[1200, 600, 300, 299])];
        assert_eq!(chosen(&fast, Ask::default()), "MJPG 1280x720 30");
        assert_eq!(chosen(&fast, Ask { fps: Some(120.0), ..Ask::default() }), "MJPG 1280x720 120");
        let faster = [offer(Coding::Mjpeg, "1280x720", &[1200, 600])];
        assert_eq!(chosen(&faster, Ask::default()), "MJPG 1280x720 60");
    }

    #[test]
    fn a_camera_with_only_large_sizes_gives_the_least_of_them() {
        let large =
            [offer(Coding::Mjpeg, "4056x3040", &[100]), offer(Coding::Mjpeg, "2592x1944", &[300])];
        assert_eq!(chosen(&large, Ask::default()), "MJPG 2592x1944 30");
    }

    #[test]
    fn a_driver_that_tells_no_rates_is_used() {
        let silent = [offer(Coding::Yuyv, "640x480", &[]), offer(Coding::Yuyv, "1280x720", &[])];
        assert_eq!(chosen(&silent, Ask::default()), "YUYV 1280x720");
        assert_eq!(chosen(&[], Ask::default()), "nothing");
    }

    #[test]
    fn intervals_that_make_no_sense_are_none() {
        for (numerator, denominator) in [(0, 0), (0, 1), (1, 0), (1, 10_000_000), (u32::MAX, 1)] {
            assert_eq!(Interval::new(numerator, denominator), None, "{numerator}/{denominator}");
        }
        for (numerator, denominator) in [(1, 30), (1, 1000), (5, 1), (86_400, 1), (1001, 30_000)] {
            assert!(Interval::new(numerator, denominator).is_some(), "{numerator}/{denominator}");
        }
    }

    #[test]
    fn the_fault_of_a_driver_with_endless_offers_has_an_end() {
        let all: Vec<Offer> = (0..5000).map(|_| c920()[0].clone()).collect();
        let ask = Ask { width: Some(1111), ..Ask::default() };
        assert!(no_choice(&all, &ask).detail.len() < 4096);
    }

    fn any_offer() -> impl Strategy<Value = Offer> {
        let intervals = proptest::collection::vec(any::<(u32, u32)>(), 0..8);
        let coding = proptest::sample::select(Coding::ALL.to_vec());
        (coding, any::<(u32, u32)>(), intervals).prop_map(|(coding, (width, height), intervals)| {
            let intervals =
                intervals.into_iter().filter_map(|(n, d)| Interval::new(n, d)).collect();
            Offer { coding, width, height, intervals }
        })
    }

    proptest! {
        #[test]
        fn whatever_is_offered_one_of_it_is_chosen(
            offers in proptest::collection::vec(any_offer(), 0..20),
            fps in proptest::option::of(0.0001f32..1000.0),
            format in proptest::option::of(proptest::sample::select(Coding::ALL.to_vec())),
        ) {
            let ask = Ask { fps, format, ..Ask::default() };
            let choice = choose(&offers, &ask);
            let asked = |offer: &&Offer| format.is_none_or(|format| format == offer.coding);
            prop_assert_eq!(choice.is_some(), offers.iter().any(|offer| asked(&offer)));
            if let Some(Choice { coding, width, height, interval }) = choice {
                let is_it = |offer: &&Offer| {
                    (offer.coding, offer.width, offer.height) == (coding, width, height)
                        && interval.map_or(offer.intervals.is_empty(), |i| offer.intervals.contains(&i))
                };
                prop_assert!(offers.iter().filter(asked).any(|offer| is_it(&offer)));
                // What waits are made of is a time that can be waited for.
                if let Some(interval) = interval {
                    let wait = std::time::Duration::from_secs_f32(1.0 / interval.fps());
                    prop_assert!(wait <= std::time::Duration::from_secs(90_000));
                }
            }
            prop_assert!(no_choice(&offers, &ask).detail.len() < 16_384);
        }
    }

    #[test]
    fn an_offer_is_readable() {
        assert_eq!(
            offer(Coding::Mjpeg, "640x480", &[75, 300, 300]).to_string(),
            "MJPG 640x480 at 30 7.5"
        );
    }
}
