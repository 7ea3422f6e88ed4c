//! When a picture was taken, by all that it says about that.

mod text;

use jiff::civil;
use jiff::tz::{Offset, TimeZone};
use wire::MediaType;

pub(in crate::photos::picture) use text::parse;
use text::{When, nanoseconds, offset};

use super::tiff::{Directory, GPS, Tiff};
use super::{tiff, xmp};
use crate::photos::picture::structure::{self, Layout, layout};

/// EXIF's times (Exif 2.32, 4.6.5 F): first when it was taken, then when it was digitised, which
/// differs for a scanned print, then when the file was changed. Each has its fraction of a second
/// and its offset from UTC.
const TIMES: [[u16; 3]; 3] =
    [[0x9003, 0x9291, 0x9011], [0x9004, 0x9292, 0x9012], [0x0132, 0x9290, 0x9010]];

/// TIFF/EP's `TimeZoneOffset`, in hours.
const HOURS_AHEAD: u16 = 0x882a;

/// The same in XMP.
const PROPERTIES: [&str; 5] = [
    "exif:DateTimeOriginal",
    "photoshop:DateCreated",
    "xmp:CreateDate",
    "xap:CreateDate",
    "exif:DateTimeDigitized",
];

/// All times in a picture, in milliseconds since 1970, the best first. They are not compared with a
/// clock yet: see [`plausible`]. A time without an offset is taken for one of this machine's time
/// zone.
pub(crate) fn times(media: MediaType, bytes: &[u8]) -> Vec<u64> {
    let Ok(layout) = layout(media, bytes) else { return Vec::new() };
    let mut whens = Vec::new();
    let mut satellites = Vec::new();
    if let Some(tiff) = layout.exif.clone().and_then(|range| bytes.get(range)) {
        whens.extend(of_exif(tiff));
        satellites.extend(of_satellites(tiff));
    }
    let packet = xmp::text(bytes, &layout.xmp);
    whens.extend(of_xmp(&packet));
    let changed = if media == MediaType::Png { of_png(bytes, &layout, &mut whens) } else { None };
    // The last GPS fix may be older than the picture, and a change is later.
    whens.extend(satellites);
    whens.extend(changed);
    whens.into_iter().filter_map(milliseconds).collect()
}

/// The first of these times that is plausible at `now`.
pub(crate) fn plausible(times: &[u64], now: u64) -> Option<u64> {
    times.iter().copied().find(|&time| time <= now && !is_of_a_clock_never_set(time))
}

/// A clock that nobody set starts on the first of January of one of these years, in any time zone.
/// Other times before digital cameras are those of scanned prints.
fn is_of_a_clock_never_set(time: u64) -> bool {
    const DAY: u64 = 86_400_000;
    // 1970, 1980, 1990, 2000.
    const FIRSTS: [u64; 4] = [0, 315_532_800_000, 631_152_000_000, 946_684_800_000];
    FIRSTS.iter().any(|first| (first.saturating_sub(DAY)..first + 31 * DAY).contains(&time))
}

fn of_exif(bytes: &[u8]) -> Vec<When> {
    let Some((tiff, directories)) = read(bytes) else { return Vec::new() };
    // Some programs write an entry into the other directory, or with another type.
    let value = |tag| {
        let entry = directories.iter().find_map(|directory| directory.find(tag))?;
        Some(tiff.value(entry))
    };
    let told = |tag| value(tag).and_then(offset);
    let ahead = || {
        let entry = directories.iter().find_map(|directory| directory.find(HOURS_AHEAD))?;
        let hours = i8::try_from(tiff.u16(entry.value.start)?.cast_signed()).ok()?;
        Offset::from_hours(hours).ok().filter(|_| hours.abs() <= 14)
    };
    let when = |[time, fraction, own]: [u16; 3]| {
        let mut when = parse(value(time)?)?;
        if when.civil.subsec_nanosecond() == 0
            && let Some(fraction) = value(fraction).and_then(|text| std::str::from_utf8(text).ok())
        {
            let time = when.civil.time().with().subsec_nanosecond(nanoseconds(fraction)).build();
            when.civil = when.civil.with().time(time.ok()?).build().ok()?;
        }
        let others = || TIMES.iter().find_map(|[.., other]| told(*other));
        when.offset = when.offset.or_else(|| told(own)).or_else(others).or_else(ahead);
        Some(when)
    };
    TIMES.into_iter().filter_map(when).collect()
}

/// GPS date and time, which are in UTC (Exif 2.32, 4.6.6).
fn of_satellites(bytes: &[u8]) -> Option<When> {
    let tiff = Tiff::new(bytes)?;
    let first = tiff.first()?;
    let exif = tiff.below(&first, tiff::EXIF);
    let gps = tiff.below(&first, GPS).or_else(|| tiff.below(&exif?, GPS))?;
    let date = parse(tiff.value(gps.find(0x1d)?))?.civil.date();
    let time = gps.find(7).filter(|entry| (entry.kind, entry.count) == (5, 3))?.value.start;
    let part = |n: usize| {
        let (above, below) = (tiff.u32(time + 8 * n)?, tiff.u32(time + 8 * n + 4)?);
        i8::try_from(above.checked_div(below)?).ok()
    };
    let time = civil::Time::new(part(0)?, part(1)?, part(2)?, 0).ok()?;
    Some(When { civil: date.to_datetime(time), offset: Some(Offset::UTC) })
}

/// The directory of the picture, and that of its facts.
fn read(bytes: &[u8]) -> Option<(Tiff<'_>, Vec<Directory>)> {
    let tiff = Tiff::new(bytes)?;
    let first = tiff.first()?;
    let below = tiff.below(&first, tiff::EXIF);
    Some((tiff, below.into_iter().chain([first]).collect()))
}

fn of_xmp(text: &[u8]) -> impl Iterator<Item = When> {
    PROPERTIES.into_iter().filter_map(|name| parse(xmp::property(text, name)?.as_bytes()))
}

/// The times in a PNG's texts, as ImageMagick and others write them; and when it was last changed.
fn of_png(bytes: &[u8], layout: &Layout, whens: &mut Vec<When>) -> Option<When> {
    for (keyword, text) in structure::texts(bytes, &layout.texts) {
        match keyword {
            b"Creation Time" | b"exif:DateTimeOriginal" => whens.extend(parse(&text)),
            b"XML:com.adobe.xmp" => whens.extend(of_xmp(&xmp::plain([&text[..]]))),
            _ if structure::is_raw_profile(keyword) => {
                let profile = structure::raw_profile(&text);
                whens.extend(of_exif(profile.strip_prefix(b"Exif\0\0").unwrap_or(&profile)));
                whens.extend(of_xmp(&xmp::plain([&profile[..]])));
            }
            _ => {}
        }
    }
    // tIME: year, month, day, hour, minute, second, in UTC (PNG 3, 11.3.5.1).
    let &[y1, y0, month, day, hour, minute, second] = bytes.get(layout.changed.clone())? else {
        return None;
    };
    let [month, day, hour, minute, second] =
        [month, day, hour, minute, second.min(59)].map(|part| i8::try_from(part).unwrap_or(-1));
    let year = i16::from_be_bytes([y1, y0]);
    let civil = civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    Some(When { civil, offset: Some(Offset::UTC) })
}

fn milliseconds(When { civil, offset }: When) -> Option<u64> {
    let zone = offset.map_or_else(TimeZone::system, TimeZone::fixed);
    u64::try_from(civil.to_zoned_datetime(zone).ok()?.timestamp().as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photos::picture::samples::{self, Facts};

    /// 2024-02-21T10:14:22Z.
    const TAKEN: u64 = 1_708_510_462_000;
    const W: &[u8] = b"2024:02:21 10:14:22\0";

    fn of(little: bool, entries: &[(bool, u16, u16, &[u8])]) -> Vec<u64> {
        let exif = samples::exif_of(little, entries);
        times(MediaType::Jpeg, &samples::with_metadata(MediaType::Jpeg, &exif, b""))
    }

    /// By the offset in the picture.
    fn of_utc(entries: &[(bool, u16, u16, &[u8])]) -> Vec<u64> {
        let all: Vec<_> = entries.iter().copied().chain([(true, 0x9010, 2, &b"Z\0"[..])]).collect();
        let (little, big) = (of(true, &all), of(false, &all));
        assert_eq!(little, big);
        little
    }

    #[test]
    fn what_was_taken_first_counts_first() {
        let other = |hour: u64| TAKEN + hour * 3_600_000;
        let original = (true, 0x9003, 2, W);
        let digitized = (true, 0x9004, 2, &b"2024:02:21 11:14:22\0"[..]);
        let changed = (false, 0x0132, 2, &b"2024:02:21 12:14:22\0"[..]);
        assert_eq!(of_utc(&[changed, digitized, original]), [TAKEN, other(1), other(2)]);
        assert_eq!(of_utc(&[changed, digitized]), [other(1), other(2)]);
        assert_eq!(of_utc(&[changed]), [other(2)]);
        for blank in [
            &b"    :  :     :  :  \0"[..],
            b"0000:00:00 00:00:00\0",
            b"\0",
            b"- \0",
            b"\0\0\0\0\0\0",
        ] {
            assert_eq!(of_utc(&[changed, (true, 0x9003, 2, blank)]), [other(2)]);
        }
    }

    #[test]
    fn fractions_and_offsets_are_found_where_others_write_them() {
        for (entries, expected) in [
            (vec![(true, 0x9291, 2, &b"27\0"[..])], TAKEN + 270),
            (vec![(true, 0x9291, 2, b"5    \0")], TAKEN + 500),
            (vec![(true, 0x9011, 2, b"+02:00\0")], TAKEN - 7_200_000),
            (
                vec![(true, 0x9011, 2, b"   :  \0"), (true, 0x9012, 2, b"-0530\0")],
                TAKEN + 19_800_000,
            ),
            (vec![(true, 0x9011, 2, b"Z\0")], TAKEN),
        ] {
            let entries: Vec<_> = [(true, 0x9003, 2, W)].into_iter().chain(entries).collect();
            let taken = if entries.iter().any(|entry| (0x9010..=0x9012).contains(&entry.1)) {
                of(true, &entries)
            } else {
                of_utc(&entries)
            };
            assert_eq!(taken, [expected], "{entries:?}");
        }
        let inline = (true, 0x9003, 2, &b"2024:02:21 10:14:22.27-05:30\0"[..]);
        assert_eq!(of_utc(&[inline]), [TAKEN + 270 + 19_800_000]);
    }

    #[test]
    fn another_type_or_directory_is_no_matter() {
        for kind in [1, 2, 6, 7, 129] {
            for below in [true, false] {
                assert_eq!(of_utc(&[(below, 0x9003, kind, W)]), [TAKEN], "{kind} {below}");
                assert_eq!(of_utc(&[(below, 0x0132, kind, &W[..19])]), [TAKEN], "{kind} {below}");
            }
        }
    }

    #[test]
    fn each_kind_tells_its_time() {
        let facts = Facts::default();
        for media in [MediaType::Jpeg, MediaType::Png, MediaType::WebP] {
            let bytes = samples::with_metadata(media, &samples::exif(&facts), b"");
            // 2026-06-01T12:34:56+02:00
            assert_eq!(times(media, &bytes), [1_780_310_096_000], "{media:?}");
            let packet = b"<rdf:Description photoshop:DateCreated='2024-02-21T10:14:22Z'/>";
            let bytes = samples::with_metadata(media, b"", packet);
            assert_eq!(times(media, &bytes), [TAKEN], "{media:?}");
        }
        let packet = b"<xmp:CreateDate>2024-02-21T11:14:22+01:00</xmp:CreateDate>";
        let gif = samples::gif_with_xmp(&samples::picture(MediaType::Gif, 20, 10), packet);
        assert_eq!(times(MediaType::Gif, &gif), [TAKEN]);
    }

    #[test]
    fn the_texts_of_a_png_tell_its_time() {
        let png = samples::picture(MediaType::Png, 20, 10);
        let exif = samples::exif_of(true, &[(true, 0x9003, 2, W), (true, 0x9011, 2, b"Z\0")]);
        let raw = format!(
            "Raw profile type exif\0\nexif\n  {}\n{}\n",
            exif.len(),
            crate::hex::hex(&exif)
        );
        for chunk in [
            structure::chunk(b"tEXt", b"Creation Time\0Wed, 21 Feb 2024 10:14:22 GMT"),
            structure::chunk(b"iTXt", b"Creation Time\0\0\0en\0\x002024-02-21T10:14:22Z"),
            structure::chunk(b"tEXt", raw.as_bytes()),
            structure::chunk(b"tIME", &[0x07, 0xe8, 2, 21, 10, 14, 22]),
        ] {
            let bytes = samples::png_with(&png, &chunk);
            assert_eq!(times(MediaType::Png, &bytes), [TAKEN]);
        }
    }

    #[test]
    fn a_clock_that_was_never_set_is_not_believed() {
        let day = 86_400_000;
        // 1998-07-14: a scanned print.
        assert_eq!(plausible(&[900_374_400_000], TAKEN), Some(900_374_400_000));
        // The first days of 1970, 1980 and 2000, and the future.
        for never in [10_000, 315_532_800_000 + 3 * day, 946_684_800_000 - day / 2, TAKEN + 1] {
            assert_eq!(plausible(&[never], TAKEN), None, "{never}");
            assert_eq!(plausible(&[never, TAKEN - day], TAKEN), Some(TAKEN - day));
        }
    }
}
