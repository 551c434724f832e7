pub mod admin;
pub mod config {
    pub mod model;
}
pub mod telemetry;
