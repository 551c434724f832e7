use std::path::Path;
pub struct Built { pub name: String, pub wasm: Vec<u8> }
pub fn new_crate(_: &Path, _: &Path) -> std::io::Result<()> { Ok(()) }
pub fn build_one(_: &Path) -> std::io::Result<Built> { Err(std::io::Error::other("x")) }
