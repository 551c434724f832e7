//! Hearing what other gateways removed: a stream in Redis, read from where it was left.

use std::collections::HashMap;

use bytes::Bytes;
use redis::aio::MultiplexedConnection as Connection;
use redis::{RedisResult, cmd};

use super::connect::LISTEN;
use super::removal::Removal;

/// Removals read at once.
const BATCH: usize = 1_000;

/// A place in the stream: what is there up to it was heard. Redis' milliseconds and a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64, u64);

/// An item of a stream: its id and its fields.
type Item = (String, HashMap<Bytes, Bytes>);

impl Place {
    const START: Self = Self(0, 0);

    /// Ids are Redis' own, and none of them cannot be read; one that could not would be heard again.
    fn of(id: &str) -> Self {
        let parts = id.split_once('-').and_then(|(ms, number)| Some(Self(ms.parse().ok()?, number.parse().ok()?)));
        parts.unwrap_or(Self::START)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

/// Where the stream ends.
pub(super) async fn end(connection: &mut Connection, stream: &str) -> RedisResult<Place> {
    let last: Vec<Item> =
        cmd("XREVRANGE").arg(stream).arg("+").arg("-").arg("COUNT").arg(1).query_async(connection).await?;
    Ok(place_of_first(&last))
}

/// Whether what came after a place is all still there. Where that is not certain, it is not.
pub(super) async fn is_whole_since(connection: &mut Connection, stream: &str, place: Place) -> RedisResult<bool> {
    let first: Vec<Item> =
        cmd("XRANGE").arg(stream).arg("-").arg("+").arg("COUNT").arg(1).query_async(connection).await?;
    let first = place_of_first(&first);
    Ok(first != Place::START && first <= place)
}

/// Waits for what others removed. Empty if there was nothing for a while.
pub(super) async fn next(
    connection: &mut Connection,
    stream: &str,
    node: &str,
    place: &mut Place,
) -> RedisResult<Vec<Removal>> {
    let mut read = cmd("XREAD");
    read.arg("COUNT").arg(BATCH).arg("BLOCK").arg(LISTEN.as_secs() * 1000).arg("STREAMS").arg(stream);
    let read: Option<Vec<(String, Vec<Item>)>> = read.arg(place.to_string()).query_async(connection).await?;
    let items = read.into_iter().flatten().flat_map(|(_, items)| items);
    let mut removals = Vec::new();
    for (id, fields) in items {
        *place = Place::of(&id).max(*place);
        let text = |bytes: Bytes| String::from_utf8_lossy(&bytes).into_owned();
        let fields: HashMap<_, _> = fields.into_iter().map(|(name, value)| (text(name), text(value))).collect();
        if fields.get("from").is_none_or(|from| from != node) {
            removals.push(Removal::read(&fields));
        }
    }
    Ok(removals)
}

fn place_of_first(items: &[Item]) -> Place {
    items.first().map_or(Place::START, |(id, _)| Place::of(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_order_of_the_stream() {
        assert!(Place::of("9-0") < Place::of("10-0") && Place::of("10-0") < Place::of("10-1"));
        assert_eq!((Place::of("12-3").to_string(), Place::of("no id")), ("12-3".into(), Place::START));
    }
}
