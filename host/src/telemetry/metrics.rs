//! TEMP
use std::time::Duration;
use crate::plugin::state::Hook as PHook;
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerId(pub usize);
#[derive(Debug, Clone, Default)]
pub struct Registry;
#[derive(Debug, Default)]
pub struct LiveSnapshot;
#[derive(Debug, Default)]
pub struct RouteMetrics;
#[derive(Debug, Default)]
pub struct PluginMetrics;
impl Registry {
    pub fn plugin(&self, _w: WorkerId, _n: &str) -> PluginMetrics { PluginMetrics }
    pub fn route(&self, _w: WorkerId, _n: &str) -> RouteMetrics { RouteMetrics }
    pub fn live_snapshot(&self) -> LiveSnapshot { LiveSnapshot }
}
impl RouteMetrics { pub fn record(&self, _s: u16, _d: Duration, _i: u64, _o: u64) {} }
impl PluginMetrics {
    pub fn call(&self, _h: PHook, _v: &str, _c: Duration) {}
    pub fn error(&self, _h: PHook, _r: &str) {}
    pub fn instance_created(&self) {}
    pub fn instance_gone(&self) {}
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook { Request }
impl Hook { pub fn as_str(self) -> &'static str { "" } }
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict { Next, Respond }
impl Verdict { pub fn as_str(self) -> &'static str { "" } }

#[derive(Debug, Default)]
pub struct C;
impl C { pub fn add(&self, _n: u64) {} }
#[derive(Debug, Default)]
pub struct WorkerMetrics { pub access_lines_dropped: C, pub connections: C }
impl WorkerId { pub const ACCESS_LOG: Self = Self(usize::MAX); }
impl Registry {
    pub fn worker(&self, _w: WorkerId) -> std::sync::Arc<WorkerMetrics> { std::sync::Arc::default() }
    pub fn upstream(&self, _w: WorkerId, _n: &str) -> UpstreamMetrics { UpstreamMetrics }
}
#[derive(Debug, Default)]
pub struct UpstreamMetrics;
impl UpstreamMetrics { pub fn asked(&self, _t: &str, _d: Duration, _e: Option<&crate::upstream::UpstreamError>) {} }
