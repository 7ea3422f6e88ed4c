//! How other machines call what listens here.

use std::net::{IpAddr, SocketAddr};

use nix::ifaddrs::getifaddrs;

/// The addresses by which what listens on `bound` is reached, best first: the one that it is bound
/// to, or where it listens on all of them, those of this machine's networks, and after them its name
/// in the local network (RFC 6762). Without a network it is the loopback.
pub fn of(bound: SocketAddr) -> Vec<String> {
    let ip = bound.ip().to_canonical();
    if !ip.is_unspecified() {
        return vec![SocketAddr::new(ip, bound.port()).to_string()];
    }
    let mut addresses = local();
    // An IPv4 socket is not reached by IPv6.
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

/// The addresses of this machine that others can use, those of IPv4 first: not the loopback, and of
/// IPv6 none that is good for one link only, which a browser cannot be told.
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
