//! The time of day at which somebody may look.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// From a time of the day up to another, every day, by this machine's local time. If the second is
/// the earlier one, it is that of the next day.
///
/// ```
/// let hours: access::Hours = "22:00-06:30".parse()?;
/// let at = |hour: u64| std::time::Duration::from_secs(hour * 3600);
/// assert!(hours.include(at(23)) && hours.include(at(6)));
/// assert!(!hours.include(at(7)) && !hours.include(at(21)));
/// # Ok::<(), access::BadHours>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Typed", into = "Typed")]
pub struct Hours {
    from: Minute,
    to: Minute,
}

/// Why hours were refused; only their beginning is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not from a time to another: write two times of the day as HH:MM, such as 08:00 and \
     20:00, or leave it out for the whole day"
)]
pub struct BadHours(String);

/// A minute of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Minute(u16);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    from: String,
    to: String,
}

const HOUR: u16 = 60;
const DAY: u16 = 24 * HOUR;

impl Hours {
    /// Reads two times of the day.
    ///
    /// # Errors
    /// One is none, or both are the same.
    pub fn parse(from: &str, to: &str) -> Result<Hours, BadHours> {
        match (Minute::parse(from), Minute::parse(to)) {
            (Some(from), Some(to)) if from != to => Ok(Hours { from, to }),
            _ => Err(BadHours(format!("{from}-{to}").chars().take(32).collect())),
        }
    }

    /// The two times of the day, as `HH:MM`.
    pub fn times(self) -> (String, String) {
        (self.from.to_string(), self.to.to_string())
    }

    /// Whether a time is among them. `local` is local time since 1970.
    pub fn include(&self, local: Duration) -> bool {
        let minute = local.as_secs() / 60 % u64::from(DAY);
        let (from, to) = (u64::from(self.from.0), u64::from(self.to.0));
        match from < to {
            true => (from..to).contains(&minute),
            false => !(to..from).contains(&minute),
        }
    }
}

impl Minute {
    fn parse(text: &str) -> Option<Minute> {
        let (hour, minute) = text.split_once(':')?;
        let two = |digits: &str| match digits.as_bytes() {
            [b'0'..=b'9', b'0'..=b'9'] => digits.parse::<u16>().ok(),
            _ => None,
        };
        let (hour, minute) = (two(hour)?, two(minute)?);
        (hour < DAY / HOUR && minute < HOUR).then_some(Minute(hour * HOUR + minute))
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / HOUR, self.0 % HOUR)
    }
}

/// `08:00-20:00`.
impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}", self.from, self.to))
    }
}

impl FromStr for Hours {
    type Err = BadHours;

    fn from_str(typed: &str) -> Result<Hours, BadHours> {
        let (from, to) = typed.split_once('-').unwrap_or((typed, ""));
        Hours::parse(from, to)
    }
}

impl TryFrom<Typed> for Hours {
    type Error = BadHours;

    fn try_from(Typed { from, to }: Typed) -> Result<Hours, BadHours> {
        Hours::parse(&from, &to)
    }
}

impl From<Hours> for Typed {
    fn from(Hours { from, to }: Hours) -> Typed {
        Typed { from: from.to_string(), to: to.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(hour: u64, minute: u64) -> Duration {
        // Of some day, and the last second of its minute.
        Duration::from_secs(20_000 * 86_400 + hour * 3600 + minute * 60 + 59)
    }

    #[test]
    fn they_begin_with_the_first_minute_and_end_before_the_last() {
        let day: Hours = "08:00-20:30".parse().unwrap();
        assert!(day.include(at(8, 0)) && day.include(at(20, 29)));
        assert!(!day.include(at(7, 59)) && !day.include(at(20, 30)) && !day.include(at(0, 0)));
    }

    #[test]
    fn they_go_on_after_midnight() {
        let night: Hours = "22:00-06:00".parse().unwrap();
        assert!(night.include(at(22, 0)) && night.include(at(0, 0)) && night.include(at(5, 59)));
        assert!(!night.include(at(6, 0)) && !night.include(at(21, 59)));
        let evening: Hours = "18:00-00:00".parse().unwrap();
        assert!(evening.include(at(23, 59)) && !evening.include(at(0, 0)));
    }

    #[test]
    fn what_is_no_time_is_named_with_the_rule() {
        for bad in [
            "",
            "8:00-20:00",
            "08:00",
            "08:00-24:00",
            "08:60-20:00",
            "08:00-08:00",
            "a-b",
            "08:00 - 20:00",
            "+8:00-20:00",
            "08:00-20:00-21:00",
            "٠٨:٠٠-20:00",
        ] {
            let error = bad.parse::<Hours>().unwrap_err().to_string();
            assert!(error.contains("HH:MM"), "{bad}: {error}");
        }
        assert!("x".repeat(100_000).parse::<Hours>().unwrap_err().to_string().len() < 300);
    }

    #[test]
    fn they_are_kept_as_two_times() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Kept {
            hours: Hours,
        }
        let text = "hours = { from = '08:00', to = '20:00' }";
        let kept: Kept = toml::from_str(text).unwrap();
        assert_eq!(kept.hours.to_string(), "08:00-20:00");
        assert_eq!(toml::from_str::<Kept>(&toml::to_string(&kept).unwrap()).unwrap(), kept);
        for bad in ["hours = { from = '08:00' }", "hours = '08:00-20:00'"] {
            assert!(toml::from_str::<Kept>(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn each_minute_is_in_these_hours_or_in_those_between(
            from in 0..DAY, to in 0..DAY, minute in 0..u64::from(DAY),
        ) {
            let (from, to) = (Minute(from).to_string(), Minute(to).to_string());
            prop_assume!(from != to);
            let (hours, others) = (Hours::parse(&from, &to)?, Hours::parse(&to, &from)?);
            prop_assert_eq!(hours.to_string().parse::<Hours>()?, hours);
            let time = at(minute / 60, minute % 60);
            prop_assert_ne!(hours.include(time), others.include(time));
        }

        #[test]
        fn no_text_is_too_much(typed in ".*") {
            let _ = typed.parse::<Hours>();
        }
    }
}
