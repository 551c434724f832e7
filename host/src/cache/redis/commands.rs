//! What is asked of Redis, in its words. Version 7.0 or later: `PEXPIRE` with `NX` and `GT`.
//!
//! A key's responses are one hash: `r` and the selector is a response, `t` and the selector are its
//! tags, so that a purge by tag reads no bodies.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redis::aio::MultiplexedConnection as Connection;
use redis::{RedisResult, cmd, pipe};

use super::super::entry::{Entry, MAX_VARIANTS};
use super::names::Names;
use super::record::{self, Broken};
use super::removal::{Removal, What};

/// For how long after a removal nothing is stored in its place. A gateway hears of a removal in this
/// time, or not at all; before it does, it may store what it fetched before.
const REMOVED: Duration = Duration::from_secs(2);
/// Removals that are kept, about, for gateways that were away. Who was away for more forgets all.
const KEPT_REMOVALS: usize = 10_000;
/// Names looked at in one step of a purge.
const STEP: usize = 1_000;

/// A step of its own in Redis: nobody reads what is stored in the place of what was just removed. Of
/// too many variants none is worth much. The hash lives as long as the response that is kept longest.
const STORE: &str = r"
for place = 2, 4 do
  if redis.call('EXISTS', KEYS[place]) == 1 then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if ARGV[4] == '' then
  redis.call('HDEL', KEYS[1], ARGV[3])
else
  redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
end
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[6]) then
  redis.call('UNLINK', KEYS[1])
  return 0
end
redis.call('PEXPIRE', KEYS[1], ARGV[5], 'NX')
redis.call('PEXPIRE', KEYS[1], ARGV[5], 'GT')
return 1
";

const RESPONSE: u8 = b'r';
const TAGS: u8 = b't';

/// What is stored under a key, the oldest first, and what is wrong with the rest.
pub(super) async fn lookup(
    connection: &mut Connection,
    names: &Names,
    plugin: &str,
    key: &str,
) -> RedisResult<(Vec<Arc<Entry>>, Option<Broken>)> {
    let found: Vec<(Bytes, Bytes)> = cmd("HGETALL").arg(names.responses(plugin, key)).query_async(connection).await?;
    let (mut entries, mut broken) = (Vec::new(), None);
    for (field, bytes) in found {
        let Some((&RESPONSE, selector)) = field.split_first() else { continue };
        match record::read(String::from_utf8_lossy(selector).into_owned(), &bytes) {
            Ok(entry) => entries.extend(entry),
            Err(problem) => broken = Some(problem),
        }
    }
    entries.sort_by_key(|entry| entry.stored_at);
    Ok((entries, broken))
}

/// Writes a response, unless its key was just removed: what was fetched before must not come back.
/// True if it is there.
pub(super) async fn store(
    connection: &mut Connection,
    names: &Names,
    plugin: &str,
    key: &str,
    entry: &Entry,
) -> RedisResult<bool> {
    let kept = &entry.kept;
    let field = |kind: u8| [&[kind], kept.selector.as_bytes()].concat();
    let unwritable = |Broken(why)| redis::RedisError::from((redis::ErrorKind::Client, why));
    let tags = if kept.tags.is_empty() { Vec::new() } else { record::write_tags(&kept.tags).map_err(unwritable)? };
    let mut script = cmd("EVAL");
    script.arg(STORE).arg(4).arg(names.responses(plugin, key));
    script.arg(names.removed_key(plugin, key)).arg(names.removed_some(plugin)).arg(names.removed_all());
    script.arg(field(RESPONSE)).arg(record::write(entry).map_err(unwritable)?).arg(field(TAGS)).arg(tags);
    script.arg(record::keep_ms(kept.keep)).arg(2 * MAX_VARIANTS);
    script.query_async(connection).await
}

/// Removes, and tells the other gateways. Returns how many keys are gone.
pub(super) async fn remove(
    connection: &mut Connection,
    names: &Names,
    node: &str,
    removal: &Removal,
) -> RedisResult<u64> {
    let mut step = pipe();
    let step = step.atomic();
    let plugin = removal.plugin.as_deref();
    let mark = match (plugin, &removal.what) {
        (Some(plugin), What::Key(key)) => names.removed_key(plugin, key),
        (Some(plugin), _) => names.removed_some(plugin),
        (None, _) => names.removed_all(),
    };
    let single = match (plugin, &removal.what) {
        (Some(plugin), What::Key(key)) => Some(names.responses(plugin, key)),
        _ => None,
    };
    // Without a single key nothing is unlinked here, and the number is 0.
    step.cmd("UNLINK").arg(single.as_deref().unwrap_or(&mark));
    step.cmd("SET").arg(&mark).arg(1).arg("PX").arg(milliseconds(REMOVED)).ignore();
    let add = step.cmd("XADD").arg(names.removals()).arg("MAXLEN").arg("~").arg(KEPT_REMOVALS).arg("*");
    add.arg("from").arg(node);
    for (name, value) in removal.fields() {
        add.arg(name).arg(value);
    }
    add.ignore();
    let (gone,): (u64,) = step.query_async(connection).await?;
    if single.is_some() { Ok(gone) } else { sweep(connection, names, removal).await }
}

/// Goes through all names step by step: Redis serves others meanwhile.
async fn sweep(connection: &mut Connection, names: &Names, removal: &Removal) -> RedisResult<u64> {
    let plugin = removal.plugin.as_deref();
    let prefix = match &removal.what {
        What::Key(text) | What::Url(text) | What::Prefix(text) => text,
        What::Tag(_) | What::All => "",
    };
    let pattern = names.pattern(plugin, prefix);
    let (mut cursor, mut gone) = (0_u64, 0);
    loop {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(STEP).arg("TYPE").arg("hash");
        let (next, mut found): (u64, Vec<String>) = scan.query_async(connection).await?;
        match &removal.what {
            What::Tag(tag) => found = with_tag(connection, found, tag).await?,
            What::Url(_) => found.retain(|name| {
                let key = plugin.and_then(|plugin| names.key_of(plugin, name));
                key.zip(removal.what.as_purge()).is_none_or(|(key, purge)| purge.fits_key(key))
            }),
            What::Key(_) | What::Prefix(_) | What::All => {}
        }
        if !found.is_empty() {
            gone += cmd("UNLINK").arg(&found).query_async::<u64>(connection).await?;
        }
        if next == 0 {
            return Ok(gone);
        }
        cursor = next;
    }
}

/// Those of the hashes that have a response with the tag.
async fn with_tag(connection: &mut Connection, found: Vec<String>, tag: &str) -> RedisResult<Vec<String>> {
    if found.is_empty() {
        return Ok(found);
    }
    let mut step = pipe();
    for name in &found {
        step.cmd("HKEYS").arg(name);
    }
    let fields: Vec<Vec<Bytes>> = step.query_async(connection).await?;
    let mut step = pipe();
    let mut tagged = Vec::new();
    for (name, fields) in found.into_iter().zip(fields) {
        let tags: Vec<&[u8]> =
            fields.iter().map(|field| &field[..]).filter(|field| field.first() == Some(&TAGS)).collect();
        if !tags.is_empty() {
            step.cmd("HMGET").arg(&name).arg(tags);
            tagged.push(name);
        }
    }
    if tagged.is_empty() {
        return Ok(tagged);
    }
    let tags: Vec<Vec<Option<Bytes>>> = step.query_async(connection).await?;
    let has = |tags: &Vec<Option<Bytes>>| tags.iter().flatten().any(|bytes| record::has_tag(bytes, tag));
    Ok(tagged.into_iter().zip(tags).filter(|(_, tags)| has(tags)).map(|(name, _)| name).collect())
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
