//! A real `vitrina` process with a folder of its own and free ports.
#![allow(clippy::panic, reason = "a test fails by it")]
#![allow(dead_code, reason = "each test uses what it needs")]

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take before a test gives up.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Ports that nobody else has, and no camera of the machine that runs the tests.
pub const FREE: [&str; 4] =
    ["--set", "broker.listen=127.0.0.1:0", "--set", "gallery.listen=127.0.0.1:0"];

/// The command, with `data` for its folder and nothing of the caller's configuration.
pub fn vitrina(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vitrina"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("VITRINA_")) {
        command.env_remove(name);
    }
    command.arg("--data").arg(data).env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
    command
}

/// Runs a command to its end.
pub fn output(command: &mut Command) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = child.spawn().expect("the command starts");
    let pid = Pid::from_child(&child);
    let (done, is_done) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let output = child.wait_with_output();
        let _ = done.send(());
        output
    });
    if is_done.recv_timeout(LIMIT).is_err() {
        let _ = kill_process(pid, Signal::KILL);
        panic!("the command did not end within {LIMIT:?}");
    }
    reader.join().expect("the reader ends").expect("the command ran")
}

/// A process that printed its `ready` line. It is killed when dropped.
pub struct Running {
    child: Child,
    /// Where the wall is, if it runs one.
    pub gallery: Option<SocketAddr>,
    /// Where MQTT is, if it runs a broker.
    pub broker: Option<SocketAddr>,
    /// Where MQTT over TLS is, if it listens there.
    pub tls: Option<SocketAddr>,
}

impl Running {
    pub fn start(command: &mut Command) -> Running {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = child.stdout.take().expect("it is piped");
        let (line_to, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = line_to.send(line);
            }
        });
        let line = lines.recv_timeout(LIMIT).expect("it prints that it is ready");
        let address = |part: &str, scheme: &str| {
            let found =
                line.split(' ').find_map(|word| word.strip_prefix(part)?.strip_prefix(scheme));
            found.map(|address| address.parse().expect("an address"))
        };
        assert!(line.starts_with("ready"), "{line}");
        Running {
            child,
            gallery: address("gallery=", "http://"),
            broker: address("broker=", "mqtt://"),
            tls: address("broker=", "mqtts://"),
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is there");
    }

    /// Waits for the end and gives the exit code.
    pub fn end(mut self) -> Option<i32> {
        let start = Instant::now();
        while start.elapsed() < LIMIT {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it did not end within {LIMIT:?}");
    }

    /// Stops it as systemd would.
    pub fn stop(self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// GET over a connection of its own: the status line's code and the body.
pub fn get(address: SocketAddr, path: &str) -> (u16, String) {
    request(address, "GET", path)
}

/// The same with another method, without a body.
pub fn request(address: SocketAddr, method: &str, path: &str) -> (u16, String) {
    use std::io::Write;
    let mut socket = std::net::TcpStream::connect(address).expect("it listens");
    socket.set_read_timeout(Some(LIMIT)).expect("a limit");
    write!(socket, "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        .expect("sent");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    (code, body)
}

/// Asks until the answer is there.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
