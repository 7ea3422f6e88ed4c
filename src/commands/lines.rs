//! The lines of standard input.

use std::io::{self, BufRead, Read};
use std::thread;

use tokio::sync::mpsc;

/// One line after the other, each cut after `most` bytes. The thread that reads them ends with
/// the input or the process.
pub fn read(most: u64) -> io::Result<mpsc::Receiver<String>> {
    let (to, lines) = mpsc::channel(1);
    thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let mut line = Vec::new();
            match input.by_ref().take(most).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            // The rest of a line that is too long is not a line of its own.
            while line.len() as u64 >= most && !line.ends_with(b"\n") {
                let mut rest = Vec::new();
                match input.by_ref().take(most).read_until(b'\n', &mut rest) {
                    Ok(0) | Err(_) => break,
                    Ok(_) if rest.ends_with(b"\n") => break,
                    Ok(_) => {}
                }
            }
            if to.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    })?;
    Ok(lines)
}
