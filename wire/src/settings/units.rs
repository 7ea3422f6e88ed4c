//! Sizes and periods as people write them in the configuration: `1 GiB`, `10 min`. The words are
//! the same in every key.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::{Deserializer, Error, Unexpected, Visitor};

const SIZES: [(&[&str], u64); 9] = [
    (&["B"], 1),
    (&["kB", "KB"], 1000),
    (&["MB"], 1000_u64.pow(2)),
    (&["GB"], 1000_u64.pow(3)),
    (&["TB"], 1000_u64.pow(4)),
    (&["KiB"], 1 << 10),
    (&["MiB"], 1 << 20),
    (&["GiB"], 1 << 30),
    (&["TiB"], 1 << 40),
];

const PERIODS: [(&[&str], u64); 6] = [
    (&["s", "second", "seconds"], 1),
    (&["min", "minute", "minutes"], 60),
    (&["h", "hour", "hours"], 3600),
    (&["d", "day", "days"], 86_400),
    (&["week", "weeks"], 7 * 86_400),
    (&["year", "years"], 31_556_952),
];

/// The rule for a size.
pub const A_SIZE: &str = "a size is a whole number and its unit, as 500 MB or 1 GiB";
/// The rule for a period.
pub const A_PERIOD: &str =
    "a period is a whole number and its unit, as 30 s, 10 min, 2 h, 90 d or 1 year";

/// Bytes: a whole number and `B`, `kB`, `MB`, `GB`, `TB`, `KiB`, `MiB`, `GiB` or `TiB`.
///
/// ```
/// assert_eq!(wire::units::bytes("64 MiB"), Ok(64 << 20));
/// assert!(wire::units::bytes("1.5 GB").is_err(), "whole numbers only");
/// ```
///
/// # Errors
/// The sentence with the rule.
pub fn bytes(text: &str) -> Result<u64, &'static str> {
    read(text, &SIZES).ok_or(A_SIZE)
}

/// A period: a whole number and `s`, `min`, `h`, `d`, or `second`, `minute`, `hour`, `day`, `week`,
/// `year`, with an `s` or without.
///
/// # Errors
/// The sentence with the rule.
pub fn period(text: &str) -> Result<Duration, &'static str> {
    read(text, &PERIODS).map(Duration::from_secs).ok_or(A_PERIOD)
}

fn read(text: &str, units: &[(&[&str], u64)]) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let unit = unit.trim_start();
    let (_, factor) = units.iter().find(|(names, _)| names.contains(&unit))?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// A number in the largest unit that divides it.
fn write(number: u64, units: &[(&str, u64)]) -> String {
    let fits = |(_, factor): &&(&str, u64)| number.is_multiple_of(*factor) && number > 0;
    let (unit, factor) = units.iter().find(fits).or(units.last()).copied().unwrap_or(("", 1));
    format!("{} {unit}", number / factor)
}

/// For keys that hold a size: `#[serde(with = "wire::units::size")]`. A bare number is bytes.
pub mod size {
    use serde::{Deserializer, Serializer};

    /// Written as `64 MiB`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T, S>(number: &T, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: Copy + TryInto<u64>,
        S: Serializer,
    {
        const UNITS: [(&str, u64); 4] =
            [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
        let number = (*number).try_into().unwrap_or(u64::MAX);
        serializer.serialize_str(&super::write(number, &UNITS))
    }

    /// Read from `64 MiB` or 67108864.
    ///
    /// # Errors
    /// It is not a size, or is too large.
    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: TryFrom<u64>,
        D: Deserializer<'de>,
    {
        super::number(deserializer, super::bytes, super::A_SIZE)
    }

    /// The same for a key that may be left out.
    pub mod option {
        use serde::{Deserializer, Serializer};

        /// Written as `64 MiB`.
        ///
        /// # Errors
        /// Those of the serializer.
        pub fn serialize<T, S>(number: &Option<T>, serializer: S) -> Result<S::Ok, S::Error>
        where
            T: Copy + TryInto<u64>,
            S: Serializer,
        {
            match number {
                Some(number) => super::serialize(number, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// Read from `64 MiB` or 67108864.
        ///
        /// # Errors
        /// It is not a size, or is too large.
        pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
        where
            T: TryFrom<u64>,
            D: Deserializer<'de>,
        {
            super::deserialize(deserializer).map(Some)
        }
    }
}

/// For keys that hold a period of whole seconds: `#[serde(with = "wire::units::seconds")]`. A bare
/// number is seconds.
pub mod seconds {
    use serde::{Deserializer, Serializer};

    /// Written as `10 min`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T, S>(number: &T, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: Copy + TryInto<u64>,
        S: Serializer,
    {
        const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)];
        let number = (*number).try_into().unwrap_or(u64::MAX);
        serializer.serialize_str(&super::write(number, &UNITS))
    }

    /// Read from `10 min` or 600.
    ///
    /// # Errors
    /// It is not a period, or is too long.
    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: TryFrom<u64>,
        D: Deserializer<'de>,
    {
        let period = |text: &str| super::period(text).map(|period| period.as_secs());
        super::number(deserializer, period, super::A_PERIOD)
    }
}

fn number<'de, T, D>(
    deserializer: D,
    read: fn(&str) -> Result<u64, &'static str>,
    right: &'static str,
) -> Result<T, D::Error>
where
    T: TryFrom<u64>,
    D: Deserializer<'de>,
{
    struct Number<T> {
        read: fn(&str) -> Result<u64, &'static str>,
        right: &'static str,
        of: PhantomData<T>,
    }

    impl<T: TryFrom<u64>> Visitor<'_> for Number<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.right)
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
            let unsigned = u64::try_from(number);
            unsigned
                .map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
                .and_then(|number| self.visit_u64(number))
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
            T::try_from(number)
                .map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &"a smaller number"))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            let number = (self.read)(text);
            let number = number.map_err(|_| E::invalid_value(Unexpected::Str(text), &self))?;
            self.visit_u64(number)
        }
    }

    deserializer.deserialize_any(Number { read, right, of: PhantomData })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    #[test]
    fn what_people_write_is_read() {
        for (text, expected) in
            [("1 GiB", 1 << 30), ("500MB", 500_000_000), (" 20  KiB ", 20_480), ("0 B", 0)]
        {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for (text, seconds) in [
            ("30 s", 30),
            ("10min", 600),
            ("2 h", 7200),
            ("1 hour", 3600),
            ("1 d", 86_400),
            ("90 days", 90 * 86_400),
            ("1 year", 31_556_952),
        ] {
            assert_eq!(period(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_could_be_meant_otherwise_is_refused() {
        for bad in ["", "1", "GiB", "1.5 GiB", "-1 GiB", "1 gib", "1 GiB x", "99999999999 TiB"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
        for bad in ["", "10", "min", "10 m", "1.5 h", "-1 s", "10 apples"] {
            assert!(period(bad).is_err(), "{bad}");
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Keys {
        #[serde(with = "size")]
        bytes: usize,
        #[serde(with = "seconds")]
        patience: u16,
        #[serde(default, with = "size::option", skip_serializing_if = "Option::is_none")]
        most: Option<u64>,
    }

    #[test]
    fn a_key_takes_a_bare_number_and_shows_the_largest_unit() {
        let keys = |json: &str| serde_json::from_str::<Keys>(json).map_err(|e| e.to_string());
        let expected = Keys { bytes: 64 << 20, patience: 600, most: None };
        assert_eq!(keys(r#"{"bytes":67108864,"patience":600}"#).unwrap(), expected);
        assert_eq!(keys(r#"{"bytes":"64 MiB","patience":"10 min"}"#).unwrap(), expected);
        let shown = serde_json::to_string(&expected).unwrap();
        assert_eq!(shown, r#"{"bytes":"64 MiB","patience":"10 min"}"#);
        let most = keys(r#"{"bytes":0,"patience":1,"most":"1 TB"}"#).unwrap();
        assert_eq!(most.most, Some(1_000_000_000_000));
        for (bad, word) in [
            (r#"{"bytes":-1,"patience":1}"#, A_SIZE),
            (r#"{"bytes":"much","patience":1}"#, A_SIZE),
            (r#"{"bytes":1,"patience":"long"}"#, A_PERIOD),
            (r#"{"bytes":1,"patience":"1 d"}"#, "a smaller number"),
        ] {
            let told = keys(bad).unwrap_err();
            assert!(told.contains(word), "{told}");
        }
    }

    proptest! {
        #[test]
        fn a_number_and_a_unit_are_their_product_or_too_much(
            number: u64, small in 0..1_000_000_u64, blanks in " {0,2}",
        ) {
            for number in [number, small] {
                for (units, factor) in PERIODS {
                    for unit in units {
                        let read = period(&format!("{blanks}{number}{blanks}{unit}{blanks}")).ok();
                        let seconds = number.checked_mul(factor);
                        prop_assert_eq!(read, seconds.map(Duration::from_secs), "{} {}", number, unit);
                    }
                }
                for (units, factor) in SIZES {
                    for unit in units {
                        let read = bytes(&format!("{blanks}{number}{blanks}{unit}{blanks}")).ok();
                        prop_assert_eq!(read, number.checked_mul(factor), "{} {}", number, unit);
                    }
                }
            }
        }

        #[test]
        fn no_text_is_too_much(text in "[-+. 0-9a-zA-Zµ]{0,30}", any in ".*") {
            for text in [text, any] {
                let whole = |text: &str| text.trim().starts_with(|c: char| c.is_ascii_digit());
                prop_assert!(period(&text).is_err() || whole(&text), "{:?}", text);
                prop_assert!(bytes(&text).is_err() || whole(&text), "{:?}", text);
            }
        }

        #[test]
        fn what_is_shown_is_read_again(bytes: u64, patience: u16) {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            let keys = Keys { bytes, patience, most: None };
            let shown = serde_json::to_string(&keys).unwrap();
            prop_assert_eq!(serde_json::from_str::<Keys>(&shown).unwrap(), keys);
        }
    }
}
