//! Parser for faults of the simulated plant: `KIND[:WHERE]@START+LENGTH[/EVERY][=AMOUNT]`.

use std::str::FromStr;

use super::config::parse_duration;
use crate::domain::device::Protocol;
use crate::sim::SIMULATED_PROTOCOLS;
use crate::sim::fault::{FaultKind, FaultSchedule, PlantFault, Sensor};

const FORM: &str = "write KIND:TAG@START+LENGTH, such as drift:motor.temperature@60s+30s, spike, stuck, or disconnect@5m+20s \
                    (disconnect:PROTOCOL for devices of one); then /EVERY, such as /10m, to repeat it, and =AMOUNT for how far \
                    drift and spike go";

/// Parses a fault.
///
/// # Errors
/// Says which part is wrong and what it may be.
pub fn parse(text: &str) -> Result<PlantFault, String> {
    let whole = || format!("`{text}` is no fault: {FORM}");
    let (text, amount) = match text.split_once('=') {
        Some((text, amount)) => (text, Some(parse_amount(amount)?)),
        None => (text, None),
    };
    let (what, when) = text.split_once('@').ok_or_else(whole)?;
    let (kind, place) = match what.split_once(':') {
        Some((kind, place)) => (kind, Some(place)),
        None => (what, None),
    };
    let sensor = || parse_sensor(place.ok_or_else(whole)?);
    let what = match kind {
        "drift" => {
            sensor().map(|sensor| FaultKind::Drift(sensor, amount.unwrap_or(sensor.default_amount())))?
        }
        "spike" => {
            sensor().map(|sensor| FaultKind::Spike(sensor, amount.unwrap_or(sensor.default_amount())))?
        }
        "stuck" => FaultKind::Stuck(sensor()?),
        "disconnect" => FaultKind::Disconnect(place.map(parse_protocol).transpose()?),
        _ => return Err(format!("`{kind}` is not one of drift, spike, stuck, disconnect: {FORM}")),
    };
    if amount.is_some() && matches!(what, FaultKind::Stuck(_) | FaultKind::Disconnect(_)) {
        return Err(format!("{kind} takes no amount: {FORM}"));
    }
    Ok(PlantFault { kind: what, schedule: parse_schedule(when).ok_or_else(whole)?? })
}

/// Parses the schedule; the outer `None` means that the text has another form.
fn parse_schedule(text: &str) -> Option<Result<FaultSchedule, String>> {
    let (start, rest) = text.split_once('+')?;
    let (length, every) = match rest.split_once('/') {
        Some((length, every)) => (length, Some(every)),
        None => (rest, None),
    };
    let durations = || -> Result<FaultSchedule, String> {
        let (start, length) = (duration(start)?, duration(length)?);
        let every = every.map(duration).transpose()?;
        if length.is_zero() {
            return Err("the length of a fault must be above zero".to_owned());
        }
        if every.is_some_and(|every| every < length) {
            return Err(
                "a fault must end before it repeats: the time after `/` must be at least that after `+`"
                    .to_owned(),
            );
        }
        Ok(FaultSchedule { start, length, every })
    };
    Some(durations())
}

fn duration(text: &str) -> Result<std::time::Duration, String> {
    parse_duration(text).ok_or_else(|| format!("`{text}` is no duration such as 500ms, 60s or 5m"))
}

fn parse_amount(text: &str) -> Result<f64, String> {
    let amount = f64::from_str(text).ok().filter(|amount| amount.is_finite());
    amount.ok_or_else(|| format!("`{text}` is no amount such as 20 or -3.5"))
}

fn parse_sensor(name: &str) -> Result<Sensor, String> {
    let found = Sensor::from_name(name);
    found.ok_or_else(|| format!("`{name}` is not one of {}", Sensor::ALL.map(Sensor::name).join(", ")))
}

fn parse_protocol(name: &str) -> Result<Protocol, String> {
    let found = SIMULATED_PROTOCOLS.into_iter().find(|protocol| protocol.name() == name);
    found.ok_or_else(|| {
        format!("`{name}` is not one of {}", SIMULATED_PROTOCOLS.map(Protocol::name).join(", "))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn when(start_s: u64, length_s: u64, every_s: Option<u64>) -> FaultSchedule {
        let seconds = Duration::from_secs;
        FaultSchedule { start: seconds(start_s), length: seconds(length_s), every: every_s.map(seconds) }
    }

    #[test]
    fn faults_are_read() {
        for (text, what, when) in [
            ("drift:motor.temperature@60s+30s", FaultKind::Drift(Sensor::Winding, 20.0), when(60, 30, None)),
            ("drift:tank.level@0s+5m=-12.5", FaultKind::Drift(Sensor::Level, -12.5), when(0, 300, None)),
            (
                "spike:motor.vibration@2m+3s/5m=9",
                FaultKind::Spike(Sensor::Vibration, 9.0),
                when(120, 3, Some(300)),
            ),
            ("stuck:furnace.power@1s+1s/1s", FaultKind::Stuck(Sensor::Power), when(1, 1, Some(1))),
            ("disconnect@5m+20s", FaultKind::Disconnect(None), when(300, 20, None)),
            ("disconnect:fenet@5m+20s", FaultKind::Disconnect(Some(Protocol::Fenet)), when(300, 20, None)),
        ] {
            assert_eq!(parse(text), Ok(PlantFault { kind: what, schedule: when }), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_what_would_be_right() {
        for (text, message) in [
            ("", "`` is no fault: write KIND:TAG@START+LENGTH"),
            ("drift:tank.level", "`drift:tank.level` is no fault: write KIND"),
            ("drift@60s+30s", "is no fault: write KIND:TAG"),
            ("drift:tank.level@60s", "is no fault: write KIND:TAG@START+LENGTH"),
            ("leak:tank.level@60s+1s", "`leak` is not one of drift, spike, stuck, disconnect"),
            ("stuck:tank.depth@60s+1s", "`tank.depth` is not one of motor.speed, motor.current"),
            ("disconnect:vnc@60s+1s", "`vnc` is not one of modbus, melsec, fenet"),
            ("stuck:tank.level@60+1s", "`60` is no duration such as 500ms"),
            ("stuck:tank.level@60s+0s", "must be above zero"),
            ("stuck:tank.level@60s+30s/20s", "at least that after `+`"),
            ("stuck:tank.level@60s+30s/x", "`x` is no duration"),
            ("stuck:tank.level@60s+30s=5", "stuck takes no amount"),
            ("spike:tank.level@60s+30s=much", "`much` is no amount such as 20"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
