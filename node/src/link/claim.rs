//! Decides whether we can take our name, from what is known about its holder.

use std::time::{Duration, Instant};

use wire::{Info, Status};

/// A node that has been silent for so long is gone, whatever the broker retains: two and a half
/// heartbeats.
const SILENT: Duration = Duration::from_secs(25);

/// What a connection that only listens has received under our name.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    machine: &'a str,
    boot: &'a str,
    instance: &'a str,
    status: Option<Status>,
    info: Option<Info>,
    heard: Option<Instant>,
}

/// Whether we can take the name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nobody has it, except perhaps our own past.
    Free,
    /// Another node has it: where.
    Taken(String),
}

impl<'a> Claim<'a> {
    /// Of this machine, in this boot, by this process.
    pub fn new(machine: &'a str, boot: &'a str, instance: &'a str) -> Self {
        Claim { machine, boot, instance, status: None, info: None, heard: None }
    }

    /// A status under our name; `None` if it was cleared or is invalid.
    pub fn status(&mut self, status: Option<Status>) {
        self.status = status;
    }

    /// An info under our name.
    pub fn info(&mut self, info: Option<Info>) {
        self.info = info;
    }

    /// A heartbeat under our name.
    pub fn alive(&mut self, now: Instant) {
        self.heard = Some(now);
    }

    /// Whether we can take it now. The first call starts the clock of silence.
    pub fn verdict(&mut self, now: Instant) -> Verdict {
        let heard = *self.heard.get_or_insert(now);
        let (Some(Status::Online), Some(info)) = (self.status, &self.info) else {
            return Verdict::Free;
        };
        let same_process = info.instance == self.instance;
        // Another boot of this machine has ended, even if the broker does not know that yet.
        let our_past = info.machine == self.machine && info.boot != self.boot;
        let silent = now.saturating_duration_since(heard) >= SILENT;
        if same_process || our_past || silent {
            return Verdict::Free;
        }
        Verdict::Taken(format!("{} (machine {})", info.host, info.machine))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(machine: &str, boot: &str, instance: &str) -> Option<Info> {
        let json = format!(
            r#"{{"kind":"v4l2","version":"1","machine":"{machine}","boot":"{boot}","instance":"{instance}","host":"attic","started":1,"cameras":[]}}"#
        );
        Some(Info::parse(json.as_bytes()).unwrap())
    }

    fn verdict(status: Option<Status>, info: Option<Info>) -> Verdict {
        let mut claim = Claim::new("m", "b", "i");
        claim.status(status);
        claim.info(info);
        claim.verdict(Instant::now())
    }

    #[test]
    fn a_name_that_nobody_has_online_is_free() {
        assert_eq!(verdict(None, None), Verdict::Free);
        assert_eq!(verdict(Some(Status::Offline), info("x", "y", "z")), Verdict::Free);
        assert_eq!(verdict(None, info("x", "y", "z")), Verdict::Free);
    }

    #[test]
    fn our_own_past_is_no_hindrance() {
        assert_eq!(verdict(Some(Status::Online), info("m", "b", "i")), Verdict::Free);
        assert_eq!(verdict(Some(Status::Online), info("m", "earlier", "z")), Verdict::Free);
    }

    #[test]
    fn another_machine_or_another_process_of_this_one_has_it() {
        let taken = Verdict::Taken("attic (machine x)".into());
        assert_eq!(verdict(Some(Status::Online), info("x", "y", "z")), taken);
        assert!(matches!(verdict(Some(Status::Online), info("m", "b", "z")), Verdict::Taken(_)));
    }

    #[test]
    fn whoever_is_silent_for_long_is_gone_whatever_is_retained() {
        let start = Instant::now();
        let mut claim = Claim::new("m", "b", "i");
        claim.status(Some(Status::Online));
        claim.info(info("x", "y", "z"));
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(matches!(claim.verdict(after(0)), Verdict::Taken(_)));
        assert!(matches!(claim.verdict(after(20)), Verdict::Taken(_)));
        claim.alive(after(20));
        assert!(matches!(claim.verdict(after(44)), Verdict::Taken(_)));
        assert_eq!(claim.verdict(after(45)), Verdict::Free);
    }
}
