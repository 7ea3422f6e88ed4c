use access::Rights;
use tokio::time::timeout;

use super::*;
use crate::caller::Caller;

/// A page whose caller has all rights except some.
fn page(hub: &Arc<Hub>, without: &[Right]) -> Page {
    let rights = without.iter().fold(Rights::ALL, |rights, right| rights.without(*right));
    let caller = Caller { rights, ..Caller::unknown([127, 0, 0, 1].into()) };
    let visitor = Visitor::new(hub.people.clone(), caller.peer, true);
    let (live, now) = (Live::new(hub.frames.clone()), now::mono());
    let (tiles, cameras, log, logins) = (Vec::new(), None, None, crate::nobody());
    let (me, hub, here) = (caller.me(&logins), hub.clone(), Default::default());
    let (received, sent) = (now, now);
    Page { caller, me, logins, visitor, live, tiles, cameras, log, here, received, sent, hub }
}

/// Sends a message, and returns the reply: the `held` text, or nothing.
async fn say(page: &mut Page, message: &serde_json::Value) -> Result<Option<String>, End> {
    page.receive(Kind::Text, message.to_string().as_bytes())?;
    while let Ok(told) = timeout(Duration::ZERO, page.visitor.next_message()).await {
        if let Ok(ToPage::Held { why, .. }) = serde_json::from_str(&told)
            && why.contains("needs the right")
        {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

#[tokio::test]
async fn each_message_of_a_page_needs_its_right() {
    let data = tempfile::tempdir().unwrap();
    let (_, _, hub) = crate::opened(data.path());
    let golden = include_str!("../../../../wire/golden/page.json");
    let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
    for message in golden["from"].as_array().unwrap() {
        let kind = message["type"].as_str().unwrap();
        let (right, closes) = match kind {
            "watch" | "measure" => (Some(Right::Look), true),
            "join" | "say" => (Some(Right::Talk), false),
            "share" => (Some(Right::Show), false),
            "log" => (Some(Right::Log), true),
            "pause" | "resume" | "leave" | "unshare" => (None, false),
            other => panic!("which right does {other} need?"),
        };
        // A page that shows a camera has joined.
        let join = serde_json::json!({"type": "join", "name": "Ana"});
        let others = Right::ALL.into_iter().filter(|one| Some(*one) != right);
        let others: Vec<Right> = others.filter(|one| *one != Right::Talk).collect();
        let mut able = page(&hub, &others);
        assert!(say(&mut able, &join).await.is_ok_and(|held| held.is_none()));
        assert!(say(&mut able, message).await.is_ok_and(|held| held.is_none()), "{message}");
        let Some(right) = right else { continue };
        let mut unable = page(&hub, &[right]);
        if right != Right::Talk {
            assert!(say(&mut unable, &join).await.is_ok());
        }
        match say(&mut unable, message).await {
            Ok(Some(why)) => assert!(!closes && why.contains(&right.to_string()), "{why}"),
            Err(End::Close(POLICY, why)) => {
                assert!(closes && why.contains(&right.to_string()), "{message} {why}");
            }
            _ => panic!("{message} was let through without the right to {right}"),
        }
        assert!(!unable.visitor.shows() && unable.log.is_none(), "{message}");
    }
}

#[tokio::test]
async fn who_may_not_talk_is_told_of_nobody() {
    let data = tempfile::tempdir().unwrap();
    let (_, _, hub) = crate::opened(data.path());
    let golden = include_str!("../../../../wire/golden/page.json");
    let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
    let (able, mut unable) = (page(&hub, &[]), page(&hub, &[Right::Talk]));
    for message in golden["to"].as_array().unwrap() {
        let told = |page: &Page| sight::text(&hub, &page.caller, message.to_string().into());
        assert_eq!(told(&able).as_deref(), Some(&*message.to_string()));
        let kind = message["type"].as_str().unwrap();
        let is_of_people = ["people", "presence", "talk", "said"].contains(&kind);
        assert_eq!(told(&unable).is_none(), is_of_people, "{kind}");
    }
    // Once they may talk, they are told of all.
    let first = unable.visitor.next_message().await;
    assert!(first.contains("\"people\""), "{first}");
    unable.visitor.next_message().await;
    let mut sources = Sources::new(&hub, &unable.logins);
    assert!(unable.look_again(&mut sources).is_ok_and(|is_told| is_told));
    let again = timeout(Duration::from_secs(5), unable.visitor.next_message()).await.unwrap();
    assert_eq!(sight::text(&hub, &unable.caller, again), Some(first));
}

#[tokio::test]
async fn who_may_not_talk_is_not_here() {
    let data = tempfile::tempdir().unwrap();
    let (_, _, hub) = crate::opened(data.path());
    let mut page = page(&hub, &[Right::Talk]);
    for message in [
        serde_json::json!({"type": "join", "name": "Ana"}),
        serde_json::json!({"type": "say", "text": "Hello", "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}),
    ] {
        assert!(say(&mut page, &message).await.is_ok_and(|held| held.is_some()), "{message}");
    }
    assert!(!page.visitor.is_here() && hub.people.list().is_empty());
}
