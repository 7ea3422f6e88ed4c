//! The photos that a camera must still take.

use std::time::Duration;

use crate::spool::spooler::Request;

/// How long a fast camera may take to give a frame. Askers wait a little longer
/// ([`wire::limits::snap_within`]).
const FRAME_WITHIN: Duration = Duration::from_secs(8);

/// How many may wait for one frame.
const WAITING: usize = 32;

/// Requests, each with the monotonic time of its arrival.
#[derive(Debug, Default)]
pub(crate) struct Snaps {
    waiting: Vec<(Duration, Request)>,
    /// How much longer this camera may take.
    more: Duration,
    /// Why the camera gives no frames.
    trouble: Option<String>,
}

impl Snaps {
    /// Accepts a request that came at `now`, or refuses it.
    pub fn ask(&mut self, request: Request, now: Duration) {
        // A camera slower than its schedule takes one photo, not several of one frame.
        if request.is_scheduled() && self.waiting.iter().any(|(_, one)| one.is_scheduled()) {
            return request.fail("an earlier photo is still being waited for");
        }
        match &self.trouble {
            Some(why) => request.fail(why.as_str()),
            None if self.waiting.len() >= WAITING => {
                request.fail("too many photos were asked for at once; try again");
            }
            None => self.waiting.push((now, request)),
        }
    }

    /// Whether a frame captured at `at` answers a request.
    pub fn is_due(&self, at: Duration) -> bool {
        self.waiting.iter().any(|(asked, _)| *asked < at)
    }

    /// Takes out the requests that a frame captured at `at` answers.
    pub fn extract(&mut self, at: Duration) -> Vec<Request> {
        self.waiting.extract_if(.., |(asked, _)| *asked < at).map(|(_, request)| request).collect()
    }

    /// The camera gives frames.
    pub fn works(&mut self) {
        self.trouble = None;
    }

    /// The camera may take this much longer than a fast one.
    pub fn wait(&mut self, more: Duration) {
        self.more = more;
    }

    /// The camera gives no frames, and why.
    pub fn fail(&mut self, why: &str) {
        self.trouble = Some(why.to_owned());
        self.waiting.drain(..).for_each(|(_, request)| request.fail(why));
    }

    /// Refuses requests that have waited too long.
    pub fn expire(&mut self, now: Duration) {
        let within = FRAME_WITHIN + self.more;
        let is_old = |asked: Duration| now.saturating_sub(asked) >= within;
        for (_, request) in self.waiting.extract_if(.., |(asked, _)| is_old(*asked)) {
            request.fail("the camera gave no frame in time; check whether it hangs");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::answers::Answers;
    use crate::spool::spooler::Spooler;
    use std::sync::Arc;

    struct Rig {
        _folder: tempfile::TempDir,
        answers: Arc<Answers>,
        spooler: Spooler,
        snaps: Snaps,
    }

    fn rig() -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let answers = Arc::new(Answers::default());
        let node = "attic".parse().unwrap();
        let spool = folder.path().join("spool");
        let (spooler, _) =
            Spooler::start(spool, 1 << 20, node, Arc::clone(&answers), &Default::default())
                .unwrap();
        Rig { _folder: folder, answers, spooler, snaps: Snaps::default() }
    }

    impl Rig {
        fn ask(&mut self, at: u64) {
            let request = self.spooler.ask(None).unwrap();
            self.snaps.ask(request, Duration::from_secs(at));
        }

        async fn error(&self) -> String {
            self.answers.next().await.error.unwrap()
        }
    }

    #[tokio::test]
    async fn a_frame_from_before_the_request_is_not_its_photo() {
        let mut rig = rig();
        rig.ask(10);
        rig.ask(12);
        assert!(!rig.snaps.is_due(Duration::from_secs(10)));
        assert!(rig.snaps.is_due(Duration::from_secs(11)));
        assert_eq!(rig.snaps.extract(Duration::from_secs(11)).len(), 1);
        assert_eq!(rig.snaps.extract(Duration::from_secs(13)).len(), 1);
        assert!(rig.error().await.contains("stopped"), "whose frame was lost is told");
    }

    #[tokio::test]
    async fn a_lost_camera_says_so_at_once_and_to_those_that_wait() {
        let mut rig = rig();
        rig.ask(1);
        rig.snaps.fail("unplugged");
        rig.ask(2);
        assert_eq!(
            (rig.error().await, rig.error().await),
            ("unplugged".into(), "unplugged".into())
        );
        rig.snaps.works();
        rig.ask(3);
        assert!(rig.snaps.is_due(Duration::from_secs(4)));
    }

    #[tokio::test]
    async fn what_gets_no_frame_is_refused_in_time() {
        let mut rig = rig();
        rig.ask(1);
        rig.ask(5);
        rig.snaps.expire(Duration::from_secs(9));
        assert!(rig.error().await.contains("no frame"));
        assert_eq!(rig.snaps.extract(Duration::from_secs(9)).len(), 1);
    }

    #[tokio::test]
    async fn a_slow_camera_has_the_time_that_its_frames_take() {
        let mut rig = rig();
        rig.snaps.wait(Duration::from_secs(60));
        rig.ask(1);
        rig.ask(5);
        rig.snaps.expire(Duration::from_secs(68));
        assert!(rig.snaps.is_due(Duration::from_secs(2)));
        rig.snaps.expire(Duration::from_secs(69));
        assert!(!rig.snaps.is_due(Duration::from_secs(2)));
        assert!(rig.snaps.is_due(Duration::from_secs(69)));
    }

    #[tokio::test]
    async fn a_camera_that_is_slower_than_the_clock_gives_one_photo_for_it() {
        let mut rig = rig();
        for at in [1, 2, 3] {
            rig.snaps.ask(rig.spooler.ask_scheduled().unwrap(), Duration::from_secs(at));
            rig.ask(at);
        }
        assert_eq!(rig.snaps.extract(Duration::from_secs(4)).len(), 1 + 3);
    }

    #[tokio::test]
    async fn too_many_at_once_are_refused() {
        let mut rig = rig();
        (0..=WAITING as u64).for_each(|_| rig.ask(1));
        assert!(rig.error().await.contains("too many"));
    }
}
