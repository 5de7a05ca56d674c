//! Starts a node in memory, appends an event with the official client, and reads it back.

use kurrentdb::{AppendToStreamOptions, Client, EventData, ReadStreamOptions, StreamPosition};
use peerage_embedded::EmbeddedNode;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = EmbeddedNode::builder().in_memory().start().await?;
    let client = Client::new(node.connection_string().parse()?)?;

    let event = EventData::binary("Greeted", "hello".into());
    client
        .append_to_stream("greetings", &AppendToStreamOptions::default(), event)
        .await?;

    let options = ReadStreamOptions::default()
        .position(StreamPosition::Start)
        .forwards();
    let mut events = client.read_stream("greetings", &options).await?;
    while let Some(event) = events.next().await? {
        let event = event.get_original_event();
        println!("{} {}: {:?}", event.revision, event.event_type, event.data);
    }
    node.shutdown().await;
    Ok(())
}
