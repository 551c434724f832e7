//! `tollgate demo`: a real gateway with small services behind it, in this process.
//!
//! It shows what a gateway is for without anything else installed, and with `--once` it is the
//! shortest test of everything together. Absent on purpose: shortcuts. The gateway is the one `run`
//! starts, its config is a file, and the requests go over TCP.

mod check;
mod client;
mod folder;
mod guide;
mod services;
mod steps;
mod token;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use self::folder::Folder;
use self::services::Services;
use self::steps::steps;
use self::token::Issuer;
use super::Failed;
use crate::run::{self, Running};
use crate::{lock, telemetry};

/// Where the gateway listens if it may.
const USUAL_PORT: u16 = 8080;
/// Longest wait for `/readyz`.
const READY_WITHIN: Duration = Duration::from_secs(10);
const READY_POLL: Duration = Duration::from_millis(20);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Make the requests, check each answer, and end: code 0 only if all are right
    #[arg(long)]
    once: bool,
    /// Port of 127.0.0.1 the gateway listens on, 0 for any free one [default: 8080 where it is free]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failed> {
    let _log = telemetry::log::start(tracing::Level::WARN)?;
    let issuer = Issuer::new()?;
    let services = Services::start()?;
    let folder = Folder::create()?;
    let config = folder.write_config(&folder::Values {
        listen: local(port(arguments)),
        access: if arguments.once { "off" } else { "stdout" },
        users: services.users,
        orders: services.orders,
        products: services.products,
        secret: issuer.secret(),
    })?;
    let gateway = run::start(&config, lock::Mode::Warn)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = show(arguments, &runtime, &gateway, &issuer, &folder);
    gateway.stop();
    done
}

fn show(
    arguments: &Arguments,
    runtime: &Runtime,
    gateway: &Running,
    issuer: &Issuer,
    folder: &Folder,
) -> Result<(), Failed> {
    let (Some(address), Some(admin)) = (gateway.addresses.first().copied(), gateway.admin) else {
        return Err(Failed("error: the demo's gateway has no address".into()));
    };
    runtime.block_on(ready(admin))?;
    let steps = steps(address, admin, &issuer.tokens()?);
    if arguments.once {
        return runtime.block_on(check::all(&steps));
    }
    guide::print(&steps, address, admin, &folder.config());
    runtime.block_on(interrupted())?;
    Ok(())
}

async fn ready(admin: SocketAddr) -> Result<(), Failed> {
    let ready = async {
        loop {
            match client::send(&client::Request::get(admin, "/readyz")).await {
                Ok(reply) if reply.status == 200 => return,
                _ => tokio::time::sleep(READY_POLL).await,
            }
        }
    };
    let late = |_| Failed(format!("error: the gateway was not ready within {READY_WITHIN:?}"));
    tokio::time::timeout(READY_WITHIN, ready).await.map_err(late)
}

async fn interrupted() -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    Ok(())
}

/// The port that was asked for, or the usual one if nobody has it.
fn port(arguments: &Arguments) -> u16 {
    match arguments.port {
        Some(port) => port,
        None if arguments.once || TcpListener::bind(local(USUAL_PORT)).is_err() => 0,
        None => USUAL_PORT,
    }
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
