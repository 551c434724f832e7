//! Random bytes for the hash maps of a library, from the gateway.
//!
//! `getrandom` knows no source for a component, and takes the function of this name instead where
//! it is compiled with `--cfg getrandom_backend="custom"` (`.cargo/config.toml`).

#![allow(unsafe_code, reason = "getrandom finds its source by the name of a function that gets a pointer")]

use tollgate_plugin_sdk::random;

/// # Safety
///
/// `dest` must be valid for `len` bytes to be written.
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(dest: *mut u8, len: usize) -> Result<(), getrandom::Error> {
    let count = u32::try_from(len).map_err(|_| getrandom::Error::UNEXPECTED)?;
    let bytes = random::bytes(count);
    if bytes.len() != len {
        return Err(getrandom::Error::UNEXPECTED);
    }
    // SAFETY: the caller vouches for `len` bytes at `dest`, and `bytes` is new memory of that length.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), dest, len) };
    Ok(())
}
