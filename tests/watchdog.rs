//! What systemd hears of each process.

mod process;

use std::os::unix::net::UnixDatagram;

use process::{FREE, LIMIT, Running, vitrina};

/// A broker that is not there is tried again, which is progress.
const NOBODY: [&str; 4] =
    ["--set", "gallery.broker=mqtt://127.0.0.1:1", "--set", "node.broker=mqtt://127.0.0.1:1"];

#[test]
fn the_watchdog_of_each_part_is_fed() {
    for part in ["broker", "gallery", "node"] {
        let data = tempfile::tempdir().expect("a folder");
        let path = data.path().join("notify");
        let systemd = UnixDatagram::bind(&path).expect("a socket");
        systemd.set_read_timeout(Some(LIMIT)).expect("a limit");
        let mut command = vitrina(data.path());
        command.args(FREE).args(NOBODY).arg(part);
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "300000");
        let running = Running::start(&mut command);
        for state in ["READY=1", "WATCHDOG=1", "WATCHDOG=1"] {
            let mut told = [0; 256];
            let length = systemd.recv(&mut told).expect("it is told in time");
            let told = String::from_utf8_lossy(&told[..length]);
            assert!(told.contains(state), "{part}: {told}");
        }
        assert_eq!(running.stop(), Some(0), "{part}");
    }
}
