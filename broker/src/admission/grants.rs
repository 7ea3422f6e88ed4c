//! What each role may do, in topic filters. Pure: [`crate::admission::authenticator`] identifies
//! clients.

use std::sync::Arc;

use access::{Role, is_node};
use wire::Root;

use crate::protocol::topic;

/// What one client may do, decided once at its CONNECT.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    publish: Topics,
    /// What it may only clear: by a retained message without payload.
    clear: Vec<String>,
    subscribe: Topics,
    /// Filters that are refused even if a role grants them.
    deny: Arc<[String]>,
    /// The topic on which a bridge of this client id says whether it is connected, see
    /// [`Grant::for_client`].
    connection: Option<String>,
}

#[derive(Debug, Clone)]
enum Topics {
    All,
    /// Whatever one of these patterns covers, see [`covers`].
    Of(Vec<String>),
}

/// What a broker retains of nodes and their cameras.
const FACTS: [&str; 5] = ["+/status", "+/info", "+/+/state", "+/+/controls", "+/+/motion"];

impl Grant {
    /// Everything except denied filters: for clients of a broker without users.
    pub fn everything(deny: Arc<[String]>) -> Grant {
        let clear = Vec::new();
        Grant { publish: Topics::All, clear, subscribe: Topics::All, deny, connection: None }
    }

    /// The grant for a client with this id. A bridge of Mosquitto says on one topic of the broker's
    /// own (`$SYS/broker/connection/<client id>/state`, `mosquitto.conf(5)`, `notifications`)
    /// whether it is connected. That is also its will, and the bridge does not connect without it.
    /// A client that may publish nothing else may not publish this either.
    pub fn for_client(self, client_id: &str) -> Grant {
        let speaks = !matches!(&self.publish, Topics::Of(patterns) if patterns.is_empty());
        let connection = speaks.then(|| format!("$SYS/broker/connection/{client_id}/state"));
        Grant { connection, ..self }
    }

    /// What `role` grants to the user `name`.
    pub fn of(role: Role, name: &str, root: &Root, deny: Arc<[String]>) -> Grant {
        let text = |rest: &str| format!("{root}/{rest}");
        let both = |rest: &str| [format!("{root}/{rest}"), format!("{root}-jpeg/{rest}")];
        let commands = ["+/+/want", "+/+/snap", "+/+/set/+", "+/set/title"].map(text);
        let (publish, subscribe) = match role {
            Role::Admin => return Grant::everything(Arc::new([])),
            // With another name it could contain a wildcard, or match another node's topics.
            Role::Node if !is_node(name) => (Vec::new(), Vec::new()),
            Role::Node => {
                let own = format!("{name}/#");
                (both(&own).to_vec(), vec![text(&own), text("gallery/+/status")])
            }
            Role::Gallery => {
                let mut publish = commands.to_vec();
                publish.extend(["+/stored", "gallery/#", "people/#"].map(text));
                publish.extend(both("web-*/#"));
                (publish, both("#").to_vec())
            }
            Role::Operator => {
                let mut publish = commands.to_vec();
                // Under `people` for `vitrina chat`.
                publish.extend(["+/ask", "people/#"].map(text));
                let [facts, pictures] = both("#");
                (publish, vec![facts, pictures, "$SYS/#".to_owned()])
            }
            Role::Viewer => (Vec::new(), both("#").to_vec()),
        };
        // A gallery forgets what will not come back. It cannot say anything in a node's name.
        let clear = match role {
            Role::Gallery => FACTS.map(text).to_vec(),
            _ => Vec::new(),
        };
        Grant {
            publish: Topics::Of(publish),
            clear,
            subscribe: Topics::Of(subscribe),
            deny,
            connection: None,
        }
    }

    /// Whether the client may publish to a valid topic. Topics that begin with `$` are the broker's
    /// own, except one, see [`Grant::for_client`].
    pub fn may_publish(&self, topic: &str) -> bool {
        let is_granted = match topic.starts_with('$') {
            true => self.connection.as_deref() == Some(topic),
            false => self.publish.cover(topic),
        };
        is_granted && !self.denies(topic)
    }

    /// Whether the client may clear what is retained on a valid topic.
    pub fn may_clear(&self, topic: &str) -> bool {
        let is_granted = self.clear.iter().any(|pattern| covers(pattern, topic));
        self.may_publish(topic) || is_granted && !self.denies(topic)
    }

    fn denies(&self, topic: &str) -> bool {
        self.deny.iter().any(|deny| topic::matches(deny, topic))
    }

    /// Whether the client may subscribe to a valid filter: it must have the right to read all that
    /// the filter could match. Of a shared subscription, the filter behind its group counts.
    ///
    /// A denied filter refuses all filters within it. A wider filter is granted, because only an
    /// administrator can publish on denied topics; `$SYS` is the exception, because the broker
    /// publishes there.
    pub fn may_subscribe(&self, filter: &str) -> bool {
        let is_sys = topic::asks_for_sys(filter);
        let is_denied =
            |deny| topic::covers(deny, filter) || is_sys && topic::overlap(deny, filter);
        !self.deny.iter().any(|deny| is_denied(deny)) && self.subscribe.cover(filter)
    }
}

impl Topics {
    fn cover(&self, asked: &str) -> bool {
        match self {
            Topics::All => true,
            Topics::Of(patterns) => patterns.iter().any(|pattern| covers(pattern, asked)),
        }
    }
}

/// Whether `pattern` covers all topics that `asked` (a topic or a filter) matches. In the pattern,
/// a level may also be the beginning of a word and a `*`.
fn covers(pattern: &str, asked: &str) -> bool {
    if asked.starts_with('$') && pattern.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = asked.split('/');
    for wanted in pattern.split('/') {
        let is_covered = match (wanted, levels.next()) {
            ("#", _) => return true,
            (_, None) => false,
            ("+", Some(level)) => level != "#",
            (wanted, Some(level)) => match wanted.strip_suffix('*') {
                Some(beginning) => level.starts_with(beginning),
                None => level == wanted,
            },
        };
        if !is_covered {
            return false;
        }
    }
    levels.next().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grant(role: Role, name: &str) -> Grant {
        Grant::of(role, name, &Root::default(), Arc::new([]))
    }

    #[test]
    fn a_bridge_says_of_itself_whether_it_is_connected() {
        let state = "$SYS/broker/connection/pi.house/state";
        for role in [Role::Node, Role::Gallery, Role::Operator, Role::Admin] {
            assert!(!grant(role, "pi").may_publish(state));
            let bridge = grant(role, "pi").for_client("pi.house");
            assert!(bridge.may_publish(state));
            for other in ["$SYS/broker/connection/other/state", "$SYS/broker/uptime", "$share/x"] {
                assert!(!bridge.may_publish(other), "{other}");
            }
        }
        assert!(!grant(Role::Viewer, "").for_client("pi.house").may_publish(state));
        let deny: Arc<[String]> = Arc::new(["$SYS/#".to_owned()]);
        assert!(!Grant::everything(deny).for_client("pi.house").may_publish(state));
    }

    #[test]
    fn a_node_speaks_and_reads_under_its_own_name_only() {
        let pi = grant(Role::Node, "pi");
        for topic in ["vitrina/pi/status", "vitrina/pi/cam/state", "vitrina-jpeg/pi/cam/live/full"]
        {
            assert!(pi.may_publish(topic), "{topic}");
        }
        for topic in [
            "vitrina/pi2/status",
            "vitrina/PI/status",
            "vitrina//pi/status",
            "vitrina/gallery/x/status",
            "vitrina/people/pi",
            "vitrina-jpeg/other/cam/preview",
            "school/pi/status",
            "pi/status",
            "$SYS/broker/uptime",
            "$share/g/vitrina/pi/status",
        ] {
            assert!(!pi.may_publish(topic), "{topic}");
        }
        for filter in [
            "vitrina/pi/cam/set/#",
            "vitrina/pi/+/want",
            "vitrina/pi/ask",
            "vitrina/pi/#",
            "vitrina/gallery/+/status",
            "vitrina/gallery/a/status",
        ] {
            assert!(pi.may_subscribe(filter), "{filter}");
        }
        for filter in [
            "#",
            "+/#",
            "+/pi/#",
            "vitrina/#",
            "vitrina/+/status",
            "vitrina/+/+/want",
            "vitrina/gallery/#",
            "vitrina/gallery/+/photo",
            "vitrina-jpeg/pi/#",
            "vitrina-jpeg/+/+/preview",
            "$SYS/#",
            "$share/g/vitrina/pi/#",
        ] {
            assert!(!pi.may_subscribe(filter), "{filter}");
        }
    }

    #[test]
    fn a_node_whose_name_is_no_nodes_may_nothing() {
        for name in ["gallery", "people", "web-1", "+", "#", "a/b", ""] {
            let grant = grant(Role::Node, name);
            assert!(!grant.may_publish(&format!("vitrina/{name}/status")), "{name}");
            assert!(!grant.may_subscribe(&format!("vitrina/{name}/#")), "{name}");
        }
    }

    #[test]
    fn roles_differ_in_what_they_say() {
        let topics = [
            "vitrina/pi/cam/want",
            "vitrina/pi/cam/set/title",
            "vitrina/pi/set/title",
            "vitrina/pi/set/state",
            "vitrina/pi/stored",
            "vitrina/pi/ask",
            "vitrina/gallery/a/status",
            "vitrina/people/ada",
            "vitrina/people/ada/say",
            "vitrina/web-1/status",
            "vitrina-jpeg/web-1/cam/preview",
            "vitrina/pi/status",
            "vitrina-jpeg/pi/cam/preview",
            "lamp/set",
        ];
        let allowed = |role| {
            let grant = grant(role, "x");
            topics.map(|topic| if grant.may_publish(topic) { 'y' } else { '-' })
        };
        let said = |role| String::from_iter(allowed(role));
        assert_eq!(said(Role::Gallery), "yyy-y-yyyyy---");
        assert_eq!(said(Role::Operator), "yyy--y-yy-----");
        assert_eq!(said(Role::Viewer), "--------------");
        assert_eq!(said(Role::Node), "--------------");
        assert_eq!(said(Role::Admin), "yyyyyyyyyyyyyy");
    }

    #[test]
    fn a_gallery_may_clear_the_facts_of_nodes_and_not_say_them() {
        let facts = ["status", "info", "door/state", "door/controls", "door/motion"];
        for fact in facts.map(|fact| format!("vitrina/pi/{fact}")) {
            let may = |role| grant(role, "attic").may_clear(&fact);
            assert!(may(Role::Gallery) && may(Role::Admin), "{fact}");
            assert!(!may(Role::Operator) && !may(Role::Viewer) && !may(Role::Node), "{fact}");
            assert!(!grant(Role::Gallery, "x").may_publish(&fact), "{fact}");
            let deny: Arc<[String]> = Arc::new(["vitrina/pi/#".to_owned()]);
            let denied = Grant::of(Role::Gallery, "x", &Root::default(), deny);
            assert!(!denied.may_clear(&fact), "{fact}");
        }
        for other in ["vitrina/pi/ask", "vitrina/pi/door", "vitrina-jpeg/pi/door/preview", "lamp"] {
            assert!(!grant(Role::Gallery, "x").may_clear(other), "{other}");
        }
        assert!(grant(Role::Gallery, "x").may_clear("vitrina/gallery/a/status"), "its own words");
    }

    #[test]
    fn roles_differ_in_what_they_read() {
        let filters = ["vitrina/#", "vitrina-jpeg/+/+/preview", "#", "$SYS/#", "lamp/set"];
        let read = |role| {
            let grant = grant(role, "x");
            String::from_iter(filters.map(|f| if grant.may_subscribe(f) { 'y' } else { '-' }))
        };
        assert_eq!(read(Role::Gallery), "yy---");
        assert_eq!(read(Role::Operator), "yy-y-");
        assert_eq!(read(Role::Viewer), "yy---");
        assert_eq!(read(Role::Node), "-----");
        assert_eq!(read(Role::Admin), "yyyyy");
    }

    #[test]
    fn what_is_denied_is_denied_to_all_but_administrators() {
        let deny: Arc<[String]> = Arc::new(["test/no/#".to_owned(), "vitrina/+/ask".to_owned()]);
        let of = |role| Grant::of(role, "x", &Root::default(), deny.clone());
        for grant in [Grant::everything(deny.clone()), of(Role::Operator)] {
            assert!(!grant.may_publish("test/no"));
            assert!(!grant.may_publish("test/no/a"));
            assert!(!grant.may_publish("vitrina/pi/ask"));
            assert!(!grant.may_subscribe("test/no/+"));
            assert!(!grant.may_subscribe("vitrina/pi/ask"));
        }
        assert!(Grant::everything(deny.clone()).may_subscribe("test/#"));
        assert!(of(Role::Admin).may_publish("test/no/a"));
        assert!(of(Role::Admin).may_subscribe("test/no/a"));
    }

    #[test]
    fn what_is_denied_of_sys_is_not_read_by_a_wider_filter_either() {
        let deny: Arc<[String]> = Arc::new(["$SYS/broker/clients/#".to_owned()]);
        let grant = Grant::of(Role::Operator, "x", &Root::default(), deny);
        for filter in ["$SYS/#", "$SYS/+/#", "$SYS/broker/+", "$SYS/broker/+/total"] {
            assert!(!grant.may_subscribe(filter), "{filter}");
        }
        for filter in ["$SYS/broker/uptime", "$SYS/broker/bytes/#", "vitrina/#"] {
            assert!(grant.may_subscribe(filter), "{filter}");
        }
    }

    proptest! {
        /// Checks containment against the matcher: every topic that matches a covered filter also
        /// matches the filter that covers it.
        #[test]
        fn what_a_covered_filter_matches_is_covered(
            pattern in "#|[$a+]?(/[ab+]?){0,2}(/#)?",
            filter in "#|[$a+]?(/[ab+]?){0,2}(/#)?",
            topic in "[$ab]?(/[ab]?){0,3}",
        ) {
            prop_assume!(topic::is_filter(&pattern) && topic::is_filter(&filter));
            prop_assert_eq!(covers(&pattern, &topic), topic::matches(&pattern, &topic));
            prop_assert_eq!(covers(&pattern, &filter), topic::covers(&pattern, &filter));
            if covers(&pattern, &filter) && topic::matches(&filter, &topic) {
                prop_assert!(topic::matches(&pattern, &topic));
            }
        }

        #[test]
        fn a_covered_filter_stays_covered_when_a_wildcard_gets_a_word(
            filter in "(vitrina|vitrina-jpeg|[$a+])/([a+]|pi|web-1|people|gallery)(/[a+]|/#){0,3}",
        ) {
            prop_assume!(topic::is_filter(&filter));
            for role in Role::ALL {
                let grant = grant(role, "pi");
                let narrower = filter.replace('+', "a").replace('#', "x/y");
                prop_assert!(!grant.may_subscribe(&filter) || grant.may_subscribe(&narrower));
            }
        }
    }
}
