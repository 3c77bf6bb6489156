//! Dates: the texts of a parsed date parse to the same date.
#![no_main]

use std::time::SystemTime;

use farcall::DateTime;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(date) = text.parse::<DateTime>() else {
        return;
    };
    assert_eq!(date.to_string().parse(), Ok(date));
    assert_eq!(date.basic().to_string().parse(), Ok(date));
    let time = SystemTime::from(date);
    let again = SystemTime::from(DateTime::from(time));
    // In the first and last year, the offset may lead out of the range of years.
    if (1..9999).contains(&date.year()) {
        assert_eq!(again, time, "the moment has changed");
    }
});
