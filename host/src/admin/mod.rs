//! TEMP
use std::sync::Arc;
pub async fn serve(_l: tokio::net::TcpListener, _s: Arc<crate::reload::Status>, _m: Arc<crate::telemetry::metrics::Registry>, mut stopping: tokio::sync::watch::Receiver<bool>) { let _ = stopping.wait_for(|s| *s).await; }
