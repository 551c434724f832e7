//! Bodies that are far larger than what the gateway may hold of them.

use tollgate_tests::{Upstream, config};

use super::filters::{filter, start};
use super::with_p;

const MIB: usize = 1024 * 1024;
const SIZE: usize = 64 * MIB;

#[tokio::test]
async fn an_answer_of_many_mebibytes_passes_with_flat_memory_however_slowly_it_is_read() {
    let upstream = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write(format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n")).await;
        for _ in 0..SIZE / MIB {
            wire.write(vec![b'x'; MIB]).await;
        }
        wire.closed().await;
    })
    .await;
    let ready = Upstream::answering("ok").await;
    let gateway = start(
        &config()
            .workers(1)
            .upstream("web", [&upstream])
            .upstream("ready", [&ready])
            .plugin("p", &filter(r#"response = ["upper"]"#))
            .route("/healthy", "ready")
            .route_with("/p", "web", "plugins = [\"p\"]"),
    )
    .await;
    gateway.get("/healthy").await;
    let before = gateway.peak_memory_from_now_on();
    let mut client = gateway.raw().await;
    client.write("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.read_until("\r\n\r\n").await;
    // Nobody reads meanwhile.
    for _ in 0..50 {
        assert_eq!(gateway.get("/healthy").await.text(), "ok");
    }
    let mut length = 0;
    loop {
        let size = client.read_until("\r\n").await;
        let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
        let chunk = client.exactly(size + 2).await;
        assert!(chunk[..size].iter().all(|byte| *byte == b'X'));
        length += size;
        if size == 0 {
            break;
        }
    }
    assert_eq!(length, SIZE);
    let grown = gateway.peak_memory() - before;
    assert!(grown < SIZE as u64 / 4, "it took {} MiB more", grown >> 20);
}

#[tokio::test]
async fn an_upload_of_many_mebibytes_passes_with_flat_memory() {
    let upstream = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        let length = wire.chunks_all(b'X').await;
        wire.write(format!("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{length:08}")).await;
        wire.closed().await;
    })
    .await;
    let config = with_p(&upstream, &filter(r#"request = ["upper"]"#)).limit("body = \"64MiB\"");
    let gateway = start(&config).await;
    let before = gateway.peak_memory_from_now_on();
    let mut client = gateway.raw().await;
    client.write(format!("POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: {SIZE}\r\n\r\n")).await;
    for _ in 0..SIZE / MIB {
        client.write(vec![b'x'; MIB]).await;
    }
    assert_eq!(client.answer().await.text(), format!("{SIZE:08}"));
    let grown = gateway.peak_memory() - before;
    assert!(grown < SIZE as u64 / 4, "it took {} MiB more", grown >> 20);
}
