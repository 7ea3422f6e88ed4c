//! A date and time as text, in the forms of real programs: EXIF's colons, XMP's and ISO's dashes
//! and `T`, RFC 2822's and asctime's month names, digits of other scripts, and zones at the end.

use std::fmt;

use jiff::civil;
use jiff::tz::Offset;

/// The longest text that is read, in characters.
const LONGEST: usize = 80;

/// A time on some wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::photos::picture) struct When {
    pub civil: civil::DateTime,
    /// How far that clock was ahead of UTC, if known.
    pub offset: Option<Offset>,
}

/// In the format of XMP and ISO 8601.
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.civil)?;
        let Some(offset) = self.offset else { return Ok(()) };
        let minutes = offset.seconds() / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Number(String),
    Word(String),
    Sign(char),
}
use Token::{Number, Sign, Word};

/// Parses a date and time. A date without a time counts as its noon.
pub(in crate::photos::picture) fn parse(bytes: &[u8]) -> Option<When> {
    let tokens = tokens(bytes);
    let (date, rest) = numeric(&tokens).or_else(|| named(&tokens))?;
    let (time, rest) = time(rest);
    let time = time.unwrap_or(Time { hour: 12, ..Time::default() });
    let mut civil = time.on(date)?;
    // Programs that write kk for the hours call the hour after midnight 24, already on the new day;
    // only 24:00 itself ends the day (ISO 8601).
    if time.hour == 24 && (time.minute, time.second, time.nanosecond) == (0, 0, 0) {
        civil = civil.tomorrow().ok()?;
    }
    Some(When { civil, offset: zone(rest) })
}

/// Parses how far a clock is ahead of UTC: `+02:00`, `+0200`, `+2`, `Z`.
pub(in crate::photos::picture) fn offset(bytes: &[u8]) -> Option<Offset> {
    zone(&tokens(bytes))
}

/// Numbers, words in lower case, and signs; spaces separate them.
fn tokens(bytes: &[u8]) -> Vec<Token> {
    // A NUL ends a text, unless the text is UTF-16.
    let end = bytes.iter().position(|&byte| byte == 0).filter(|&end| end > 1);
    let text = String::from_utf8_lossy(bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default());
    let text: String = text.chars().filter(|&c| c != '\0').take(LONGEST).collect();
    let text = text.to_lowercase().replace("a.m", "am").replace("p.m", "pm");
    let mut tokens = Vec::new();
    let mut joined = false;
    for c in text.chars() {
        let before = tokens.last_mut().filter(|_| joined);
        joined = true;
        match (digit(c), before) {
            (Some(digit), Some(Number(number))) => number.push(digit),
            (Some(digit), _) => tokens.push(Number(digit.into())),
            (None, Some(Word(word))) if c.is_alphabetic() => word.push(c),
            (None, _) if c.is_alphabetic() => tokens.push(Word(c.into())),
            _ if c.is_whitespace() || c.is_control() => joined = false,
            _ => tokens.push(Sign(c)),
        }
    }
    tokens
}

/// Some phones write the digits of their language.
fn digit(c: char) -> Option<char> {
    // Arabic, Persian, Devanagari, Bengali, Thai.
    let value = [0x0660_u32, 0x06f0, 0x0966, 0x09e6, 0x0e50]
        .into_iter()
        .find_map(|zero| u32::from(c).checked_sub(zero).filter(|&value| value < 10));
    value.or_else(|| c.to_digit(10)).and_then(|value| char::from_digit(value, 10))
}

type Rest<'a> = &'a [Token];

/// Three numbers, with the year first or last, or one number of at least eight digits.
fn numeric(tokens: Rest) -> Option<(civil::Date, Rest)> {
    if let [Number(all), ..] = tokens
        && all.len() >= 8
    {
        let date = date(all.get(..4)?, all.get(4..6)?, all.get(6..8)?)?;
        return Some((date, if all.len() == 8 { &tokens[1..] } else { tokens }));
    }
    let [Number(a), rest @ ..] = tokens else { return None };
    let (separator, rest) = after_sign(rest);
    let [Number(b), rest @ ..] = rest else { return None };
    let [Number(c), rest @ ..] = after_sign(rest).1 else { return None };
    let number = |text: &str| text.parse::<u32>().ok();
    let date = match (a.len(), c.len()) {
        (4, 1..=2) => date(a, b, c),
        (2, 2) if separator == Some(':') => {
            let century = if number(a)? < 70 { "20" } else { "19" };
            date(&format!("{century}{a}"), b, c)
        }
        // The number that cannot be a month decides; dots mean small to large.
        (1..=2, 4) if separator == Some('.') || number(a)? > 12 => date(c, b, a),
        (1..=2, 4) if number(b)? > 12 => date(c, a, b),
        _ => None,
    };
    Some((date?, rest))
}

/// A sign between two numbers, or its Chinese or Japanese equivalent.
fn after_sign(tokens: Rest) -> (Option<char>, Rest) {
    match tokens {
        [Sign(sign), rest @ ..] => (Some(*sign), rest),
        [Word(word), rest @ ..] if ["年", "月"].contains(&word.as_str()) => (None, rest),
        _ => (None, tokens),
    }
}

/// `Wed, 21 Feb 2024 10:14:22 +0100`, `Feb 21, 2024 10:14 AM`, `Wed Feb 21 10:14:22 2024`.
fn named(tokens: Rest) -> Option<(civil::Date, Rest)> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let (at, month) = tokens.iter().enumerate().find_map(|(at, token)| {
        let Word(word) = token else { return None };
        Some((at, MONTHS.iter().position(|month| word.starts_with(month))? + 1))
    })?;
    let rest = &tokens[at + 1..];
    let is_day = |token: &&Token| matches!(token, Number(day) if day.len() <= 2);
    let before = tokens[..at].iter().rev().take(2).find(is_day);
    let Number(day) = before.or_else(|| rest.first().filter(is_day))? else { return None };
    let year = rest.iter().find_map(|token| match token {
        Number(year) if year.len() == 4 => Some(year),
        _ => None,
    });
    // A zone of four digits may precede the year.
    let year = match rest.last() {
        Some(Number(last)) if last.len() == 4 && !matches!(rest, [.., Sign('+' | '-'), _]) => last,
        _ => year?,
    };
    let clock = rest.windows(2).position(|pair| matches!(pair, [Number(_), Sign(':')]));
    let rest = clock.map_or(&rest[rest.len()..], |clock| &rest[clock..]);
    Some((date(year, &month.to_string(), day)?, rest))
}

fn date(year: &str, month: &str, day: &str) -> Option<civil::Date> {
    let mut year: i16 = year.parse().ok()?;
    // The Thai calendar counts from the Buddha; no camera is from that century.
    if (2443..=2643).contains(&year) {
        year -= 543;
    }
    civil::Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
}

#[derive(Debug, Default, Clone, Copy)]
struct Time {
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
}

impl Time {
    fn on(self, date: civil::Date) -> Option<civil::DateTime> {
        // A leap second counts as the one before it.
        let second = if self.second == 60 { 59 } else { self.second };
        let time = civil::Time::new(self.hour % 24, self.minute, second, self.nanosecond).ok()?;
        (self.hour <= 24).then(|| date.to_datetime(time))
    }
}

fn time(tokens: Rest) -> (Option<Time>, Rest) {
    let mut rest = tokens;
    let mut half = None;
    loop {
        rest = match rest {
            [Sign('+' | '-'), Number(hour), Sign(':'), Number(_)] if hour.len() == 2 => break,
            [Sign(_), rest @ ..] => rest,
            [Word(word), rest @ ..] => {
                half = half_of_day(word).or(half);
                rest
            }
            [Number(all), rest @ ..] if all.len() == 14 => {
                return (compact(&all[8..]), rest);
            }
            [Number(all), rest @ ..] if all.len() == 6 || all.len() == 4 => {
                return (compact(all), rest);
            }
            [Number(hour), Sign(':' | '.'), Number(minute), rest @ ..] => {
                return match clock(hour, minute, rest, half) {
                    Some((time, rest)) => (Some(time), rest),
                    None => (None, rest),
                };
            }
            _ => break,
        };
    }
    (None, tokens)
}

fn compact(digits: &str) -> Option<Time> {
    let part = |from: usize| digits.get(from..from + 2)?.parse().ok();
    Some(Time { hour: part(0)?, minute: part(2)?, second: part(4).unwrap_or(0), nanosecond: 0 })
}

fn clock<'a>(
    hour: &str,
    minute: &str,
    rest: Rest<'a>,
    half: Option<Half>,
) -> Option<(Time, Rest<'a>)> {
    let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
    let mut time = Time { hour, minute, ..Time::default() };
    let mut rest = rest;
    if let [Sign(':' | '.'), Number(second), after @ ..] = rest {
        time.second = second.parse().ok()?;
        rest = after;
        if let [Sign('.' | ',' | ':'), Number(fraction), after @ ..] = rest {
            time.nanosecond = nanoseconds(fraction);
            rest = after;
        }
    }
    let half = match rest {
        [Word(word), after @ ..] if half_of_day(word).is_some() => {
            rest = after;
            half_of_day(word)
        }
        _ => half,
    };
    time.hour = match half {
        Some(Half::Before) if time.hour == 12 => 0,
        Some(Half::After) if time.hour < 12 => time.hour + 12,
        _ => time.hour,
    };
    Some((time, rest))
}

/// From the digits behind the point.
pub(in crate::photos::picture) fn nanoseconds(fraction: &str) -> i32 {
    let digits = fraction.chars().filter(char::is_ascii_digit).chain("000000000".chars());
    digits.take(9).collect::<String>().parse().unwrap_or(0)
}

#[derive(Debug, Clone, Copy)]
enum Half {
    Before,
    After,
}

fn half_of_day(word: &str) -> Option<Half> {
    match word {
        "am" | "上午" => Some(Half::Before),
        "pm" | "下午" => Some(Half::After),
        _ => None,
    }
}

fn zone(tokens: Rest) -> Option<Offset> {
    let (sign, hours, minutes) = match tokens {
        [Word(word), rest @ ..] if ["z", "utc", "gmt", "ut"].contains(&word.as_str()) => {
            return zone(rest).or(Some(Offset::UTC));
        }
        [Sign('+'), rest @ ..] => (1, rest, 0),
        [Sign('-' | '−'), rest @ ..] => (-1, rest, 0),
        _ => return None,
    };
    let (hours, minutes): (i32, i32) = match hours {
        [Number(hours), Sign(':'), Number(rest), ..] if hours.len() <= 2 => {
            (hours.parse().ok()?, rest.parse().ok()?)
        }
        [Number(all), ..] if all.len() == 4 => (all[..2].parse().ok()?, all[2..].parse().ok()?),
        [Number(hours), ..] if hours.len() <= 2 => (hours.parse().ok()?, minutes),
        _ => return None,
    };
    let zone = Offset::from_seconds(sign * (hours * 60 + minutes) * 60).ok();
    zone.filter(|_| hours <= 14 && minutes < 60)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<String> {
        Some(parse(text.as_bytes())?.to_string())
    }

    #[test]
    fn times_are_read_as_real_programs_write_them() {
        for (text, expected) in [
            ("2024:02:21 10:14:22", "2024-02-21T10:14:22"),
            ("2024:02:21 10:14:22\0\0\0junk", "2024-02-21T10:14:22"),
            ("2024:02:21 10:14:22.27-05:30", "2024-02-21T10:14:22.27-05:30"),
            ("2024-02-21 10:14:22", "2024-02-21T10:14:22"),
            ("2024-02-21T10:14:22Z", "2024-02-21T10:14:22+00:00"),
            ("2024-02-21T10:14:22.123456789+02:00", "2024-02-21T10:14:22.123456789+02:00"),
            ("2024-02-21T10:14+0100", "2024-02-21T10:14:00+01:00"),
            ("2024/02/21 10:14:22 +9", "2024-02-21T10:14:22+09:00"),
            ("2024.02.21 10.14.22", "2024-02-21T10:14:22"),
            ("2024:02:21T10:14:22 UTC", "2024-02-21T10:14:22+00:00"),
            ("2024:02:21 10:14:22 GMT+02:00", "2024-02-21T10:14:22+02:00"),
            ("2024: 2: 1  9: 5: 3", "2024-02-01T09:05:03"),
            ("2024:02:21:10:14:22", "2024-02-21T10:14:22"),
            ("20240221T101422", "2024-02-21T10:14:22"),
            ("20240221101422+0100", "2024-02-21T10:14:22+01:00"),
            ("20240221_101422", "2024-02-21T10:14:22"),
            ("24:02:21 10:14:22", "2024-02-21T10:14:22"),
            ("98:02:21 10:14:22", "1998-02-21T10:14:22"),
            ("21.02.2024 10:14", "2024-02-21T10:14:00"),
            ("21/02/2024 10:14:22", "2024-02-21T10:14:22"),
            ("02/21/2024 10:14:22 PM", "2024-02-21T22:14:22"),
            ("Wed, 21 Feb 2024 10:14:22 +0100", "2024-02-21T10:14:22+01:00"),
            ("21-FEB-2024 10:14:22", "2024-02-21T10:14:22"),
            ("Wed Feb 21 10:14:22 2024", "2024-02-21T10:14:22"),
            ("Wed Feb 21 10:14:22 CET 2024", "2024-02-21T10:14:22"),
            ("February 21st, 2024 10:14 p.m.", "2024-02-21T22:14:00"),
            ("2024:02:21 24:00:00", "2024-02-22T00:00:00"),
            ("2024:02:21 24:14:22", "2024-02-21T00:14:22"),
            ("2016:12:31 23:59:60", "2016-12-31T23:59:59"),
            ("2024:02:21 12:14:22 AM", "2024-02-21T00:14:22"),
            ("2024:02:21 下午10:14:22", "2024-02-21T22:14:22"),
            ("2024年02月21日 10:14:22", "2024-02-21T10:14:22"),
            ("٢٠٢٤:٠٢:٢١ ١٠:١٤:٢٢", "2024-02-21T10:14:22"),
            ("2567:02:21 10:14:22", "2024-02-21T10:14:22"),
            ("2024:02:21", "2024-02-21T12:00:00"),
            ("2024:02:21   :  :  ", "2024-02-21T12:00:00"),
            ("2\u{0}0\u{0}2\u{0}4\u{0}:02:21 10:14:22", "2024-02-21T10:14:22"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "    :  :     :  :  ",
            "0000:00:00 00:00:00",
            "----:--:-- --:--:--",
            "yesterday",
            "2024",
            "2024-02",
            "2024:13:01 10:14:22",
            "2024:02:30 10:14:22",
            "2024:02:21 25:00:00",
            "2024:02:21 10:61:00",
            "05/06/2024 10:14:22",
            "99999999999999999999",
            "1763640000",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn offsets_are_read_as_real_programs_write_them() {
        for (text, minutes) in [
            ("+02:00", 120),
            ("+0200", 120),
            ("+2", 120),
            ("-05:30\0", -330),
            ("Z", 0),
            ("UTC", 0),
            ("GMT-3", -180),
            ("+14:00", 840),
        ] {
            let offset = offset(text.as_bytes()).map(|offset| offset.seconds() / 60);
            assert_eq!(offset, Some(minutes), "{text}");
        }
        for text in ["", "   :  ", "+  :  ", "--:--", "+25:00", "+02:99", "02:00", "CET"] {
            assert_eq!(offset(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..100), text in "[0-9:+ .TZ-]{0,40}") {
            let _ = (parse(&bytes), offset(&bytes), parse(text.as_bytes()), offset(text.as_bytes()));
        }
    }
}
