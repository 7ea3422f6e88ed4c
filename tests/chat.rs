//! The room in a terminal: two processes and a broker.

mod process;

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;

use process::{FREE, LIMIT, Running, until, vitrina};
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

struct Chat {
    child: Child,
    input: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
}

impl Chat {
    fn start(command: &mut Command) -> Chat {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let (to, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = to.send(line);
            }
        });
        Chat { input: child.stdin.take(), child, lines }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input.as_mut().expect("it is open"), "{line}").expect("it reads");
    }

    /// Waits for a line that ends so.
    fn shows(&self, end: &str) {
        loop {
            let line = self.lines.recv_timeout(LIMIT).expect("it shows something");
            if line.ends_with(end) {
                return;
            }
        }
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn two_chats_hear_each_other_and_a_killed_one_leaves_by_its_will() {
    let data = tempfile::tempdir().expect("a folder");
    let broker = Running::start(vitrina(data.path()).args(FREE).arg("broker"));
    let set = format!("node.broker=mqtt://{}", broker.broker.expect("a broker"));
    let chat = |name: &str| {
        Chat::start(vitrina(data.path()).args(["chat", "--set", &set, "--name", name]))
    };
    let mut ana = chat(" Ana\u{200b} ");
    ana.shows(" here: Ana");
    let mut luz = chat("Luz");
    ana.shows(" Luz joined");
    luz.shows(" here: Ana, Luz");
    ana.say("¿qué tal?");
    luz.shows(" Ana: ¿qué tal?");
    luz.say("bien");
    ana.shows(" Luz: bien");
    luz.child.kill().expect("it is there");
    ana.shows(" Luz left");

    // Each line of a pipe is said before the end of the input ends it.
    let mut many = chat("Eva");
    for line in ["one", "two", "three"] {
        many.say(line);
    }
    many.input = None;
    for end in [" Eva: one", " Eva: two", " Eva: three", " Eva left"] {
        ana.shows(end);
    }
    let ended = until("it ends", || many.child.try_wait().expect("it can be waited for"));
    assert_eq!(ended.code(), Some(0));
    assert_eq!(broker.stop(), Some(0));
}

#[test]
fn a_chat_without_a_name_or_a_broker_says_so() {
    let data = tempfile::tempdir().expect("a folder");
    let told = process::output(vitrina(data.path()).args(["chat", "--name", "\u{200b}"]));
    assert_eq!(told.status.code(), Some(2));
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let set = format!("node.broker=mqtt://{}", free.local_addr().expect("an address"));
    drop(free);
    let told = process::output(vitrina(data.path()).args(["chat", "--name", "Ana", "--set", &set]));
    assert_eq!(told.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&told.stderr).contains("cannot be reached"), "{told:?}");
}

/// A terminal, and what is printed there.
struct Pty {
    far: File,
    near: File,
    printed: mpsc::Receiver<Vec<u8>>,
    seen: String,
}

impl Pty {
    fn open() -> Pty {
        let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&far).expect("it is ours");
        unlockpt(&far).expect("it opens");
        let name = ptsname(&far, Vec::new()).expect("its name").into_string().expect("ASCII");
        // It is not to become the terminal of this process.
        let not_ours = OFlags::NOCTTY.bits().cast_signed();
        let mut near = OpenOptions::new();
        let near = near.read(true).write(true).custom_flags(not_ours).open(name);
        let near = near.expect("its other end");
        let far = File::from(far);
        let mut reader = far.try_clone().expect("a second handle");
        let (to, printed) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut bytes) {
                let _ = to.send(bytes[..n].to_vec());
            }
        });
        Pty { far, near, printed, seen: String::new() }
    }

    fn near(&self) -> Stdio {
        self.near.try_clone().expect("a second handle").into()
    }

    fn types(&mut self, keys: &str) {
        until("each key is read", || (!self.is_cooked()).then_some(()));
        self.far.write_all(keys.as_bytes()).expect("it reads");
    }

    /// Waits until this is printed, and forgets all up to it.
    fn prints(&mut self, text: &str) {
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            let more = self.printed.recv_timeout(LIMIT);
            assert!(more.is_ok(), "{text:?} is not in {:?}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&more.unwrap_or_default()));
        }
    }

    fn is_cooked(&self) -> bool {
        let modes = tcgetattr(&self.near).expect("its mode").local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }
}

#[test]
fn what_is_being_typed_at_a_terminal_stays_in_sight_below_what_others_say() {
    let data = tempfile::tempdir().expect("a folder");
    let broker = Running::start(vitrina(data.path()).args(FREE).arg("broker"));
    let set = format!("node.broker=mqtt://{}", broker.broker.expect("a broker"));
    let chat = |name: &str| {
        let mut command = vitrina(data.path());
        command.args(["chat", "--set", &set, "--name", name]).env("TERM", "xterm");
        command
    };
    let mut luz = Chat::start(&mut chat("Luz"));
    luz.shows(" here: Luz");
    let mut pty = Pty::open();
    let mut ana = chat("Ana");
    let ana = ana.stdin(pty.near()).stdout(pty.near()).stderr(pty.near());
    let mut ana = ana.spawn().expect("it starts");
    pty.prints(" here: Ana, Luz");
    pty.types("half of a li");
    pty.prints("half of a li");
    luz.say("hello");
    pty.prints(" Luz: hello");
    pty.prints("half of a li");
    pty.types("ne\r");
    luz.shows(" Ana: half of a line");

    // Also one that ends in the middle of a line leaves the terminal as it was.
    pty.types("never s");
    pty.prints("never s");
    assert!(!pty.is_cooked());
    kill_process(Pid::from_child(&ana), Signal::TERM).expect("it is there");
    until("it ends", || ana.try_wait().expect("it can be waited for"));
    assert!(pty.is_cooked());

    let mut eva = chat("Eva");
    let eva = eva.stdin(pty.near()).stdout(pty.near()).stderr(pty.near());
    let mut eva = eva.spawn().expect("it starts");
    luz.shows(" Eva joined");
    pty.types("\x03");
    luz.shows(" Eva left");
    let ended = until("it ends", || eva.try_wait().expect("it can be waited for"));
    assert_eq!(ended.code(), Some(0));
    assert!(pty.is_cooked());
}

#[test]
fn ctrl_c_ends_a_chat_on_a_terminal_also_while_its_broker_is_gone() {
    let data = tempfile::tempdir().expect("a folder");
    let broker = Running::start(vitrina(data.path()).args(FREE).arg("broker"));
    let set = format!("node.broker=mqtt://{}", broker.broker.expect("a broker"));
    let mut pty = Pty::open();
    let mut ana = vitrina(data.path());
    let ana = ana.args(["chat", "--set", &set, "--name", "Ana"]).env("TERM", "xterm");
    let ana = ana.stdin(pty.near()).stdout(pty.near()).stderr(pty.near());
    let mut ana = ana.spawn().expect("it starts");
    pty.prints(" here: Ana");
    assert_eq!(broker.stop(), Some(0));
    pty.prints("trying again");
    pty.types("\x03");
    let ended = until("it ends", || ana.try_wait().expect("it can be waited for"));
    assert_eq!(ended.code(), Some(0));
    assert!(pty.is_cooked());
}
