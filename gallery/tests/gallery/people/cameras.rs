//! The cameras that pages show.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_its_camera_to_the_others() {
    let house = House::open().await;
    let mut listener = Listener::new(&house).await;
    let (mut ana, mut li) = (Page::open_at(&house, "/ws?camera").await, Page::open(&house).await);
    let you = ana.join("Ana", None).await;
    ana.share().await;
    let camera: CameraId = format!("web-{}/camera", you.id).parse().unwrap();
    let seen = li.camera(|found| found.camera == camera && found.state == CameraState::Idle).await;
    assert_eq!((seen.name.as_str(), seen.kind), ("Ana's phone", wire::Kind::Browser));
    li.sees(|present| present.camera.as_ref() == Some(&camera)).await;
    // The preview, while nobody looks.
    let wanted = |told| match told {
        ToPage::Wanted { full, preview, .. } => Some((full, preview)),
        _ => None,
    };
    assert_eq!(ana.find(wanted).await, (0.0, 1.0));
    ana.show(1, 3, 10.0, &jpeg()).await;
    let got = |told| if let ToPage::Got { seq } = told { Some(seq) } else { None };
    assert_eq!(ana.find(got).await, 1);
    // Somebody looks.
    li.watch(&camera, 30.0).await;
    loop {
        let ToPage::Wanted { full, half, quarter, .. } = ana.told().await else { continue };
        if full + half + quarter >= 30.0 {
            break;
        }
    }
    li.camera(|found| found.camera == camera && found.state == CameraState::Live).await;
    for seq in 2..200 {
        for size in 0..3 {
            ana.show(seq, size, 40.0, &jpeg()).await;
            assert_eq!(ana.find(got).await, seq);
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
        if li.frames_so_far().await > 0 {
            break;
        }
    }
    let (header, _) = li.frame().await;
    li.answer([header.serial]).await;
    let age = header.sent - header.captured;
    assert!((9.0..20_000.0).contains(&age), "{age}");
    // No longer shown: marked as ended, then gone with all its facts.
    ana.say(&FromPage::Unshare).await;
    let off = li.camera(|found| found.camera == camera && found.state == CameraState::Off).await;
    assert_eq!(off.detail, "Ana stopped showing");
    ana.show(300, 0, 0.0, &jpeg()).await;
    assert!(ana.closed().await.1.contains("no camera"), "frames after the end");
    loop {
        if let ToPage::Cameras { cameras, .. } = li.told().await
            && cameras.is_empty()
        {
            break;
        }
    }
    while !listener.next(&Topic::State(camera.clone())).await.is_empty() {}
    while !listener.next(&Topic::Info(camera.node.clone())).await.is_empty() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cameras_that_a_dead_gallery_spoke_for_are_gone_and_cleared() {
    let house = House::open().await;
    let mut other = House::beside(&house).await;
    let (mut li, mut ana) = (Page::open(&house).await, Page::open_at(&other, "/ws?camera").await);
    let you = ana.join("Ana", None).await;
    ana.share().await;
    let camera: CameraId = format!("web-{}/camera", you.id).parse().unwrap();
    li.camera(|found| found.camera == camera).await;
    other.gallery.die();
    loop {
        if let ToPage::Cameras { cameras, .. } = li.told().await
            && cameras.is_empty()
        {
            break;
        }
    }
    let mut listener = Listener::new(&house).await;
    other.start().await;
    while !listener.next(&Topic::State(camera.clone())).await.is_empty() {}
    while !listener.next(&Topic::Info(camera.node.clone())).await.is_empty() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_is_shown_only_by_who_joined_and_only_as_pictures() {
    let house = House::open().await;
    // Nobody has joined.
    let mut page = Page::open_at(&house, "/ws?camera").await;
    page.share().await;
    assert!(page.closed().await.1.contains("join before"));
    // Not on the page's usual socket.
    let mut page = Page::open(&house).await;
    page.join("Ana", None).await;
    page.share().await;
    assert!(page.closed().await.1.contains("/ws?camera"));
    // A frame without a camera, small and large.
    for size in [100, 100_000] {
        let mut page = Page::open_at(&house, "/ws?camera").await;
        page.join("Ana", None).await;
        page.show(1, 0, 0.0, &vec![7; size]).await;
        let (code, reason) = page.closed().await;
        assert!([1008, 1009].contains(&code), "{code} {reason}");
    }
    // Rubbish, a picture without its end, and one of size zero.
    let jpeg = jpeg();
    for bad in [vec![7; 100_000], jpeg[..jpeg.len() - 2].to_vec(), b"\xff\xd8\xff\xd9".to_vec()] {
        let mut page = Page::open_at(&house, "/ws?camera").await;
        page.join("Ana", None).await;
        page.share().await;
        page.show(5, 0, 0.0, &bad).await;
        let (code, reason) = page.closed().await;
        assert!(code == 1008 && reason.contains("frame 5"), "{code} {reason}");
    }
    // An endless message.
    let mut page = Page::open_at(&house, "/ws?camera").await;
    page.join("Ana", None).await;
    page.share().await;
    let piece = Bytes::from(vec![7; 1024 * 1024]);
    let mut pieces = 0;
    loop {
        let opcode = OpCode::Data(if pieces == 0 { Data::Binary } else { Data::Continue });
        let frame = Frame::message(piece.clone(), opcode, false);
        if soon(page.socket.send(Message::Frame(frame))).await.is_err() {
            break;
        }
        pieces += 1;
        assert!(pieces < 100, "it goes on forever");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_a_camera_is_told_how_many_look() {
    let house = House::open().await;
    let mut ana = Page::open_at(&house, "/ws?camera").await;
    let you = ana.join("Ana", None).await;
    ana.share().await;
    let looking = |n: u32| {
        move |told: ToPage| match told {
            ToPage::Wanted { looking, .. } => (looking == n).then_some(()),
            _ => None,
        }
    };
    ana.find(looking(0)).await;
    let camera: CameraId = format!("web-{}/camera", you.id).parse().unwrap();
    let (mut li, mut bo) = (Page::open(&house).await, Page::open(&house).await);
    li.camera(|shown| shown.camera == camera).await;
    li.watch(&camera, 10.0).await;
    ana.find(looking(1)).await;
    bo.camera(|shown| shown.camera == camera).await;
    bo.watch(&camera, 1.0).await;
    ana.find(looking(2)).await;
    li.say(&FromPage::Pause).await;
    ana.find(looking(1)).await;
    drop(bo);
    ana.find(looking(0)).await;
}
