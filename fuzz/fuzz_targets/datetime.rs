//! Dates: what is read is shown as texts that are read as the same.
#![no_main]

use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use rpc_core::DateTime;

fuzz_target!(|text: &str| {
    let Ok(date) = text.parse::<DateTime>() else {
        return;
    };
    assert_eq!(date.to_string().parse(), Ok(date));
    assert_eq!(date.basic().to_string().parse(), Ok(date));
    let time = SystemTime::from(date);
    let again = SystemTime::from(DateTime::from(time));
    // At the ends, the offset may lead beyond the years that can be shown.
    if (1..9999).contains(&date.year()) {
        assert_eq!(again, time, "the moment is the same");
    }
});
