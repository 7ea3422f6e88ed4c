use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::hours::Hours;

const PASSWORD: &str = "correct horse";

fn comes() -> Comes {
    let device = "Firefox on Linux".to_owned();
    Comes { peer: [10, 0, 0, 1].into(), is_secure: false, is_near: false, device, before: vec![] }
}

fn logins(folder: &Path, users: &[(&str, Role)]) -> Logins {
    for (name, role) in users {
        Users::edit(folder, |all| all.add(name, *role, PASSWORD)).unwrap();
    }
    let known = Authentication::of_users(folder.to_owned()).unwrap();
    let rules = Rules { open: true, visitors: Visitors::None };
    Logins::new(Arc::new(known), rules, |_| {})
}

#[tokio::test]
async fn whoever_is_unknown_or_no_person_costs_the_same_work() {
    let folder = tempfile::tempdir().unwrap();
    let users = [("ana", Role::Admin), ("pi", Role::Node), ("wall", Role::Gallery)];
    let logins = logins(folder.path(), &users);
    let held = logins.known.hold_hashing().await;
    let mut tries = Vec::new();
    for (name, password) in [
        ("ana", "wrong horse"),
        ("eve", PASSWORD),
        ("pi", PASSWORD),
        ("wall", PASSWORD),
        ("a/b", "x"),
    ] {
        let comes = comes();
        let mut one = Box::pin(async {
            let comes = comes;
            logins.log_in(&comes, name.to_owned(), password.to_owned()).await.map(|_| ())
        });
        let early = timeout(Duration::from_millis(50), &mut one).await;
        assert!(early.is_err(), "{name} waits for a hash, as everybody");
        tries.push(one);
    }
    drop(held);
    for one in tries {
        assert_eq!(one.await, Err(Denied::Wrong));
    }
}

#[tokio::test]
async fn without_people_only_who_is_let_in_comes() {
    let folder = tempfile::tempdir().unwrap();
    let known = Arc::new(Authentication::of_users(folder.path().to_owned()).unwrap());
    let closed = Logins::new(known.clone(), Rules::default(), |_| {});
    let open = Logins::new(known, Rules { open: true, ..Rules::default() }, |_| {});
    let (here, there) = ([127, 0, 0, 1].into(), [192, 168, 0, 7].into());
    assert_eq!(closed.standing(here, false, &[]), Standing::Open);
    assert_eq!(closed.standing(there, false, &[]), Standing::Visitor, "the people were removed");
    assert_eq!(open.standing(there, false, &[]), Standing::Open);
}

#[tokio::test]
async fn the_last_administrator_without_hours_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let logins = logins(folder.path(), &[("ana", Role::Admin), ("leo", Role::Admin)]);
    let hours = Some(Some(Hours::parse("03:00", "03:01").unwrap()));
    let limit = UserChange { hours, ..UserChange::default() };
    logins.change_user(None, "leo", limit.clone()).await.unwrap();
    let demote = UserChange { role: Some(Role::Operator), ..UserChange::default() };
    for (what, change) in [("hours", &limit), ("role", &demote)] {
        let changed = logins.change_user(None, "ana", change.clone()).await;
        assert!(matches!(changed, Err(BadUsers::LastAdmin(_))), "{what}: {changed:?}");
    }
    let removed = logins.remove_user(None, "ana").await;
    assert!(matches!(removed, Err(BadUsers::LastAdmin(_))), "{removed:?}");
    let by_command = |users: &mut Users| users.limit("ana", None, limit.hours);
    Users::edit(folder.path(), by_command).unwrap();
    for name in ["ana", "leo"] {
        let changed = logins.change_user(None, name, demote.clone()).await;
        assert_eq!(changed.is_err(), name == "leo", "{name}: {changed:?}");
    }
    Users::edit(folder.path(), |users| {
        users.set_role("ana", Role::Admin)?;
        users.limit("ana", None, Some(None))
    })
    .unwrap();
    // Who sees fewer cameras can take that back.
    let cameras = Some("house/*".parse().unwrap());
    logins.change_user(None, "ana", UserChange { cameras, ..UserChange::default() }).await.unwrap();
    let always = UserChange { hours: Some(None), ..UserChange::default() };
    logins.change_user(None, "leo", always).await.unwrap();
    logins.change_user(None, "ana", limit).await.unwrap();
}

#[tokio::test]
async fn a_broken_file_of_sessions_logs_everybody_out_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sessions.toml"), "\u{0}").unwrap();
    let logins = logins(folder.path(), &[("ana", Role::Admin)]);
    let (token, standing) = logins.log_in(&comes(), "ana".into(), PASSWORD.into()).await.unwrap();
    let ana = standing.person().unwrap();
    assert_eq!((&*ana.name, ana.role), ("ana", Role::Admin));
    let read = Sessions::read(folder.path()).unwrap();
    assert_eq!(read.of("ana").count(), 1);
    assert_eq!(logins.standing(comes().peer, false, &[token.text()]), standing);
    assert_eq!(logins.standing(comes().peer, true, &[token.text()]), Standing::Visitor);
}

#[tokio::test]
async fn sessions_that_could_not_be_written_are_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let logins = logins(folder.path(), &[("ana", Role::Admin)]);
    let in_the_way = folder.path().join("sessions.toml");
    std::fs::create_dir(&in_the_way).unwrap();
    let (_, standing) = logins.log_in(&comes(), "ana".into(), PASSWORD.into()).await.unwrap();
    assert!(logins.sessions().is_changed);
    std::fs::remove_dir(&in_the_way).unwrap();
    logins.write().await;
    let count = || Sessions::read(folder.path()).unwrap().of("ana").count();
    assert!(!logins.sessions().is_changed && count() == 1);
    std::fs::remove_file(&in_the_way).unwrap();
    std::fs::create_dir(&in_the_way).unwrap();
    logins.log_out(standing.person().unwrap()).await;
    std::fs::remove_dir(&in_the_way).unwrap();
    assert!(std::mem::take(&mut logins.sessions().is_changed), "the end, too");
}

#[tokio::test]
async fn a_change_by_command_is_not_logged_as_that_of_who_changed_nothing_before() {
    let folder = tempfile::tempdir().unwrap();
    let logins = logins(folder.path(), &[("ana", Role::Admin), ("leo", Role::Viewer)]);
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = told.clone();
    let tell = move |event| {
        if let Event::User { role, by, .. } = event {
            log.lock().unwrap().push((role.unwrap(), by));
        }
    };
    let logins = Logins { tell: Box::new(tell), ..logins };
    let (_, standing) = logins.log_in(&comes(), "ana".into(), PASSWORD.into()).await.unwrap();
    let mut before = logins.known.users();
    for (role, by_command) in
        [(Role::Viewer, false), (Role::Operator, true), (Role::Viewer, false), (Role::Admin, true)]
    {
        if by_command {
            Users::edit(folder.path(), |users| users.set_role("leo", role)).unwrap();
            logins.known.read_again().await;
        } else {
            let change = UserChange { role: Some(role), ..UserChange::default() };
            logins.change_user(standing.person(), "leo", change).await.unwrap();
        }
        let now = logins.known.users();
        logins.compare(&before, &now).await;
        before = now;
    }
    let ana = Some("ana".to_owned());
    let expected = [("operator", None), ("viewer", ana), ("admin", None)];
    let expected = expected.map(|(role, by)| (role.to_owned(), by));
    assert_eq!(*told.lock().unwrap(), expected);
}

#[tokio::test]
async fn an_empty_secret_of_the_one_time_address_lets_nobody_in() {
    let folder = tempfile::tempdir().unwrap();
    let logins = logins(folder.path(), &[]);
    std::fs::write(folder.path().join("setup.token"), "").unwrap();
    for token in ["", "\n"] {
        let made = logins.set_up(&comes(), Some(token), "eve".into(), PASSWORD.into()).await;
        assert!(matches!(made, Err(NotSetUp::Denied(Denied::Wrong))), "{token:?}");
    }
    let token = logins.setup_token().unwrap().unwrap();
    assert_eq!(token.len(), 32);
    let made = logins.set_up(&comes(), Some(&token), "ana".into(), PASSWORD.into()).await;
    assert!(made.is_ok() && logins.have_people());
    assert!(logins.setup_token().unwrap().is_none());
}
