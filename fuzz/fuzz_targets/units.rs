//! Durations and sizes of any text, in the gateway and in the SDK: both read the same durations as
//! the same time.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate::config::{parse_duration, parse_size};
use tollgate_plugin_sdk::duration::Duration;
use tollgate_plugin_sdk::size::Size;

fuzz_target!(|text: &str| {
    let (gateway, plugin) = (parse_duration(text), text.parse::<Duration>());
    match (&gateway, &plugin) {
        (Ok(gateway), Ok(plugin)) => assert_eq!(*gateway, std::time::Duration::from(*plugin)),
        // The gateway has no use for a duration of nothing.
        (Err(_), Ok(plugin)) => assert!(plugin.is_zero(), "{text}"),
        (Err(_), Err(_)) => {}
        // The interface counts in 32 bits.
        (Ok(gateway), Err(_)) => assert!(*gateway > std::time::Duration::from(Duration::MAX), "{text}"),
    }
    if let Ok(duration) = plugin {
        assert!(duration <= Duration::MAX);
        assert_eq!(duration.to_string().parse(), Ok(duration));
    }
    let (gateway, plugin) = (parse_size(text), text.parse::<Size>());
    match (&gateway, &plugin) {
        (Ok(gateway), Ok(plugin)) => assert_eq!(*gateway, u64::from(plugin.as_bytes())),
        (Err(_), Ok(plugin)) => assert!(plugin.is_zero(), "{text}"),
        (Err(_), Err(_)) => {}
        (Ok(gateway), Err(_)) => assert!(*gateway > u64::from(u32::MAX), "{text}"),
    }
});
