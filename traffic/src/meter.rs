//! Messages and bytes in each of the last seconds.

/// How many seconds are shown.
pub(crate) const SHOWN: usize = 30;

/// Rates are means of so many whole seconds.
const MEAN: usize = 3;

const SECONDS: usize = 32;

/// A meter. It reads no clock: `now` is the second of any clock that only goes forward.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    messages: [u32; SECONDS],
    bytes: [u64; SECONDS],
    newest: u64,
}

impl Meter {
    pub fn add(&mut self, now: u64, bytes: usize) {
        self.forward(now);
        let at = place(self.newest);
        self.messages[at] = self.messages[at].saturating_add(1);
        self.bytes[at] = self.bytes[at].saturating_add(bytes as u64);
    }

    /// Messages and bytes a second.
    pub fn rates(&mut self, now: u64) -> (f32, f64) {
        self.forward(now);
        let last = (1..=MEAN as u64).map(|ago| place(self.newest.wrapping_sub(ago)));
        let (messages, bytes) = last.fold((0, 0), |(messages, bytes), at| {
            (messages + u64::from(self.messages[at]), bytes + self.bytes[at])
        });
        (messages as f32 / MEAN as f32, bytes as f64 / MEAN as f64)
    }

    /// The bytes of the last whole seconds, oldest first.
    pub fn bytes(&mut self, now: u64) -> Vec<u64> {
        self.forward(now);
        let seconds = (1..=SHOWN as u64).rev();
        seconds.map(|ago| self.bytes[place(self.newest.wrapping_sub(ago))]).collect()
    }

    fn forward(&mut self, now: u64) {
        let passed = now.saturating_sub(self.newest).min(SECONDS as u64);
        for ahead in 1..=passed {
            let at = place(now.wrapping_sub(passed).wrapping_add(ahead));
            (self.messages[at], self.bytes[at]) = (0, 0);
        }
        self.newest = self.newest.max(now);
    }
}

fn place(second: u64) -> usize {
    (second % SECONDS as u64) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_shows_whole_seconds_and_forgets_them() {
        let mut meter = Meter::default();
        for _ in 0..6 {
            meter.add(100, 50);
        }
        assert_eq!(meter.rates(100), (0.0, 0.0), "this second is not whole");
        assert_eq!(meter.rates(101), (2.0, 100.0));
        assert_eq!(meter.bytes(103)[27..], [300, 0, 0]);
        assert_eq!(meter.rates(104), (0.0, 0.0));
        assert_eq!(meter.bytes(200), [0; SHOWN]);
        meter.add(90, 7);
        assert_eq!(meter.bytes(201)[29], 7, "a clock that goes back counts as standing");
    }

    proptest! {
        #[test]
        fn it_holds_what_came_in_the_last_half_minute(
            steps in prop::collection::vec((0..5_u64, 0..1000_usize), 1..100),
        ) {
            let (mut meter, mut now, mut all) = (Meter::default(), 0, Vec::new());
            for (step, bytes) in steps {
                now += step;
                meter.add(now, bytes);
                all.push((now, bytes as u64));
            }
            for (n, bytes) in meter.bytes(now).into_iter().enumerate() {
                let second = (now + n as u64).checked_sub(SHOWN as u64);
                let came = all.iter().filter(|(at, _)| Some(*at) == second);
                prop_assert_eq!(bytes, came.map(|(_, bytes)| bytes).sum::<u64>());
            }
        }
    }
}
