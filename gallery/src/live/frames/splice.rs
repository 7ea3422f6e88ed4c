//! A message in a pipe, whose pages the kernel shares with many sockets.
//!
//! `tee` puts its pages into a second pipe and `splice` moves them to a socket, both without
//! copying their content (tee(2), splice(2)).

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice, tee};

/// The default size of a pipe (pipe(7)).
const USUAL: usize = 64 * 1024;

/// A message in a pipe, see the module.
#[derive(Debug)]
pub(crate) struct Piped {
    head: Vec<u8>,
    len: usize,
    pipe: Pipe,
    /// Empty pipes of the same size, for the next sockets.
    spare: Mutex<Vec<Pipe>>,
}

#[derive(Debug)]
struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
}

/// The bytes that one socket has not got yet.
#[derive(Debug)]
pub(crate) struct Lent<'a> {
    of: &'a Piped,
    pipe: Pipe,
    left: usize,
}

impl Piped {
    /// # Errors
    /// The kernel's. It gives an unprivileged user no pipe above 1 MiB, and only a limited number.
    pub fn new(head: &[u8], rest: &[u8]) -> io::Result<Piped> {
        let len = head.len() + rest.len();
        let pipe = Pipe::new(len)?;
        all(rustix::io::writev(&pipe.write, &[IoSlice::new(head), IoSlice::new(rest)])?, len)?;
        Ok(Piped { head: head.to_vec(), len, pipe, spare: Mutex::default() })
    }

    /// The whole message, for one socket.
    ///
    /// # Errors
    /// As [`Piped::new`].
    pub fn lend(&self) -> io::Result<Lent<'_>> {
        let spare = self.spare().pop();
        let pipe = spare.map_or_else(|| Pipe::new(self.len), Ok)?;
        all(tee(&self.pipe.read, &pipe.write, self.len, SpliceFlags::NONBLOCK)?, self.len)?;
        Ok(Lent { of: self, pipe, left: self.len })
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Pipe>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pipe {
    fn new(len: usize) -> io::Result<Pipe> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        if len > USUAL {
            fcntl_setpipe_size(&write, len)?;
        }
        Ok(Pipe { read, write })
    }
}

/// A user with many pipes gets smaller ones than usual.
fn all(taken: usize, len: usize) -> io::Result<()> {
    if taken == len { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
}

impl Lent<'_> {
    /// The beginning of the message.
    pub fn head(&self) -> &[u8] {
        &self.of.head
    }

    /// Skips the head.
    pub fn skip_head(&mut self) -> io::Result<()> {
        let mut head = vec![0; self.of.head.len()];
        self.left -= rustix::io::read(&self.pipe.read, &mut head)?;
        Ok(())
    }

    /// Whether the socket has got all of it.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// Gives a socket as much as it takes at once.
    pub fn give(&mut self, socket: impl AsFd) -> io::Result<()> {
        let now = SpliceFlags::NONBLOCK;
        let given = splice(&self.pipe.read, None, socket, None, self.left, now)?;
        if given == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= given;
        Ok(())
    }

    /// Returns the empty pipe, so that the next socket need not make one.
    pub fn end(self) {
        if self.is_empty() {
            self.of.spare().push(self.pipe);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    /// What a socket gets of it.
    fn given(mut lent: Lent) -> Vec<u8> {
        let (near, mut far) = UnixStream::pair().unwrap();
        let reader = std::thread::spawn(move || {
            let mut got = Vec::new();
            far.read_to_end(&mut got).map(|_| got)
        });
        while !lent.is_empty() {
            lent.give(&near).unwrap();
        }
        lent.end();
        drop(near);
        reader.join().unwrap().unwrap()
    }

    #[test]
    fn each_is_lent_all_of_it() {
        for len in [0, 1, 4096, USUAL - 4, USUAL - 3, 1_000_000] {
            let picture: Vec<u8> = (0..len).map(|n| (n / 7) as u8).collect();
            let piped = Piped::new(b"head", &picture).unwrap();
            let (one, another) = (piped.lend().unwrap(), piped.lend().unwrap());
            assert_eq!(one.head(), b"head");
            assert!(given(one) == [b"head", &picture[..]].concat());
            let mut third = piped.lend().unwrap();
            third.skip_head().unwrap();
            assert!(given(third) == picture);
            assert!(given(another) == [b"head", &picture[..]].concat());
            assert_eq!(piped.spare().len(), 2, "used again");
        }
    }

    #[test]
    fn what_is_unfinished_is_not_used_again() {
        let piped = Piped::new(b"head", b"picture").unwrap();
        let mut lent = piped.lend().unwrap();
        lent.skip_head().unwrap();
        lent.end();
        assert_eq!(given(piped.lend().unwrap()), b"headpicture");
    }

    #[test]
    fn a_pipe_that_is_too_small_is_an_error() {
        let piped = Piped::new(b"head", &[7; 60_000]).unwrap();
        let small = Pipe::new(1).unwrap();
        fcntl_setpipe_size(&small.write, 4096).unwrap();
        piped.spare().push(small);
        assert!(piped.lend().is_err());
        assert_eq!(given(piped.lend().unwrap()).len(), 60_004);
    }
}
