//! The commands to a camera: one bounded queue from the rest of the node to its thread.
//!
//! The thread carries out, answers or refuses each command by its name. Each kind has a share of
//! the queue, so that no kind keeps out another. The node's own commands about the device replace
//! their predecessors and are never refused.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use wire::{Controls, Want, limits};

use crate::capture::source::Fault;
use crate::spool::spooler::Request;

/// How many wants may wait, each of another asker.
const WANTS: usize = limits::WANT_BY;
/// How many requests for photos may wait for the thread.
const SNAPS: usize = 32;
/// How many requests for the controls may wait.
const CONTROLS: usize = 8;
/// A command that has waited so long is refused, because the thread hangs in its driver.
const PATIENCE: Duration = Duration::from_secs(8);

/// A command to a camera.
#[derive(Debug)]
pub(crate) enum Command {
    /// The device is here now: the thread retries at once.
    Plug(PathBuf),
    /// There is no device, or the thread must not open it, and why.
    Withhold(Fault),
    /// The present stable path of the device.
    Path(String),
    /// The present title.
    Title(String),
    /// Somebody asks for frames.
    Want(Want),
    /// Somebody asked for a photo at this time of the monotonic clock: the first frame captured
    /// after it.
    Snap(Request, Duration),
    /// Somebody asks for the present controls.
    Controls(oneshot::Sender<Result<Controls, String>>),
    /// The thread must end.
    Stop,
}

impl Command {
    /// Its name in a refusal.
    fn name(&self) -> &'static str {
        match self {
            Command::Plug(_) | Command::Withhold(_) => "device",
            Command::Path(_) => "path",
            Command::Title(_) => "title",
            Command::Want(_) => "want",
            Command::Snap(..) => "snap",
            Command::Controls(_) => "controls",
            Command::Stop => "stop",
        }
    }

    /// How many of its kind may wait; the node's own replace each other.
    fn share(&self) -> usize {
        match self {
            Command::Want(_) => WANTS,
            Command::Snap(..) => SNAPS,
            Command::Controls(_) => CONTROLS,
            Command::Plug(_)
            | Command::Withhold(_)
            | Command::Path(_)
            | Command::Title(_)
            | Command::Stop => 1,
        }
    }

    /// Whether a later command makes this one needless.
    fn is_replaced_by(&self, later: &Command) -> bool {
        match (self, later) {
            (Command::Want(one), Command::Want(other)) => one.by == other.by,
            _ => self.name() == later.name() && later.share() == 1,
        }
    }

    /// Whether the thread can carry it out while it works on a frame, without asking the device.
    fn is_quick(&self) -> bool {
        matches!(self, Command::Want(_) | Command::Snap(..))
    }

    /// Tells the asker that it is not carried out, and why.
    pub fn refuse(self, why: &str) {
        let name = self.name();
        match self {
            Command::Snap(request, _) => request.fail(why),
            Command::Controls(reply) => {
                reply.send(Err(why.to_owned())).ok();
            }
            // MQTT has no answer to a want; askers repeat it.
            Command::Want(want) => tracing::debug!(by = want.by, "{why}"),
            Command::Plug(_)
            | Command::Withhold(_)
            | Command::Path(_)
            | Command::Title(_)
            | Command::Stop => {
                tracing::debug!(name, "{why}");
            }
        }
    }
}

/// The commands that wait for one camera's thread, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    waiting: Mutex<VecDeque<(Instant, Command)>>,
    came: Condvar,
}

impl Commands {
    /// Adds a command, or refuses it if too many of its kind wait.
    pub fn give(&self, command: Command) {
        let mut waiting = self.lock();
        // In the place of the replaced one it would overtake earlier commands.
        waiting.retain(|(_, one)| !one.is_replaced_by(&command));
        let (name, share) = (command.name(), command.share());
        if waiting.iter().filter(|(_, one)| one.name() == name).count() >= share {
            drop(waiting);
            let why = format!("{name}: {share} of these already wait for the camera; try again");
            return command.refuse(&why);
        }
        waiting.push_back((Instant::now(), command));
        drop(waiting);
        self.came.notify_one();
    }

    /// The oldest command, if there is one.
    pub fn next(&self) -> Option<Command> {
        self.lock().pop_front().map(|(_, command)| command)
    }

    /// The oldest command that the thread can carry out while it works on a frame.
    pub fn next_quick(&self) -> Option<Command> {
        let mut waiting = self.lock();
        let first = waiting.iter().position(|(_, command)| command.is_quick())?;
        waiting.remove(first).map(|(_, command)| command)
    }

    /// Waits for a command until `until` at most. False if none came by then.
    pub fn wait(&self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let waited = self.came.wait_timeout_while(self.lock(), left, |waiting| waiting.is_empty());
        !waited.unwrap_or_else(PoisonError::into_inner).0.is_empty()
    }

    /// Refuses others' commands that the thread has not taken in time.
    pub fn expire(&self, now: Instant) {
        let is_late = |came: Instant, command: &Command| {
            command.share() > 1 && now.saturating_duration_since(came) >= PATIENCE
        };
        let late: Vec<(Instant, Command)> = {
            let mut waiting = self.lock();
            let all = std::mem::take(&mut *waiting);
            let (late, rest): (VecDeque<_>, VecDeque<_>) =
                all.into_iter().partition(|(came, command)| is_late(*came, command));
            *waiting = rest;
            late.into()
        };
        for (_, command) in late {
            command.refuse("the camera's driver does not answer; unplug it and plug it in again");
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Instant, Command)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(by: usize) -> Command {
        let json = format!(r#"{{"by":"{by}","full":5}}"#);
        Command::Want(Want::parse(json.as_bytes()).unwrap())
    }

    fn names(commands: &Commands) -> Vec<&'static str> {
        std::iter::from_fn(|| commands.next()).map(|command| command.name()).collect()
    }

    #[test]
    fn what_the_node_says_later_replaces_what_it_said_and_always_has_room() {
        let commands = Commands::default();
        for by in 0..3 * WANTS {
            commands.give(want(by));
        }
        for _ in 0..100 {
            commands.give(Command::Plug("/dev/video0".into()));
            commands.give(Command::Path("/dev/door".into()));
            commands.give(Command::Title("Door".into()));
            commands.give(Command::Withhold(Fault::unplugged()));
        }
        commands.give(Command::Stop);
        let names = names(&commands);
        assert_eq!(names.len(), WANTS + 4);
        assert_eq!(names[WANTS..], ["path", "title", "device", "stop"]);
    }

    #[test]
    fn an_asker_has_one_want_in_the_queue() {
        let commands = Commands::default();
        (0..1000).for_each(|_| commands.give(want(1)));
        commands.give(want(2));
        assert_eq!(names(&commands), ["want", "want"]);
    }

    #[tokio::test]
    async fn a_full_share_and_a_thread_that_hangs_refuse_with_a_sentence() {
        let commands = Commands::default();
        let ask = || {
            let (reply, answer) = oneshot::channel();
            commands.give(Command::Controls(reply));
            answer
        };
        let mut answers: Vec<_> = (0..=CONTROLS).map(|_| ask()).collect();
        let full = answers.pop().unwrap().await.unwrap().unwrap_err();
        assert_eq!(full, "controls: 8 of these already wait for the camera; try again");
        commands.give(Command::Stop);
        commands.give(want(1));
        commands.expire(Instant::now() + PATIENCE / 2);
        commands.expire(Instant::now() + PATIENCE);
        for answer in answers {
            assert!(answer.await.unwrap().unwrap_err().contains("does not answer"));
        }
        assert_eq!(names(&commands), ["stop"]);
    }

    #[test]
    fn while_a_frame_is_worked_on_only_what_needs_no_device_is_taken() {
        let commands = Commands::default();
        commands.give(Command::Stop);
        commands.give(want(1));
        assert_eq!(commands.next_quick().unwrap().name(), "want");
        assert!(commands.next_quick().is_none());
        assert!(commands.wait(Instant::now()));
        assert_eq!(commands.next().unwrap().name(), "stop");
        assert!(!commands.wait(Instant::now()));
    }
}
