pub mod body;
pub mod config;
pub mod upstream;
