//! What gateways share of the cache through a real Redis, and what they do without it.

use std::time::{Duration, Instant};

use tollgate_tests::{Answer, Authority, Config, Gateway, Redis, Upstream, request, within};

use super::{ask_all, cached, counting, get, with};

/// The config of [`cached`], for gateways that share through this Redis.
fn shared(upstream: &Upstream, redis: &Redis, settings: &str) -> Config {
    cached(upstream, "").table(&format!("[state.cache]\nredis = \"{redis}\"\n{settings}"))
}

/// A gateway that is connected.
async fn sharing(upstream: &Upstream, redis: &Redis) -> Gateway {
    connected(Gateway::start(&shared(upstream, redis, "timeout = \"5s\"")).await).await
}

async fn connected(gateway: Gateway) -> Gateway {
    gateway.metrics_with("tollgate_cache_redis_connected", &[], 1.0).await;
    gateway
}

/// Waits until as many responses are in Redis.
async fn stored(gateway: &Gateway, count: f64) {
    gateway.metrics_with("tollgate_cache_redis_stored_total", &[], count).await;
}

/// Waits until as many keys were looked up in Redis with this result.
async fn lookups(gateway: &Gateway, result: &str, count: f64) {
    gateway.metrics_with("tollgate_cache_redis_lookups_total", &[("result", result)], count).await;
}

async fn purge(gateway: &Gateway, query: &str) -> Answer {
    tollgate_tests::Client::to(gateway.admin).await.send(request("DELETE", &format!("/api/cache?{query}"), "")).await
}

/// Answers that may be kept for long.
async fn upstream() -> Upstream {
    counting(|_, answer| answer.header("cache-control", "max-age=1000").header("cache-tag", "red, blue")).await
}

#[tokio::test]
async fn what_one_gateway_has_stored_another_serves() {
    let Some(redis) = Redis::start().await else { return };
    let upstream = counting(|_, answer| {
        answer.header("cache-control", "max-age=1000").header("x-two", "a").header("x-two", "b").header("age", "100")
    })
    .await;
    let (one, other) = (sharing(&upstream, &redis).await, sharing(&upstream, &redis).await);
    assert_eq!(get(&one, "/a", &[]).await.text(), "1");
    stored(&one, 1.0).await;
    let answer = get(&other, "/a", &[]).await;
    assert_eq!((answer.status, answer.text()), (200, "1"));
    assert!(answer.header("cache-status").starts_with("tollgate; hit; ttl="), "{answer:?}");
    assert_eq!(answer.headers.get_all("x-two").iter().collect::<Vec<_>>(), ["a", "b"]);
    let age: u64 = answer.header("age").parse().unwrap();
    assert!((100..160).contains(&age), "{age}");
    // From here on it is in this one's memory, too.
    assert_eq!(get(&other, "/a", &[]).await.text(), "1");
    lookups(&other, "hit", 1.0).await;
    lookups(&other, "miss", 0.0).await;
    lookups(&one, "miss", 1.0).await;
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn simultaneous_misses_ask_redis_once() {
    let Some(redis) = Redis::start().await else { return };
    let upstream = upstream().await;
    let (one, other) = (sharing(&upstream, &redis).await, sharing(&upstream, &redis).await);
    assert_eq!(get(&one, "/", &[]).await.text(), "1");
    stored(&one, 1.0).await;
    let mut asked = ask_all(&other, 50);
    while let Some(answer) = within("an answer", asked.join_next()).await {
        assert_eq!(answer.unwrap(), (200, "1".into()));
    }
    lookups(&other, "hit", 1.0).await;
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn variants_of_one_url_are_shared_each() {
    let Some(redis) = Redis::start().await else { return };
    let upstream =
        counting(|_, answer| answer.header("cache-control", "max-age=1000").header("vary", "accept-language")).await;
    let (one, other) = (sharing(&upstream, &redis).await, sharing(&upstream, &redis).await);
    assert_eq!(get(&one, "/", &[("accept-language", "de")]).await.text(), "1");
    assert_eq!(get(&one, "/", &[("accept-language", "fr")]).await.text(), "2");
    stored(&one, 2.0).await;
    assert_eq!(get(&other, "/", &[("accept-language", "fr")]).await.text(), "2");
    assert_eq!(get(&other, "/", &[("accept-language", "de")]).await.text(), "1");
    assert_eq!(get(&other, "/", &[("accept-language", "en")]).await.text(), "3");
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test]
async fn what_was_validated_at_one_gateway_is_fresh_at_another() {
    let Some(redis) = Redis::start().await else { return };
    let upstream = counting(|seen, answer| {
        let answer = answer.header("cache-control", "max-age=2").header("etag", "\"x\"");
        if seen.headers.contains_key("if-none-match") { answer.status(304) } else { answer }
    })
    .await;
    let (one, other) = (sharing(&upstream, &redis).await, sharing(&upstream, &redis).await);
    assert_eq!(get(&one, "/", &[]).await.text(), "1");
    stored(&one, 1.0).await;
    assert_eq!(get(&other, "/", &[]).await.text(), "1");
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(get(&one, "/", &[]).await.text(), "1");
    stored(&one, 2.0).await;
    assert_eq!(upstream.seen().len(), 2, "it was validated");
    let answer = get(&other, "/", &[]).await;
    assert_eq!((answer.text(), upstream.seen().len()), ("1", 2));
    assert!(answer.header("cache-status").contains("hit"), "{answer:?}");
}

#[tokio::test]
async fn a_purge_at_one_gateway_is_a_purge_at_all() {
    let Some(redis) = Redis::start().await else { return };
    let queries = [
        ("url=http://web.example/a%3Fx%5B%5D", 1),
        ("prefix=http://web.example/a%3Fx%5B", 1),
        ("tag=blue&plugin=kept", 2),
        ("all=true", 2),
    ];
    for (number, (query, keys)) in queries.into_iter().enumerate() {
        let upstream = upstream().await;
        let config = shared(&upstream, &redis, &format!("prefix = \"case {number}\"\ntimeout = \"5s\""));
        let one = connected(Gateway::start(&config).await).await;
        let other = connected(Gateway::start(&config).await).await;
        for path in ["/a?x[]", "/b?x[]"] {
            get(&one, path, &[]).await;
        }
        stored(&one, 2.0).await;
        for path in ["/a?x[]", "/b?x[]"] {
            get(&other, path, &[]).await;
        }
        assert_eq!(upstream.seen().len(), 2, "{query}");
        let purged = purge(&one, query).await;
        let told = format!("{{\"removed\":{keys},\"removed_from_redis\":{keys}}}\n");
        assert_eq!((purged.status, purged.text()), (200, &*told), "{query}");
        other.metrics_with("tollgate_cache_redis_removals_total", &[("origin", "elsewhere")], 1.0).await;
        assert_eq!(get(&other, "/a?x[]", &[]).await.text(), "3", "{query}");
        assert_eq!(get(&other, "/b?x[]", &[]).await.text(), if keys == 2 { "4" } else { "2" }, "{query}");
    }
}

#[tokio::test]
async fn an_unsafe_request_through_one_gateway_removes_what_another_has() {
    let Some(redis) = Redis::start().await else { return };
    let upstream = upstream().await;
    let (one, other) = (sharing(&upstream, &redis).await, sharing(&upstream, &redis).await);
    assert_eq!(get(&one, "/a", &[]).await.text(), "1");
    stored(&one, 1.0).await;
    assert_eq!(get(&other, "/a", &[]).await.text(), "1");
    let put = with(request("PUT", "/a", ""), &[("host", "web.example")]);
    assert_eq!(one.send(put).await.status, 200);
    other.metrics_with("tollgate_cache_redis_removals_total", &[("origin", "elsewhere")], 1.0).await;
    assert_eq!(get(&other, "/a", &[]).await.text(), "3");
    assert_eq!(get(&one, "/a", &[]).await.text(), "4", "what is stored right after a removal may be from before");
}

#[tokio::test]
async fn a_gateway_starts_without_redis_and_uses_it_once_it_is_there() {
    let Some(mut redis) = Redis::prepared(&[]).await else { return };
    let upstream = upstream().await;
    let gateway = Gateway::start(&shared(&upstream, &redis, "")).await;
    assert_eq!(get(&gateway, "/", &[]).await.text(), "1");
    assert_eq!(get(&gateway, "/", &[]).await.text(), "1", "its own memory does");
    gateway.log().line_with("goes on without Redis").await;
    redis.run().await;
    let gateway = connected(gateway).await;
    get(&gateway, "/new", &[]).await;
    stored(&gateway, 1.0).await;
    let told = gateway.log().lines().iter().filter(|line| line.contains("goes on without Redis")).count();
    assert_eq!(told, 1, "once for as long as it is away");
}

#[tokio::test]
async fn redis_may_go_and_come_back_and_what_was_removed_meanwhile_does_not() {
    let Some(redis) = Redis::start().await else { return };
    let upstream = upstream().await;
    let (one, other) = (sharing(&upstream, &redis).await, sharing(&upstream, &redis).await);
    get(&one, "/a", &[]).await;
    stored(&one, 1.0).await;
    assert_eq!(get(&other, "/a", &[]).await.text(), "1");
    // Deaf, not gone: what it has it keeps.
    redis.signal("STOP");
    assert_eq!(get(&one, "/b", &[]).await.text(), "2", "whoever misses is late, not refused");
    one.metrics_with("tollgate_cache_redis_connected", &[], 0.0).await;
    let began = Instant::now();
    assert_eq!(get(&one, "/c", &[]).await.text(), "3");
    assert!(began.elapsed() < Duration::from_secs(5), "nobody waits for who is known to be away");
    let purged = purge(&one, "url=http://web.example/a").await;
    assert_eq!((purged.status, purged.text()), (202, "{\"removed\":1,\"removed_from_redis\":null}\n"));
    one.metrics_with("tollgate_cache_redis_removals_pending", &[], 1.0).await;
    redis.signal("CONT");
    let one = connected(one).await;
    other.metrics_with("tollgate_cache_redis_removals_total", &[("origin", "elsewhere")], 1.0).await;
    assert_eq!(get(&other, "/a", &[]).await.text(), "4");
    one.metrics_with("tollgate_cache_redis_removals_pending", &[], 0.0).await;
}

#[tokio::test]
async fn a_redis_that_lost_all_it_had_leaves_no_gateway_with_what_may_be_removed() {
    let Some(mut redis) = Redis::start().await else { return };
    let upstream = upstream().await;
    let gateway = sharing(&upstream, &redis).await;
    get(&gateway, "/a", &[]).await;
    stored(&gateway, 1.0).await;
    redis.kill();
    gateway.metrics_with("tollgate_cache_redis_connected", &[], 0.0).await;
    redis.run().await;
    let gateway = connected(gateway).await;
    assert_eq!(get(&gateway, "/a", &[]).await.text(), "2");
}

#[tokio::test]
async fn a_redis_that_does_not_answer_costs_a_request_no_more_than_its_timeout() {
    let Some(redis) = Redis::start().await else { return };
    let upstream = upstream().await;
    let config = shared(&upstream, &redis, "timeout = \"300ms\"");
    let gateway = connected(Gateway::start(&config).await).await;
    redis.signal("STOP");
    let began = Instant::now();
    assert_eq!(get(&gateway, "/", &[]).await.text(), "1");
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(300), "{took:?}: it was asked");
    lookups(&gateway, "late", 1.0).await;
    redis.signal("CONT");
}

#[tokio::test]
async fn what_is_no_response_in_redis_is_not_served() {
    let Some(redis) = Redis::start().await else { return };
    let upstream = upstream().await;
    let (one, other) = (sharing(&upstream, &redis).await, sharing(&upstream, &redis).await);
    get(&one, "/a", &[]).await;
    stored(&one, 1.0).await;
    let name = redis.ask(&["KEYS", "tollgate:1:responses:*"]);
    let field = redis.ask(&["HKEYS", &name]).lines().find(|field| field.starts_with('r')).unwrap().to_owned();
    redis.ask(&["HSET", &name, &field, "no such thing"]);
    assert_eq!(get(&other, "/a", &[]).await.text(), "2");
    other.log().line_with("is not used").await;
    lookups(&other, "failed", 1.0).await;
    // A name of ours that is something else.
    get(&one, "/b", &[]).await;
    redis.ask(&["SET", &name.replace("/a", "/c"), "no hash"]);
    assert_eq!(get(&one, "/c", &[]).await.text(), "4");
    // One bad name is not the end.
    connected(one).await;
}

#[tokio::test]
async fn a_body_larger_than_allowed_stays_in_one_memory() {
    let Some(redis) = Redis::start().await else { return };
    let upstream = Upstream::handling(|seen| {
        let body = "x".repeat(if seen.path == "/large" { 3000 } else { 2000 });
        http::Response::builder()
            .header("cache-control", "max-age=1000")
            .body(http_body_util::Full::new(body.into()))
            .unwrap()
    })
    .await;
    let gateway = connected(Gateway::start(&shared(&upstream, &redis, "object = \"2500B\"")).await).await;
    for path in ["/large", "/small"] {
        get(&gateway, path, &[]).await;
        get(&gateway, path, &[]).await;
    }
    stored(&gateway, 1.0).await;
    assert_eq!(upstream.seen().len(), 2);
    assert!(redis.ask(&["KEYS", "*responses*"]).contains("/small"));
}

#[tokio::test]
async fn a_password_comes_from_the_environment_and_a_wrong_one_is_said() {
    let Some(mut redis) = Redis::prepared(&["--requirepass", "open sesame"]).await else { return };
    redis.run().await;
    let upstream = upstream().await;
    let address = format!("redis://:${{env.REDIS_PASSWORD}}@127.0.0.1:{}", redis.port());
    let config = cached(&upstream, "").table(&format!("[state.cache]\nredis = \"{address}\""));
    let right = Gateway::with(&config).environment("REDIS_PASSWORD", "open%20sesame").start().await;
    let right = connected(right).await;
    let wrong = Gateway::with(&config).environment("REDIS_PASSWORD", "sesame").start().await;
    let line = wrong.log().line_with("goes on without Redis").await;
    assert!(line.to_lowercase().contains("password"), "{line}");
    assert!(!line.contains("sesame") && !right.log().text().contains("sesame"), "{line}");
    assert_eq!(get(&wrong, "/", &[]).await.text(), "1");
}

#[tokio::test]
async fn a_redis_behind_tls_has_to_prove_who_it_is() {
    let authority = Authority::new();
    let (certificate, key) = authority.pem_identity("localhost");
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (certificate, key) = (file("certificate", &certificate), file("key", &key));
    let port = Upstream::refusing_port().await;
    let tls = ["--tls-port", &port.to_string(), "--tls-auth-clients", "no"];
    let files = ["--tls-cert-file", &certificate, "--tls-key-file", &key];
    let Some(mut redis) = Redis::prepared(&[tls, files].concat()).await else { return };
    redis.run().await;
    let upstream = upstream().await;
    let config = cached(&upstream, "").table(&format!("[state.cache]\nredis = \"rediss://localhost:{port}\""));
    let trusting = Gateway::with(&config.clone().table("[outbound]\ntrusted_ca = \"ca.pem\""));
    let trusting = connected(trusting.file("ca.pem", authority.pem()).start().await).await;
    get(&trusting, "/", &[]).await;
    stored(&trusting, 1.0).await;
    let wary = Gateway::start(&config).await;
    wary.log().line_with("goes on without Redis").await;
    assert_eq!(get(&wary, "/", &[]).await.text(), "2");
}

#[tokio::test]
async fn what_a_gateway_was_asked_to_remove_is_removed_before_it_ends() {
    let Some(redis) = Redis::start().await else { return };
    let upstream = upstream().await;
    let gateway = sharing(&upstream, &redis).await;
    get(&gateway, "/a", &[]).await;
    stored(&gateway, 1.0).await;
    let put = with(request("PUT", "/a", ""), &[("host", "web.example")]);
    gateway.send(put).await;
    assert!(gateway.stop().await.success());
    assert_eq!(redis.ask(&["KEYS", "*responses*"]), "");
}
