//! Topic aliases, in both directions.

use crate::raw::{Connect, Raw, V5, V311, publish_with};
use crate::running::start;

#[tokio::test]
async fn an_alias_of_a_client_stands_for_its_topic_and_goes_no_further() {
    let broker = start().await;
    let mut new = Raw::connect(broker.address, V5, "new").await;
    let mut old = Raw::connect(broker.address, V311, "old").await;
    new.subscribe(&[("#", 1)]).await;
    old.subscribe(&[("#", 1)]).await;
    let connect = Connect::lasting(V5, "publisher");
    let mut publisher = Raw::enter(broker.address, V5, &connect.bytes()).await;
    let alias = [0x23, 0, 64];
    for (sent, topic) in [("first", "first"), ("", "first"), ("then", "then"), ("", "then")] {
        publisher.send(&publish_with(V5, sent, b"x", 0, false, &alias)).await;
        for subscriber in [&mut new, &mut old] {
            let message = subscriber.published().await;
            assert_eq!((&*message.topic, &*message.properties), (topic, &[][..]));
        }
    }
    // Aliases end with the connection; the session does not.
    publisher.leave().await;
    let (mut publisher, is_old) = Raw::return_to(broker.address, &connect).await;
    assert!(is_old);
    publisher.send(&publish_with(V5, "", b"x", 0, false, &alias)).await;
    publisher.is_refused(0x82).await;
    broker.stop().await;
}

#[tokio::test]
async fn a_client_that_takes_aliases_is_given_as_many_as_it_takes() {
    let broker = start().await;
    let connect = Connect { properties: &[0x22, 0, 2], ..Connect::new(V5, "client") };
    let mut client = Raw::enter(broker.address, V5, &connect.bytes()).await;
    client.subscribe(&[("#", 2)]).await;
    let mut publisher = Raw::connect(broker.address, V5, "publisher").await;
    for (qos, topic, sent, alias) in [
        (0, "topic/1", "topic/1", &[0x23, 0, 1][..]),
        (1, "topic/1", "", &[0x23, 0, 1]),
        (2, "topic/2", "topic/2", &[0x23, 0, 2]),
        (0, "topic/3", "topic/3", &[]),
        (0, "topic/1", "", &[0x23, 0, 1]),
        (0, "topic/2", "", &[0x23, 0, 2]),
    ] {
        publisher.publish(topic, b"x", qos, false).await;
        let message = client.published().await;
        assert_eq!((&*message.topic, &*message.properties), (sent, alias));
    }
    broker.stop().await;
}
