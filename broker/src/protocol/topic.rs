//! Topic names and filters (MQTT 5, section 4.7).

/// The most levels that a topic or filter may have; it bounds the depth of the trie.
pub(crate) const LEVELS: usize = 64;

/// Whether a client may publish to this topic.
pub(crate) fn is_name(topic: &str) -> bool {
    !topic.is_empty() && !topic.contains(['+', '#', '\0']) && has_few_levels(topic)
}

/// Whether a client may subscribe to this filter.
pub(crate) fn is_filter(filter: &str) -> bool {
    if filter.is_empty() || filter.contains('\0') || !has_few_levels(filter) {
        return false;
    }
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        match level {
            "+" => {}
            "#" if levels.peek().is_none() => {}
            _ if level.contains(['+', '#']) => return false,
            _ => {}
        }
    }
    true
}

/// Whether this filter asks for a shared subscription.
pub(crate) fn is_shared(filter: &str) -> bool {
    filter == "$share" || filter.starts_with("$share/")
}

/// The filter of a subscription; of a shared one (`$share/GROUP/FILTER`, MQTT 5, section 4.8.2) the
/// one behind its group. `None` if it is not valid.
pub(crate) fn subscribed(filter: &str) -> Option<&str> {
    let path = if is_shared(filter) {
        let (group, path) = filter.strip_prefix("$share/")?.split_once('/')?;
        if group.is_empty() || group.contains(['+', '#']) {
            return None;
        }
        path
    } else {
        filter
    };
    is_filter(path).then_some(path)
}

/// Whether a filter matches any of the broker's own topics. Wildcards at the first level do not
/// match `$SYS` (section 4.7.2).
pub(crate) fn asks_for_sys(filter: &str) -> bool {
    filter.split('/').next() == Some("$SYS")
}

/// Whether `wider` matches all topics that `filter` matches.
pub(crate) fn covers(wider: &str, filter: &str) -> bool {
    if filter.starts_with('$') && wider.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = filter.split('/');
    for wanted in wider.split('/') {
        match (wanted, levels.next()) {
            ("#", _) => return true,
            ("+", Some(level)) if level != "#" => {}
            (wanted, Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

/// Whether both filters match some topic.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    let begins_with_wildcard = |filter: &str| filter.starts_with(['+', '#']);
    if one.starts_with('$') && begins_with_wildcard(other)
        || other.starts_with('$') && begins_with_wildcard(one)
    {
        return false;
    }
    let (mut one, mut other) = (one.split('/'), other.split('/'));
    loop {
        match (one.next(), other.next()) {
            (None, None) | (Some("#"), _) | (_, Some("#")) => return true,
            (Some(a), Some(b)) if a == "+" || b == "+" || a == b => {}
            _ => return false,
        }
    }
}

/// Whether a valid filter matches a valid topic name.
///
/// Wildcards at the first level do not match topics that begin with `$`.
pub(crate) fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        if wanted == "#" {
            return true;
        }
        match levels.next() {
            Some(level) if wanted == "+" || wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

fn has_few_levels(text: &str) -> bool {
    text.bytes().filter(|b| *b == b'/').count() < LEVELS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_wildcards() {
        for good in ["a", "/", "a/b", "é/x", "$SYS/x", " ", "a//b"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "a/#", "+", "a+", "#", "a\0", &"/".repeat(LEVELS)] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn wildcards_of_filters_fill_a_level() {
        for good in ["a", "#", "+", "/", "+/+", "a/+/#", "/#", "é/+", "$SYS/#", "$share/g/a"] {
            assert!(is_filter(good), "{good}");
        }
        for bad in ["", "a#", "#/a", "a/#/b", "a+", "+a/b", "a/+b", "##", "a\0", "++"] {
            assert!(!is_filter(bad), "{bad:?}");
        }
    }

    #[test]
    fn shared_subscriptions_have_a_group_and_a_filter() {
        for (filter, path) in [
            ("a/#", Some("a/#")),
            ("$share/g/a/+", Some("a/+")),
            ("$share/g//", Some("/")),
            ("$share/g/$SYS/#", Some("$SYS/#")),
            ("$shared/g", Some("$shared/g")),
            ("$share", None),
            ("$share/g", None),
            ("$share/g/", None),
            ("$share//a", None),
            ("$share/+/a", None),
            ("$share/g/a#", None),
        ] {
            assert_eq!(subscribed(filter), path, "{filter}");
        }
    }

    #[test]
    fn a_filter_covers_one_that_is_narrower() {
        for (wider, filter) in [
            ("#", "a/+"),
            ("a/#", "a"),
            ("a/#", "a/#"),
            ("a/+", "a/b"),
            ("a/+", "a/+"),
            ("+/+", "a/+"),
            ("a", "a"),
            ("$SYS/#", "$SYS/+"),
        ] {
            assert!(covers(wider, filter), "{wider} {filter}");
        }
        for (wider, filter) in
            [("a/+", "a/#"), ("a", "+"), ("a/b", "a/+"), ("+", "#"), ("#", "$SYS/#"), ("a", "a/b")]
        {
            assert!(!covers(wider, filter), "{wider} {filter}");
        }
    }

    #[test]
    fn filters_match_as_the_specification_says() {
        for (filter, topic) in [
            ("sport/tennis/player1/#", "sport/tennis/player1"),
            ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"),
            ("sport/#", "sport"),
            ("#", "a/b"),
            ("sport/tennis/+", "sport/tennis/player1"),
            ("sport/+", "sport/"),
            ("+/+", "/finance"),
            ("/+", "/finance"),
            ("$SYS/#", "$SYS/x"),
            ("$SYS/monitor/+", "$SYS/monitor/Clients"),
            ("é/+", "é/x"),
        ] {
            assert!(matches(filter, topic), "{filter} {topic}");
        }
        for (filter, topic) in [
            ("sport/tennis/+", "sport/tennis/player1/ranking"),
            ("sport/+", "sport"),
            ("+", "/finance"),
            ("#", "$SYS/x"),
            ("+/monitor/Clients", "$SYS/monitor/Clients"),
            ("a", "a/"),
            ("A", "a"),
        ] {
            assert!(!matches(filter, topic), "{filter} {topic}");
        }
    }
}
