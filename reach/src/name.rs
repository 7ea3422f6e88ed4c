//! The name by which the local network knows this machine, if anybody answers for it (RFC 6762).
//!
//! Which program would answer, Avahi, systemd-resolved or another, and whether it does, only the
//! network can say. So this asks, as a device would that looks for the name.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, Question, TYPE};
use socket2::{Domain, Protocol, Socket, Type};

use crate::addresses::Address;

/// Where multicast DNS is asked (RFC 6762, section 3).
const ASKED: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 251), 5353);

/// The longest answer that is read, in bytes: what one frame of Ethernet holds.
const LONGEST: usize = 1500;

/// At most this many networks are asked, one after the other.
const NETWORKS: usize = 4;

/// The name of this machine in its local networks, such as `workshop.local`, if one of `addresses`
/// is the answer to it. Waits at most `within` for each network.
pub fn answered(addresses: &[Address], within: Duration) -> Option<String> {
    let name = format!("{}.local", first_word()?);
    let ours: Vec<IpAddr> = addresses.iter().map(|address| address.ip).collect();
    let mut asked = ours.iter().filter_map(|ip| match ip {
        IpAddr::V4(ip) => Some(*ip),
        IpAddr::V6(_) => None,
    });
    let answers = |from| ask(&name, from, &ours, within).unwrap_or(false);
    asked.by_ref().take(NETWORKS).any(answers).then_some(name)
}

/// The first word of this machine's name.
fn first_word() -> Option<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().to_lowercase();
    let first = name.split('.').next().unwrap_or_default();
    (!first.is_empty() && first != "localhost").then(|| first.to_owned())
}

/// Whether the network of `from` answers with one of our addresses.
fn ask(name: &str, from: Ipv4Addr, ours: &[IpAddr], within: Duration) -> io::Result<bool> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_multicast_if_v4(&from)?;
    // From a port of our own the answer comes to us alone (section 6.7).
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    let socket = UdpSocket::from(socket);
    socket.send_to(&question(name)?, ASKED)?;
    let end = Instant::now() + within;
    let mut answer = [0; LONGEST];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        socket.set_read_timeout(Some(left))?;
        let length = socket.recv(&mut answer)?;
        if answer.get_mut(..length).is_some_and(|answer| names_us(answer, name, ours)) {
            return Ok(true);
        }
    }
}

fn question(name: &str) -> io::Result<Vec<u8>> {
    let packet = || {
        let mut packet = Packet::new_query(0);
        let name = Name::new(name)?;
        packet.questions.push(Question::new(name, TYPE::A.into(), CLASS::IN.into(), false));
        packet.build_bytes_vec()
    };
    packet().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

/// Whether an answer says that the name is one of our addresses.
fn names_us(answer: &mut [u8], name: &str, ours: &[IpAddr]) -> bool {
    // Only the answers matter, and some responders add records that cannot be read: the header
    // (RFC 1035, section 4.1.1) need not count them.
    if let Some(further) = answer.get_mut(8..12) {
        further.fill(0);
    }
    let Ok(packet) = Packet::parse(answer) else { return false };
    packet.answers.iter().any(|record| match &record.rdata {
        RData::A(a) => {
            let ip = IpAddr::from(Ipv4Addr::from(a.address));
            record.name.to_string().eq_ignore_ascii_case(name) && ours.contains(&ip)
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use simple_dns::ResourceRecord;
    use simple_dns::rdata::A;

    use super::*;

    fn answer(name: &str, ip: [u8; 4]) -> Vec<u8> {
        let mut packet = Packet::new_reply(0);
        let address = RData::A(A { address: Ipv4Addr::from(ip).into() });
        let name = Name::new(name).unwrap();
        packet.answers.push(ResourceRecord::new(name, CLASS::IN, 120, address));
        packet.build_bytes_vec().unwrap()
    }

    const OURS: [IpAddr; 1] = [IpAddr::V4(Ipv4Addr::new(192, 168, 1, 20))];

    #[test]
    fn an_answer_counts_if_it_gives_our_name_one_of_our_addresses() {
        let names = |name, ip| names_us(&mut answer(name, ip), "workshop.local", &OURS);
        assert!(names("workshop.local", [192, 168, 1, 20]));
        assert!(names("WORKSHOP.local", [192, 168, 1, 20]));
        assert!(!names("workshop.local", [192, 168, 1, 21]));
        assert!(!names("workshop-2.local", [192, 168, 1, 20]));
        let mut question = question("workshop.local").unwrap();
        assert!(!names_us(&mut question, "workshop.local", &OURS));
    }

    #[test]
    fn what_a_responder_adds_is_not_read() {
        // The answer of python-zeroconf 0.47, with an NSEC record that has no bitmap.
        let mut answer = *b"\0\0\x84\0\0\x01\0\x01\0\0\0\x01\x08workshop\x05local\0\0\x01\0\x01\
            \xc0\x0c\0\x01\0\x01\0\0\0x\0\x04\xc0\xa8\x01\x14\xc0\x0c\0/\0\x01\0\0\x11\x94\0\n\
            \xc0\x0c\0\0\0\x04\0\0\0\x08";
        assert!(Packet::parse(&answer).is_err());
        assert!(names_us(&mut answer, "workshop.local", &OURS));
    }

    #[test]
    fn a_question_is_one_that_can_be_read() {
        let bytes = question("workshop.local").unwrap();
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.questions[0].qname.to_string(), "workshop.local");
        assert!(question(&"long".repeat(40)).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much(mut bytes: Vec<u8>, cut in 0..80_usize) {
            let _ = names_us(&mut bytes, "workshop.local", &OURS);
            let mut whole = answer("workshop.local", [192, 168, 1, 20]);
            let cut = cut.min(whole.len() - 1);
            prop_assert!(!names_us(&mut whole[..cut], "workshop.local", &OURS));
        }
    }
}
