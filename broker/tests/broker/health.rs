//! The death of a broker's part shows in its health.

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::running::{SOON, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_died_is_named_and_the_rest_goes_on() {
    let broker = start().await;
    assert_eq!(broker.health.check(), Ok(()));
    let what = format!("the broker's listener at {}", broker.address);
    let dies = async {
        while broker.health.check().is_ok() {
            broker.health.kill(&what);
            // Each accepted connection is a sign of life.
            let _ = TcpStream::connect(broker.address).await;
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, dies).await.expect("it is seen");
    let told = broker.health.check().unwrap_err();
    assert!(told.starts_with(&format!("{what} was ended")), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_stopped_is_no_dead_one() {
    let broker = start().await;
    let health = broker.health.clone();
    broker.stop().await;
    assert_eq!(health.check(), Ok(()));
}
