//! The names by which browsers may call this machine.
//!
//! With DNS rebinding a stranger's page calls this machine by the stranger's own name, so a name is
//! ours only if no stranger can own it. `docs/decisions/access.md` says why each kind is safe.

use std::fs;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Domains that home routers give, or that mean this network: nobody can own a name in them in the
/// public DNS. `.local` is RFC 6762, `.home.arpa` RFC 8375, `.internal` is reserved by ICANN, and
/// `fritz.box` belongs to its maker.
const HOME: [&str; 7] =
    ["local", "lan", "home", "home.arpa", "fritz.box", "localdomain", "internal"];

/// Further single words that serve as domains in private networks (RFC 6762, appendix G). Below
/// other single words, such as `dev`, anybody can own a name.
const PRIVATE: [&str; 3] = ["intranet", "private", "corp"];

/// How long until an unknown name makes us read this machine's names again: its network may have
/// come later, or changed.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// The names that are ours.
#[derive(Debug)]
pub struct Names {
    fixed: Vec<String>,
    find: fn() -> Vec<String>,
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    at: Option<Instant>,
    names: Vec<String>,
}

impl Names {
    /// The names that this machine gives itself, and `further` ones.
    pub fn of_this_machine(further: &[String]) -> Names {
        Names { find, ..Names::fixed(further) }
    }

    /// The names of a machine called `machine`, and `further` ones.
    pub fn of(machine: &str, further: &[String]) -> Names {
        Names::fixed(&[names(machine, "", ""), further.to_vec()].concat())
    }

    fn fixed(names: &[String]) -> Names {
        let fixed = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        Names { fixed, find: Vec::new, found: Mutex::default() }
    }

    /// Whether a host from a Host header or a URL, without the port, is ours: an address, one word,
    /// a name below `.localhost`, or a name of this machine.
    pub fn are_ours(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        bare.unwrap_or(&host).parse::<IpAddr>().is_ok()
            || is_word(&host)
            || host.ends_with(".localhost")
            || self.fixed.contains(&host)
            || self.finds(&host)
    }

    /// Whether a host is a name that this machine, or its owner, gave itself: no number, and no name
    /// that any machine may have.
    pub fn are_of_this_machine(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        host != "localhost" && (self.fixed.contains(&host) || self.finds(&host))
    }

    fn finds(&self, host: &str) -> bool {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.names.iter().any(|name| name == host) {
            return true;
        }
        if found.at.is_some_and(|at| at.elapsed() < AGAIN_AFTER) {
            return false;
        }
        // This reads two short files that other programs read all the time.
        *found = Found { at: Some(Instant::now()), names: (self.find)() };
        found.names.iter().any(|name| name == host)
    }
}

fn is_word(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn find() -> Vec<String> {
    let machine = rustix::system::uname();
    let [resolv, hosts] = ["/etc/resolv.conf", "/etc/hosts"]
        .map(|file| fs::read(file).unwrap_or_default())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    names(&machine.nodename().to_string_lossy(), &resolv, &hosts)
}

/// The names of a machine: its own name, its first word in the domains of home routers and in the
/// domains that it was given (resolv.conf(5)), and the names in its hosts file (hosts(5)).
fn names(machine: &str, resolv: &str, hosts: &str) -> Vec<String> {
    let machine = machine.trim_end_matches('.').to_ascii_lowercase();
    let first = machine.split('.').next().unwrap_or_default();
    if first.is_empty() || first == "localhost" {
        return vec![machine];
    }
    let given = resolv.lines().flat_map(|line| {
        let mut words = line.split_whitespace();
        let is_list = words.next().is_some_and(|word| matches!(word, "search" | "domain"));
        words.filter(move |_| is_list).map(|word| word.trim_matches('.').to_ascii_lowercase())
    });
    let given = given.filter(|domain| is_nobodys(domain)).map(|domain| format!("{first}.{domain}"));
    let listed = hosts.lines().flat_map(|line| {
        let line = line.split('#').next().unwrap_or_default().to_ascii_lowercase();
        let names: Vec<String> = line.split_whitespace().skip(1).map(str::to_owned).collect();
        let is_this = names.iter().any(|name| name == first || *name == machine);
        let begins = format!("{first}.");
        names.into_iter().filter(move |name| is_this && name.starts_with(&begins))
    });
    let home = HOME.iter().map(|domain| format!("{first}.{domain}"));
    let others: Vec<String> = home.chain(given).chain(listed).collect();
    [vec![machine.clone()], others].concat()
}

/// Whether no stranger can own a name directly below a domain.
fn is_nobodys(domain: &str) -> bool {
    domain.contains('.') || HOME.contains(&domain) || PRIVATE.contains(&domain)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_that_any_machine_may_have_is_not_of_this_one() {
        let names = Names::of("Workshop.example.org", &["Wall.example.net".to_owned()]);
        for own in ["workshop.local", "WORKSHOP.lan.", "workshop.example.org", "wall.example.net"] {
            assert!(names.are_of_this_machine(own), "{own}");
        }
        for any in ["localhost", "a.localhost", "kitchen", "127.0.0.1", "[::1]", "192.168.0.7"] {
            assert!(names.are_ours(any) && !names.are_of_this_machine(any), "{any}");
        }
        assert!(!names.are_of_this_machine("evil.example"));
    }

    #[test]
    fn the_names_of_this_machine_are_ours() {
        let names = Names::of("Workshop.example.org", &["Wall.example.net".to_owned()]);
        for good in [
            "localhost",
            "a.localhost",
            "127.0.0.1",
            "[::1]",
            "::1",
            "192.168.0.2",
            "workshop",
            "WORKSHOP.local",
            "workshop.lan",
            "workshop.lan.",
            "workshop.home",
            "workshop.home.arpa",
            "workshop.fritz.box",
            "workshop.localdomain",
            "workshop.internal",
            "workshop.example.org",
            "wall.example.net",
            // The name that a proxy or container uses: no internet page has a single word.
            "vitrina",
            "vitrina_backend",
        ] {
            assert!(names.are_ours(good), "{good}");
        }
        for bad in [
            "",
            ".",
            "evil.example",
            "evil.lan",
            "evil.local",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "workshop.evil.example",
            "workshop.lan.evil.example",
            "workshop.dev",
            "workshop.example.com",
            "a.workshop.lan",
            "xworkshop.lan",
            "workshop..lan",
            "workshop.lan..",
            "[workshop]",
            "0x7f.1",
        ] {
            assert!(!names.are_ours(bad), "{bad}");
        }
    }

    #[test]
    fn a_domain_that_the_machine_was_given_makes_a_name() {
        let resolv = "# search no\nnameserver 10.0.0.1\nsearch Tail1234.ts.net. attlocal.net\n\
                      domain corp\noptions edns0\nsearch dev . \n";
        let hosts = "127.0.0.1 localhost\n127.0.1.1\tPi.House.example pi # pi.no.example\n\
                     10.0.0.9 pi.other.example nas\n";
        let names = names("pi", resolv, hosts);
        for good in ["pi.tail1234.ts.net", "pi.attlocal.net", "pi.corp", "pi.house.example"] {
            assert!(names.iter().any(|name| name == good), "{good}: {names:?}");
        }
        for bad in ["pi.dev", "pi.", "pi.no", "pi.no.example", "pi.other.example", "nas"] {
            assert!(names.iter().all(|name| name != bad), "{bad}: {names:?}");
        }
        assert_eq!(super::names("localhost", resolv, hosts), ["localhost"]);
    }

    #[test]
    fn a_domain_that_comes_later_is_found_then() {
        static CAME: AtomicBool = AtomicBool::new(false);
        let mut names = Names::of_this_machine(&[]);
        names.find = || match CAME.load(Ordering::Relaxed) {
            true => vec!["pi.example.org".to_owned()],
            false => Vec::new(),
        };
        assert!(!names.are_ours("pi.example.org"));
        CAME.store(true, Ordering::Relaxed);
        assert!(!names.are_ours("pi.example.org"), "a flood of requests reads no files");
        names.found.lock().unwrap().at = None;
        assert!(names.are_ours("pi.example.org"));
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(host in ".*", resolv in ".*", hosts in ".*") {
            let _ = (Names::of("pi", &[]).are_ours(&host), names("pi", &resolv, &hosts));
        }

        #[test]
        fn a_name_of_a_stranger_is_never_ours(name in "[a-z0-9.-]{0,30}") {
            let evil = format!("{name}.evil.example");
            prop_assert!(!Names::of("pi", &[]).are_ours(&evil));
        }
    }
}
