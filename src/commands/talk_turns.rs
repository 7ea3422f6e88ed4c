//! `vitrina talk-turns`: one of two who take turns at a class's port. The class says whose turn it
//! is; what is typed too early waits.

use std::io::{self, Write};

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc::Receiver;
use wire::limits;

use super::lines;

/// A line of the input is cut after so many bytes.
const LINE: u64 = 4 * limits::SAY as u64;

/// Talks until the input or the other ends.
pub fn run(address: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut lines = lines::read(LINE)?;
    runtime.block_on(async {
        let cannot = || {
            format!("cannot connect to {address}; start a class there with --tcp-turns, or name another HOST:PORT")
        };
        let stream = TcpStream::connect(address).await.with_context(cannot)?;
        talk(stream, &mut lines).await.map(drop).context("the connection is lost")
    })
}

/// Lets this program's console be one of the two, and of two again when the other has left. Ends
/// with the input.
pub async fn console(address: std::net::SocketAddr) -> io::Result<()> {
    let mut lines = lines::read(LINE)?;
    while talk(TcpStream::connect(address).await?, &mut lines).await? {}
    Ok(())
}

/// Passes lines both ways. Returns whether the input goes on.
async fn talk(stream: TcpStream, lines: &mut Receiver<String>) -> io::Result<bool> {
    let (reader, mut writer) = stream.into_split();
    let mut heard = BufReader::new(reader).lines();
    let mut goes_on = true;
    loop {
        tokio::select! {
            line = lines.recv(), if goes_on => match line {
                Some(line) => {
                    let line = format!("{}\n", line.trim_end_matches(['\r', '\n']));
                    writer.write_all(line.as_bytes()).await?;
                }
                None => {
                    goes_on = false;
                    writer.shutdown().await?;
                }
            },
            line = heard.next_line() => match line? {
                Some(line) => writeln!(io::stdout(), "{line}")?,
                None => return Ok(goes_on),
            },
        }
    }
}
