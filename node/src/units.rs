//! Sizes and periods as people write them in the configuration: `1 GiB`, `10 min`.

use std::time::Duration;

/// Bytes: a whole number and `B`, `kB`, `MB`, `GB`, `TB`, `KiB`, `MiB`, `GiB` or `TiB`.
///
/// # Errors
/// The sentence that says what is right.
pub(crate) fn bytes(text: &str) -> Result<u64, &'static str> {
    const RIGHT: &str = "a size is a number and its unit, as 500 MB or 1 GiB";
    let (number, unit) = split(text).ok_or(RIGHT)?;
    let unit: u64 = match unit {
        "B" => 1,
        "kB" => 1000,
        "MB" => 1000_u64.pow(2),
        "GB" => 1000_u64.pow(3),
        "TB" => 1000_u64.pow(4),
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(RIGHT),
    };
    number.checked_mul(unit).ok_or(RIGHT)
}

/// A period: a whole number and `s`, `min`, `h` or `d`.
///
/// # Errors
/// The sentence that says what is right.
pub(crate) fn period(text: &str) -> Result<Duration, &'static str> {
    const RIGHT: &str = "a period is a number and its unit, as 30 s, 10 min, 2 h or 1 d";
    let (number, unit) = split(text).ok_or(RIGHT)?;
    let unit = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(RIGHT),
    };
    number.checked_mul(unit).map(Duration::from_secs).ok_or(RIGHT)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    Some((number.parse().ok()?, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read() {
        for (text, expected) in
            [("1 GiB", 1 << 30), ("500MB", 500_000_000), (" 20  KiB ", 20_480), ("0 B", 0)]
        {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for (text, seconds) in [("30 s", 30), ("10min", 600), ("2 h", 7200), ("1 d", 86_400)] {
            assert_eq!(period(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_could_be_meant_otherwise_is_refused() {
        for bad in ["", "1", "GiB", "1.5 GiB", "-1 GiB", "1 gib", "1 GiB x", "99999999999 TiB"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
        for bad in ["", "10", "min", "10 m", "1.5 h", "-1 s", "10 minutes"] {
            assert!(period(bad).is_err(), "{bad}");
        }
    }
}
