//! Conversions in both directions, and values that do not fit.
#![cfg(all(feature = "jiff", feature = "chrono", feature = "time"))]

use std::time::SystemTime;

use super::{DateTime, DateTimeError};

const LOCAL: [&str; 5] = [
    "0000-01-01T00:00:00",
    "1998-07-17T14:08:55",
    "2000-02-29T23:59:59.000000001",
    "2026-11-20T21:40:00.5",
    "9999-12-31T23:59:59.999999999",
];

const WITH_OFFSET: [&str; 5] = [
    "0001-01-01T00:00:00Z",
    "1998-07-17T14:08:55+02:00",
    "1998-07-17T14:08:55.25-05:30",
    "1969-12-31T23:59:59.999999999Z",
    "9998-12-31T23:59:59+14:00",
];

fn parsed(text: &str) -> DateTime {
    text.parse().unwrap()
}

#[test]
fn types_without_an_offset_survive_a_round_trip() {
    for text in LOCAL {
        let datetime = parsed(text);
        let jiff = jiff::civil::DateTime::try_from(datetime).unwrap();
        assert_eq!(jiff.to_string(), text);
        assert_eq!(DateTime::try_from(jiff), Ok(datetime));
        let chrono = chrono::NaiveDateTime::try_from(datetime).unwrap();
        assert_eq!(DateTime::try_from(chrono), Ok(datetime));
        let time = time::PrimitiveDateTime::try_from(datetime).unwrap();
        assert_eq!(DateTime::try_from(time), Ok(datetime));
    }
}

#[test]
fn types_with_an_offset_agree_on_the_instant() {
    for text in WITH_OFFSET {
        let datetime = parsed(text);
        let system = SystemTime::from(datetime);
        let since = |time: SystemTime| match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).unwrap(),
            Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap(),
        };
        let nanos = since(system);
        let jiff = jiff::Timestamp::try_from(datetime).unwrap();
        assert_eq!(jiff.as_nanosecond(), nanos, "{text}");
        assert_eq!(SystemTime::from(DateTime::try_from(jiff).unwrap()), system);
        let chrono = chrono::DateTime::<chrono::FixedOffset>::try_from(datetime).unwrap();
        let seconds = i128::from(chrono.timestamp()) * 1_000_000_000;
        assert_eq!(
            seconds + i128::from(chrono.timestamp_subsec_nanos()),
            nanos,
            "{text}"
        );
        assert_eq!(DateTime::try_from(chrono), Ok(datetime));
        assert_eq!(
            DateTime::try_from(chrono.to_utc()),
            Ok(DateTime::from(system))
        );
        let time = time::OffsetDateTime::try_from(datetime).unwrap();
        assert_eq!(time.unix_timestamp_nanos(), nanos, "{text}");
        assert_eq!(DateTime::try_from(time), Ok(datetime));
    }
}

#[test]
fn a_missing_offset_and_values_out_of_range_are_refused() {
    let local = parsed("1998-07-17T14:08:55");
    assert_eq!(
        jiff::Timestamp::try_from(local),
        Err(DateTimeError::NoOffset)
    );
    assert_eq!(
        time::OffsetDateTime::try_from(local),
        Err(DateTimeError::NoOffset)
    );
    let chrono = chrono::DateTime::<chrono::Utc>::try_from(local);
    assert_eq!(chrono, Err(DateTimeError::NoOffset));

    let before = jiff::civil::DateTime::constant(-1, 1, 1, 0, 0, 0, 0);
    assert_eq!(
        DateTime::try_from(before),
        Err(DateTimeError::Range("year"))
    );
    let offset = chrono::FixedOffset::east_opt(90).unwrap();
    let odd = chrono::DateTime::UNIX_EPOCH.with_timezone(&offset);
    assert_eq!(DateTime::try_from(odd), Err(DateTimeError::Range("offset")));
}

#[test]
fn a_leap_second_is_kept_if_the_type_has_leap_seconds() {
    let leap = parsed("2016-12-31T23:59:60.5");
    let chrono = chrono::NaiveDateTime::try_from(leap).unwrap();
    assert_eq!(DateTime::try_from(chrono), Ok(leap));
    let before = parsed("2016-12-31T23:59:59.5");
    let jiff = jiff::civil::DateTime::try_from(leap).unwrap();
    assert_eq!(DateTime::try_from(jiff), Ok(before));
    let time = time::PrimitiveDateTime::try_from(leap).unwrap();
    assert_eq!(DateTime::try_from(time), Ok(before));
}
