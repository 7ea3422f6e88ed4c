//! A broker by itself, to run other programs against: `serve ADDRESS [DENY]...`.
//!
//! ADDRESS is an address and port of this machine, DENY a topic filter that nobody may use. The
//! broker serves until it is killed.

use broker::{Broker, Section};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:1883".to_owned()).parse()?;
    let section = Section { listen, deny: arguments.collect(), ..Section::default() };
    let broker = Broker::bind(section.check()?).await?;
    println!("ready mqtt://{}", broker.local_addr());
    broker.run(std::future::pending()).await?;
    Ok(())
}
