//! The addresses by which other machines reach this one.

use std::net::{IpAddr, SocketAddr};

use nix::ifaddrs::getifaddrs;

/// The addresses that reach a listener on `bound`, best first: its own address, or, if it listens
/// on all, those of this machine's networks and then its name in the local network (RFC 6762).
/// Without a network, the loopback.
pub fn of(bound: SocketAddr) -> Vec<String> {
    let ip = bound.ip().to_canonical();
    if !ip.is_unspecified() {
        return vec![SocketAddr::new(ip, bound.port()).to_string()];
    }
    let mut addresses = local();
    // IPv6 does not reach an IPv4 socket.
    addresses.retain(|address| address.is_ipv4() || bound.is_ipv6());
    reached(&addresses, host().as_deref(), bound.port())
}

fn reached(addresses: &[IpAddr], host: Option<&str>, port: u16) -> Vec<String> {
    if addresses.is_empty() {
        return vec![format!("127.0.0.1:{port}")];
    }
    let numbers = addresses.iter().map(|ip| SocketAddr::new(*ip, port).to_string());
    numbers.chain(host.map(|host| format!("{host}.local:{port}"))).collect()
}

/// The first word of this machine's name.
fn host() -> Option<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().to_lowercase();
    let first = name.split('.').next().unwrap_or_default();
    (!first.is_empty() && first != "localhost").then(|| first.to_owned())
}

/// The addresses of this machine that others can use, IPv4 first: no loopback, and no IPv6
/// link-local ones, because a URL in a browser cannot name their link.
fn local() -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = getifaddrs()
        .into_iter()
        .flatten()
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|v4| IpAddr::from(v4.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::from(v6.ip())))
        })
        .filter(|ip| match ip {
            IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local(),
            IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local(),
        })
        .collect();
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.dedup();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_bound_is_the_one_that_is_called() {
        assert_eq!(of("127.0.0.1:80".parse().unwrap()), ["127.0.0.1:80"]);
        assert_eq!(of("[::1]:80".parse().unwrap()), ["[::1]:80"]);
        assert_eq!(of("[::ffff:10.0.0.7]:80".parse().unwrap()), ["10.0.0.7:80"]);
    }

    #[test]
    fn where_all_are_listened_on_those_of_the_networks_are_called() {
        let addresses: Vec<IpAddr> =
            ["192.168.0.7", "fd00::7"].map(|ip| ip.parse().unwrap()).into();
        let called = reached(&addresses, Some("pi"), 8080);
        assert_eq!(called, ["192.168.0.7:8080", "[fd00::7]:8080", "pi.local:8080"]);
        assert_eq!(reached(&[], Some("pi"), 8080), ["127.0.0.1:8080"]);
        for address in of("0.0.0.0:8080".parse().unwrap()) {
            assert!(!address.starts_with("0.") && address.ends_with(":8080"), "{address}");
        }
    }
}
