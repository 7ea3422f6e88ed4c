//! The room in a terminal: two processes and a broker.

mod process;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;

use process::{FREE, LIMIT, Running, until, vitrina};

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
