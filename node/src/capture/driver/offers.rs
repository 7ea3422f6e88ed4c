//! Every format, size and rate that a driver offers.

use crate::capture::driver::bounds;
use crate::capture::driver::choose::{Ask, Interval, Offer};
use crate::capture::driver::descriptions::{Intervals, Sizes};
use crate::capture::driver::v4l2::Device;
use crate::picture::raw::pixels::Coding;

/// The most sizes of a format and rates of a size: some drivers never end a list.
const LONGEST: (u32, u32) = (128, 64);

/// Every format that a node can use, in every size. If the driver gives bounds, this looks within
/// them for common sizes and the requested one.
pub(crate) fn offers(device: &Device, ask: &Ask) -> Vec<Offer> {
    let mut codings = Vec::new();
    for (fourcc, _) in device.formats() {
        codings.extend(Coding::from_fourcc(fourcc).filter(|coding| !codings.contains(coding)));
    }
    let mut offers = Vec::new();
    for coding in codings {
        for (width, height) in sizes(device, coding, ask) {
            let intervals = intervals(device, coding, (width, height), ask);
            offers.push(Offer { coding, width, height, intervals });
        }
    }
    offers
}

fn sizes(device: &Device, coding: Coding, ask: &Ask) -> Vec<(u32, u32)> {
    let mut sizes = Vec::new();
    for index in 0..LONGEST.0 {
        match device.frame_sizes(coding.fourcc(), index) {
            Some(Sizes::One(size)) if bounds::is_size(size) && !sizes.contains(&size) => {
                sizes.push(size);
            }
            Some(Sizes::One(_)) => {}
            Some(Sizes::Within(width, height)) => {
                sizes = bounds::sizes(width, height, ask.width.zip(ask.height));
                break;
            }
            None => break,
        }
    }
    // A driver that reports no sizes has one: the present one.
    if sizes.is_empty()
        && let Ok(pix) = device.format()
    {
        sizes.extend(Some((pix.width, pix.height)).filter(|&size| bounds::is_size(size)));
    }
    sizes
}

fn intervals(device: &Device, coding: Coding, size: (u32, u32), ask: &Ask) -> Vec<Interval> {
    let mut intervals = Vec::new();
    for index in 0..LONGEST.1 {
        match device.frame_intervals(coding.fourcc(), size, index) {
            Some(Intervals::One(interval)) => {
                intervals.extend(interval.filter(|interval| !intervals.contains(interval)));
            }
            Some(Intervals::Within(shortest, longest)) => {
                let asked = ask.fps.and_then(|fps| Interval::new(1000, (fps * 1000.0) as u32));
                return bounds::intervals(shortest, longest, asked);
            }
            None => break,
        }
    }
    intervals
}
